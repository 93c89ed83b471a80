//! A generation: all that serves an app from one swap of its parts to the next. It never
//! changes; a swap makes another one, which takes over what stays the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use keyway_app::{Capability, Code, ComponentName, HttpTrigger, Problem};
use keyway_capability::{
    keyvalue::Store,
    messaging::{Broker, Subscription},
};
use keyway_component::is_of_spin;
use keyway_trigger::http::{Routes, SpinRoute};

use crate::{
    assembly::prepare::Prepared,
    backend::Backends,
    live::{
        canary::{Share, UnitHandler},
        facilities::Facilities,
        listen::{self, Wanted},
        start::Start,
        unit::{self, LiveUnit, UnitIdentity},
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

impl Generation {
    /// Makes the units that `before` does not have.
    ///
    /// # Errors
    /// If a unit does not fit the host.
    pub(crate) fn new(
        prepared: Arc<Prepared>,
        backends: Backends,
        before: Option<&Self>,
        facilities: &Facilities,
    ) -> Result<Self, Vec<Problem>> {
        let mut units = BTreeMap::new();
        let mut missing = Vec::new();
        for unit in &prepared.units {
            let identity = UnitIdentity::of(&prepared.app, unit, &backends);
            let old = before.and_then(|before| before.units.get(&unit.root));
            match old.filter(|old| old.identity == identity) {
                Some(old) => {
                    units.insert(unit.root.clone(), Arc::clone(old));
                }
                None => missing.push((unit, identity)),
            }
        }
        units.extend(unit::make(&prepared.app, &backends, facilities, missing)?);
        Ok(Self { prepared, backends, units })
    }

    /// Every unit with the component that its triggers start.
    pub(crate) fn units(&self) -> impl Iterator<Item = (&ComponentName, &Arc<LiveUnit>)> {
        self.units.iter()
    }

    /// The requests and messages that its units had, and those of them that they failed.
    pub(crate) fn counted(&self) -> (u64, u64) {
        let counts = self.units.values().map(|live| &live.count);
        counts.fold((0, 0), |(requests, errors), count| {
            (requests + count.requests.load(Relaxed), errors + count.errors.load(Relaxed))
        })
    }

    /// Whether it is indistinguishable from `other`.
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
                vec![Problem {
                    place: place.clone(),
                    ..problem(Code::Route, error.to_string(), None)
                }]
            })?;
        }
        Ok(routes)
    }

    /// What the component of a route learns about it, if it expects Spin's headers: because the
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

    /// The subscriptions and watches that it wants, some of whose messages go to a canary.
    pub(crate) fn listeners(&self, canary: Option<(&Self, Share)>) -> Vec<Wanted> {
        let app = &self.prepared.app;
        let messages = app.messages.iter().filter_map(|trigger| {
            let broker: Arc<dyn Broker> =
                self.backends.get(Capability::Messaging, &trigger.from)?;
            let subscription = Subscription {
                topics: trigger.topic.parse().ok()?,
                group: trigger.group.clone(),
                attempts: trigger.attempts,
                // One that is being handled is not to be delivered again.
                patience: self.units[&trigger.component].time_limit() + trigger.grace,
            };
            let handler = self.handler(&trigger.component, canary);
            Some(Wanted::messages(broker, subscription, trigger.concurrency, handler))
        });
        let changes = app.changes.iter().filter_map(|trigger| {
            let links = self.backends.of(app.component(&trigger.component)?);
            let linked = links.get(&(Capability::Keyvalue, trigger.store.clone()))?;
            let store = Arc::clone(linked.get::<Arc<dyn Store>>()?);
            let (component, prefix) = (trigger.component.clone(), trigger.prefix.clone());
            let handler = self.handler(&component, canary);
            Some(Wanted::changes(store, prefix, component, handler))
        });
        messages.chain(changes).collect()
    }

    /// The handler of whatever starts `root`; a canary gets its share.
    fn handler(&self, root: &ComponentName, canary: Option<(&Self, Share)>) -> UnitHandler {
        let canary = canary.and_then(|(canary, share)| Some((canary.units.get(root)?, share)));
        UnitHandler::new(&self.units[root], canary)
    }

    /// What starts its units, as shown to the user.
    pub(crate) fn shown(&self) -> Vec<Start> {
        let show = |(what, root): (String, &ComponentName)| {
            let unit = self.prepared.units.iter().find(|unit| unit.root == *root);
            Start { what, fused: unit.map(|unit| unit.components.clone()).unwrap_or_default() }
        };
        self.prepared.app.starts().into_iter().map(show).collect()
    }
}
