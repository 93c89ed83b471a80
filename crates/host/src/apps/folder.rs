//! A folder of apps that a host watches: each folder with a manifest in it, and each component file, is an
//! app of its name.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use keyway_app::ComponentName;
use tokio::time::{Instant, sleep};

use super::{Apps, Found, deploy::union, open, slot::Route, with_routes};
use crate::{
    apps::slot::Slot,
    assembly::{open::manifest_of, seen::Seen},
    error::{AppsError, ChangeError, HostError},
    live::app::{Opening, in_background},
    log::warn_about,
};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The same, where looking takes long: thousands of apps have tens of thousands of files.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// How much longer than looking takes it waits at least until it looks again.
const REST: u32 = 20;

/// A folder of apps.
#[derive(Debug)]
pub(super) struct Watched {
    folder: PathBuf,
    /// The files of each app as they were when it was taken in.
    seen: Mutex<BTreeMap<String, Seen>>,
}

impl Watched {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, seen: Mutex::default() }
    }

    /// The names and paths of the apps that are there.
    pub(super) fn apps(&self) -> Result<Vec<(String, PathBuf)>, AppsError> {
        let entries = fs::read_dir(&self.folder).map_err(AppsError::disk("read", &self.folder))?;
        let paths = entries.flatten().map(|entry| entry.path());
        let mut apps: Vec<_> = paths.filter_map(|path| Some((name_of(&path)?, path))).collect();
        apps.sort();
        Ok(apps)
    }

    /// Remembers the files of an app as they were before it was read from them.
    pub(super) fn note(&self, name: &str, files: Seen) {
        self.seen().insert(name.to_owned(), files);
    }

    pub(super) fn forget(&self, name: &str) {
        self.seen().remove(name);
    }

    fn is_unchanged(&self, name: &str) -> bool {
        self.seen().get(name).is_some_and(Seen::is_unchanged)
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the app at `path`, if there is one.
fn name_of(path: &Path) -> Option<String> {
    let is_app = match path.is_dir() {
        true => manifest_of(path).is_file(),
        false => path.extension().is_some_and(|extension| extension == "wasm"),
    };
    let name = if path.is_dir() { path.file_name()? } else { path.file_stem()? };
    let name = ComponentName::of_file(&name.to_string_lossy());
    is_app.then(|| name.to_string())
}

impl Apps {
    /// Takes in what changes in the folder of apps. Never ends.
    pub(super) async fn watch(self: &Arc<Self>) {
        if self.watched.is_none() {
            return std::future::pending().await;
        }
        let mut pause = LOOK_EVERY;
        loop {
            sleep(pause).await;
            match self.look().await {
                Ok(took) => pause = (took * REST).clamp(LOOK_EVERY, LOOK_AT_LEAST_EVERY),
                Err(error) => tracing::warn!("the folder of apps: {error}"),
            }
        }
    }

    /// Looks at the folder once. Returns how long that took, without what followed from it.
    async fn look(self: &Arc<Self>) -> Result<Duration, HostError> {
        let _turn = self.changing.lock().await;
        let began = Instant::now();
        let this = Arc::clone(self);
        let changed = in_background(move || {
            let Some(watched) = &this.watched else { return Ok(Vec::new()) };
            // Of two with one name the first counts, as at the start.
            let there: BTreeMap<_, _> = watched.apps()?.into_iter().rev().collect();
            Ok(this.take_in(watched, there))
        });
        let changed = changed.await?;
        let took = began.elapsed();
        for (slot, change) in changed {
            match change {
                Change::Gone => {
                    self.forget(&slot).await;
                    // An app of its name that comes later would be stopped; the others go on.
                    if let Err(error) = self.home.set_stopped(&slot.name, false) {
                        tracing::warn!("the app `{}` is gone, and was stopped: {error}", slot.name);
                    }
                }
                Change::Changed { before, wanted } => {
                    slot.settled().await;
                    let reloaded = match slot.if_awake() {
                        Some(app) => app.reload().await.map(drop),
                        None => Ok(()),
                    };
                    refused(&slot, reloaded.as_ref().err());
                    if let (Err(HostError::Change(ChangeError::Busy(_))), Some(watched)) =
                        (&reloaded, &self.watched)
                    {
                        // It is taken in when what is under way is done.
                        watched.forget(&slot.name);
                    }
                    let routes = if reloaded.is_ok() { wanted } else { before };
                    self.set_routes(&slot, routes);
                }
            }
        }
        Ok(took)
    }

    /// Takes in the apps that are new, and the routes of those that have changed. Returns what is left to
    /// be done.
    fn take_in(
        self: &Arc<Self>,
        watched: &Watched,
        there: BTreeMap<String, PathBuf>,
    ) -> Vec<(Arc<Slot>, Change)> {
        let mut changes = Vec::new();
        let known: Vec<_> =
            self.slots().values().filter(|slot| slot.is_in_folder).cloned().collect();
        for slot in known {
            if !there.contains_key(&slot.name) {
                watched.forget(&slot.name);
                changes.push((slot, Change::Gone));
            } else if !watched.is_unchanged(&slot.name) {
                let Found { seen, app, .. } = open(&slot);
                watched.note(&slot.name, seen);
                let taken_in = app.and_then(|app| {
                    let (before, wanted) = (slot.routes(), Route::of(&app));
                    let both = union(&before, &wanted);
                    let routes = with_routes(&self.routes.current(), &slot, &both)?;
                    slot.set_routes(both);
                    slot.set_sleep(&app);
                    self.routes.replace(routes);
                    Ok(Change::Changed { before, wanted })
                });
                refused(&slot, taken_in.as_ref().err());
                changes.extend(taken_in.ok().map(|change| (slot, change)));
            }
        }
        let is_new = |name: &String| !self.slots().contains_key(name);
        let new = there.into_iter().filter(|(name, _)| is_new(name)).map(|(name, path)| {
            let opening = Opening { path, granted: None, data: None };
            open(&Arc::new(Slot::new(&name, opening, true, false, &self.ground)))
        });
        let new: Vec<_> = new.collect();
        self.add(new);
        changes
    }
}

/// What is left to be done about an app.
enum Change {
    Gone,
    /// It is to be reloaded, and has these routes afterwards, or those from before if that fails.
    Changed {
        before: Vec<Route>,
        wanted: Vec<Route>,
    },
}

/// Notes whether what has changed of an app was refused.
fn refused(slot: &Slot, error: Option<&HostError>) {
    if let Some(error) = error {
        let said = format!("the app `{}` stays as it was: {error}", slot.name);
        warn_about(&slot.name, &said);
    }
    slot.set_wrong(error);
}
