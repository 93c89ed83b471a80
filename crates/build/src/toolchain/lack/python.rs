//! What the bindings of Python lack beside kinds of types.

use wit_parser::{FunctionKind, TypeDefKind, WorldItem, WorldKey};

use super::{
    Item, Of, interfaces, items,
    meet::{self, Scope},
    other_name, resource_alone,
};
use crate::{
    Language, World,
    toolchain::python::name::Names,
    word::{pascal, snake},
};

/// What stands before functions of classes in the bindings.
const DECORATORS: &[&str] = &["abstractmethod", "classmethod"];

/// Whether the bindings make a class of a type.
type Makes = fn(&TypeDefKind) -> bool;

/// Classes of Python's library, with the types that the bindings make of them.
const BASES: &[(&str, Makes)] = &[
    ("Enum", |kind| matches!(kind, TypeDefKind::Enum(_))),
    ("Flag", |kind| matches!(kind, TypeDefKind::Flags(_))),
    ("Protocol", |kind| matches!(kind, TypeDefKind::Resource)),
    ("Union", |kind| matches!(kind, TypeDefKind::Variant(_))),
];

pub(super) fn of(world: &World) -> Option<String> {
    let own = &world.resolve.worlds[world.id];
    let both = own.imports.iter().chain(&own.exports);
    if let Some(said) = other_name("the bindings of Python do", world, both) {
        return Some(said);
    }
    if let Some(resource) = resource_alone(world) {
        return Some(format!(
            "it imports the resource `{resource}` by itself, which Python's bindings lack; move it into an \
             interface"
        ));
    }
    let of_import = own.imports.iter().find_map(|(key, item)| match (key, item) {
        (WorldKey::Name(name), WorldItem::Interface { id, .. }) => {
            let interface = &world.resolve.interfaces[*id];
            (!interface.functions.is_empty()).then(|| {
                format!(
                    "its import `{name}` is not an interface of a package, and Python's bindings \
                     lack the functions of such imports; move it into an interface of a package, \
                     and import that"
                )
            })
        }
        _ => None,
    });
    of_import
        .or_else(|| parameter(world))
        .or_else(|| items(world).iter().find_map(|item| of_item(world, item)))
        .or_else(|| classes(world))
}

/// Names that definitions in classes use, and what is hidden from them.
fn of_item(world: &World, item: &Item<'_>) -> Option<String> {
    match item.of {
        Of::Type(id) => {
            let kind = &world.resolve.types[id].kind;
            meet::cases(Language::Python, kind, &item.name, |case| match kind {
                TypeDefKind::Enum(_) => snake(case),
                _ => pascal(case),
            })
        }
        Of::Function(function) => DECORATORS.contains(&function.item_name()).then(|| {
            format!("{} is called as a decorator that Python's bindings use; rename it", item.name)
        }),
    }
}

/// Classes that become one, or hide those that the bindings make others of.
fn classes(world: &World) -> Option<String> {
    let own = &world.resolve.worlds[world.id];
    let mut exported = Scope::new(Language::Python);
    if own.exports.values().any(|item| matches!(item, WorldItem::Function(_))) {
        exported.add("WitWorld".to_owned(), "the world itself");
    }
    let names = Names::of(world);
    for (id, is_export) in interfaces(world) {
        let interface = &world.resolve.interfaces[id];
        let name = world.interface_name(id);
        let class = is_export && !interface.functions.is_empty();
        let said = class.then(|| exported.add(pascal(&names.name(id)), &format!("`{name}`")));
        if let Some(said) = said.flatten() {
            return Some(said);
        }
        let mut scope = Scope::new(Language::Python);
        for (ty, id) in &interface.types {
            let base = BASES.iter().find(|(base, _)| *base == pascal(ty));
            let is_hidden = base.is_some_and(|(_, is_made)| {
                let mut others = interface.types.values().filter(|other| *other != id);
                others.any(|other| is_made(&world.resolve.types[*other].kind))
            });
            if is_hidden {
                return Some(format!(
                    "`{ty}` of `{name}` is called as the class `{}` that Python's bindings make other types \
                     of; rename it",
                    pascal(ty)
                ));
            }
            if let Some(said) = scope.add(pascal(ty), &format!("`{ty}` of `{name}`")) {
                return Some(said);
            }
        }
    }
    None
}

/// A parameter that is called as what each method has before all others.
fn parameter(world: &World) -> Option<String> {
    items(world).iter().find_map(|item| {
        let Of::Function(function) = item.of else { return None };
        let (first, own) = match function.kind {
            FunctionKind::Freestanding | FunctionKind::AsyncFreestanding if !item.is_export => {
                return None;
            }
            FunctionKind::Method(_) | FunctionKind::AsyncMethod(_) => ("self", 1),
            FunctionKind::Static(_) | FunctionKind::AsyncStatic(_) => ("cls", 0),
            _ => ("self", 0),
        };
        let mut names = function.params.iter().skip(own);
        names.any(|parameter| parameter.name == first).then(|| {
            format!(
                "{} has a parameter `{first}`, the name of the first parameter of every Python \
                 method; rename it",
                item.name
            )
        })
    })
}
