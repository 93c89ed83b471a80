//! One app of a host that holds many: asleep until it is called, and again when nobody calls it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use keyway_app::HttpTrigger;
use keyway_runtime::Account;
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};

use crate::{
    apps::ground::Ground,
    error::{AppsError, ChangeError, HostError},
    live::app::{App, Opening},
};

/// How long an app that wakes waits for its subscriptions to begin: a server that does not answer is
/// not to keep its requests waiting.
const BEGIN: Duration = Duration::from_secs(1);

/// How long an app that could not be woken is not tried again: that may take long, and there may be
/// many requests.
const RETRY: Duration = Duration::from_secs(1);

/// The same, for an app that waits for messages and that nobody calls.
const RETRY_TO_LISTEN: Duration = Duration::from_secs(10);

/// One app of a host.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) opening: Opening,
    /// Whether it is in the folder of apps that the host watches, and not deployed.
    pub(crate) is_in_folder: bool,
    pub(crate) count: Count,
    /// What its instances have used since its host started.
    pub(crate) account: Arc<Account>,
    /// What leads to it, as its manifest said last.
    routes: Mutex<Vec<Route>>,
    /// Why it could not be opened or woken, and when, if the last attempt failed.
    wrong: Mutex<Option<(String, Instant)>>,
    ground: Arc<Ground>,
    is_stopped: AtomicBool,
    /// Whether it waits for messages or changes, and not only for requests.
    waits: AtomicBool,
    idle: Mutex<Option<Duration>>,
    awake: ArcSwapOption<App>,
    /// Held by whoever wakes it, puts it to sleep or replaces it.
    turn: tokio::sync::Mutex<()>,
    /// Whether it was called since [`Self::tire`] last looked.
    is_used: AtomicBool,
    idle_since: Mutex<Instant>,
}

/// A route of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The host that it is for; any, if none.
    pub(crate) host: Option<String>,
    pub(crate) path: String,
    /// Whether it is for this path alone, and none below it.
    pub(crate) exact: bool,
}

impl Route {
    /// Those of an app.
    pub(crate) fn of(app: &keyway_app::App) -> Vec<Self> {
        let route = |trigger: &HttpTrigger| {
            let HttpTrigger { host, route, exact, .. } = trigger;
            Self { host: host.clone(), path: route.clone(), exact: *exact }
        };
        app.routes.iter().map(route).collect()
    }
}

/// What came to an app since its host started, asleep or awake.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) requests: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) wakes: AtomicU64,
}

impl Slot {
    pub(crate) fn new(
        name: &str,
        opening: Opening,
        is_in_folder: bool,
        is_stopped: bool,
        ground: &Arc<Ground>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            opening,
            is_in_folder,
            count: Count::default(),
            account: Arc::new(Account::of_many()),
            routes: Mutex::default(),
            wrong: Mutex::default(),
            ground: Arc::clone(ground),
            is_stopped: AtomicBool::new(is_stopped),
            waits: AtomicBool::new(false),
            idle: Mutex::default(),
            awake: ArcSwapOption::empty(),
            turn: tokio::sync::Mutex::default(),
            is_used: AtomicBool::new(false),
            idle_since: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Relaxed)
    }

    /// The app, if it is awake.
    pub(crate) fn if_awake(&self) -> Option<Arc<App>> {
        self.awake.load_full()
    }

    /// What the last attempt to open or wake it failed of.
    pub(crate) fn wrong(&self) -> Option<String> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.as_ref().map(|(wrong, _)| wrong.clone())
    }

    /// The same, if that was so short a time ago.
    fn just_wrong(&self, within: Duration) -> Option<String> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let (wrong, when) = wrong.as_ref()?;
        (when.elapsed() < within).then(|| wrong.clone())
    }

    /// Notes what the app's manifest says of its sleep: whether it waits for something else than requests,
    /// and how long it stays awake.
    pub(crate) fn set_sleep(&self, app: &keyway_app::App) {
        self.waits.store(!app.messages.is_empty() || !app.changes.is_empty(), Relaxed);
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = app.idle;
    }

    /// How long it stays awake when nobody calls it, if its manifest says so.
    pub(crate) fn idle(&self) -> Option<Duration> {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it sleeps and would miss something. One that could not be woken is left alone for a while.
    pub(crate) fn is_to_wake(&self) -> bool {
        let is_asleep = self.awake.load().is_none() && !self.is_stopped();
        self.waits.load(Relaxed) && is_asleep && self.just_wrong(RETRY_TO_LISTEN).is_none()
    }

    pub(crate) fn set_wrong(&self, error: Option<&HostError>) {
        let wrong = error.map(|error| (error.to_string(), Instant::now()));
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner) = wrong;
    }

    /// What leads to it.
    pub(crate) fn routes(&self) -> Vec<Route> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_routes(&self, routes: Vec<Route>) {
        *self.routes.lock().unwrap_or_else(PoisonError::into_inner) = routes;
    }

    /// The app, which wakes if it is asleep: once, however many call it.
    ///
    /// # Errors
    /// If it is stopped, or everything that is wrong with it.
    pub(crate) async fn awake(self: &Arc<Self>) -> Result<Arc<App>, HostError> {
        if !self.is_used.load(Relaxed) {
            self.is_used.store(true, Relaxed);
        }
        if let Some(app) = self.awake.load_full() {
            return Ok(app);
        }
        let this = Arc::clone(self);
        // Its client may go: others wait for it too, and what was begun is not to be left half done.
        let woken = self.ground.run(async move {
            let _turn = this.turn.lock().await;
            match this.awake.load_full() {
                Some(app) => Ok(app),
                None => this.wake().await,
            }
        });
        woken.await
    }

    async fn wake(self: &Arc<Self>) -> Result<Arc<App>, HostError> {
        if self.is_stopped() {
            return Err(AppsError::Stopped(self.name.clone()).into());
        }
        if let Some(error) = self.just_wrong(RETRY) {
            return Err(AppsError::Failed { name: self.name.clone(), error }.into());
        }
        // Many that wake at once take their turns on the cores.
        let _place = self.ground.waking().await;
        let this = Arc::clone(self);
        let app = spawn_blocking(move || {
            let app = this.opening.open()?;
            let facilities = this.ground.facilities(&this.name, &this.account);
            App::start(app, this.opening.clone(), this.ground.drain, facilities)
        });
        let app = app.await.map_err(|_| HostError::from(ChangeError::Stopping)).flatten();
        self.set_wrong(app.as_ref().err());
        let app = app?;
        // What the first request sends is to find a listener.
        let _ = timeout(BEGIN, app.listen()).await;
        self.count.wakes.fetch_add(1, Relaxed);
        self.awake.store(Some(Arc::clone(&app)));
        Ok(app)
    }

    /// Waits for whoever wakes it, who may have read what it was before.
    pub(crate) async fn settled(&self) {
        drop(self.turn.lock().await);
    }

    /// Stops it: it wakes no more until it is started.
    pub(crate) async fn stop(&self) {
        let _turn = self.turn.lock().await;
        self.is_stopped.store(true, Relaxed);
        self.end();
    }

    /// Lets it wake again.
    pub(crate) fn start(&self) {
        self.set_wrong(None);
        self.is_stopped.store(false, Relaxed);
    }

    fn end(&self) {
        if let Some(app) = self.awake.swap(None) {
            app.stop_listening();
            self.ground.finish(app);
        }
    }

    /// Since when nobody has called it, as far as [`Self::tire`] has seen.
    pub(crate) fn idle_since(&self) -> Instant {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts it to sleep if nobody has called it for so long, and it can wake as it was. Returns whether it
    /// sleeps.
    pub(crate) fn tire(&self, idle: Duration) -> bool {
        let Some(app) = self.awake.load_full() else { return true };
        let mut idle_since = self.idle_since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_used.swap(false, Relaxed) {
            *idle_since = Instant::now();
        } else if idle_since.elapsed() >= idle
            // What was refused is not to be opened in place of what serves.
            && self.wrong().is_none()
            && app.can_be_opened_again()
            && let Ok(_turn) = self.turn.try_lock()
        {
            self.end();
            return true;
        }
        false
    }
}
