//! Names that Rust's bindings write as they are, and Rust does not take.

use std::collections::BTreeSet;

use wit_bindgen_core::name_package_module;
use wit_parser::{
    Function, FunctionKind, IndexMap, InterfaceId, Resolve, Type, TypeDefKind, TypeId, WorldItem,
    WorldKey,
};

use super::{Item, Of, interfaces, items, parts, same_symbol};
use crate::{
    Language, World,
    word::{escape, snake},
};

/// What `wit-bindgen` has in each imported resource beside its methods.
const IN_IMPORTED_RESOURCES: &[&str] = &["handle", "take-handle", "from-handle"];

/// Why the bindings of a world are no Rust; none if they are.
pub(crate) fn names(world: &World) -> Option<String> {
    package(world)
        .or_else(|| items(world).iter().find_map(|item| of_item(&world.resolve, item)))
        .or_else(|| {
            interfaces(world).find_map(|(id, is_export)| of_interface(world, id, is_export))
        })
        .or_else(|| modules(world))
}

/// A package whose module would have a word of Rust as its name.
fn package(world: &World) -> Option<String> {
    let World { resolve, .. } = world;
    let packages = interfaces(world).filter_map(|(id, _)| resolve.interfaces[id].package);
    let module = |id| name_package_module(resolve, id);
    let mut reserved = packages.filter(|id| escape(Language::Rust, &module(*id)) != module(*id));
    reserved.next().map(|id| {
        let name = &resolve.packages[id].name;
        format!(
            "its package `{}:{}` is named after a Rust keyword, which the bindings do not escape; \
             rename it",
            name.namespace, name.name
        )
    })
}

fn of_item(resolve: &Resolve, item: &Item<'_>) -> Option<String> {
    let name = &item.name;
    match item.of {
        Of::Type(id) => {
            let ty = &resolve.types[id];
            let is_self = |name: &str| name.eq_ignore_ascii_case("self");
            let cases: Vec<&str> = match &ty.kind {
                TypeDefKind::Variant(variant) => variant.cases.iter().map(|c| &*c.name).collect(),
                TypeDefKind::Enum(of) => of.cases.iter().map(|case| &*case.name).collect(),
                _ => Vec::new(),
            };
            let is_type = ty.name.as_deref().is_some_and(is_self);
            let is_wrong = is_type || cases.into_iter().any(is_self);
            is_wrong.then(|| {
                let what = if is_type { "is called `self`" } else { "has the case `self`" };
                format!(
                    "{name} {what}, which Rust's bindings write as `Self`, a Rust keyword; \
                         rename it"
                )
            })
        }
        Of::Function(function) => of_function(resolve, item, function),
    }
}

fn of_function(resolve: &Resolve, item: &Item<'_>, function: &Function) -> Option<String> {
    let name = &item.name;
    let is_method = function.kind.resource().is_some()
        && !matches!(function.kind, FunctionKind::Constructor(_));
    if is_method && !item.is_export && IN_IMPORTED_RESOURCES.contains(&function.item_name()) {
        return Some(format!(
            "{name} has the name of a function that Rust's bindings add to each imported resource; \
             rename it"
        ));
    }
    let result = function.result.map(|result| alias_of(resolve, result));
    if item.is_export && result == Some(Type::ErrorContext) {
        return Some(format!(
            "{name} returns an `error-context` alone, for which Rust has no bindings; return it in a \
             `result` or a `tuple` with something else"
        ));
    }
    let moves_list = |ty: Type| has_moved_list(resolve, ty);
    if !item.is_export && function.params.iter().any(|parameter| moves_list(parameter.ty)) {
        return Some(format!(
            "{name} takes a list of fixed length whose elements are not plain numbers, which \
             Rust's bindings cannot pass to an import; use a list"
        ));
    }
    None
}

fn alias_of(resolve: &Resolve, ty: Type) -> Type {
    match ty {
        Type::Id(id) => match resolve.types[id].kind {
            TypeDefKind::Type(of) => alias_of(resolve, of),
            _ => ty,
        },
        _ => ty,
    }
}

/// Whether there is a list of fixed length in it whose elements Rust moves.
fn has_moved_list(resolve: &Resolve, ty: Type) -> bool {
    let Type::Id(id) = ty else { return false };
    let kind = &resolve.types[id].kind;
    match kind {
        TypeDefKind::FixedLengthList(element, _) => is_moved(resolve, *element),
        _ => parts(kind).into_iter().any(|part| has_moved_list(resolve, part)),
    }
}

/// Whether Rust moves a value of this type, and does not copy it.
fn is_moved(resolve: &Resolve, ty: Type) -> bool {
    match ty {
        Type::String | Type::ErrorContext => true,
        Type::Id(id) => match &resolve.types[id].kind {
            TypeDefKind::Flags(_) | TypeDefKind::Enum(_) => false,
            TypeDefKind::Tuple(_)
            | TypeDefKind::Option(_)
            | TypeDefKind::Type(_)
            | TypeDefKind::Record(_)
            | TypeDefKind::FixedLengthList(..) => {
                parts(&resolve.types[id].kind).into_iter().any(|part| is_moved(resolve, part))
            }
            _ => true,
        },
        _ => false,
    }
}

fn of_interface(world: &World, id: InterfaceId, is_export: bool) -> Option<String> {
    let resolve = &world.resolve;
    let interface = &resolve.interfaces[id];
    let name = world.interface_name(id);
    if is_export && let Some((one, other)) = same_symbol(interface) {
        return Some(format!(
            "`{one}` and `{other}` of `{name}` become one name in Rust's bindings; rename one"
        ));
    }
    let types: BTreeSet<&str> = interface.types.keys().map(String::as_str).collect();
    for (resource, id) in &interface.types {
        if !matches!(resolve.types[*id].kind, TypeDefKind::Resource) {
            continue;
        }
        if let Some(function) = beside_constructor(interface.functions.values(), *id) {
            return Some(format!(
                "`{function}` of `{name}` is called `new`, as the constructor is in Rust; rename it"
            ));
        }
        let made = [format!("{resource}-borrow"), format!("guest-{resource}")];
        let made = made.iter().find(|made| is_export && types.contains(made.as_str()));
        if let Some(made) = made {
            return Some(format!(
                "`{made}` of `{name}` has the name of something that Rust's bindings generate for \
                 the resource `{resource}`; rename it"
            ));
        }
    }
    None
}

/// A function `new` of a resource that has a constructor too.
fn beside_constructor<'a>(
    functions: impl Iterator<Item = &'a Function> + Clone,
    resource: TypeId,
) -> Option<&'a str> {
    let mut of_resource = functions.filter(|function| function.kind.resource() == Some(resource));
    let has_constructor =
        of_resource.clone().any(|function| matches!(function.kind, FunctionKind::Constructor(_)));
    let named = of_resource.find(|function| function.item_name() == "new");
    named.filter(|_| has_constructor).map(|function| function.name.as_str())
}

/// An interface that is written into the world's imports, and whose module has the name of a package's.
fn modules(world: &World) -> Option<String> {
    let found = meeting(world, &world.resolve.worlds[world.id].imports);
    found.first().map(|name| {
        format!(
            "its interface `{name}` and the namespace `{name}` of a package become one module in \
             Rust's bindings; rename one"
        )
    })
}

/// The interfaces written into the world's exports of which the same is true: they need bindings of their
/// own.
pub(crate) fn apart(world: &World) -> Vec<String> {
    meeting(world, &world.resolve.worlds[world.id].exports)
}

fn meeting(world: &World, items: &IndexMap<WorldKey, WorldItem>) -> Vec<String> {
    let namespaces: BTreeSet<String> = items
        .keys()
        .filter_map(|key| match key {
            WorldKey::Interface(id) => world.resolve.interfaces[*id].package,
            WorldKey::Name(_) => None,
        })
        .map(|package| word(&world.resolve.packages[package].name.namespace))
        .collect();
    let inline = items.iter().filter_map(|(key, item)| match (key, item) {
        (WorldKey::Name(name), WorldItem::Interface { .. }) => Some(name.clone()),
        _ => None,
    });
    inline.filter(|name| namespaces.contains(&word(name))).collect()
}

fn word(name: &str) -> String {
    escape(Language::Rust, &snake(name))
}
