//! The apps of a host that holds many.
//!
//! An app that nobody calls is a [`Slot`] with its name and its routes. The first request wakes it: it is
//! opened from its folder, as `keyway up` would. When it was not called for a while, and loses nothing by
//! it, it sleeps again.
//!
//! ```text
//! request -> routes of the host -> Slot, which wakes -> routes of the app -> unit
//! ```
//! Apps are deployed to the host's own [folder](Home), or lie in one that it [watches](folder).

mod deploy;
mod folder;
mod ground;
mod handler;
mod home;
mod slot;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use futures::future::join_all;
use keyway_runtime::Used;
use keyway_trigger::http::{LiveRoutes, Routes};
use tokio::time::sleep;

pub(crate) use self::{deploy::Deploy, ground::Ground, home::Home, slot::Route};
use self::{folder::Watched, handler::AppHandler, slot::Slot};
use crate::{
    assembly::{open::no_trigger, seen::Seen},
    error::{AppsError, HostError},
    live::app::{App, Opening},
    log::warn_about,
    problem::problem,
};

/// How often apps are looked at that may sleep or have to wake.
const TIRE_EVERY: Duration = Duration::from_secs(1);

/// Roughly what an app that is awake takes, without its instances.
const AWAKE_BYTES: u64 = 32 << 10;

/// All apps of a host.
#[derive(Debug)]
pub(crate) struct Apps {
    ground: Arc<Ground>,
    home: Home,
    /// The folder of apps that is watched.
    watched: Option<Watched>,
    /// How long an app that nobody calls stays awake, unless its manifest says.
    idle: Duration,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
    routes: Arc<LiveRoutes<AppHandler>>,
    /// Held by whoever changes which apps there are.
    changing: tokio::sync::Mutex<()>,
}

/// An app of a host, as its user sees it.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) path: PathBuf,
    pub(crate) routes: Vec<Route>,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) wakes: u64,
    pub(crate) used: Used,
}

/// How an app of a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Awake,
    Asleep,
    Stopped,
    /// Why it could not be opened or woken.
    Failed(String),
}

/// An app as it was read from its files.
struct Found {
    slot: Arc<Slot>,
    /// Its files, as they were before that.
    seen: Seen,
    app: Result<keyway_app::App, HostError>,
}

impl Apps {
    /// The apps that are in `home`, and in the folder `watched`. What is wrong with one is logged, and
    /// keeps none of the others from being served.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub(crate) fn open(
        home: Home,
        watched: Option<PathBuf>,
        idle: Duration,
        ground: Ground,
    ) -> Result<Arc<Self>, HostError> {
        let apps = Arc::new(Self {
            ground: Arc::new(ground),
            home,
            watched: watched.map(Watched::new),
            idle,
            slots: Mutex::default(),
            routes: Arc::new(LiveRoutes::new(Routes::new())),
            changing: tokio::sync::Mutex::default(),
        });
        let stopped = apps.home.stopped()?;
        let deployed = apps.home.apps()?;
        let is_stopped = |name: &str| stopped.contains(name);
        let slot = |name: &String| (name.clone(), apps.slot_of_home(name, is_stopped(name)));
        let mut slots: BTreeMap<_, _> = deployed.iter().map(slot).collect();
        let in_folder = apps.watched.as_ref().map(Watched::apps).transpose()?;
        for (name, path) in in_folder.into_iter().flatten() {
            if let Some(other) = slots.get(&name) {
                let other = other.opening.path.display();
                tracing::warn!("{} is not served: there is `{name}` at {other}", path.display());
                continue;
            }
            let opening = Opening { path, granted: None, data: None };
            let slot = Slot::new(&name, opening, true, is_stopped(&name), &apps.ground);
            slots.insert(name, Arc::new(slot));
        }
        let mut found = open_all(slots.into_values().collect());
        // What was deployed had its routes first.
        found.sort_by_key(|found| found.slot.is_in_folder);
        apps.add(found);
        Ok(apps)
    }

    /// What the server asks for each request.
    pub(crate) fn routes(&self) -> Arc<LiveRoutes<AppHandler>> {
        Arc::clone(&self.routes)
    }

    /// All apps.
    pub(crate) fn list(&self) -> Vec<Summary> {
        self.slots().values().map(|slot| summary(slot)).collect()
    }

    /// Whether there is an app of this name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn has(&self, name: &str) -> Result<(), AppsError> {
        self.slot(name).map(drop)
    }

    /// The app of this name, awake; or the only one.
    ///
    /// # Errors
    /// If there is none, or it cannot be woken.
    pub(crate) async fn app(&self, name: Option<&str>) -> Result<Arc<App>, HostError> {
        let slot = match name {
            Some(name) => self.slot(name)?,
            None => {
                let slots = self.slots();
                let mut all = slots.values();
                match (all.next(), slots.len()) {
                    (Some(only), 1) => Arc::clone(only),
                    (_, count) => return Err(AppsError::WhichApp(count).into()),
                }
            }
        };
        slot.awake().await
    }

    /// Stops an app: its requests get 503, and its messages are no longer taken.
    ///
    /// # Errors
    /// If there is none of this name, or it cannot be noted.
    pub(crate) async fn stop(&self, name: &str) -> Result<(), HostError> {
        let _turn = self.changing.lock().await;
        let slot = self.slot(name)?;
        self.home.set_stopped(name, true)?;
        slot.stop().await;
        Ok(())
    }

    /// Starts an app that was stopped.
    ///
    /// # Errors
    /// If there is none of this name, or everything that is wrong with it.
    pub(crate) async fn start(&self, name: &str) -> Result<(), HostError> {
        let _turn = self.changing.lock().await;
        let slot = self.slot(name)?;
        self.home.set_stopped(name, false)?;
        slot.start();
        slot.awake().await.map(drop)
    }

    /// Takes in what changes in the folder of apps, wakes the apps that wait for messages, and puts those to
    /// sleep that nobody calls. Never ends.
    pub(crate) async fn tend(self: &Arc<Self>) {
        futures::join!(self.watch(), self.tire());
    }

    async fn tire(&self) {
        loop {
            let slots: Vec<_> = self.slots().values().cloned().collect();
            for slot in slots.iter().filter(|slot| slot.is_to_wake()) {
                self.ground.spawn(listen(Arc::clone(slot)));
            }
            let is_awake = |slot: &&Arc<Slot>| {
                let idle = slot.idle().unwrap_or(self.idle);
                slot.if_awake().is_some() && !slot.tire(idle)
            };
            let awake: Vec<_> = slots.iter().filter(is_awake).collect();
            // Those that are awake have a quarter of the memory, and a few whatever there is.
            let at_most = (keyway_runtime::memory_bytes() / 4 / AWAKE_BYTES).max(256);
            tire_longest_idle(&awake, awake.len().saturating_sub(at_most as usize));
            sleep(TIRE_EVERY).await;
        }
    }

    /// Takes no more messages, in any app.
    pub(crate) fn stop_listening(&self) {
        self.awake().for_each(|app| app.stop_listening());
    }

    /// Waits until all has ended that goes on after its answer. No request may be under way any more.
    pub(crate) async fn finish(&self) {
        let apps: Vec<_> = self.awake().collect();
        join_all(apps.iter().map(|app| app.finish())).await;
        self.ground.finished().await;
    }

    fn awake(&self) -> impl Iterator<Item = Arc<App>> + use<> {
        let slots: Vec<_> = self.slots().values().cloned().collect();
        slots.into_iter().filter_map(|slot| slot.if_awake())
    }

    /// Takes apps in, each whose routes are free.
    fn add(&self, found: Vec<Found>) {
        let mut routes = self.routes.current();
        for Found { slot, seen, app } in found {
            if slot.is_in_folder
                && let Some(watched) = &self.watched
            {
                watched.note(&slot.name, seen);
            }
            let added = app.and_then(|app| {
                let wanted = Route::of(&app);
                // In place: a copy for each of ten thousand apps would take longer than all the rest.
                add_routes(&mut routes, &slot, &wanted)?;
                Ok((app, wanted))
            });
            match added {
                Ok((app, wanted)) => {
                    slot.set_routes(wanted);
                    slot.set_sleep(&app);
                }
                Err(error) => {
                    let said = format!("the app `{}` is not served: {error}", slot.name);
                    warn_about(&slot.name, &said);
                    slot.set_wrong(Some(&error));
                }
            }
            self.slots().insert(slot.name.clone(), slot);
        }
        self.routes.replace(routes);
    }

    fn slot(&self, name: &str) -> Result<Arc<Slot>, AppsError> {
        let slots = self.slots();
        slots.get(name).cloned().ok_or_else(|| AppsError::NoSuchApp {
            name: name.to_owned(),
            known: slots.keys().cloned().collect(),
        })
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts so many of the apps to sleep that nobody calls at the moment: first those that nobody has called
/// for longest, as far as they can be.
fn tire_longest_idle(awake: &[&Arc<Slot>], count: usize) {
    if count == 0 {
        return;
    }
    let mut by_age: Vec<_> = awake.iter().map(|slot| (slot.idle_since(), *slot)).collect();
    by_age.sort_by_key(|(since, _)| *since);
    by_age.iter().filter(|(_, slot)| slot.tire(TIRE_EVERY)).take(count).for_each(drop);
}

/// Wakes an app that waits for something else than requests.
async fn listen(slot: Arc<Slot>) {
    if let Err(error) = slot.awake().await {
        let said = format!("the app `{}` cannot be started: {error}", slot.name);
        warn_about(&slot.name, &said);
    }
}

/// These routes, with those that `slot` is to have in place of those that it had.
///
/// # Errors
/// If another app has one of them.
fn with_routes(
    routes: &Routes<AppHandler>,
    slot: &Arc<Slot>,
    wanted: &[Route],
) -> Result<Routes<AppHandler>, HostError> {
    let mut routes = routes.clone();
    if !slot.routes().is_empty() {
        routes.remove(|handler| handler.slot.name == slot.name);
    }
    add_routes(&mut routes, slot, wanted)?;
    Ok(routes)
}

/// Adds all of the routes, or none.
///
/// # Errors
/// If another app has one of them.
fn add_routes(
    routes: &mut Routes<AppHandler>,
    slot: &Arc<Slot>,
    wanted: &[Route],
) -> Result<(), HostError> {
    for Route { host, path, exact } in wanted {
        if let Some(other) = routes.at(host.as_deref(), path, *exact) {
            let (app, other) = (slot.name.clone(), other.slot.name.clone());
            let (host, route) = (host.clone(), path.clone());
            return Err(AppsError::RouteTaken { app, other, host, route }.into());
        }
    }
    for Route { host, path, exact } in wanted {
        let handler = AppHandler { slot: Arc::clone(slot) };
        let added = match exact {
            true => routes.add_exact(host.as_deref(), path, handler),
            false => routes.add(host.as_deref(), path, handler),
        };
        if let Err(error) = added {
            // It has one of them twice.
            routes.remove(|handler| handler.slot.name == slot.name);
            return Err(problem(keyway_app::Code::Route, error.to_string(), None).into());
        }
    }
    Ok(())
}

fn summary(slot: &Slot) -> Summary {
    let state = match slot.wrong() {
        _ if slot.is_stopped() => State::Stopped,
        Some(wrong) => State::Failed(wrong),
        None if slot.if_awake().is_some() => State::Awake,
        None => State::Asleep,
    };
    Summary {
        name: slot.name.clone(),
        state,
        path: slot.opening.path.clone(),
        routes: slot.routes(),
        requests: slot.count.requests.load(Relaxed),
        errors: slot.count.errors.load(Relaxed),
        wakes: slot.count.wakes.load(Relaxed),
        used: slot.account.used(),
    }
}

/// Reads the manifests of many apps, on all cores.
fn open_all(slots: Vec<Arc<Slot>>) -> Vec<Found> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = slots.len().div_ceil(threads).max(1);
    let open = |slots: &[Arc<Slot>]| slots.iter().map(open).collect::<Vec<_>>();
    thread::scope(|scope| {
        let parts: Vec<_> =
            slots.chunks(share).map(|part| scope.spawn(move || open(part))).collect();
        let opened = parts.into_iter().map(|part| match part.join() {
            Ok(opened) => opened,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        opened.flatten().collect()
    })
}

fn open(slot: &Arc<Slot>) -> Found {
    let seen = Seen::manifest(&slot.opening.path);
    let app = slot.opening.open().and_then(|app| match app.is_idle() {
        true => Err(no_trigger(&app).into()),
        false => Ok(app),
    });
    let seen = match &app {
        Ok(app) => seen.with_files_of(app),
        Err(_) => seen,
    };
    Found { slot: Arc::clone(slot), seen, app }
}
