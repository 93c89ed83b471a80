//! What the bindings of JavaScript lack beside kinds of types.

use std::collections::BTreeSet;

use wit_parser::{FunctionKind, InterfaceId, TypeDefKind, WorldItem};

use super::{
    Item, Of, interfaces, items,
    meet::{self, Scope},
    other_name,
};
use crate::{Language, World, word::pascal};

/// Classes that the bindings use, and that a class of this name would hide from them.
const USED: &[&str] = &[
    "Array",
    "BigUint64Array",
    "BindingsError",
    "Boolean",
    "FinalizationRegistry",
    "Map",
    "Math",
    "Number",
    "Promise",
    "Symbol",
];

pub(super) fn of(world: &World) -> Option<String> {
    let imports = &world.resolve.worlds[world.id].imports;
    other_name("the bindings of JavaScript do", world, imports)
        .or_else(|| exported(world))
        .or_else(|| imported(world))
        .or_else(|| items(world).iter().find_map(|item| inner(world, item)))
        .or_else(|| interfaces(world).find_map(|(id, _)| of_interface(world, id)))
}

/// Names within a function or a type of which `componentize-js` takes two for one: it leaves `-` out, as
/// later versions of the component model do.
fn inner(world: &World, item: &Item<'_>) -> Option<String> {
    let mut scope = Scope::new(Language::JavaScript);
    let names: Vec<&str> = match item.of {
        Of::Function(function) => function.params.iter().map(|param| &*param.name).collect(),
        Of::Type(id) => match &world.resolve.types[id].kind {
            TypeDefKind::Record(record) => record.fields.iter().map(|field| &*field.name).collect(),
            TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| &*flag.name).collect(),
            kind => meet::names(kind),
        },
    };
    names
        .into_iter()
        .find_map(|name| scope.add(canonical(name), &format!("`{name}` of {}", item.name)))
}

/// The same of the functions and types of an interface.
fn of_interface(world: &World, id: InterfaceId) -> Option<String> {
    let mut scope = Scope::new(Language::JavaScript);
    let interface = &world.resolve.interfaces[id];
    let of = world.interface_name(id);
    let mut names = interface.types.keys().chain(interface.functions.keys());
    names.find_map(|name| scope.add(canonical(name), &format!("`{name}` of `{of}`")))
}

fn canonical(name: &str) -> String {
    name.replace('-', "").to_lowercase()
}

/// Resources whose classes the bindings would mix up.
fn exported(world: &World) -> Option<String> {
    let own = &world.resolve.worlds[world.id];
    let mut seen = BTreeSet::new();
    for (interface, resource) in resources(world, own.exports.values()) {
        let class = pascal(resource);
        let interface = &world.resolve.interfaces[interface];
        if !seen.insert(class.clone()) {
            return Some(format!(
                "it exports two resources `{resource}`, which JavaScript's bindings cannot tell apart; \
                 rename one"
            ));
        }
        if USED.contains(&class.as_str()) {
            return Some(format!(
                "it exports the resource `{resource}`, whose class would take the place of JavaScript's \
                 own `{class}` in the bindings; rename it"
            ));
        }
        let id = interface.types.get(resource).copied();
        let functions = interface.functions.values().filter(|f| f.kind.resource() == id);
        let word = functions.clone().find(|function| {
            let is_static = matches!(function.kind, FunctionKind::Static(_));
            function.item_name() == "constructor"
                && !matches!(function.kind, FunctionKind::Constructor(_))
                || is_static && function.item_name() == "prototype"
        });
        if let Some(function) = word {
            return Some(format!(
                "`{}` of the resource `{resource}` has a name with a special meaning in a \
                 JavaScript class; rename it",
                function.item_name()
            ));
        }
    }
    None
}

/// Imported resources that have one name with the last part of their interfaces'.
fn imported(world: &World) -> Option<String> {
    let own = &world.resolve.worlds[world.id];
    let mut seen = BTreeSet::new();
    resources(world, own.imports.values()).into_iter().find_map(|(id, resource)| {
        let interface = &world.resolve.interfaces[id];
        let name = interface.name.as_deref().unwrap_or_default();
        let version = interface.package.and_then(|id| world.resolve.packages[id].name.version.clone());
        (!seen.insert((name, version, resource))).then(|| {
            format!(
                "it imports two resources `{resource}` of interfaces called `{name}`, which JavaScript's \
                 bindings cannot tell apart; rename one"
            )
        })
    })
}

/// The resources of interfaces.
fn resources<'a>(
    world: &'a World,
    items: impl Iterator<Item = &'a WorldItem>,
) -> Vec<(InterfaceId, &'a str)> {
    let interfaces = items.filter_map(|item| match item {
        WorldItem::Interface { id, .. } => Some(*id),
        _ => None,
    });
    let resources = interfaces.flat_map(|id| {
        let types = world.resolve.interfaces[id].types.iter();
        types.map(move |(name, ty)| (id, name.as_str(), *ty))
    });
    let is_resource = |ty| matches!(world.resolve.types[ty].kind, TypeDefKind::Resource);
    resources.filter(|(_, _, ty)| is_resource(*ty)).map(|(id, name, _)| (id, name)).collect()
}
