//! Binds a unit's imports to the host. It fails closed: every import is first bound to functions
//! that deny, and then known and granted interfaces replace them, each with the rights of the
//! importing component.

mod blobstore;
#[cfg(test)]
mod closed;
mod config;
mod deny;
mod form;
mod import;
pub(crate) mod keyvalue;
mod logging;
pub(crate) mod messaging;
mod need;
mod producer;
mod redis;
mod refusal;
mod shape;
mod sql;
mod tls;
mod view;
mod wasi;

pub(crate) use deny::Denied;
pub(crate) use shape::Shape;

use keyway_component::{Authority, authority, is_provided};
use wasmtime::component::{Component, Linker, types::ComponentItem};

use self::{
    form::Form,
    import::{Import, Target},
};
use crate::state::{NOBODY, State};

type Bind = fn(&mut Target<'_>, Import<'_>) -> wasmtime::Result<()>;

/// What binds the interfaces that are not of a release of WASI, by the authority that they give: a
/// row for each capability.
const CAPABILITIES: &[(Authority, Bind)] = &[
    (Authority::KeyValue, keyvalue::bind),
    (Authority::Blobstore, blobstore::bind),
    (Authority::Messaging, messaging::bind),
    (Authority::Config, config::bind),
    (Authority::Sql, sql::bind),
    (Authority::Redis, redis::bind),
    (Authority::Stderr, logging::bind),
    (Authority::Tls, tls::bind),
];

/// A linker that meets all imports of `component`, as `shape` has it.
///
/// # Errors
/// If the component imports what no host can meet even by denying, such as a core module.
pub(crate) fn bind(
    engine: &wasmtime::Engine,
    component: &Component,
    shape: &Shape,
) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    let ty = component.component_type();
    let mut seen = deny::Resources::default();
    for (name, item) in ty.imports(engine) {
        let binding = shape.binding(name);
        let slot = binding.map_or(NOBODY, |binding| binding.slot);
        let interface = binding.map_or(name, |binding| binding.interface.as_str());
        let denial = deny::Denial::new(slot, interface);
        match item.ty {
            ComponentItem::ComponentInstance(instance) => {
                let mut target = linker.instance(name)?;
                deny::instance(&mut target, engine, &instance, &denial, &mut seen)?;
                let Some(binding) = binding.filter(|binding| binding.is_granted) else { continue };
                let form = Form::of(engine, &instance);
                provide(&mut target, Import { interface, form, slot })?;
                if wasi::gives_folders(interface) && !binding.has_folders {
                    deny::folders(&mut target, &denial)?;
                }
                let ways_out = wasi::ways_out(interface).iter();
                for (function, network) in
                    ways_out.filter(|(_, network)| binding.refused.contains(network))
                {
                    deny::way_out(&mut target, engine, &instance, function, *network, &denial)?;
                }
            }
            item => deny::item(&mut linker.root(), engine, name, &item, &denial, &mut seen)?,
        }
    }
    Ok(linker)
}

/// Lays the host's functions over the denial, if the host has them.
fn provide(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    if let Some((path, release)) = wasi::released(import.interface) {
        return wasi::bind(target, path, release, import.slot);
    }
    if !is_provided(import.interface) {
        return Ok(());
    }
    let authority = authority(import.interface);
    match CAPABILITIES.iter().find(|(of, _)| *of == authority) {
        Some((_, bind)) => bind(target, import),
        // It only has types.
        None => Ok(()),
    }
}
