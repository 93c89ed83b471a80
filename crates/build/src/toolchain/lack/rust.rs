//! Names that Rust's bindings write as they are, and Rust does not take.

use std::collections::{BTreeMap, BTreeSet};

use wit_bindgen_core::name_package_module;
use wit_parser::{
    Function, FunctionKind, IndexMap, Interface, InterfaceId, Resolve, Type, TypeDefKind, TypeId,
    WorldItem, WorldKey,
};

use super::{
    Item, Of, interfaces, items,
    meet::{self, Scope},
    same_symbol,
};
use crate::{
    Language, World,
    word::{escape, pascal, snake},
    world::parts,
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
            let is_type = ty.name.as_deref().is_some_and(is_self);
            let is_wrong = is_type || meet::names(&ty.kind).into_iter().any(is_self);
            let said = is_wrong.then(|| {
                let what = if is_type { "is called `self`" } else { "has the case `self`" };
                format!(
                    "{name} {what}, which Rust's bindings write as `Self`, a Rust keyword; \
                         rename it"
                )
            });
            said.or_else(|| meet::cases(Language::Rust, &ty.kind, name, pascal))
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
    if !item.is_export
        && let Some(parameter) = hidden(resolve, function)
    {
        return Some(format!(
            "{name} has a parameter `{parameter}`, which Rust's bindings hide with a variable of their own; \
             rename it"
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

/// What the bindings have variables of that are in the way of parameters, each with a number behind it.
const NUMBERED: &[&str] = &["layout", "len", "ptr", "result", "vec"];

/// Variables of the bindings without a number.
const VARIABLES: &[&str] = &["cleanup_list", "ret_area"];

/// A parameter that the bindings of an imported function hide before they pass it on. They number their
/// variables, one for each part of a parameter that is not a plain number.
fn hidden<'a>(resolve: &Resolve, function: &'a Function) -> Option<&'a str> {
    let types = || function.params.iter().map(|parameter| parameter.ty);
    let count: usize = types().map(|ty| composites(resolve, ty)).sum();
    let result = function.result.map_or(0, |ty| composites(resolve, ty));
    let mut fields = Vec::new();
    types().for_each(|ty| add_fields(resolve, ty, &mut fields));
    let is_hidden = |name: &str| {
        let stem = name.trim_end_matches(|last: char| last.is_ascii_digit());
        let is_numbered = NUMBERED.contains(&stem) || fields.iter().any(|field| field == stem);
        let number = name[stem.len()..].parse::<usize>();
        VARIABLES.contains(&name) && count + result > 0
            || is_numbered && number.is_ok_and(|number| number <= count)
    };
    let names = function.params.iter().map(|parameter| parameter.name.as_str());
    names.into_iter().find(|name| is_hidden(&snake(name)))
}

/// How many parts a type has that are not plain numbers.
fn composites(resolve: &Resolve, ty: Type) -> usize {
    match ty {
        Type::String | Type::ErrorContext => 1,
        Type::Id(id) => match &resolve.types[id].kind {
            TypeDefKind::Type(of) => composites(resolve, *of),
            TypeDefKind::Handle(_) => 1,
            kind => {
                1 + parts(kind).into_iter().map(|part| composites(resolve, part)).sum::<usize>()
            }
        },
        _ => 0,
    }
}

/// The fields of all records in a type, which are variables of the bindings too.
fn add_fields(resolve: &Resolve, ty: Type, fields: &mut Vec<String>) {
    let Type::Id(id) = ty else { return };
    let kind = &resolve.types[id].kind;
    if let TypeDefKind::Record(record) = kind {
        fields.extend(record.fields.iter().map(|field| word(&field.name)));
    }
    for part in parts(kind) {
        add_fields(resolve, part, fields);
    }
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
    for id in interface.types.values() {
        if matches!(resolve.types[*id].kind, TypeDefKind::Resource)
            && let Some(function) = beside_constructor(interface.functions.values(), *id)
        {
            return Some(format!(
                "`{function}` of `{name}` is called `new`, as the constructor is in Rust; rename it"
            ));
        }
    }
    types(resolve, interface, &name, is_export)
}

/// Types that become one, and those that are called as what the bindings generate.
fn types(resolve: &Resolve, interface: &Interface, of: &str, is_export: bool) -> Option<String> {
    let is_resource = |id: &TypeId| matches!(resolve.types[*id].kind, TypeDefKind::Resource);
    let resources = interface.types.iter().filter(|(_, id)| is_export && is_resource(id));
    let made = resources.clone().flat_map(|(resource, _)| {
        let class = pascal(resource);
        [format!("{class}Borrow"), format!("Guest{class}")].map(|name| (name, resource))
    });
    let made: BTreeMap<String, &String> = made.collect();
    if let Some((resource, _)) = resources.into_iter().find(|(name, _)| *name == "guest") {
        return Some(format!(
            "`{resource}` of `{of}` has the name of something that Rust's bindings generate for the \
             interface; rename it"
        ));
    }
    if interface.types.contains_key("from") {
        return Some(format!(
            "`from` of `{of}` is called as the trait `From` of Rust, which the bindings use; rename it"
        ));
    }
    let mut scope = Scope::new(Language::Rust);
    interface.types.keys().find_map(|ty| match made.get(&pascal(ty)) {
        Some(resource) => Some(format!(
            "`{ty}` of `{of}` has the name of something that Rust's bindings generate for the resource \
             `{resource}`; rename it"
        )),
        None => scope.add(pascal(ty), &format!("`{ty}` of `{of}`")),
    })
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
