//! Names that Go's bindings use for themselves.

use super::{Of, interfaces, items, same_symbol};
use crate::World;

/// Methods that the bindings give each resource.
const IN_RESOURCES: &[&str] = &["take-handle", "set-handle", "drop", "on-drop"];

/// Why the bindings of a world are no Go; none if they are.
pub(super) fn names(world: &World) -> Option<String> {
    let same = interfaces(world).filter(|(_, is_export)| *is_export).find_map(|(id, _)| {
        let (one, other) = same_symbol(&world.resolve.interfaces[id])?;
        let name = world.interface_name(id);
        Some(format!(
            "`{one}` and `{other}` of `{name}` become one name in Go's bindings; rename one"
        ))
    });
    same.or_else(|| {
        items(world).iter().find_map(|item| {
            let Of::Function(function) = item.of else { return None };
            let is_taken = function.name.starts_with("[method]")
                && IN_RESOURCES.contains(&function.item_name());
            is_taken.then(|| {
                format!(
                    "{} has the name of a method that Go's bindings give each resource; rename it",
                    item.name
                )
            })
        })
    })
}
