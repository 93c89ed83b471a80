//! Watches files for changes: the manifest, the components and secrets that it names, and the sources of
//! components.
//!
//! The files are polled a few times a second. That costs next to nothing, works on every file
//! system, through links and for folders that come and go, and misses nothing while other files
//! change a lot.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures::FutureExt;
use keyway_build::{Built, Job, Options, Toolbox, build};
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use super::narrator::Narrator;
use crate::{
    assembly::{
        open::manifest_of,
        seen::{Files, Seen, identify, is_unchanged},
    },
    build::{jobs_of, toolbox},
    error::{ChangeError, HostError},
    live::app::App,
};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Reloads `app` when one of the files changes that its manifest names, which were `seen`
/// before it started, and builds what its sources make when these do, until `stop`.
pub(super) async fn watch(
    app: Arc<App>,
    seen: Seen,
    narrator: Arc<dyn Narrator>,
    stop: CancellationToken,
) {
    let mut watcher = Watcher {
        app,
        narrator,
        // Without a cache folder nothing would be served.
        toolbox: toolbox().ok().map(Arc::new),
        taken_in: seen.files(),
        is_refused: false,
        built: None,
        broken: BTreeSet::new(),
    };
    let watching = async {
        // The files as they were when looking at them panicked.
        let mut fatal: Option<Files> = None;
        loop {
            sleep(LOOK_EVERY).await;
            if fatal.as_ref().is_some_and(is_unchanged) {
                continue;
            }
            // A bug of what reads or builds is no reason to miss the next change.
            let looked = AssertUnwindSafe(watcher.look()).catch_unwind().await;
            fatal = looked.is_err().then(|| {
                tracing::error!(
                    "loading a change panicked, which is a bug in Keyway: please report it; the \
                     previous version stays in service, and the next change is loaded"
                );
                watcher.known_files()
            });
        }
    };
    stop.run_until_cancelled(watching).await;
}

struct Watcher {
    app: Arc<App>,
    narrator: Arc<dyn Narrator>,
    toolbox: Option<Arc<Toolbox>>,
    /// The files that serve, or that were refused.
    taken_in: Files,
    /// Whether what was taken in last was refused.
    is_refused: bool,
    /// The sources that were built last; none at first.
    built: Option<Files>,
    /// The components that could not be built then.
    broken: BTreeSet<String>,
}

impl Watcher {
    /// Looks at all files once, and takes in what has changed.
    async fn look(&mut self) {
        let sources = sources(&self.app);
        if let Some(toolbox) = self.toolbox.clone()
            && self.built.as_ref() != Some(&sources)
        {
            sleep(LOOK_EVERY).await;
            if self::sources(&self.app) != sources {
                return;
            }
            // Also at first: what has changed since it was built shows in what it is made of.
            self.built = Some(sources);
            self.build(&toolbox).await;
        }
        let now = files(&self.app);
        if now.iter().all(|(file, identity)| self.taken_in.get(file) == Some(identity)) {
            return;
        }
        // A compiler writes a file in many steps: it is done when two looks are the same.
        sleep(LOOK_EVERY).await;
        if files(&self.app) == now {
            self.take_in(now).await;
        }
    }

    /// Builds what has changed. What is made is taken in as a change of its file.
    async fn build(&mut self, toolbox: &Arc<Toolbox>) {
        for Job { project, options } in jobs(&self.app) {
            let name = project.name.clone();
            let toolbox = Arc::clone(toolbox);
            match spawn_blocking(move || build(&project, &options, &toolbox)).await {
                Ok(Ok(Built::Fresh | Built::Made { .. })) => {
                    if self.broken.remove(&name) {
                        self.narrator.mended(&name);
                    }
                    continue;
                }
                Ok(Err(error)) => self.narrator.not_built(&name, &error),
                Err(error) if error.is_panic() => tracing::error!(
                    "building `{name}` panicked, which is a bug in Keyway: please report it; the \
                     previous version stays in service"
                ),
                // The host ends.
                Err(_) => return,
            }
            self.broken.insert(name);
        }
    }

    async fn take_in(&mut self, now: Files) {
        match self.app.reload().await {
            // Whoever was told that something is wrong wants to know that it is not any more.
            Ok(changed) if changed || self.is_refused => {
                self.narrator.reloaded(&self.app.serving().current.shown());
                self.is_refused = false;
            }
            Ok(_) => {}
            // It is taken in when the change that is under way is done.
            Err(HostError::Change(ChangeError::Busy(_))) => return,
            Err(error) => {
                self.narrator.failed(&error.into_problems());
                self.is_refused = true;
            }
        }
        self.taken_in = now;
    }

    /// All files that are known, as they are now. Nothing is read from them.
    fn known_files(&self) -> Files {
        let manifest = manifest_of(self.app.path());
        let sources = self.built.iter().flat_map(BTreeMap::keys);
        let known = self.taken_in.keys().chain(sources).cloned();
        known.chain([manifest]).map(identify).collect()
    }
}

/// The projects of the app as its manifest says now.
fn jobs(app: &App) -> Vec<Job> {
    let Ok(app) = app.open() else { return Vec::new() };
    jobs_of(&app, &Options::default()).unwrap_or_default()
}

fn sources(app: &App) -> Files {
    let jobs = jobs(app);
    let files = jobs.iter().flat_map(|job| job.project.sources().unwrap_or_default());
    files.map(identify).collect()
}

/// The manifest and the files that it names, which may not be fit to serve yet.
/// Those of what serves are not looked at: a component that was swapped by hand is another one than
/// the manifest's, and a reload would take it back.
fn files(app: &App) -> Files {
    let manifest = Seen::manifest(app.path());
    let seen = match app.open() {
        Ok(app) => manifest.with_files_of(&app),
        Err(_) => manifest,
    };
    seen.files()
}
