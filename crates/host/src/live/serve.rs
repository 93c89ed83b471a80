//! From an app to a server: binds the address, has the app prepared, and serves until a signal
//! says to stop.

use std::{
    fs,
    future::Future,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keyway_app::{App, Problem};
use keyway_build::BuildError;
use keyway_trigger::http::{Ending, Options, Server, Tls};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, AdminSocket},
    assembly::open::{Granted, open_granted},
    live::{
        log,
        running::Running,
        watch::{Seen, watch},
    },
    problem::problem,
};

/// How long requests wait at the start until the app listens: a server that does not answer is not to
/// keep it from serving.
const BEGIN: Duration = Duration::from_secs(1);

/// How long the end waits for whoever reads the output of components.
const FLUSH: Duration = Duration::from_secs(1);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How long running requests may go on at the end, unless a second signal comes.
    pub drain: Duration,
    /// Serve HTTPS, with these.
    pub tls: Option<TlsFiles>,
    /// Threads that serve; as many as there are cores if none.
    pub threads: Option<NonZeroUsize>,
    /// The socket of the admin API; one in the user's folder for such if none.
    pub admin: Option<PathBuf>,
    /// What a single component is granted; for a manifest there is none.
    pub granted: Option<Granted>,
    /// Take in changes to the manifest and to components when their files change.
    pub watch: bool,
}

/// Where the certificate and its key lie, both in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What starts a unit, as it is told to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Which requests, messages or changes.
    pub what: String,
    /// The components of the unit, root first.
    pub fused: Vec<String>,
}

/// What is told to the user while an app is served.
pub trait Narrator: Send + Sync + 'static {
    /// Requests are taken at this URL.
    fn serving(&self, url: &str, starts: &[Start]);

    /// Files have changed, and what they say now is served.
    fn reloaded(&self, starts: &[Start]);

    /// Files have changed, and what they say cannot be served: what was served before is.
    fn failed(&self, problems: &[Problem]);

    /// The sources of a component have changed, and cannot be built: what was served before is.
    fn not_built(&self, component: &str, error: &BuildError);
}

/// Serves the app at `path` until SIGTERM or SIGINT, then drains; a second signal ends that.
///
/// # Errors
/// If there is nothing to serve, all that is wrong with the app, or the address cannot be had.
pub fn serve(
    path: &Path,
    options: &ServeOptions,
    narrator: Arc<dyn Narrator>,
) -> Result<(), Vec<Problem>> {
    log::start();
    // What is served comes first, and scripts wait for it.
    let hold = log::Hold::new();
    raise_descriptor_limit();
    let seen = Seen::manifest(path);
    let app = open_granted(path, options.granted.as_ref())?;
    let seen = seen.with_components(&app);
    if app.is_idle() {
        return Err(vec![no_trigger(&app)]);
    }
    // The address first: a port that is taken is told before minutes of compiling.
    let server = bind(options)?;
    let background = Background::start()?;
    let running = Running::start(app, path, options, background.handle())?;
    let stop = CancellationToken::new();
    let ending =
        Ending { stop: stop.clone(), drain: options.drain, at_once: CancellationToken::new() };
    background.stop_at_signals(ending.clone())?;

    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/", server.address());
    // Without it everything is served all the same.
    let socket = background.within(|| AdminSocket::bind(options.admin.as_deref(), &running));
    let socket = match socket {
        Ok(socket) => Some(background.handle().spawn(admin::serve(
            socket,
            Arc::clone(&running),
            url.clone(),
            stop.clone(),
        ))),
        Err(problem) if options.admin.is_some() => return Err(vec![problem]),
        Err(problem) => {
            tracing::warn!("there is no admin API: {problem}");
            None
        }
    };
    if options.watch {
        let (running, narrator) = (Arc::clone(&running), Arc::clone(&narrator));
        let watching = watch(running, seen, narrator, stop.clone());
        background.handle().spawn(watching);
    }
    background.handle().spawn(take_messages_until(stop, Arc::clone(&running)));
    narrator.serving(&url, &running.serving().current.shown());
    drop(hold);
    background.handle().spawn(running.serving().current.backends.clone().probe());
    let listeners = running.listeners();
    listeners.update(running.serving().current.listeners(None), &background.handle());
    // What the first request sends is to find who listens.
    background.wait(BEGIN, listeners.begun());

    let report = server.serve(running.routes(), &ending, running.finish());
    if report.cut > 0 {
        let requests = if report.cut == 1 { "request was" } else { "requests were" };
        tracing::warn!("{} {requests} cut off when draining ended", report.cut);
    } else if !report.drained {
        tracing::warn!("draining ended before all was done that follows answers");
    }
    background.finish(async {
        if let Some(socket) = socket {
            // It ends by itself when the server stops; an error would be a panic, told already.
            let _ = socket.await;
        }
        // A reader that takes nothing shall not keep the program from ending.
        let _ = tokio::time::timeout(FLUSH, keyway_runtime::flush_output()).await;
    });
    Ok(())
}

/// Those that are being handled then end beside the requests that run.
async fn take_messages_until(stop: CancellationToken, running: Arc<Running>) {
    stop.cancelled().await;
    running.listeners().stop();
}

/// Connections are file descriptors, of which many systems give a process 1,024 unless it asks for
/// more.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::info!("the process may open no more files than before: {error}");
    }
}

/// An app that serves nothing.
pub(crate) fn no_trigger(app: &App) -> Problem {
    problem(
        "no-trigger",
        format!("the app `{}` has no trigger, so there is nothing to serve", app.name),
        Some(
            "add a [[trigger.http]] with a route and a component, a [[trigger.messaging]] or a \
             [[trigger.keyvalue]]",
        ),
    )
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

/// Threads beside those that serve: for signals, the admin API, what changes the app, and messages.
struct Background(Runtime);

impl Background {
    fn start() -> Result<Self, Vec<Problem>> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
            .thread_name("keyway-background")
            .enable_all()
            .build();
        runtime.map(Self).map_err(|error| vec![problem("no-threads", error.to_string(), None)])
    }

    fn handle(&self) -> Handle {
        self.0.handle().clone()
    }

    /// Runs what needs a runtime to be there.
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.0.enter();
        work()
    }

    /// Waits for something, for no longer than that.
    fn wait(&self, at_most: Duration, what: impl Future<Output = ()>) {
        // It goes on without.
        let _ = self.0.block_on(async { tokio::time::timeout(at_most, what).await });
    }

    /// Begins the end at the first signal, and cuts it short at the second.
    fn stop_at_signals(&self, ending: Ending) -> Result<(), Vec<Problem>> {
        let listen = |kind| {
            let listened = self.within(|| signal(kind));
            listened.map_err(|error| vec![problem("no-signals", error.to_string(), None)])
        };
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        self.0.spawn(async move {
            for token in [ending.stop, ending.at_once] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                token.cancel();
            }
        });
        Ok(())
    }

    /// Runs the last things that have to be waited for.
    fn finish(self, last: impl Future<Output = ()>) {
        self.0.block_on(last);
        // A change that is being compiled is for nobody any more.
        self.0.shutdown_background();
    }
}
