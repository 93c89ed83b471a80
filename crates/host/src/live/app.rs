//! One app that runs, and how it changes: one generation after the other, each of which is ready
//! before the first request goes to it.
//!
//! ```text
//!             swap_component, reload, undo
//!   current ------------------------------> next, at once
//!      |                                      ^
//!      |  swap_component with a trial         | trial good
//!      +--------------------------> next beside current
//!      ^                                      | trial bad, or undo
//!      +--------------------------------------+
//! ```
//! One change is made at a time, and those that come meanwhile are refused: whoever comes second
//! should see what the first has done. The swap of a backend is not one of them, since no
//! generation follows from it; it only keeps out changes that could put another store in place of
//! the one.

mod call;
mod swap;
mod trial;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use keyway_runtime::{Account, Unit};
use keyway_trigger::http::LiveRoutes;
use tokio::time::timeout;

use crate::{
    assembly::{
        open::{Granted, no_trigger, open_granted},
        prepare::Prepared,
    },
    backend::Backends,
    error::{Busy, ChangeError, HostError},
    live::{
        canary::UnitHandler, facilities::Facilities, generation::Generation, listen::Listeners,
        trial::Trial,
    },
};

/// An app that is served, until its host ends.
#[derive(Debug)]
pub(crate) struct App {
    facilities: Facilities,
    opening: Opening,
    /// How long an instance that has answered may go on when its unit is swapped.
    drain: Duration,
    routes: Arc<LiveRoutes<UnitHandler>>,
    listeners: Listeners,
    serving: ArcSwap<Serving>,
    /// Held by the change that is under way.
    changing: tokio::sync::Mutex<()>,
    /// Whether something serves that its files do not say.
    is_changed_by_hand: AtomicBool,
    /// Units that were swapped and may have instances still.
    retired: Mutex<Vec<Weak<Unit>>>,
}

/// What is opened: at the start, and again by each reload.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    /// A folder, a manifest or a component file.
    pub(crate) path: PathBuf,
    /// What a single component is granted.
    pub(crate) granted: Option<Granted>,
    /// Where what the app writes lies, if that is not beside its manifest.
    pub(crate) data: Option<PathBuf>,
}

/// What requests go to at the moment.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) current: Arc<Generation>,
    /// What the last change replaced.
    pub(crate) previous: Option<Previous>,
    /// The generation that is tried out beside it.
    pub(crate) trial: Option<Arc<Trial>>,
}

/// What an undo goes back to: a generation without its units, which are made again. Stores stay
/// with what keeps them since.
#[derive(Debug, Clone)]
pub(crate) struct Previous {
    prepared: Arc<Prepared>,
    backends: Backends,
}

impl Opening {
    /// The app as its files say now, checked but not read any further.
    ///
    /// # Errors
    /// Everything that is wrong with its manifest.
    pub(crate) fn open(&self) -> Result<keyway_app::App, HostError> {
        let app = open_granted(&self.path, self.granted.as_ref())?;
        Ok(match &self.data {
            Some(data) => keyway_app::App { data: data.clone(), ..app },
            None => app,
        })
    }
}

impl App {
    /// Prepares `app`, which was opened by `opening`, and everything that it needs to serve.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn start(
        app: keyway_app::App,
        opening: Opening,
        drain: Duration,
        facilities: Facilities,
    ) -> Result<Arc<Self>, HostError> {
        let prepared = Arc::new(facilities.workshop.prepare(app)?);
        let backends = Backends::open(&prepared.app, &Backends::default())?;
        let current = Generation::new(prepared, backends, None, &facilities)?;
        let routes = Arc::new(LiveRoutes::new(current.routes(None)?));
        let serving = Serving { current: Arc::new(current), previous: None, trial: None };
        Ok(Arc::new(Self {
            facilities,
            opening,
            drain,
            routes,
            listeners: Listeners::default(),
            serving: ArcSwap::from_pointee(serving),
            changing: tokio::sync::Mutex::default(),
            is_changed_by_hand: AtomicBool::new(false),
            retired: Mutex::default(),
        }))
    }

    /// Begins to take messages and changes. The future waits until all subscriptions have begun.
    pub(crate) fn listen(&self) -> impl Future<Output = ()> + '_ {
        let wanted = self.serving().current.listeners(None);
        self.listeners.update(wanted, &self.facilities.background);
        self.listeners.begun()
    }

    /// Takes no more messages. Those that are being handled then end beside the requests that run.
    pub(crate) fn stop_listening(&self) {
        self.listeners.stop();
    }

    /// What the server asks for each request.
    pub(crate) fn routes(&self) -> Arc<LiveRoutes<UnitHandler>> {
        Arc::clone(&self.routes)
    }

    /// What serves at the moment.
    pub(crate) fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// The app as its files say now, checked but not read any further.
    ///
    /// # Errors
    /// Everything that is wrong with its manifest.
    pub(crate) fn open(&self) -> Result<keyway_app::App, HostError> {
        self.opening.open()
    }

    /// Whether nothing is lost if it ends and is opened again when a request comes: it is what its files
    /// say, keeps nothing in memory, and waits for nothing but requests.
    pub(crate) fn can_be_opened_again(&self) -> bool {
        let Ok(_turn) = self.changing.try_lock() else { return false };
        let serving = self.serving();
        let app = &serving.current.prepared.app;
        let is_as_opened = !self.is_changed_by_hand.load(Relaxed) && serving.trial.is_none();
        let waits = !app.messages.is_empty() || !app.changes.is_empty();
        let swaps = self.no_swap_of_a_backend().is_err();
        let is_busy = serving.current.units().any(|(_, live)| live.unit.is_busy());
        let in_memory = serving.current.backends.are_in_memory();
        is_as_opened && !waits && !swaps && !is_busy && !in_memory
    }

    /// What its components have used.
    pub(crate) fn account(&self) -> &Account {
        &self.facilities.account
    }

    /// What was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.opening.path
    }

    /// Goes back to what the last change replaced, or ends the trial or the swap of a backend that is
    /// under way.
    ///
    /// # Errors
    /// If there is nothing to go back to.
    pub(crate) async fn undo(self: &Arc<Self>) -> Result<(), HostError> {
        if let Some(trial) = &self.serving().trial {
            trial.end().await;
            if !Arc::ptr_eq(&self.serving().current, trial.generation()) {
                return Ok(());
            }
            // It had won already, and is undone like any other change.
        }
        if self.cancel_swap_of_a_backend().await {
            return Ok(());
        }
        let _turn = self.turn()?;
        let previous = self.serving().previous.clone().ok_or(ChangeError::NothingToUndo)?;
        self.is_changed_by_hand.store(true, Relaxed);
        self.no_swap_of_a_backend()?;
        let this = Arc::clone(self);
        let next = in_background(move || {
            let Previous { prepared, backends } = previous;
            let current = &this.serving().current;
            this.generation(prepared, backends.with_stores_of(&current.backends), current)
        });
        let next = next.await?;
        self.install(Arc::new(next))?;
        // What was undone is not what an undo goes back to.
        let serving = self.serving();
        let current = Arc::clone(&serving.current);
        self.serving.store(Arc::new(Serving { current, previous: None, trial: None }));
        Ok(())
    }

    /// Opens the app again and takes in everything that has changed. A store that is declared to be
    /// kept elsewhere is moved there, with its data. Returns whether anything has changed.
    ///
    /// # Errors
    /// Everything that is wrong with it now, or that a store cannot be moved. The previous version
    /// stays in service.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<bool, HostError> {
        let _turn = self.turn()?;
        self.no_swap_of_a_backend()?;
        let this = Arc::clone(self);
        let next = in_background(move || {
            let app = this.open()?;
            if app.is_idle() {
                return Err(no_trigger(&app).into());
            }
            let prepared = Arc::new(this.facilities.workshop.prepare(app)?);
            let current = &this.serving().current;
            let backends = Backends::open(&prepared.app, &current.backends)?;
            this.generation(prepared, backends, current)
        });
        let next = next.await?;
        let current = Arc::clone(&self.serving().current);
        if next.serves_as(&current) {
            self.is_changed_by_hand.store(false, Relaxed);
            return Ok(false);
        }
        // Last of all that may fail: what was moved is not moved back.
        self.swap_declared(&next, &current).await?;
        self.facilities.background.spawn(next.backends.clone().probe());
        self.install(Arc::new(next))?;
        self.is_changed_by_hand.store(false, Relaxed);
        Ok(true)
    }

    /// Waits until all messages are handled that were taken, and all instances have ended that
    /// outlived their answers. No request may be under way any more.
    pub(crate) async fn finish(&self) {
        self.listeners.finish().await;
        let mut units: Vec<_> = self.retired().iter().filter_map(Weak::upgrade).collect();
        let serving = self.serving();
        let trial = serving.trial.as_ref().map(|trial| trial.generation());
        for generation in std::iter::once(&serving.current).chain(trial) {
            units.extend(generation.units().map(|(_, live)| Arc::clone(&live.unit)));
        }
        let all = units.iter().map(|unit| unit.finish());
        futures::future::join_all(all).await;
    }

    /// The right to change something. Changes do not wait for each other.
    fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, ChangeError> {
        let turn = self.changing.try_lock();
        if self.serving.load().trial.is_some() {
            return Err(Busy::Trial.into());
        }
        turn.map_err(|_| Busy::Change.into())
    }

    /// A generation that takes over what is the same in `current`.
    fn generation(
        &self,
        prepared: impl Into<Arc<Prepared>>,
        backends: Backends,
        current: &Generation,
    ) -> Result<Generation, HostError> {
        Ok(Generation::new(prepared.into(), backends, Some(current), &self.facilities)?)
    }

    /// Has all requests from now on go to `next`. Those that run end where they began.
    fn install(&self, next: Arc<Generation>) -> Result<(), HostError> {
        self.routes.replace(next.routes(None)?);
        self.listeners.update(next.listeners(None), &self.facilities.background);
        let current = &self.serving().current;
        let previous = Some(Previous {
            prepared: Arc::clone(&current.prepared),
            backends: current.backends.clone(),
        });
        let serving = Serving { current: next, previous, trial: None };
        let old = self.serving.swap(Arc::new(serving));
        self.retire(&old.current);
        if let Some(trial) = &old.trial {
            self.retire(trial.generation());
        }
        Ok(())
    }

    /// Lets go of the units that do not serve any more, once their instances have ended.
    fn retire(&self, old: &Generation) {
        let serving = self.serving();
        let serves = |unit: &Arc<Unit>| {
            serving.current.units().any(|(_, live)| Arc::ptr_eq(&live.unit, unit))
        };
        let mut retired = self.retired();
        retired.retain(|unit| unit.strong_count() > 0);
        for (_, live) in old.units().filter(|(_, live)| !serves(&live.unit)) {
            let unit = Arc::clone(&live.unit);
            retired.push(Arc::downgrade(&unit));
            let drain = self.drain;
            self.facilities.background.spawn(async move { timeout(drain, unit.finish()).await });
        }
    }

    fn retired(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Unit>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what computes, or reads files, where nothing waits for it.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, HostError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(ChangeError::Stopping.into()),
        },
    }
}
