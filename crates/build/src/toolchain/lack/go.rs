//! Interfaces that cannot be packages of Go.

use wit_parser::{WorldItem, WorldKey};

use crate::{World, word::snake};

/// Names of packages that nothing can import, and of those that the bindings import.
const TAKEN: &[&str] = &["main", "math", "runtime", "unsafe"];

pub(super) fn of(world: &World) -> Option<String> {
    let own = &world.resolve.worlds[world.id];
    own.imports.iter().chain(&own.exports).find_map(|(key, item)| match (key, item) {
        (WorldKey::Name(name), WorldItem::Interface { .. })
            if TAKEN.contains(&&*snake(name)) =>
        {
            Some(format!(
                "its interface `{name}` becomes the package `{}` in Go's bindings, which has a meaning of \
                 its own in Go; rename it",
                snake(name)
            ))
        }
        _ => None,
    })
}
