//! From an assembly to a server: compiles the units, binds the address, and serves until a
//! signal says to stop.

use std::{
    collections::BTreeMap, fs, future::Future, net::SocketAddr, num::NonZeroUsize, path::PathBuf,
    sync::Arc, time::Duration,
};

use etcetera::BaseStrategy;
use http::{Request, Response};
use hyper::body::Incoming;
use keyway_app::{ComponentName, HttpTrigger, Problem};
use keyway_runtime::{
    Body, Cache, Compiled, Compiler, Engine, Failure, Principal, Unit, UnitImport, UnitSpec,
};
use keyway_trigger::http::{Handler, Options, Peer, Routes, Server, Tls};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{AssembledUnit, Assembly};

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

/// Serves the routes of `assembly` until SIGTERM or SIGINT, then drains. `announce` is called
/// with the URL when requests are taken.
///
/// # Errors
/// If there is nothing to serve, a unit cannot be compiled or the address cannot be had.
pub fn serve(
    assembly: Assembly,
    options: &ServeOptions,
    announce: impl FnOnce(&str, &[Route]),
) -> Result<(), Vec<Problem>> {
    if assembly.app.triggers.is_empty() {
        return Err(vec![problem(
            "no-trigger",
            format!("the app `{}` has no trigger, so there is nothing to serve", assembly.app.name),
            Some("add a [[trigger.http]] with a route and a component"),
        )]);
    }
    // The address first: a port that is taken is told before minutes of compiling.
    let server = bind(options)?;
    let compiled = compile(&assembly)?;
    let units = units(&assembly, &compiled)?;
    let (routes, shown) = routes(&assembly, &units)?;
    drop((assembly, compiled));

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

fn problem(code: &'static str, message: String, help: Option<&str>) -> Problem {
    Problem { code, message, label: None, help: help.map(str::to_owned), place: None }
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

/// Compiles all units. One that fails does not keep the others' problems from being told.
fn compile(assembly: &Assembly) -> Result<Vec<Compiled>, Vec<Problem>> {
    let folder = etcetera::choose_base_strategy().map_err(|error| {
        let message = format!("there is no place for compiled components: {error}");
        vec![problem("no-home", message, Some("set HOME or XDG_CACHE_HOME"))]
    })?;
    let compiler = Cache::open(folder.cache_dir().join("keyway").join("compiled"))
        .map_err(|error| vec![problem("cache", error.to_string(), None)])
        .and_then(|cache| {
            Compiler::new(cache).map_err(|error| vec![problem("engine", error.to_string(), None)])
        })?;
    let mut problems = Vec::new();
    let mut compiled = Vec::new();
    for AssembledUnit { root, unit } in &assembly.units {
        match compiler.compile(&unit.bytes) {
            Ok(unit) => compiled.push(unit),
            Err(error) => problems.push(Problem {
                place: assembly.app.components[root].place.clone(),
                ..problem("cannot-compile", format!("`{root}`: {error}"), None)
            }),
        }
    }
    if problems.is_empty() { Ok(compiled) } else { Err(problems) }
}

fn units(
    assembly: &Assembly,
    compiled: &[Compiled],
) -> Result<BTreeMap<ComponentName, Arc<Unit>>, Vec<Problem>> {
    let component = |name: &ComponentName| &assembly.app.components[name];
    let needs: Vec<_> = assembly
        .units
        .iter()
        .zip(compiled)
        .map(|(unit, compiled)| {
            let limit = &component(&unit.root).limit;
            (compiled.needs, limit.memory_bytes, limit.table_elements, limit.concurrency)
        })
        .collect();
    let engine =
        Engine::new(&needs).map_err(|error| vec![problem("engine", error.to_string(), None)])?;
    let engine = Arc::new(engine);
    let mut problems = Vec::new();
    let mut units = BTreeMap::new();
    for (AssembledUnit { root, unit }, compiled) in assembly.units.iter().zip(compiled) {
        let spec = UnitSpec {
            name: root.to_string(),
            principals: unit.components.iter().map(|name| principal(assembly, name)).collect(),
            imports: unit
                .imports
                .iter()
                .map(|import| UnitImport {
                    name: import.name.clone(),
                    interface: import.interface.clone(),
                    component: import.component,
                })
                .collect(),
            limit: component(root).limit.clone(),
        };
        match Unit::new(&engine, compiled, spec) {
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

fn principal(assembly: &Assembly, name: &str) -> Principal {
    let component = assembly.app.components.values().find(|c| c.name.as_str() == name);
    let grant = component.map(|component| component.grant.clone()).unwrap_or_default();
    Principal { name: name.to_owned(), grant }
}

fn routes(
    assembly: &Assembly,
    units: &BTreeMap<ComponentName, Arc<Unit>>,
) -> Result<(Routes<UnitHandler>, Vec<Route>), Vec<Problem>> {
    let mut routes = Routes::new();
    let mut shown = Vec::new();
    for HttpTrigger { host, route, component, place } in &assembly.app.triggers {
        let handler = UnitHandler(Arc::clone(&units[component]));
        routes.add(host.as_deref(), route, handler).map_err(|error| {
            vec![Problem { place: place.clone(), ..problem("route", error.to_string(), None) }]
        })?;
        let unit = assembly.units.iter().find(|unit| unit.root == *component);
        let fused = unit.map(|unit| unit.unit.components.clone()).unwrap_or_default();
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
