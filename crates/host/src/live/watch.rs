//! Takes in changes to files: the manifest, the components that it names, and the sources that
//! these are built from.
//!
//! The files are looked at, some times a second. That costs next to nothing, works on every file
//! system, through links and for folders that come and go, and misses nothing while much else
//! happens beside them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keyway_app::App;
use keyway_build::{Built, Job, Options, Toolbox, build};
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    assembly::{open::manifest_of, source::files_of},
    build::{jobs_of, toolbox},
    live::{running::Running, serve::Narrator},
};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What tells a file from what it was: device, node, size, and when it was changed. None for one
/// that is not there.
type Identity = Option<(u64, u64, u64, i64, i64)>;

type Files = BTreeMap<PathBuf, Identity>;

/// What an app's files were before it was read from them, so that no change is missed that comes
/// while it is.
#[derive(Debug)]
pub(crate) struct Seen(Files);

impl Seen {
    /// Looks at the manifest that `path` stands for.
    pub(crate) fn manifest(path: &Path) -> Self {
        Self([identify(manifest_of(path))].into())
    }

    /// Looks at the files of the components of `app` too.
    pub(crate) fn with_components(mut self, app: &App) -> Self {
        self.0.extend(files_of(app).map(identify));
        self
    }
}

/// Reloads `running` when one of the files changes that its manifest names, which were `seen`
/// before it started, and builds what its sources make when these do, until `stop`.
pub(crate) async fn watch(
    running: Arc<Running>,
    Seen(mut taken_in): Seen,
    narrator: Arc<dyn Narrator>,
    stop: CancellationToken,
) {
    let until_stop = stop.clone();
    let watching = async {
        // Without a cache folder nothing would be served.
        let toolbox = toolbox().ok().map(Arc::new);
        let mut built: Option<Files> = None;
        loop {
            sleep(LOOK_EVERY).await;
            let sources = look_at_sources(&running);
            if let Some(toolbox) = toolbox.as_ref().filter(|_| built.as_ref() != Some(&sources)) {
                sleep(LOOK_EVERY).await;
                if look_at_sources(&running) != sources {
                    continue;
                }
                // Also at first: what has changed since it was built shows in what it is made of.
                build_changed(&running, toolbox, &narrator).await;
                built = Some(sources);
            }
            let now = look(&running);
            if now.iter().all(|(file, identity)| taken_in.get(file) == Some(identity)) {
                continue;
            }
            // A compiler writes a file in many steps: it is done when two looks are the same.
            sleep(LOOK_EVERY).await;
            if look(&running) != now {
                continue;
            }
            match running.reload().await {
                Ok(true) => narrator.reloaded(&running.serving().current.shown()),
                Ok(false) => {}
                // It is taken in when the change that is under way is done.
                Err(problems) if problems.iter().any(|problem| problem.code == "busy") => continue,
                Err(problems) => narrator.failed(&problems),
            }
            taken_in = now;
        }
    };
    until_stop.run_until_cancelled(watching).await;
}

/// Builds what has changed. What is made is taken in as a change of its file.
async fn build_changed(running: &Running, toolbox: &Arc<Toolbox>, narrator: &Arc<dyn Narrator>) {
    for Job { project, options } in jobs(running) {
        let name = project.name.clone();
        let toolbox = Arc::clone(toolbox);
        let result = spawn_blocking(move || build(&project, &options, &toolbox)).await;
        match result {
            Ok(Ok(Built::Fresh | Built::Made { .. })) | Err(_) => {}
            Ok(Err(error)) => narrator.not_built(&name, &error),
        }
    }
}

/// The projects of the app as its manifest says now.
fn jobs(running: &Running) -> Vec<Job> {
    let app = running.open();
    app.and_then(|app| jobs_of(&app, &Options::default())).unwrap_or_default()
}

fn look_at_sources(running: &Running) -> Files {
    let jobs = jobs(running);
    let files = jobs.iter().flat_map(|job| job.project.sources().unwrap_or_default());
    files.map(identify).collect()
}

/// The manifest and the files of the components that it names, which may not be fit to serve yet.
/// Those of what serves are not looked at: a component that was exchanged by hand is another one than
/// the manifest's, and a reload would take it back.
fn look(running: &Running) -> Files {
    let manifest = Seen::manifest(running.path());
    let Seen(files) = match running.open() {
        Ok(app) => manifest.with_components(&app),
        Err(_) => manifest,
    };
    files
}

fn identify(file: PathBuf) -> (PathBuf, Identity) {
    let identity = fs::metadata(&file)
        .ok()
        .map(|file| (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec()));
    (file, identity)
}
