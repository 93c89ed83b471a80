//! The app that runs, and how its parts are exchanged: one generation after the other, each of
//! which is ready before the first request goes to it.

mod backend;
mod call;
mod trial;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use keyway_app::{App, ComponentName, Placed, Problem, Source};
use keyway_capability::keyvalue::swapping::Phase;
use keyway_runtime::{Purpose, Unit};
use keyway_trigger::http::LiveRoutes;
use keyway_word::did_you_mean;
use tokio::{runtime::Handle, time::timeout};

pub(crate) use trial::{Counted, Trial, TrialOptions};

use crate::{
    assembly::{
        open::{Granted, open_granted},
        prepare::{Prepared, Workshop},
    },
    backend::Backends,
    live::{
        canary::UnitHandler,
        generation::Generation,
        listen::Listeners,
        serve::{ServeOptions, no_trigger},
    },
    problem::problem,
};

/// An app that is served, until the host ends.
#[derive(Debug)]
pub(crate) struct Running {
    workshop: Workshop,
    /// What was opened, and is opened again by a reload.
    path: PathBuf,
    granted: Option<Granted>,
    /// How long an instance that has answered may go on when its unit is exchanged.
    drain: Duration,
    routes: Arc<LiveRoutes<UnitHandler>>,
    listeners: Listeners,
    serving: ArcSwap<Serving>,
    /// Held by the change that is under way.
    changing: tokio::sync::Mutex<()>,
    /// Units that were exchanged and may have instances still.
    retired: Mutex<Vec<Weak<Unit>>>,
    background: Handle,
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

type Done<T> = Result<T, Vec<Problem>>;

impl Running {
    /// Prepares the app at `path` and everything that it needs to serve.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn start(
        app: App,
        path: &Path,
        options: &ServeOptions,
        background: Handle,
    ) -> Done<Arc<Self>> {
        let workshop = Workshop::open(Purpose::Requests)?;
        let prepared = Arc::new(workshop.prepare(app)?);
        let backends = Backends::open(&prepared.app, &Backends::default())?;
        let current = Generation::new(prepared, backends, None)?;
        let routes = Arc::new(LiveRoutes::new(current.routes(None)?));
        let serving = Serving { current: Arc::new(current), previous: None, trial: None };
        Ok(Arc::new(Self {
            workshop,
            path: path.to_owned(),
            granted: options.granted.clone(),
            drain: options.drain,
            routes,
            listeners: Listeners::default(),
            serving: ArcSwap::from_pointee(serving),
            changing: tokio::sync::Mutex::default(),
            retired: Mutex::default(),
            background,
        }))
    }

    /// What takes messages.
    pub(crate) fn listeners(&self) -> &Listeners {
        &self.listeners
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
    /// All that is wrong with its manifest.
    pub(crate) fn open(&self) -> Done<App> {
        open_granted(&self.path, self.granted.as_ref())
    }

    /// What was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Exchanges the component `name` for the one in the file `path`: it is checked against all its
    /// links and compiled first. With `trial`, some of the requests go to it before all do; then
    /// this returns when that is decided.
    ///
    /// # Errors
    /// All that is wrong with the new component, or that the trial failed. The old one goes on.
    pub(crate) async fn swap_component(
        self: &Arc<Self>,
        name: String,
        path: PathBuf,
        trial: Option<TrialOptions>,
    ) -> Done<()> {
        let turn = self.turn()?;
        let this = Arc::clone(self);
        let next = in_background(move || this.with_component(&name, path)).await?;
        match trial {
            None => self.install(Arc::new(next)),
            Some(options) => {
                let outcome = self.try_out(next, options)?;
                drop(turn);
                outcome.await
            }
        }
    }

    /// Goes back to what the last change replaced, or ends the trial that is under way.
    ///
    /// # Errors
    /// If there is nothing to go back to.
    pub(crate) async fn undo(self: &Arc<Self>) -> Done<()> {
        if let Some(trial) = &self.serving().trial {
            trial.end().await;
            if !Arc::ptr_eq(&self.serving().current, trial.generation()) {
                return Ok(());
            }
            // It had won already, and is undone like any other change.
        }
        let _turn = self.turn()?;
        let Some(previous) = self.serving().previous.clone() else {
            let message = "there is nothing to undo: no part was exchanged".to_owned();
            return Err(vec![problem("nothing-to-undo", message, None)]);
        };
        self.no_swap_of_a_backend()?;
        let this = Arc::clone(self);
        let next = in_background(move || {
            let Previous { prepared, backends } = previous;
            let current = &this.serving().current;
            Generation::new(prepared, backends.with_stores_of(&current.backends), Some(current))
        });
        let next = next.await?;
        self.install(Arc::new(next))?;
        // What was undone is not what an undo goes back to.
        let serving = self.serving();
        let current = Arc::clone(&serving.current);
        self.serving.store(Arc::new(Serving { current, previous: None, trial: None }));
        Ok(())
    }

    /// Opens the app again and takes in all that has changed. A store that is declared to be kept
    /// elsewhere is moved there, with its data. Returns whether anything has changed.
    ///
    /// # Errors
    /// All that is wrong with it now, or that a store cannot be moved. What served before goes on.
    pub(crate) async fn reload(self: &Arc<Self>) -> Done<bool> {
        let _turn = self.turn()?;
        self.no_swap_of_a_backend()?;
        let this = Arc::clone(self);
        let next = in_background(move || {
            let app = this.open()?;
            if app.is_idle() {
                return Err(vec![no_trigger(&app)]);
            }
            let prepared = Arc::new(this.workshop.prepare(app)?);
            let current = &this.serving().current;
            let backends = Backends::open(&prepared.app, &current.backends)?;
            Generation::new(prepared, backends, Some(current))
        });
        let next = next.await?;
        let current = Arc::clone(&self.serving().current);
        if next.serves_as(&current) {
            return Ok(false);
        }
        // Last of all that may fail: what was moved is not moved back.
        self.exchange_declared(&next, &current).await?;
        self.background.spawn(next.backends.clone().probe());
        self.install(Arc::new(next))?;
        Ok(true)
    }

    /// Waits until all messages are handled that were taken, and all instances have ended that
    /// outlived their answers. No request may be under
    /// way any more.
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

    /// The right to change something. Changes do not wait for each other: who comes second should
    /// see what the first has done.
    fn turn(&self) -> Done<tokio::sync::MutexGuard<'_, ()>> {
        let turn = self.changing.try_lock();
        if self.serving.load().trial.is_some() {
            let message = "a component is being tried out".to_owned();
            let help = "wait until that is decided, or end it with `keyway swap --undo`";
            return Err(vec![problem("busy", message, Some(help))]);
        }
        turn.map_err(|_| {
            let message = "another change is under way".to_owned();
            vec![problem("busy", message, Some("try again when it is done"))]
        })
    }

    /// Refuses what could put another store in the place of one whose backend is being exchanged.
    fn no_swap_of_a_backend(&self) -> Done<()> {
        let serving = self.serving();
        let mut stores = serving.current.backends.stores().iter();
        match stores.find(|(_, store)| store.progress().borrow().phase != Phase::Idle) {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("the backend of the store `{name}` is being exchanged");
                Err(vec![problem("busy", message, Some("try again when that is done"))])
            }
        }
    }

    fn with_component(&self, name: &str, path: PathBuf) -> Done<Generation> {
        let current = &self.serving().current;
        let mut app = current.prepared.app.clone();
        let Some(component) = app.components.values_mut().find(|c| c.name.as_str() == name) else {
            let known = current.prepared.app.components.keys().map(ComponentName::as_str);
            let message = format!("the app has no component `{name}`");
            return Err(vec![problem(
                "no-such-component",
                message,
                Some(&did_you_mean(name, known)),
            )]);
        };
        component.source = Placed { value: Source::Path(path), place: None };
        let prepared = self.workshop.prepare(app)?;
        current.prepared.same_sources(&prepared, Some(name))?;
        // Settings that stand elsewhere, and have changed there, are for a reload to take in.
        Generation::new(Arc::new(prepared), current.backends.clone(), Some(current))
    }

    /// Has all requests from now on go to `next`. Those that run end where they began.
    fn install(&self, next: Arc<Generation>) -> Done<()> {
        self.routes.replace(next.routes(None)?);
        self.listeners.update(next.listeners(None), &self.background);
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
            self.background.spawn(async move { timeout(drain, unit.finish()).await });
        }
    }

    fn retired(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Unit>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what computes, or reads files, where nothing waits for it.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Done<T> + Send + 'static,
) -> Done<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(vec![problem("stopping", error.to_string(), None)]),
        },
    }
}
