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
mod sql;
mod tls;
mod view;
mod wasi;

pub(crate) use deny::Denied;

use std::sync::Arc;

use keyway_component::{Authority, UnitImport, authority, is_provided};
use wasmtime::component::{Component, Linker, types::ComponentItem};

use self::{
    form::Form,
    import::{Import, Target},
};
use crate::{
    grant::plan::Plan,
    state::{NOBODY, State},
};

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

/// A linker that meets all imports of `component`.
///
/// # Errors
/// If the component imports what no host can meet even by denying, such as a core module.
pub(crate) fn bind(
    engine: &wasmtime::Engine,
    component: &Component,
    imports: &[UnitImport],
    plan: &Arc<Plan>,
) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    let ty = component.component_type();
    let mut seen = deny::Resources::default();
    for (name, item) in ty.imports(engine) {
        let import = imports.iter().find(|import| import.name == name);
        let slot = import.and_then(|import| import.component).unwrap_or(NOBODY);
        let interface = import.map_or(name, |import| import.interface.as_str());
        let denial = deny::Denial::new(plan, slot, interface);
        match item.ty {
            ComponentItem::ComponentInstance(instance) => {
                let mut target = linker.instance(name)?;
                deny::instance(&mut target, engine, &instance, &denial, &mut seen)?;
                if is_granted(plan, slot, interface)
                    && let Some(import) = import
                {
                    let form = Form::of(engine, &instance);
                    provide(&mut target, Import { interface: &import.interface, form, slot })?;
                    if wasi::gives_folders(interface) && !has_folders(plan, slot) {
                        deny::folders(&mut target, &denial)?;
                    }
                    for (function, network) in wasi::ways_out(interface) {
                        if !network.is_granted(plan, slot) {
                            deny::way_out(
                                &mut target,
                                engine,
                                &instance,
                                function,
                                *network,
                                &denial,
                            )?;
                        }
                    }
                }
            }
            item => deny::item(&mut linker.root(), engine, name, &item, &denial, &mut seen)?,
        }
    }
    Ok(linker)
}

fn has_folders(plan: &Plan, slot: usize) -> bool {
    plan.members.get(slot).is_some_and(|member| !member.principal.grant.files.is_empty())
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

/// Whether the host's functions may be laid over the denial. Most check each call against the
/// grants themselves.
fn is_granted(plan: &Plan, slot: usize, interface: &str) -> bool {
    match (authority(interface), plan.members.get(slot)) {
        (Authority::Unknown, _) => false,
        (Authority::Shared, _) => true,
        // An import of an interface with authority that has no owner is there only for its types.
        (_, None) => false,
        (_, Some(member)) => {
            need::of(interface).is_none_or(|need| (need.is_granted)(&member.principal.grant))
        }
    }
}
