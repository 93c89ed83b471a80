//! What the bindings of Python lack beside kinds of types.

use wit_parser::{FunctionKind, TypeDefKind, WorldItem, WorldKey};

use super::{Of, items};
use crate::World;

pub(super) fn of(world: &World) -> Option<String> {
    let imports = &world.resolve.worlds[world.id].imports;
    let of_import = imports.iter().find_map(|(key, item)| match (key, item) {
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
        (_, WorldItem::Type { id, .. }) => {
            let ty = &world.resolve.types[*id];
            matches!(ty.kind, TypeDefKind::Resource).then(|| {
                format!(
                    "it imports the resource `{}` by itself, which Python's bindings lack; move it into \
                     an interface",
                    ty.name.as_deref().unwrap_or_default()
                )
            })
        }
        _ => None,
    });
    of_import.or_else(|| parameter(world))
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
