//! Writes other names into a world.

use std::{collections::BTreeMap, mem};

use wit_parser::{
    Function, FunctionKind, IndexMap, Resolve, TypeDefKind, TypeId, WorldItem, WorldKey,
};

use super::{Functions, MORE, Naming, Owner};
use crate::World;

pub(super) fn functions(world: &mut World, called: &Functions) {
    for (id, interface) in &mut world.resolve.interfaces {
        let old = mem::take(&mut interface.functions).into_values();
        let new = old.map(|mut function| {
            rename(&mut function, Some(id), called);
            (function.name.clone(), function)
        });
        interface.functions = new.collect();
    }
    in_world(world, |key, item| {
        let WorldItem::Function(function) = item else { return key };
        rename(function, None, called);
        WorldKey::Name(function.name.clone())
    });
}

fn rename(function: &mut Function, owner: Owner, called: &Functions) {
    let name = mem::take(&mut function.name);
    function.name = called.get(&(owner, name.clone())).cloned().unwrap_or(name);
}

pub(super) fn types(world: &mut World, called: &BTreeMap<TypeId, String>) {
    for (id, name) in called {
        world.resolve.types[*id].name = Some(name.clone());
    }
    for (_, interface) in &mut world.resolve.interfaces {
        let old = mem::take(&mut interface.types).into_iter();
        let new = old.map(|(name, id)| (called.get(&id).cloned().unwrap_or(name), id));
        interface.types = new.collect();
    }
    in_world(world, |key, item| match item {
        WorldItem::Type { id, .. } => called.get(id).cloned().map_or(key, WorldKey::Name),
        _ => key,
    });
}

/// Changes the items of the world itself, and their keys.
fn in_world(world: &mut World, change: impl Fn(WorldKey, &mut WorldItem) -> WorldKey) {
    let own = &mut world.resolve.worlds[world.id];
    for items in [&mut own.imports, &mut own.exports] {
        let old: IndexMap<WorldKey, WorldItem> = mem::take(items);
        let new = old.into_iter().map(|(key, mut item)| (change(key, &mut item), item));
        *items = new.collect();
    }
}

/// Fields and cases.
pub(super) fn members(resolve: &mut Resolve, naming: &dyn Naming) {
    for (_, ty) in &mut resolve.types {
        let Some(name) = ty.name.clone() else { continue };
        let kind = ty.kind.clone();
        let members: Vec<&mut String> = match &mut ty.kind {
            TypeDefKind::Record(record) => record.fields.iter_mut().map(|f| &mut f.name).collect(),
            TypeDefKind::Variant(variant) => {
                variant.cases.iter_mut().map(|c| &mut c.name).collect()
            }
            TypeDefKind::Enum(of) => of.cases.iter_mut().map(|case| &mut case.name).collect(),
            TypeDefKind::Flags(flags) => {
                flags.flags.iter_mut().map(|flag| &mut flag.name).collect()
            }
            _ => Vec::new(),
        };
        let mut known: Vec<String> = Vec::new();
        for member in members {
            let is_taken = |known: &[String], member: &str| {
                let called = naming.member(&kind, member);
                naming.is_member_taken(&name, &kind, member) || known.contains(&called)
            };
            while is_taken(&known, member) {
                member.push_str(MORE);
            }
            known.push(naming.member(&kind, member));
        }
    }
}

pub(super) fn parameters(world: &mut World, naming: &dyn Naming) {
    let own = &mut world.resolve.worlds[world.id];
    let of_world = own.imports.values_mut().chain(own.exports.values_mut());
    let of_world = of_world.filter_map(|item| match item {
        WorldItem::Function(function) => Some(function),
        _ => None,
    });
    let interfaces = world.resolve.interfaces.iter_mut();
    let all = interfaces.flat_map(|(_, interface)| interface.functions.values_mut());
    for function in all.chain(of_world) {
        let is_method =
            matches!(function.kind, FunctionKind::Method(_) | FunctionKind::AsyncMethod(_));
        let mut known: Vec<String> = Vec::new();
        for parameter in function.params.iter_mut().skip(usize::from(is_method)) {
            let is_taken = |known: &[String], name: &str| {
                naming.is_parameter_taken(name) || known.contains(&naming.parameter(name))
            };
            while is_taken(&known, &parameter.name) {
                parameter.name.push_str(MORE);
            }
            known.push(naming.parameter(&parameter.name));
        }
    }
}
