//! Takes in changes to files: the manifest, and the components that it names.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keyway_app::Problem;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    open::{manifest_of, open},
    problem::problem,
    running::Running,
    serve::Narrator,
    source::files_of,
};

/// A compiler writes a file in many steps: it is done when nothing happens for so long.
const QUIET: Duration = Duration::from_millis(100);

/// Reloads `running` when one of its files changes, until `stop`.
///
/// # Errors
/// If the system cannot watch files.
pub(crate) fn watch(
    running: Arc<Running>,
    narrator: Arc<dyn Narrator>,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + Send, Vec<Problem>> {
    let (sender, mut changed) = mpsc::channel(64);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let paths = match event {
            Ok(event) if matters(event.kind) => event.paths,
            Ok(_) => return,
            // What is missed when the system loses track is found by looking at all.
            Err(_) => Vec::new(),
        };
        // A full channel has a change in it already.
        let _ = sender.try_send(paths);
    });
    let watcher = watcher.map_err(|error| failed(&error))?;
    let mut watched = Watched { watcher, folders: BTreeSet::new() };
    watched.follow(&running)?;
    Ok(async move {
        let until_stop = stop.clone();
        let watching = async {
            while let Some(paths) = changed.recv().await {
                let mut all = paths;
                while let Ok(Some(more)) = timeout(QUIET, changed.recv()).await {
                    all.extend(more);
                }
                let files = files(&running);
                if !all.is_empty() && !all.iter().any(|path| files.contains(path)) {
                    continue;
                }
                match running.reload().await {
                    Ok(true) => narrator.reloaded(&running.serving().current.shown()),
                    Ok(false) => {}
                    Err(problems) => narrator.failed(&problems),
                }
                if let Err(problems) = watched.follow(&running) {
                    narrator.failed(&problems);
                }
            }
        };
        until_stop.run_until_cancelled(watching).await;
    })
}

/// The folders that are watched. Files are exchanged by renaming, which only their folder sees.
struct Watched {
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
}

impl Watched {
    /// Watches what the app consists of now.
    fn follow(&mut self, running: &Running) -> Result<(), Vec<Problem>> {
        let files = files(running);
        let folders: BTreeSet<_> =
            files.iter().filter_map(|file| file.parent().map(Path::to_owned)).collect();
        for gone in self.folders.difference(&folders) {
            // A folder that was taken away is not watched any more.
            let _ = self.watcher.unwatch(gone);
        }
        let mut seen = BTreeSet::new();
        let mut problems = Vec::new();
        for folder in folders {
            if !self.folders.contains(&folder)
                && let Err(error) = self.watcher.watch(&folder, RecursiveMode::NonRecursive)
            {
                problems.extend(failed(&error));
            } else {
                seen.insert(folder);
            }
        }
        self.folders = seen;
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// The manifest and the components' files, as absolute paths without links in their folders: of
/// what serves, and of what the manifest says now, which may not be fit to serve yet.
fn files(running: &Running) -> BTreeSet<PathBuf> {
    let serving = running.serving();
    let wanted = open(running.path()).ok();
    let apps = wanted.iter().chain([&serving.current.prepared.app]);
    let manifest = manifest_of(running.path());
    let files = std::iter::once(manifest).chain(apps.flat_map(files_of));
    files.filter_map(|file| resolve(&file)).collect()
}

fn resolve(file: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(file).ok()?;
    let folder = absolute.parent()?.canonicalize().ok()?;
    Some(folder.join(absolute.file_name()?))
}

fn matters(kind: EventKind) -> bool {
    matches!(kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_))
}

fn failed(error: &notify::Error) -> Vec<Problem> {
    vec![problem("cannot-watch", format!("files cannot be watched: {error}"), None)]
}
