//! The process: the address, threads, signals, the cache of compiled code, the log and the admin
//! socket. It holds one app, which knows nothing of it.

mod background;
mod narrator;
mod watch;

use std::{
    fs,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keyway_runtime::Purpose;
use keyway_trigger::http::{Ending, Options, ServeReport, Server, Tls};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{Admin, AdminSocket},
    assembly::{open::Granted, prepare::Workshop},
    error::{HostError, ProcessError},
    live::app::{App, Facilities, Opening},
    log::{Hold, Log},
};
use background::Background;

pub use narrator::Narrator;
pub(crate) use watch::Seen;

/// How long requests wait at the start until the app listens: a server that does not answer is not to
/// keep it from serving.
const BEGIN: Duration = Duration::from_secs(1);

/// How long shutdown waits for the reader of the components' output.
const FLUSH: Duration = Duration::from_secs(1);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Grace period at the end for requests that are running; a second signal ends it.
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

/// A process that serves an app.
pub(crate) struct Host {
    app: Arc<App>,
    server: Server,
    url: String,
    background: Background,
    log: Log,
    ending: Ending,
    /// None if it could not be made where nobody asked for one.
    socket: Option<AdminSocket>,
    watch: bool,
}

impl Host {
    /// Makes ready to serve `app`, which was opened by `opening`.
    ///
    /// # Errors
    /// Everything that is wrong with the app, or if the process does not get what it needs.
    pub(crate) fn start(
        app: keyway_app::App,
        opening: Opening,
        options: &ServeOptions,
        log: &Log,
    ) -> Result<Self, HostError> {
        // The address first: a port that is taken is reported before minutes of compiling.
        let server = bind(options)?;
        let background = Background::start().map_err(ProcessError::Threads)?;
        let facilities = Facilities {
            workshop: Arc::new(Workshop::open(Purpose::Requests)?),
            background: background.handle(),
            printer: log.printer(),
        };
        let app = App::start(app, opening, options.drain, facilities)?;
        let ending = Ending {
            stop: CancellationToken::new(),
            drain: options.drain,
            at_once: CancellationToken::new(),
        };
        background.stop_at_signals(&ending).map_err(ProcessError::Signals)?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/", server.address());
        let socket = background.within(|| socket(options.admin.as_deref(), &app))?;
        let (log, watch) = (log.clone(), options.watch);
        Ok(Self { app, server, url, background, log, ending, socket, watch })
    }

    /// Serves until a signal says to stop. `seen` are the app's files as they were before they were
    /// read; `hold` is released once it is said that the app is served.
    pub(crate) fn serve(self, seen: Seen, narrator: Arc<dyn Narrator>, hold: Hold) {
        let Self { app, server, url, background, log, ending, socket, watch } = self;
        let stop = &ending.stop;
        let admin = socket.map(|socket| {
            let admin = Admin::new(Arc::clone(&app), url.clone(), log, stop.clone());
            background.handle().spawn(admin.serve(socket))
        });
        if watch {
            let (app, narrator) = (Arc::clone(&app), Arc::clone(&narrator));
            background.handle().spawn(watch::watch(app, seen, narrator, stop.clone()));
        }
        background.handle().spawn(stop_listening(stop.clone(), Arc::clone(&app)));
        narrator.serving(&url, &app.serving().current.shown());
        drop(hold);
        background.handle().spawn(app.serving().current.backends.clone().probe());
        // What the first request sends is to find a listener.
        background.wait(BEGIN, app.listen());

        warn_of_cuts(&server.serve(app.routes(), &ending, app.finish()));
        background.finish(async {
            if let Some(admin) = admin {
                // It ends by itself when the server stops; an error would be a panic, told already.
                let _ = admin.await;
            }
            // A reader that takes nothing shall not keep the program from ending.
            let _ = tokio::time::timeout(FLUSH, keyway_runtime::flush_output()).await;
        });
    }
}

/// Messages that are being handled then end beside the requests that run.
async fn stop_listening(stop: CancellationToken, app: Arc<App>) {
    stop.cancelled().await;
    app.stop_listening();
}

fn warn_of_cuts(report: &ServeReport) {
    if report.cut > 0 {
        let requests = if report.cut == 1 { "request was" } else { "requests were" };
        tracing::warn!("{} {requests} cut off at the end of the grace period", report.cut);
    } else if !report.drained {
        tracing::warn!(
            "the grace period ended before instances had finished their work after responses"
        );
    }
}

/// The socket of the admin API. Without one that nobody asked for, everything is served all the same.
fn socket(path: Option<&Path>, app: &App) -> Result<Option<AdminSocket>, ProcessError> {
    match AdminSocket::bind(path, &app.serving().current.prepared.app.name) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if path.is_some() => Err(error),
        Err(error) => {
            tracing::warn!("the admin API is not available: {error}");
            Ok(None)
        }
    }
}

fn bind(options: &ServeOptions) -> Result<Server, ProcessError> {
    let read = |path: &PathBuf| {
        fs::read(path).map_err(|error| ProcessError::Tls { path: path.clone(), error })
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
    Server::bind(options.listen, listen).map_err(ProcessError::Listen)
}
