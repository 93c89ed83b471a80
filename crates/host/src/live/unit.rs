//! A unit that takes requests and messages, and what tells it from another.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use keyway_app::{
    App, BackendName, Capability, Code, Component, ComponentName, Grant, Limit, Problem, Rights,
    link::BackendLink,
};
use keyway_component::UnitImport;
use keyway_runtime::{Key, Room, Unit, UnitSpec};

use crate::{
    assembly::prepare::PreparedUnit,
    backend::Backends,
    live::{facilities::Facilities, principal::Principals},
    problem::problem,
};

/// A unit that takes requests and messages.
#[derive(Debug)]
pub(crate) struct LiveUnit {
    pub(crate) unit: Arc<Unit>,
    pub(super) identity: UnitIdentity,
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
pub(super) struct UnitIdentity {
    code: Key,
    imports: Vec<UnitImport>,
    components: Vec<ComponentIdentity>,
    limit: Limit,
}

#[derive(Debug, PartialEq)]
struct ComponentIdentity {
    name: String,
    grant: Grant,
    /// What each name of a capability is linked to, and what is open there.
    links: Vec<(Capability, String, BackendName, Rights, Option<Address>)>,
}

/// Tells what is open from another: two that are open at the same time never have the same.
type Address = usize;

impl LiveUnit {
    /// How long a request may take.
    pub(crate) fn time_limit(&self) -> Duration {
        self.identity.limit.time
    }
}

impl UnitIdentity {
    pub(super) fn of(app: &App, unit: &PreparedUnit, backends: &Backends) -> Self {
        let component = |name: &String| {
            let component = find(app, name);
            ComponentIdentity {
                name: name.clone(),
                grant: component.map(|component| component.grant.clone()).unwrap_or_default(),
                links: component.map(|component| links(component, backends)).unwrap_or_default(),
            }
        };
        Self {
            code: unit.compiled.key.clone(),
            imports: unit.imports.clone(),
            components: unit.components.iter().map(component).collect(),
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

/// Binds units to their rights. All have their instances in the pools of the host.
pub(super) fn make(
    app: &App,
    backends: &Backends,
    facilities: &Facilities,
    missing: Vec<(&PreparedUnit, UnitIdentity)>,
) -> Result<BTreeMap<ComponentName, Arc<LiveUnit>>, Vec<Problem>> {
    let rooms: Vec<Room<'_>> = missing
        .iter()
        .map(|(unit, identity)| Room { compiled: &unit.compiled, limit: &identity.limit })
        .collect();
    let Facilities { engines, shelf, printer, account, .. } = facilities;
    let pools = engines
        .make_room(&rooms)
        .map_err(|error| vec![problem(Code::Engine, error.to_string(), None)])?;
    let principals = Principals::new(app, backends);
    let mut problems = Vec::new();
    let mut units = BTreeMap::new();
    for (PreparedUnit { root, components, imports, compiled, .. }, identity) in missing {
        let spec = UnitSpec {
            name: root.to_string(),
            principals: principals.of(components),
            imports: imports.clone(),
            limit: identity.limit.clone(),
            printer: printer.clone(),
            account: Arc::clone(account),
        };
        match Unit::new(&pools, shelf, compiled, spec) {
            Ok(unit) => {
                let unit = LiveUnit { unit: Arc::new(unit), identity, count: Count::default() };
                units.insert(root.clone(), Arc::new(unit));
            }
            Err(error) => problems.push(Problem {
                place: app.components[root].place.clone(),
                ..problem(Code::Unit, error.to_string(), None)
            }),
        }
    }
    if problems.is_empty() { Ok(units) } else { Err(problems) }
}
