//! What the bindings of C++ call things: in a namespace for each interface, and a class for each resource.

use wit_bindgen_c::to_c_ident;
use wit_bindgen_core::name_package_module;
use wit_parser::{Function, FunctionKind, Resolve, Type, TypeDefKind, TypeId, WorldItem, WorldKey};

use super::word::{is_used, is_word};
use crate::{
    Language, World,
    toolchain::alias::{MORE, Naming, Place},
    word::pascal,
};

/// What the class of an exported resource has beside its functions.
const OF_EXPORTS: &[&str] = &["Owned", "ResourceDrop", "ResourceNew", "ResourceRep"];

/// Types of the base of such a class.
const OF_BASE: &[&str] = &["Deregister", "Owned"];

/// The bindings of C++.
pub(super) struct InCpp;

impl Naming for InCpp {
    fn language(&self) -> Language {
        Language::Cpp
    }

    fn always(&self, place: Place<'_>) -> Vec<String> {
        // Classes of resources have these types of their base, which hide others.
        let names = if place.is_export && has_resource(place) { OF_BASE } else { &[] };
        names.iter().map(|name| format!("{}::{name}", space(place))).collect()
    }

    fn resource(&self, place: Place<'_>, name: &str) -> Vec<String> {
        let class = format!("{}::{}", space(place), pascal(name));
        // A class has its own name in it.
        let mut names = vec![format!("{class}::{}", pascal(name))];
        if place.is_export {
            names.extend(OF_EXPORTS.iter().map(|name| format!("{class}::{name}")));
        }
        names.push(class);
        names
    }

    fn function(&self, place: Place<'_>, function: &Function) -> Vec<String> {
        let space = space(place);
        let Some(id) = function.kind.resource() else {
            return vec![format!("{space}::{}", pascal(&function.name))];
        };
        let resource = &place.resolve.types[id];
        let class = format!("{space}::{}", pascal(resource.name.as_deref().unwrap_or_default()));
        let name = match function.kind {
            FunctionKind::Constructor(_) if is_result(place.resolve, function) => {
                "Create".to_owned()
            }
            // What makes an object on the heap.
            FunctionKind::Constructor(_) if place.is_export => "New".to_owned(),
            FunctionKind::Constructor(_) => return Vec::new(),
            _ => pascal(function.item_name()),
        };
        let special = match name.as_str() {
            "New" | "Create" => constructor(place, id).map(|made_by| made_by.params.len()),
            "Dtor" if place.is_export => Some(1),
            _ => return vec![format!("{class}::{name}")],
        };
        // Functions of one name are told apart by their parameters.
        let is_method = matches!(function.kind, FunctionKind::Method(_));
        let count = function.params.len() - usize::from(is_method);
        let other = if special == Some(count) { "" } else { " with other parameters" };
        vec![format!("{class}::{name}{other}")]
    }

    fn ty(&self, place: Place<'_>, name: &str, _: &TypeDefKind) -> Vec<String> {
        vec![format!("{}::{}", space(place), pascal(name))]
    }

    fn member(&self, kind: &TypeDefKind, name: &str) -> String {
        match kind {
            TypeDefKind::Record(_) => to_c_ident(name),
            _ => pascal(name),
        }
    }

    fn is_member_taken(&self, ty: &str, kind: &TypeDefKind, member: &str) -> bool {
        match kind {
            TypeDefKind::Record(_) => is_word(member),
            // No class has a member of its own name.
            TypeDefKind::Variant(_) => pascal(member) == pascal(ty),
            _ => false,
        }
    }

    fn parameter(&self, name: &str) -> String {
        to_c_ident(name)
    }

    fn is_parameter_taken(&self, name: &str) -> bool {
        is_word(name) || is_used(name)
    }
}

fn has_resource(place: Place<'_>) -> bool {
    let types = place.id.map(|id| &place.resolve.interfaces[id].types);
    let mut kinds = types.into_iter().flat_map(|types| types.values());
    kinds.any(|id| matches!(place.resolve.types[*id].kind, TypeDefKind::Resource))
}

fn is_result(resolve: &Resolve, function: &Function) -> bool {
    let Some(Type::Id(id)) = function.result else { return false };
    matches!(resolve.types[id].kind, TypeDefKind::Result(_))
}

fn constructor<'a>(place: Place<'a>, resource: TypeId) -> Option<&'a Function> {
    let functions = place.resolve.interfaces.iter();
    let mut functions = functions.flat_map(|(_, interface)| interface.functions.values());
    functions
        .find(|function| matches!(function.kind, FunctionKind::Constructor(id) if id == resource))
}

fn space(place: Place<'_>) -> String {
    let parts = parts(place).join("::");
    if place.is_export { format!("exports::{parts}") } else { parts }
}

/// The namespaces of a place, without what all exports are in.
fn parts(place: Place<'_>) -> Vec<String> {
    let resolve = place.resolve;
    let id = match place.key {
        None => return vec![to_c_ident(&resolve.worlds[place.world].name)],
        Some(WorldKey::Name(name)) => return vec![to_c_ident(name)],
        Some(WorldKey::Interface(id)) => *id,
    };
    let interface = &resolve.interfaces[id];
    let package = interface.package.expect("an interface with a name is of a package");
    let name = interface.name.as_deref().map(to_c_ident);
    let parts = [
        to_c_ident(&resolve.packages[package].name.namespace),
        to_c_ident(&name_package_module(resolve, package)),
    ];
    parts.into_iter().chain(name).collect()
}

/// Gives an interface that is written into the world a name, so that it has a namespace of its own.
pub(super) fn name_interfaces(world: &mut World) {
    let own = &world.resolve.worlds[world.id];
    let inline: Vec<_> = own
        .imports
        .iter()
        .chain(&own.exports)
        .filter_map(|(key, item)| match (key, item) {
            (WorldKey::Name(name), WorldItem::Interface { id, .. }) => Some((*id, name.clone())),
            _ => None,
        })
        .collect();
    for (id, mut name) in inline {
        let interface = &mut world.resolve.interfaces[id];
        if let (None, Some(package)) = (&interface.name, interface.package) {
            let known = &mut world.resolve.packages[package].interfaces;
            while known.contains_key(&name) {
                name.push_str(MORE);
            }
            known.insert(name.clone(), id);
            interface.name = Some(name);
            // One that is included from another world is a copy of one without a name.
            interface.clone_of = None;
        }
    }
}
