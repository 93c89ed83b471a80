//! The process: the address, threads, signals, the cache of compiled code, the log and the admin
//! socket. It holds one app or many, which know nothing of it.

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

use keyway_runtime::{Engines, Purpose};
use keyway_trigger::http::{Ending, Options, ServeReport, Server, Tls};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{Admin, AdminSocket, Subject},
    apps::{Apps, Ground, Home},
    assembly::{open::Granted, prepare::Workshop, seen::Seen},
    error::{HostError, ProcessError},
    live::{
        app::{App, Opening},
        facilities::Facilities,
    },
    log::{Hold, Log},
};
use background::Background;

pub use narrator::Narrator;

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
    /// Compare each instance that was reset with a new one.
    pub check_resets: bool,
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

/// How a host of many apps keeps them.
#[derive(Debug, Clone)]
pub struct KeepOptions {
    /// The host's own folder, in which deployed apps are kept.
    pub data: PathBuf,
    /// A folder of apps to serve as they are there, and as they change.
    pub apps: Option<PathBuf>,
    /// How long an app that nobody calls stays awake, unless its manifest says.
    pub idle: Duration,
}

/// A process that serves an app, or many.
pub(crate) struct Host {
    subject: Subject,
    process: Process,
    url: String,
    /// None if it could not be made where nobody asked for one.
    socket: Option<AdminSocket>,
}

/// What a process has, whatever it serves.
struct Process {
    server: Server,
    background: Background,
    log: Log,
    ending: Ending,
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
        let process = Process::start(options, log)?;
        let facilities =
            process.facilities(Engines::new().checking_resets(options.check_resets))?;
        let app = App::start(app, opening, options.drain, facilities)?;
        Self::of(Subject::App(app), process, options)
    }

    /// Makes ready to serve many apps.
    ///
    /// # Errors
    /// If a folder cannot be used, or the process does not get what it needs.
    pub(crate) fn start_many(
        keep: &KeepOptions,
        options: &ServeOptions,
        log: &Log,
    ) -> Result<Self, HostError> {
        let process = Process::start(options, log)?;
        let engines = Engines::for_many().checking_resets(options.check_resets);
        let ground = Ground::new(process.facilities(engines)?, log.clone(), options.drain);
        let home = Home::open(&keep.data)?;
        let apps = keep.apps.clone();
        let open = || Apps::open(home, apps, keep.idle, ground);
        let apps = process.background.within(open)?;
        Self::of(Subject::Apps(apps), process, options)
    }

    fn of(subject: Subject, process: Process, options: &ServeOptions) -> Result<Self, HostError> {
        // From here on a signal ends it in order. Before, there is nothing to put in order.
        process.background.stop_at_signals(&process.ending).map_err(ProcessError::Signals)?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/", process.server.address());
        let name = subject.name();
        let socket = || socket(options.admin.as_deref(), &name);
        let socket = process.background.within(socket)?;
        Ok(Self { subject, process, url, socket })
    }

    /// Serves until a signal says to stop. `seen` are an app's files as they were before they were
    /// read, if they are to be watched; `hold` is released once it is said what is served.
    pub(crate) fn serve(self, seen: Option<Seen>, narrator: Arc<dyn Narrator>, hold: Hold) {
        let Self { subject, process, url, socket } = self;
        let Process { server, background, log, ending } = process;
        let (stop, spawner) = (&ending.stop, background.handle());
        let admin = socket.map(|socket| {
            let admin = Admin::new(subject.clone(), url.clone(), log, stop.clone());
            spawner.spawn(admin.serve(socket))
        });
        let report = match subject {
            Subject::App(app) => {
                if let Some(seen) = seen {
                    let (app, narrator) = (Arc::clone(&app), Arc::clone(&narrator));
                    spawner.spawn(watch::watch(app, seen, narrator, stop.clone()));
                }
                let ends = Arc::clone(&app);
                spawner.spawn(at(stop.clone(), move || ends.stop_listening()));
                narrator.serving(&url, &app.serving().current.shown());
                drop(hold);
                spawner.spawn(app.serving().current.backends.clone().probe());
                // What the first request sends is to find a listener.
                background.wait(BEGIN, app.listen());
                server.serve(app.routes(), &ending, app.finish())
            }
            Subject::Apps(apps) => {
                let (stopped, tend) = (stop.clone(), Arc::clone(&apps));
                spawner.spawn(async move { stopped.run_until_cancelled(tend.tend()).await });
                let ends = Arc::clone(&apps);
                spawner.spawn(at(stop.clone(), move || ends.stop_listening()));
                narrator.hosting(&url, apps.list().len());
                drop(hold);
                server.serve(apps.routes(), &ending, apps.finish())
            }
        };
        warn_of_cuts(&report);
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

impl Process {
    fn start(options: &ServeOptions, log: &Log) -> Result<Self, HostError> {
        let server = bind(options)?;
        let background = Background::start().map_err(ProcessError::Threads)?;
        let ending = Ending {
            stop: CancellationToken::new(),
            drain: options.drain,
            at_once: CancellationToken::new(),
        };
        Ok(Self { server, background, log: log.clone(), ending })
    }

    fn facilities(&self, engines: Engines) -> Result<Facilities, HostError> {
        Ok(Facilities {
            workshop: Arc::new(Workshop::open(Purpose::Requests)?),
            engines: Arc::new(engines),
            shelf: Arc::default(),
            background: self.background.handle(),
            printer: self.log.printer(),
            account: Arc::default(),
        })
    }
}

/// Runs something when the host is to stop. Messages that are being handled then end beside the requests
/// that run.
async fn at(stop: CancellationToken, work: impl FnOnce()) {
    stop.cancelled().await;
    work();
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
fn socket(path: Option<&Path>, name: &str) -> Result<Option<AdminSocket>, ProcessError> {
    match AdminSocket::bind(path, name) {
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
