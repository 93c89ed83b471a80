//! Names that meet in Go's bindings: a type is called by another there, as it is by nobody outside.
//!
//! A package of Go has one space of names. A variant `shape` with a case `circle` makes a constant
//! `ShapeCircle`, which is a type's name if there is a record `shape-circle`.

use std::collections::BTreeSet;

use wit_parser::{Function, FunctionKind, Resolve, TypeDefKind, TypeId, WorldItem};

use crate::{World, word::pascal};

/// What is put behind a name that is taken.
const MORE: &str = "-value";

/// The world with types and cases called so that the bindings can be compiled. Functions, interfaces and
/// resources keep their names, which the component model calls them by.
pub(super) fn distinct(world: &World) -> World {
    let mut world = world.clone();
    for (_, ty) in &mut world.resolve.types {
        // The bindings have a method of this name.
        if let TypeDefKind::Variant(variant) = &mut ty.kind {
            for case in variant.cases.iter_mut().filter(|case| case.name == "tag") {
                case.name.push_str(MORE);
            }
        }
    }
    let interfaces: Vec<_> = world.resolve.interfaces.iter().map(|(id, _)| id).collect();
    for id in interfaces {
        let interface = &world.resolve.interfaces[id];
        let taken = interface.functions.values().filter_map(|f| package_name(&world.resolve, f));
        let taken = taken.collect();
        let types: Vec<_> = interface.types.values().copied().collect();
        rename(&mut world.resolve, &types, taken);
        let old = std::mem::take(&mut world.resolve.interfaces[id].types);
        let named = old
            .into_iter()
            .map(|(name, id)| (world.resolve.types[id].name.clone().unwrap_or(name), id));
        let named = named.collect();
        world.resolve.interfaces[id].types = named;
    }
    let own = &world.resolve.worlds[world.id];
    let items = own.imports.values().chain(own.exports.values());
    let (mut taken, mut types) = (BTreeSet::new(), Vec::new());
    for item in items {
        match item {
            WorldItem::Function(function) => taken.extend(package_name(&world.resolve, function)),
            WorldItem::Type { id, .. } => types.push(*id),
            WorldItem::Interface { .. } => {}
        }
    }
    rename(&mut world.resolve, &types, taken);
    world
}

/// Calls `types` so that none of what is made of them is `taken`.
fn rename(resolve: &mut Resolve, types: &[TypeId], mut taken: BTreeSet<String>) {
    let is_resource =
        |resolve: &Resolve, id: TypeId| matches!(resolve.types[id].kind, TypeDefKind::Resource);
    for id in types.iter().filter(|id| is_resource(resolve, **id)) {
        let name = pascal(resolve.types[*id].name.as_deref().unwrap_or_default());
        taken.extend(["", "FromOwnHandle", "FromBorrowHandle"].map(|end| format!("{name}{end}")));
    }
    // Those of many names first: it is easier for a user if only one changes.
    let (many, one): (Vec<TypeId>, Vec<TypeId>) = types
        .iter()
        .filter(|id| !is_resource(resolve, **id))
        .partition(|id| !cases(&resolve.types[**id].kind).is_empty());
    for id in many.into_iter().chain(one) {
        let ty = &mut resolve.types[id];
        let Some(mut name) = ty.name.clone() else { continue };
        while names(&name, &ty.kind).iter().any(|made| taken.contains(made)) {
            name.push_str(MORE);
        }
        taken.extend(names(&name, &ty.kind));
        ty.name = Some(name);
    }
}

fn cases(kind: &TypeDefKind) -> Vec<&str> {
    match kind {
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| &*case.name).collect(),
        TypeDefKind::Enum(of) => of.cases.iter().map(|case| &*case.name).collect(),
        TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| &*flag.name).collect(),
        _ => Vec::new(),
    }
}

/// All that the bindings make of a type in its package.
fn names(name: &str, kind: &TypeDefKind) -> Vec<String> {
    let name = pascal(name);
    let constants: Vec<_> =
        cases(kind).into_iter().map(|case| format!("{name}{}", pascal(case))).collect();
    let makers = constants.iter().map(|constant| format!("Make{constant}"));
    let makers: Vec<_> = match kind {
        TypeDefKind::Variant(_) => makers.collect(),
        _ => Vec::new(),
    };
    [vec![name], constants, makers].concat()
}

/// What a function is called in its package; none for a method.
fn package_name(resolve: &Resolve, function: &Function) -> Option<String> {
    let resource = function.kind.resource();
    let resource = resource.and_then(|id| resolve.types[id].name.as_deref()).map(pascal);
    match function.kind {
        FunctionKind::Freestanding | FunctionKind::AsyncFreestanding => {
            Some(pascal(&function.name))
        }
        FunctionKind::Constructor(_) => resource.map(|resource| format!("Make{resource}")),
        FunctionKind::Static(_) | FunctionKind::AsyncStatic(_) => {
            resource.map(|resource| resource + &pascal(function.item_name()))
        }
        FunctionKind::Method(_) | FunctionKind::AsyncMethod(_) => None,
    }
}
