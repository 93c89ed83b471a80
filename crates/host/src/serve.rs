//! From an app to a server: binds the address, has the units prepared, and serves until a signal
//! says to stop.

use std::{
    collections::BTreeMap, fs, future::Future, net::SocketAddr, num::NonZeroUsize, path::PathBuf,
    sync::Arc, time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use keyway_app::{App, ComponentName, HttpTrigger, Problem};
use keyway_runtime::{Body, Engines, Failure, Principal, Room, Unit, UnitSpec};
use keyway_trigger::http::{Handler, Options, Peer, Routes, Server, Tls};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    prepare::{Prepared, PreparedUnit, Workshop},
    problem,
};

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How long running requests may go on at the end.
    pub drain: Duration,
    /// Serve HTTPS, with these.
    pub tls: Option<TlsFiles>,
    /// Threads that serve; as many as there are cores if none.
    pub threads: Option<NonZeroUsize>,
}

/// Where the certificate and its key lie, both in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A route as it is told to the user.
#[derive(Debug, Clone)]
pub struct Route {
    /// The host that it is for; any, if none.
    pub host: Option<String>,
    /// The path prefix.
    pub path: String,
    /// The components of the unit that answers, root first.
    pub fused: Vec<String>,
}

/// Serves the routes of `app` until SIGTERM or SIGINT, then drains. `announce` is called with the
/// URL when requests are taken.
///
/// # Errors
/// If there is nothing to serve, all that is wrong with its components, or the address cannot be
/// had.
pub fn serve(
    app: App,
    options: &ServeOptions,
    announce: impl FnOnce(&str, &[Route]),
) -> Result<(), Vec<Problem>> {
    if app.triggers.is_empty() {
        return Err(vec![problem(
            "no-trigger",
            format!("the app `{}` has no trigger, so there is nothing to serve", app.name),
            Some("add a [[trigger.http]] with a route and a component"),
        )]);
    }
    // The address first: a port that is taken is told before minutes of compiling.
    let server = bind(options)?;
    let prepared = Workshop::open()?.prepare(app)?;
    let units = units(&prepared)?;
    let (routes, shown) = routes(&prepared, &units)?;
    drop(prepared);

    let stop = CancellationToken::new();
    let listener = Signals::listen(stop.clone())
        .map_err(|error| vec![problem("no-signals", error.to_string(), None)])?;
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    announce(&format!("{scheme}://{}/", server.address()), &shown);
    let report = server.serve(routes, stop, options.drain);
    if !report.drained {
        tracing::warn!("{} requests were cut off when the time to drain was over", report.cut);
    }
    listener.finish(async {
        for unit in units.values() {
            unit.finish(options.drain).await;
        }
        keyway_runtime::flush_output().await;
    });
    Ok(())
}

fn bind(options: &ServeOptions) -> Result<Server, Vec<Problem>> {
    let read = |path: &PathBuf| {
        fs::read(path).map_err(|error| {
            let message = format!("the file {} cannot be read: {error}", path.display());
            vec![problem("unreadable-tls", message, None)]
        })
    };
    let tls = match &options.tls {
        None => None,
        Some(files) => {
            Some(Tls { cert_pem: read(&files.certificate)?, key_pem: read(&files.key)? })
        }
    };
    let mut listen = Options { tls, ..Options::default() };
    if let Some(threads) = options.threads {
        listen.threads = threads.get();
    }
    Server::bind(options.listen, listen)
        .map_err(|error| vec![problem("cannot-listen", error.to_string(), None)])
}

/// Binds the units to their rights, each ready to run.
fn units(prepared: &Prepared) -> Result<BTreeMap<ComponentName, Arc<Unit>>, Vec<Problem>> {
    let component = |name: &ComponentName| &prepared.app.components[name];
    let rooms: Vec<Room<'_>> = prepared
        .units
        .iter()
        .map(|unit| Room { compiled: &unit.compiled, limit: &component(&unit.root).limit })
        .collect();
    let engines =
        Engines::new(&rooms).map_err(|error| vec![problem("engine", error.to_string(), None)])?;
    let mut problems = Vec::new();
    let mut units = BTreeMap::new();
    for PreparedUnit { root, components, imports, compiled } in &prepared.units {
        let spec = UnitSpec {
            name: root.to_string(),
            principals: components.iter().map(|name| principal(&prepared.app, name)).collect(),
            imports: imports.clone(),
            limit: component(root).limit.clone(),
        };
        match Unit::new(&engines, compiled, spec) {
            Ok(unit) => {
                units.insert(root.clone(), Arc::new(unit));
            }
            Err(error) => problems.push(Problem {
                place: component(root).place.clone(),
                ..problem("unit", error.to_string(), None)
            }),
        }
    }
    if problems.is_empty() { Ok(units) } else { Err(problems) }
}

fn principal(app: &App, name: &str) -> Principal {
    let component = app.components.values().find(|component| component.name.as_str() == name);
    let grant = component.map(|component| component.grant.clone()).unwrap_or_default();
    Principal { name: name.to_owned(), grant }
}

fn routes(
    prepared: &Prepared,
    units: &BTreeMap<ComponentName, Arc<Unit>>,
) -> Result<(Routes<UnitHandler>, Vec<Route>), Vec<Problem>> {
    let mut routes = Routes::new();
    let mut shown = Vec::new();
    for HttpTrigger { host, route, component, place } in &prepared.app.triggers {
        let handler = UnitHandler(Arc::clone(&units[component]));
        routes.add(host.as_deref(), route, handler).map_err(|error| {
            vec![Problem { place: place.clone(), ..problem("route", error.to_string(), None) }]
        })?;
        let unit = prepared.units.iter().find(|unit| unit.root == *component);
        let fused = unit.map(|unit| unit.components.clone()).unwrap_or_default();
        shown.push(Route { host: host.clone(), path: route.clone(), fused });
    }
    Ok((routes, shown))
}

/// Gives requests to a unit.
#[derive(Debug)]
struct UnitHandler(Arc<Unit>);

impl Handler for UnitHandler {
    fn handle(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> + Send {
        let unit = Arc::clone(&self.0);
        async move { unit.handle(request, from.scheme).await }
    }
}

/// Waits for the signals that end the program, on a thread of its own.
struct Signals {
    runtime: tokio::runtime::Runtime,
    waiting: tokio::task::JoinHandle<()>,
}

impl Signals {
    fn listen(stop: CancellationToken) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("keyway-signals")
            .enable_all()
            .build()?;
        let guard = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        drop(guard);
        let waiting = runtime.spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop.cancel();
        });
        Ok(Self { runtime, waiting })
    }

    /// Runs the last things that have to be waited for.
    fn finish(self, last: impl Future<Output = ()>) {
        self.waiting.abort();
        self.runtime.block_on(last);
    }
}
