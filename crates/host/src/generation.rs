//! A generation: all that serves an app from one exchange of its parts to the next. It never
//! changes; an exchange makes another one, which takes over what stays the same.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use keyway_app::{
    App, Component, ComponentName, Grant, HttpTrigger, Limit, Placed, Problem,
    backend::BackendName, keyvalue::StoreLink, sql::DatabaseLink,
};
use keyway_component::UnitImport;
use keyway_runtime::{
    Body, BodyError, Engines, Failure, Key, Principal, Remedy, Room, Unit, UnitSpec,
};
use keyway_trigger::http::{Handler, Peer, Routes};

use crate::{
    backends::Backends,
    listen,
    prepare::{Prepared, PreparedUnit},
    problem::problem,
    serve::Route,
};

/// An app whose units are ready to run.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) backends: Backends,
    /// By their roots.
    units: BTreeMap<ComponentName, Arc<LiveUnit>>,
}

/// A unit that takes requests.
#[derive(Debug)]
pub(crate) struct LiveUnit {
    pub(crate) unit: Arc<Unit>,
    identity: Identity,
    pub(crate) count: Count,
}

/// What requests came to.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) requests: AtomicU64,
    /// Those that have come to their end. Only counted for a canary.
    pub(crate) finished: AtomicU64,
    /// Those that the component failed, or answered with a status of 500 and above.
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
    stores: Vec<(String, StoreLink, Address)>,
    blobs: Vec<(String, StoreLink, Address)>,
    brokers: Vec<(String, Address)>,
    config: Option<Address>,
    databases: Vec<(String, DatabaseLink, Address)>,
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
            && self.backends.stores.is_same(&other.backends.stores)
            && self.shown() == other.shown()
            && listen::is_same(&self.listeners(), &other.listeners())
    }

    /// The routes to its units, some of the requests of which go to a canary.
    pub(crate) fn routes(
        &self,
        canary: Option<(&Self, Share)>,
    ) -> Result<Routes<UnitHandler>, Vec<Problem>> {
        let mut routes = Routes::new();
        for HttpTrigger { host, route, exact, component, place } in &self.prepared.app.triggers {
            let stable = Arc::clone(&self.units[component]);
            let other = canary.and_then(|(canary, share)| {
                let unit = canary.units.get(component)?;
                let differs = !Arc::ptr_eq(unit, &stable);
                differs.then(|| Canary { unit: Arc::clone(unit), share, turns: AtomicU64::new(0) })
            });
            let handler = UnitHandler { stable, canary: other };
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

    /// The unit that a component is the root of.
    pub(crate) fn unit(&self, root: &ComponentName) -> &Arc<LiveUnit> {
        &self.units[root]
    }

    /// The routes as they are told to the user.
    pub(crate) fn shown(&self) -> Vec<Route> {
        let show = |trigger: &HttpTrigger| {
            let unit = self.prepared.units.iter().find(|unit| unit.root == trigger.component);
            Route {
                host: trigger.host.clone(),
                path: trigger.route.clone(),
                fused: unit.map(|unit| unit.components.clone()).unwrap_or_default(),
            }
        };
        self.prepared.app.triggers.iter().map(show).collect()
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
                stores: links(component.map(|component| &component.stores), |to| {
                    backends.stores.get(to).map_or(0, address)
                }),
                blobs: links(component.map(|component| &component.blobs), |to| {
                    backends.places.get(to).map_or(0, address)
                }),
                brokers: component
                    .map(|component| backends.brokers.of(component))
                    .into_iter()
                    .flatten()
                    .map(|(name, broker)| (name, address(&broker)))
                    .collect(),
                config: component
                    .and_then(|component| backends.configs.of(component))
                    .map(|config| address(&config)),
                databases: component
                    .iter()
                    .flat_map(|component| &component.databases)
                    .map(|(identifier, link)| {
                        let address = backends.databases.get(&link.value.to).map_or(0, address);
                        (identifier.clone(), link.value.clone(), address)
                    })
                    .collect(),
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

/// Links with the addresses of what they lead to.
fn links(
    links: Option<&BTreeMap<String, Placed<StoreLink>>>,
    address: impl Fn(&BackendName) -> Address,
) -> Vec<(String, StoreLink, Address)> {
    let links = links.into_iter().flatten();
    let links = links
        .map(|(name, Placed { value: link, .. })| (name.clone(), link.clone(), address(&link.to)));
    links.collect()
}

fn address<T: ?Sized>(open: &Arc<T>) -> Address {
    Arc::as_ptr(open).cast::<()>() as Address
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
            stores: backends.stores.of(component),
            blobs: backends.places.of(component),
            brokers: backends.brokers.of(component),
            config: backends.configs.of(component),
            databases: backends.databases.of(component),
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

/// A part of all requests, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share(pub(crate) u32);

impl Share {
    /// All of them.
    pub(crate) const WHOLE: u64 = 10_000;

    /// Whether the request that is number `turn` belongs to it. They are spread evenly.
    fn has(self, turn: u64) -> bool {
        let had_before = |turn: u64| turn * u64::from(self.0) / Self::WHOLE;
        let turn = turn % Self::WHOLE;
        had_before(turn + 1) > had_before(turn)
    }
}

/// Gives requests to a unit, or some of them to its canary.
#[derive(Debug)]
pub(crate) struct UnitHandler {
    stable: Arc<LiveUnit>,
    canary: Option<Canary>,
}

#[derive(Debug)]
struct Canary {
    unit: Arc<LiveUnit>,
    share: Share,
    turns: AtomicU64,
}

impl UnitHandler {
    /// The unit for the next request, and whether it is the canary.
    fn choose(&self) -> (&Arc<LiveUnit>, bool) {
        match &self.canary {
            Some(canary) if canary.share.has(canary.turns.fetch_add(1, Relaxed)) => {
                (&canary.unit, true)
            }
            _ => (&self.stable, false),
        }
    }
}

impl Handler for UnitHandler {
    fn handle(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> + Send {
        let (live, is_canary) = self.choose();
        let live = Arc::clone(live);
        async move {
            live.count.requests.fetch_add(1, Relaxed);
            let trial = is_canary.then(|| OnTrial { live: Arc::clone(&live), failed: false });
            let answer = live.unit.handle(request, from.scheme).await;
            let failed = is_error(&answer);
            match trial {
                None => {
                    live.count.errors.fetch_add(u64::from(failed), Relaxed);
                    answer
                }
                Some(mut trial) => {
                    trial.failed = failed;
                    answer.map(|response| {
                        response.map(|body| BodyOnTrial { body, trial }.boxed_unsync())
                    })
                }
            }
        }
    }
}

/// A request of a canary, counted at its end.
struct OnTrial {
    live: Arc<LiveUnit>,
    failed: bool,
}

impl Drop for OnTrial {
    fn drop(&mut self) {
        self.live.count.errors.fetch_add(u64::from(self.failed), Relaxed);
        self.live.count.finished.fetch_add(1, Relaxed);
    }
}

/// The body of its answer, which may break off.
struct BodyOnTrial {
    body: Body,
    trial: OnTrial,
}

impl http_body::Body for BodyOnTrial {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Err(_))) = &frame {
            self.trial.failed = true;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether the component is at fault, and not the client or the load.
fn is_error(answer: &Result<Response<Body>, Failure>) -> bool {
    match answer {
        Ok(response) => response.status().is_server_error(),
        Err(
            Failure::Busy { .. }
            | Failure::NoRoom(_)
            | Failure::HostMemory(_)
            | Failure::BodyTooLarge(_)
            | Failure::Request(_),
        ) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_spread_evenly() {
        for (share, of_hundred) in [(0, 0), (1_000, 10), (3_300, 33), (10_000, 100)] {
            let has = |turn| Share(share).has(turn);
            assert_eq!((0..100).filter(|turn| has(*turn)).count(), of_hundred, "{share}");
            let whole = (10_000..20_000).filter(|turn| has(*turn)).count();
            assert_eq!(whole, share as usize);
        }
        let tenth: Vec<u64> = (0..30).filter(|turn| Share(1_000).has(*turn)).collect();
        assert_eq!(tenth, [9, 19, 29]);
    }
}
