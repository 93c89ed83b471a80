//! A generation: all that serves an app from one exchange of its parts to the next. It never
//! changes; an exchange makes another one, which takes over what stays the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use keyway_app::{
    App, BackendName, Capability, Component, ComponentName, Grant, HttpTrigger, Limit, Problem,
    Rights, link::BackendLink,
};
use keyway_component::{UnitImport, is_of_spin};
use keyway_runtime::{Engines, Key, Principal, Remedy, Room, Unit, UnitSpec};
use keyway_trigger::http::{Routes, SpinRoute};

use crate::{
    assembly::prepare::{Prepared, PreparedUnit},
    backend::Backends,
    live::{
        canary::{Share, UnitHandler},
        listen,
        serve::Start,
    },
    problem::problem,
};

/// An app whose units are ready to run.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) backends: Backends,
    /// By their roots.
    units: BTreeMap<ComponentName, Arc<LiveUnit>>,
}

/// A unit that takes requests and messages.
#[derive(Debug)]
pub(crate) struct LiveUnit {
    pub(crate) unit: Arc<Unit>,
    identity: Identity,
    pub(crate) count: Count,
}

/// What requests and messages came to.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) requests: AtomicU64,
    /// Those that have come to their end. Only counted for a canary.
    pub(crate) finished: AtomicU64,
    /// Those that the component failed, or answered with an error: a status of 500 and above.
    pub(crate) errors: AtomicU64,
}

/// Everything that a unit was made from. Units with equal ones do the same.
#[derive(Debug, PartialEq)]
struct Identity {
    code: Key,
    imports: Vec<UnitImport>,
    members: Vec<Member>,
    limit: Limit,
}

#[derive(Debug, PartialEq)]
struct Member {
    name: String,
    grant: Grant,
    /// What each name of a capability is linked to, and what is open there.
    links: Vec<(Capability, String, BackendName, Rights, Option<Address>)>,
}

/// Tells what is open from another: two that are open at the same time never have the same.
type Address = usize;

impl Generation {
    /// Makes the units that `before` does not have.
    ///
    /// # Errors
    /// If a unit does not fit the host.
    pub(crate) fn new(
        prepared: Arc<Prepared>,
        backends: Backends,
        before: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let mut units = BTreeMap::new();
        let mut missing = Vec::new();
        for unit in &prepared.units {
            let identity = Identity::of(&prepared.app, unit, &backends);
            let old = before.and_then(|before| before.units.get(&unit.root));
            match old.filter(|old| old.identity == identity) {
                Some(old) => {
                    units.insert(unit.root.clone(), Arc::clone(old));
                }
                None => missing.push((unit, identity)),
            }
        }
        units.extend(make(&prepared.app, &backends, missing)?);
        Ok(Self { prepared, backends, units })
    }

    /// Every unit with the component that its triggers start.
    pub(crate) fn units(&self) -> impl Iterator<Item = (&ComponentName, &Arc<LiveUnit>)> {
        self.units.iter()
    }

    /// Whether nobody could tell it from `other`.
    pub(crate) fn serves_as(&self, other: &Self) -> bool {
        let same_unit = |((root, unit), (other_root, other)): (_, (_, _))| {
            root == other_root && Arc::ptr_eq(unit, other)
        };
        self.units.len() == other.units.len()
            && self.units.iter().zip(&other.units).all(same_unit)
            && self.backends.stores().is_same(other.backends.stores())
            && self.shown() == other.shown()
            && self.spin_routes().eq(other.spin_routes())
            && listen::is_same(&self.listeners(None), &other.listeners(None))
    }

    /// The routes to its units, some of the requests of which go to a canary.
    pub(crate) fn routes(
        &self,
        canary: Option<(&Self, Share)>,
    ) -> Result<Routes<UnitHandler>, Vec<Problem>> {
        let mut routes = Routes::new();
        for trigger in &self.prepared.app.routes {
            let HttpTrigger { host, route, exact, component, place, .. } = trigger;
            let handler = self.handler(component, canary).described(self.spin_route(trigger));
            let added = match exact {
                true => routes.add_exact(host.as_deref(), route, handler),
                false => routes.add(host.as_deref(), route, handler),
            };
            added.map_err(|error| {
                vec![Problem { place: place.clone(), ..problem("route", error.to_string(), None) }]
            })?;
        }
        Ok(routes)
    }

    /// What the component of a route is told of it, where that expects Spin's headers: because the
    /// manifest says so, or because the unit calls interfaces of Spin.
    fn spin_route(&self, trigger: &HttpTrigger) -> Option<SpinRoute> {
        let HttpTrigger { route, exact, component, spin, .. } = trigger;
        let calls_spin = || {
            let mut units = self.prepared.units.iter();
            let unit = units.find(|unit| unit.root == *component)?;
            let mut imports = unit.imports.iter();
            imports.any(|import| is_of_spin(&import.interface)).then_some("")
        };
        let base = spin.as_deref().or_else(calls_spin)?;
        Some(SpinRoute::new(route, base, *exact))
    }

    fn spin_routes(&self) -> impl Iterator<Item = Option<SpinRoute>> {
        self.prepared.app.routes.iter().map(|trigger| self.spin_route(trigger))
    }

    /// Who handles what starts `root`, some of which goes to a canary.
    pub(crate) fn handler(
        &self,
        root: &ComponentName,
        canary: Option<(&Self, Share)>,
    ) -> UnitHandler {
        let canary = canary.and_then(|(canary, share)| Some((canary.units.get(root)?, share)));
        UnitHandler::new(&self.units[root], canary)
    }

    /// The unit that a component is the root of.
    pub(crate) fn unit(&self, root: &ComponentName) -> &Arc<LiveUnit> {
        &self.units[root]
    }

    /// What starts its units, as it is told to the user.
    pub(crate) fn shown(&self) -> Vec<Start> {
        let show = |(what, root): (String, &ComponentName)| {
            let unit = self.prepared.units.iter().find(|unit| unit.root == *root);
            Start { what, fused: unit.map(|unit| unit.components.clone()).unwrap_or_default() }
        };
        self.prepared.app.starts().into_iter().map(show).collect()
    }
}

impl LiveUnit {
    /// How long a request may take.
    pub(crate) fn time_limit(&self) -> Duration {
        self.identity.limit.time
    }
}

impl Identity {
    fn of(app: &App, unit: &PreparedUnit, backends: &Backends) -> Self {
        let member = |name: &String| {
            let component = find(app, name);
            Member {
                name: name.clone(),
                grant: component.map(|component| component.grant.clone()).unwrap_or_default(),
                links: component.map(|component| links(component, backends)).unwrap_or_default(),
            }
        };
        Self {
            code: unit.compiled.key.clone(),
            imports: unit.imports.clone(),
            members: unit.components.iter().map(member).collect(),
            limit: app.components[&unit.root].limit.clone(),
        }
    }
}

/// The links of a component with the addresses of what they lead to.
fn links(
    component: &Component,
    backends: &Backends,
) -> Vec<(Capability, String, BackendName, Rights, Option<Address>)> {
    let links =
        component.links.backends().map(|BackendLink { capability, name, to, rights, .. }| {
            let address = backends.address(capability, to);
            (capability, name.to_owned(), to.clone(), rights.clone(), address)
        });
    links.collect()
}

fn find<'a>(app: &'a App, name: &str) -> Option<&'a Component> {
    app.components.values().find(|component| component.name.as_str() == name)
}

/// Binds units to their rights. All have their instances in the same pools.
fn make(
    app: &App,
    backends: &Backends,
    missing: Vec<(&PreparedUnit, Identity)>,
) -> Result<BTreeMap<ComponentName, Arc<LiveUnit>>, Vec<Problem>> {
    let rooms: Vec<Room<'_>> = missing
        .iter()
        .map(|(unit, identity)| Room { compiled: &unit.compiled, limit: &identity.limit })
        .collect();
    let engines =
        Engines::new(&rooms).map_err(|error| vec![problem("engine", error.to_string(), None)])?;
    let principals = Principals::new(app, backends);
    let mut problems = Vec::new();
    let mut units = BTreeMap::new();
    for (PreparedUnit { root, components, imports, compiled, .. }, identity) in missing {
        let spec = UnitSpec {
            name: root.to_string(),
            principals: principals.of(components),
            imports: imports.clone(),
            limit: identity.limit.clone(),
        };
        match Unit::new(&engines, compiled, spec) {
            Ok(unit) => {
                let unit = LiveUnit { unit: Arc::new(unit), identity, count: Count::default() };
                units.insert(root.clone(), Arc::new(unit));
            }
            Err(error) => problems.push(Problem {
                place: app.components[root].place.clone(),
                ..problem("unit", error.to_string(), None)
            }),
        }
    }
    if problems.is_empty() { Ok(units) } else { Err(problems) }
}

/// The components of an app as bearers of rights.
#[derive(Debug)]
pub(crate) struct Principals(BTreeMap<String, Principal>);

impl Principals {
    /// Each component is made once and not for each of its units, so that a quota counts once.
    pub(crate) fn new(app: &App, backends: &Backends) -> Self {
        let principal = |component: &Component| Principal {
            name: component.name.to_string(),
            grant: component.grant.clone(),
            links: backends.of(component),
            streams: None,
            // A component that stands in no manifest was named by its file.
            remedy: match component.place {
                Some(_) => Remedy::Manifest,
                None => Remedy::Flags,
            },
        };
        let components = app.components.values();
        Self(
            components
                .map(|component| (component.name.to_string(), principal(component)))
                .collect(),
        )
    }

    /// Those of the components of a unit, in their order.
    pub(crate) fn of(&self, components: &[String]) -> Vec<Principal> {
        components.iter().filter_map(|name| self.0.get(name)).cloned().collect()
    }
}
