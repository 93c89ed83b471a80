//! Interfaces that cannot be namespaces of C++, and resources that cannot be its classes.

use wit_bindgen_c::to_c_ident;
use wit_parser::{WorldItem, WorldKey};

use super::resource_alone;
use crate::{World, toolchain::c::is_word};

/// Namespaces that the bindings name from within others, which one of the same name would hide.
const NAMED: &[&str] = &["std", "wit"];

/// Outermost namespaces that cannot be, since C's library has a function or a type of this name, or the
/// bindings have that namespace.
const OUTERMOST: &[&str] = &[
    "abort",
    "atexit",
    "calloc",
    "exit",
    "exports",
    "free",
    "getenv",
    "index",
    "initstate",
    "malloc",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "perror",
    "printf",
    "putenv",
    "puts",
    "qsort",
    "rand",
    "random",
    "realloc",
    "remove",
    "rename",
    "rewind",
    "rindex",
    "scanf",
    "setenv",
    "setkey",
    "setstate",
    "srand",
    "srandom",
    "strcat",
    "strcmp",
    "strcpy",
    "strdup",
    "strlen",
    "system",
    "timespec",
    "timeval",
    "tm",
    "unsetenv",
];

pub(super) fn of(world: &World) -> Option<String> {
    if let Some(resource) = resource_alone(world) {
        return Some(format!(
            "it imports the resource `{resource}` by itself, whose functions the bindings of C++ leave out; \
             move it into an interface"
        ));
    }
    namespace(world)
}

/// A namespace that cannot be.
fn namespace(world: &World) -> Option<String> {
    let own = &world.resolve.worlds[world.id];
    let (imports, exports) = (own.imports.iter(), own.exports.iter());
    let items = imports.map(|item| (item, false)).chain(exports.map(|item| (item, true)));
    items.into_iter().find_map(|((key, item), is_export)| {
        let parts = namespaces(world, key, item);
        let taken = parts.iter().enumerate().find(|(depth, part)| {
            let known = if *depth == 0 && !is_export { OUTERMOST } else { NAMED };
            known.contains(&part.as_str()) || is_word(part)
        });
        let (_, name) = taken?;
        let what = match item {
            WorldItem::Interface { .. } => {
                format!("its interface `{}`", world.resolve.name_world_key(key))
            }
            _ => format!("the world `{}`, which has functions,", own.name),
        };
        Some(format!(
            "{what} gets the namespace `{name}` in C++, which the language or its library has already; \
             rename it"
        ))
    })
}

/// The namespaces that something of the world is in, from the outside.
fn namespaces(world: &World, key: &WorldKey, item: &WorldItem) -> Vec<String> {
    let resolve = &world.resolve;
    let names = match (key, item) {
        (WorldKey::Name(name), WorldItem::Interface { .. }) => vec![name],
        (WorldKey::Interface(id), _) => {
            let interface = &resolve.interfaces[*id];
            let package = interface.package.map(|id| &resolve.packages[id].name);
            let names = package.into_iter().flat_map(|name| [&name.namespace, &name.name]);
            names.chain(&interface.name).collect()
        }
        (WorldKey::Name(_), _) => vec![&resolve.worlds[world.id].name],
    };
    names.into_iter().map(|name| to_c_ident(name)).collect()
}
