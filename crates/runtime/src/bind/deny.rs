//! Meets an import by denying: every function of it ends the call with a sentence that says what
//! was called, and whose call it was.

use std::sync::Arc;

use keyway_app::grant;
use wasmtime::component::{
    LinkerInstance, ResourceType, Type, Val,
    types::{ComponentFunc, ComponentInstance, ComponentItem},
};

use super::need;
use crate::{
    grant::Principal,
    plan::{Member, Plan},
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
    plan: Arc<Plan>,
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
    pub(super) fn new(plan: &Arc<Plan>, slot: usize, interface: &str) -> Self {
        Self { plan: Arc::clone(plan), slot, interface: interface.into() }
    }

    fn call(&self, function: &str) -> Denied {
        let function = format!("{}#{function}", self.interface);
        let Some(member) = self.plan.members.get(self.slot) else {
            return Denied { component: "a component".to_owned(), function };
        };
        match remedy(&self.interface, &member.principal) {
            Some(line) => member.report(&function, line),
            None => member.warn(&format!(
                "{function} is denied, whatever is granted: this version of Keyway does not have it"
            )),
        }
        Denied { component: member.principal.name.clone(), function }
    }
}

/// The line of the manifest that would give the interface to who has not got it, if one would.
fn remedy(interface: &str, principal: &Principal) -> Option<String> {
    let Principal { name, grant, .. } = principal;
    let need = need::of(interface).filter(|need| !(need.is_granted)(grant))?;
    Some((need.line)(name))
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
    let denial = denial.clone();
    target.func_new("get-directories", move |_, _, _, results| {
        if let Some(member) = denial.plan.members.get(denial.slot) {
            member.report_folders();
        }
        results[0] = Val::List(Vec::new());
        Ok(())
    })
}

/// A use of the network, for which a component needs at least one grant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Network {
    /// Names are resolved for those who may connect somewhere; which address they reach is checked
    /// when they do.
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
        let name = &member.principal.name;
        match self {
            Self::Names => member.report("looking up a name", grant::suggest_lookup(name)),
            Self::Tcp => member.report("TCP", grant::suggest_some_tcp(name)),
            Self::Udp => member.report("UDP", grant::suggest_some_udp(name)),
        }
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
    let Some(Type::Result(result)) = ty.results().next() else { return Ok(()) };
    let denied = "access-denied".to_owned();
    let error = match result.err() {
        Some(Type::Enum(_)) => Val::Enum(denied),
        _ => Val::Variant(denied, None),
    };
    let denial = denial.clone();
    let refuse = move |results: &mut [Val]| {
        if let Some(member) = denial.plan.members.get(denial.slot) {
            network.report(member);
        }
        results[0] = Val::Result(Err(Some(Box::new(error.clone()))));
        Ok(())
    };
    if ty.async_() {
        target.func_new_concurrent(function, move |_, _, _, results| {
            let refused = refuse(results);
            Box::pin(async move { refused })
        })
    } else {
        target.func_new_async(function, move |mut store, _, parameters, results| {
            let refused = refuse(results);
            Box::new(async move {
                // The network, which was lent.
                for parameter in parameters {
                    if let Val::Resource(handle) = parameter {
                        handle.resource_drop_async(&mut store).await?;
                    }
                }
                refused
            })
        })
    }
}

fn function(
    target: &mut LinkerInstance<'_, State>,
    name: &str,
    ty: &ComponentFunc,
    denial: &Denial,
) -> wasmtime::Result<()> {
    let (denial, function) = (denial.clone(), name.to_owned());
    if ty.async_() {
        target.func_new_concurrent(name, move |_, _, _, _| {
            let denied = denial.call(&function);
            Box::pin(async move { Err(wasmtime::Error::from(denied)) })
        })
    } else {
        target.func_new(name, move |_, _, _, _| Err(wasmtime::Error::from(denial.call(&function))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use keyway_app::Grant;

    use super::*;
    use crate::grant::Remedy;

    #[test]
    fn no_line_is_suggested_that_is_there() {
        let principal = |clocks| Principal {
            name: "timer".to_owned(),
            grant: Grant { clocks, ..Grant::default() },
            stores: BTreeMap::new(),
            blobs: BTreeMap::new(),
            brokers: BTreeMap::new(),
            config: None,
            databases: BTreeMap::new(),
            streams: None,
            remedy: Remedy::default(),
        };
        let (with, without) = (principal(true), principal(false));
        let clock = "wasi:clocks/monotonic-clock@0.2.12";
        let line = Some("component.timer.grant.clocks = true".to_owned());
        assert_eq!(remedy(clock, &without), line);
        // A release to come, of which the host has nothing.
        assert_eq!(remedy("wasi:clocks/monotonic-clock@0.2.13", &with), None);
        assert_eq!(remedy("wasi:clocks/timezone@0.2.12", &with), None);
        assert_eq!(remedy("acme:teleport/beam", &without), None);
    }
}
