//! Binds a unit's imports to the host. It fails closed: every import is first bound to functions
//! that deny, and then known and granted interfaces replace them, each with the rights of the
//! importing component.

pub(crate) mod blobstore;
#[cfg(test)]
mod closed;
pub(crate) mod config;
mod deny;
mod form;
pub(crate) mod held;
pub(crate) mod keyvalue;
pub(crate) mod logging;
pub(crate) mod messaging;
mod producer;
pub(crate) mod redis;
pub(crate) mod sql;
pub(crate) mod tls;
mod wasi;

pub(crate) use deny::Denied;

use std::sync::Arc;

use keyway_component::{Authority, UnitImport, authority};
use wasmtime::component::{Component, Linker, types::ComponentItem};

use crate::{
    plan::Plan,
    state::{NOBODY, State},
};

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
                if let Some(import) = import
                    && given(plan, slot, &import.interface)
                {
                    let form = form::Form::of(engine, &instance);
                    wasi::bind(&mut target, &import.interface, form, slot)?;
                    if wasi::gives_folders(&import.interface) && !has_folders(plan, slot) {
                        deny::folders(&mut target, &denial)?;
                    }
                    for (function, network) in wasi::ways_out(&import.interface) {
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

/// Whether the interface may be laid over the denial. Interfaces that check each call against
/// the grants themselves (HTTP, sockets, files, environment, output) always may.
fn given(plan: &Plan, slot: usize, interface: &str) -> bool {
    let grant = plan.members.get(slot).map(|member| &member.principal.grant);
    match (authority(interface), grant) {
        (Authority::Unknown, _) => false,
        (Authority::Shared, _) => true,
        // An import of an interface with authority that has no owner is there only for its types.
        (_, None) => false,
        (Authority::Clocks, Some(grant)) => grant.clocks,
        (Authority::Random, Some(grant)) => grant.random,
        (Authority::Tls, Some(grant)) => !grant.tcp.is_empty(),
        (_, Some(_)) => true,
    }
}
