//! Meets an import by denying: every function of it returns its interface's own error, or, where it
//! has none, ends the instance with a sentence that says what was called, and whose call it was.

mod refusal;

use std::sync::Arc;

use keyway_app::{
    grant::SocketDirection,
    lack::{Lack, Protocol},
};
use wasmtime::component::{
    LinkerInstance, ResourceType, Val,
    types::{ComponentFunc, ComponentInstance, ComponentItem},
};

use super::need;
use crate::{
    grant::Principal,
    grant::plan::{Member, Plan},
    state::State,
};

/// Resources that earlier imports brought. An interface that uses one of them does not define it
/// anew.
#[derive(Default)]
pub(super) struct Resources(Vec<ResourceType>);

impl Resources {
    fn is_first(&mut self, ty: ResourceType) -> bool {
        let first = !self.0.contains(&ty);
        if first {
            self.0.push(ty);
        }
        first
    }
}

/// What is denied to whom.
#[derive(Clone)]
pub(super) struct Denial {
    slot: usize,
    interface: Arc<str>,
}

/// The error that a denied call ends with.
#[derive(Debug, thiserror::Error)]
#[error("{component} called {function}, which is not granted")]
pub(crate) struct Denied {
    component: String,
    function: String,
}

/// A resource of a denied interface: there never is one.
struct Nothing;

impl Denial {
    pub(super) fn new(slot: usize, interface: &str) -> Self {
        Self { slot, interface: interface.into() }
    }

    /// Tells of a call of `function` in the instance with this `state`.
    fn call(&self, state: &State, function: &str) -> Denied {
        let function = format!("{}#{function}", self.interface);
        let Some(member) = state.member(self.slot) else {
            return Denied { component: "a component".to_owned(), function };
        };
        match remedy(&self.interface, &member.principal) {
            Some(lack) => member.report(&function, lack),
            None => member.warn(&format!(
                "{function} is always denied: this version of Keyway does not provide it"
            )),
        }
        Denied { component: member.principal.name.clone(), function }
    }
}

/// What a component lacks to have the interface, if its user can give it.
fn remedy(interface: &str, principal: &Principal) -> Option<&'static Lack<'static>> {
    let need = need::of(interface).filter(|need| !(need.is_granted)(&principal.grant))?;
    Some(&need.lack)
}

/// A socket to an address that is not known yet.
fn some_socket(protocol: Protocol) -> Lack<'static> {
    Lack::Socket { protocol, address: None, direction: SocketDirection::Connect }
}

/// Meets every function and resource of `instance`.
pub(super) fn instance(
    target: &mut LinkerInstance<'_, State>,
    engine: &wasmtime::Engine,
    instance: &ComponentInstance,
    denial: &Denial,
    seen: &mut Resources,
) -> wasmtime::Result<()> {
    for (name, export) in instance.exports(engine) {
        item(target, engine, name, &export.ty, denial, seen)?;
    }
    Ok(())
}

/// Meets one item.
pub(super) fn item(
    target: &mut LinkerInstance<'_, State>,
    engine: &wasmtime::Engine,
    name: &str,
    item: &ComponentItem,
    denial: &Denial,
    seen: &mut Resources,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentFunc(ty) => function(target, name, ty, denial),
        ComponentItem::ComponentInstance(inner) => {
            instance(&mut target.instance(name)?, engine, inner, denial, seen)
        }
        ComponentItem::Resource(ty) if seen.is_first(*ty) => {
            target.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(()))
        }
        ComponentItem::Resource(_) | ComponentItem::Type(_) => Ok(()),
        ComponentItem::Module(_) | ComponentItem::Component(_) | ComponentItem::CoreFunc(_) => {
            Err(wasmtime::format_err!(
                "the import `{name}` is a module or component, which no host can provide"
            ))
        }
    }
}

/// Has `wasi:filesystem/preopens` give no folder, and tell of it.
pub(super) fn folders(
    target: &mut LinkerInstance<'_, State>,
    denial: &Denial,
) -> wasmtime::Result<()> {
    let slot = denial.slot;
    target.func_new("get-directories", move |store, _, _, results| {
        if let Some(member) = store.data().member(slot) {
            member.report_folders();
        }
        results[0] = Val::List(Vec::new());
        Ok(())
    })
}

/// A use of the network, for which a component needs at least one grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Network {
    /// Names are resolved for components that may connect somewhere; which address they reach is
    /// checked when they connect.
    Names,
    Tcp,
    Udp,
}

impl Network {
    pub(super) fn is_granted(self, plan: &Plan, slot: usize) -> bool {
        plan.members.get(slot).is_some_and(|member| {
            let grant = &member.principal.grant;
            match self {
                Self::Names => !grant.tcp.is_empty() || !grant.udp.is_empty(),
                Self::Tcp => !grant.tcp.is_empty(),
                Self::Udp => !grant.udp.is_empty(),
            }
        })
    }

    fn report(self, member: &Member) {
        let (what, protocol) = match self {
            // Names are looked up for components that may connect somewhere.
            Self::Names => ("looking up a name", Protocol::Tcp),
            Self::Tcp => ("TCP", Protocol::Tcp),
            Self::Udp => ("UDP", Protocol::Udp),
        };
        member.report(what, &some_socket(protocol));
    }
}

/// Has `function` refuse with its interface's own error, and tell of it. A socket is refused here
/// and not when it is to be connected, because each one that is made takes a file descriptor.
pub(super) fn way_out(
    target: &mut LinkerInstance<'_, State>,
    engine: &wasmtime::Engine,
    instance: &ComponentInstance,
    function: &str,
    network: Network,
    denial: &Denial,
) -> wasmtime::Result<()> {
    let ty = instance.get_export(engine, function).map(|export| export.ty);
    let Some(ComponentItem::ComponentFunc(ty)) = ty else { return Ok(()) };
    let Some(error) = refusal::of(&ty, "") else { return Ok(()) };
    let slot = denial.slot;
    refuse(target, function, &ty, error, move |state| {
        if let Some(member) = state.member(slot) {
            network.report(member);
        }
    })
}

/// Denies a function: by its interface's own error, or by the end of the instance where it has none
/// that could say so.
fn function(
    target: &mut LinkerInstance<'_, State>,
    name: &str,
    ty: &ComponentFunc,
    denial: &Denial,
) -> wasmtime::Result<()> {
    let (denial, function) = (denial.clone(), name.to_owned());
    let says = format!("{}#{name} is not granted", denial.interface);
    if let Some(error) = refusal::of(ty, &says) {
        return refuse(target, name, ty, error, move |state| drop(denial.call(state, &function)));
    }
    if ty.async_() {
        target.func_new_concurrent(name, move |accessor, _, _, _| {
            let denied = accessor.with(|mut store| denial.call(store.get(), &function));
            Box::pin(async move { Err(wasmtime::Error::from(denied)) })
        })
    } else {
        target.func_new(name, move |store, _, _, _| {
            Err(wasmtime::Error::from(denial.call(store.data(), &function)))
        })
    }
}

/// Has a function return `error` after `report`.
fn refuse(
    target: &mut LinkerInstance<'_, State>,
    name: &str,
    ty: &ComponentFunc,
    error: Val,
    report: impl Fn(&State) + Send + Sync + 'static,
) -> wasmtime::Result<()> {
    if ty.async_() {
        target.func_new_concurrent(name, move |accessor, _, _, results| {
            accessor.with(|mut store| report(store.get()));
            results[0] = error.clone();
            Box::pin(async { Ok(()) })
        })
    } else {
        target.func_new_async(name, move |mut store, _, parameters, results| {
            report(store.data());
            results[0] = error.clone();
            let mut handles = Vec::new();
            parameters.iter().for_each(|parameter| refusal::handles(parameter, &mut handles));
            Box::new(async move {
                for handle in handles {
                    handle.resource_drop_async(&mut store).await?;
                }
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use keyway_app::{Grant, lack::FlagGrant};

    use super::*;
    use crate::grant::Remedy;

    #[test]
    fn no_line_is_suggested_that_is_there() {
        let principal = |clocks| Principal {
            name: "timer".to_owned(),
            grant: Grant { clocks, ..Grant::default() },
            links: BTreeMap::new(),
            streams: None,
            remedy: Remedy::default(),
        };
        let (with, without) = (principal(true), principal(false));
        let clock = "wasi:clocks/monotonic-clock@0.2.12";
        assert_eq!(remedy(clock, &without), Some(&Lack::Flag(FlagGrant::Clocks)));
        // A release to come, of which the host has nothing.
        assert_eq!(remedy("wasi:clocks/monotonic-clock@0.2.13", &with), None);
        assert_eq!(remedy("wasi:clocks/timezone@0.2.12", &with), None);
        assert_eq!(remedy("acme:teleport/beam", &without), None);
    }
}
