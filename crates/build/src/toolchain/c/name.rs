//! Names that meet in the bindings of C++: a type or a case is called by another there, as it is by
//! nobody outside.

use wit_parser::{TypeDefKind, WorldItem, WorldKey};

use crate::World;

/// What is put behind a name that is taken.
const MORE: &str = "-value";

/// The world with names that are distinct in C++. Functions, interfaces of packages and resources keep
/// theirs, which the component model calls them by.
pub(super) fn distinct(world: &World) -> World {
    let mut world = world.clone();
    for (_, ty) in &mut world.resolve.types {
        // No class has a member of its own name.
        let name = ty.name.clone().unwrap_or_default();
        if let TypeDefKind::Variant(variant) = &mut ty.kind {
            for case in variant.cases.iter_mut().filter(|case| case.name == name) {
                case.name.push_str(MORE);
            }
        }
    }
    // An interface that is written into the world gets a namespace of its own.
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
        }
    }
    world
}
