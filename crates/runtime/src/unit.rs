//! A unit: a component with everything fused to it, bound to its rights and ready to run. It admits
//! as many requests as it may run, queues some more, and rejects the rest.

use std::{
    future::{Future, poll_fn},
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use keyway_app::Limit;
use keyway_capability::{
    keyvalue::{self, Change},
    messaging::{Broker, Message},
};
use keyway_component::UnitImport;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::task::TaskTracker;
use wasmtime::{Store, component::InstancePre};

use crate::{
    bind::{keyvalue::watcher::Watcher, messaging::Incoming},
    compiler::Compiled,
    engine::{Engine, Engines},
    failure::{Body, Failure},
    grant::{Principal, Printer, folder::FolderError},
    instance::{self, watch::Watch, worker::Workers},
    limit::Turn,
    pace::Pace,
    plan::{Member, Plan},
    state::{MEMBERS_AT_MOST, State},
};

/// What a unit is made of.
#[derive(Debug)]
pub struct UnitSpec {
    /// The name to use in the log: that of the root component.
    pub name: String,
    /// Its components, root first, in the order that its imports name them by.
    pub principals: Vec<Principal>,
    /// All its imports.
    pub imports: Vec<UnitImport>,
    /// Its limits.
    pub limit: Limit,
    /// Where what its components print goes.
    pub printer: Printer,
}

/// Why a unit cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// It has no handler that the host knows.
    #[error(
        "`{0}` exports no handler: a component that answers HTTP exports \
         `wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3`, one that handles messages \
         exports `wasi:messaging/incoming-handler@0.2.0-draft`, and one that watches a store \
         exports `wasi:keyvalue/watcher@0.2.0-draft2`"
    )]
    NoHandler(String),
    /// It is not a command that the host knows.
    #[error("`{0}` is not a command: a command exports `wasi:cli/run@0.2` or `wasi:cli/run@0.3`")]
    NoCommand(String),
    /// Its instances are to answer several requests at once, and cannot.
    #[error(
        "`{0}` exports `wasi:http/incoming-handler@0.2`, whose instances serve one request at a \
         time: remove `concurrent` from its `instances`, or export `wasi:http/handler@0.3`"
    )]
    OneAtOnce(String),
    /// It has more components than the host can keep apart.
    #[error("`{0}` is fused from {1} components, but a unit holds at most {MEMBERS_AT_MOST}")]
    TooManyComponents(String, usize),
    /// The engines were made without it.
    #[error("no engine has room for `{0}`")]
    NoRoom(String),
    /// A folder that a component is granted cannot be opened.
    #[error("the folder {} granted to `{component}` cannot be opened: {error}", folder.display())]
    Folder {
        /// The component.
        component: String,
        /// The folder on the host.
        folder: PathBuf,
        /// What the system says.
        error: String,
    },
    /// It does not fit the host's interfaces.
    #[error("`{0}` does not fit the host: {1}")]
    Link(String, String),
}

/// A unit, ready to run requests.
pub struct Unit {
    name: String,
    engine: Arc<Engine>,
    plan: Arc<Plan>,
    handler: Option<instance::Handler>,
    /// Where instances answer more than one request.
    workers: Option<Workers>,
    messages: Option<Incoming>,
    watcher: Option<Watcher>,
    watch: Arc<Watch>,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    concurrency: usize,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unit").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a request holds while it runs: its place among those that may, and the moving epoch.
#[derive(Debug)]
pub(crate) struct Admission {
    _place: OwnedSemaphorePermit,
    _turn: Option<Turn>,
}

/// A component whose imports are met.
pub(crate) struct Bound {
    pub(crate) engine: Arc<Engine>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) pre: InstancePre<State>,
}

impl Bound {
    /// Loads `compiled` and binds its imports.
    pub(crate) fn new(
        engines: &Engines,
        compiled: &Compiled,
        spec: UnitSpec,
    ) -> Result<Self, UnitError> {
        let UnitSpec { name, principals, imports, limit, printer } = spec;
        let engine = engines.of(compiled).ok_or_else(|| UnitError::NoRoom(name.clone()))?;
        if principals.len() > MEMBERS_AT_MOST {
            return Err(UnitError::TooManyComponents(name, principals.len()));
        }
        let failed = |error: wasmtime::Error| UnitError::Link(name.clone(), format!("{error:#}"));
        let component = compiled.code.component(&engine.inner).map_err(failed)?;
        let member = |principal: Principal| {
            let component = principal.name.clone();
            Member::new(principal).map_err(|FolderError { folder, error }| UnitError::Folder {
                component,
                folder,
                error,
            })
        };
        let members = principals.into_iter().map(member).collect::<Result<Vec<_>, _>>()?;
        let plan = Arc::new(Plan::new(members, limit, printer));
        let linker =
            crate::bind::bind(&engine.inner, &component, &imports, &plan).map_err(failed)?;
        let pre = linker.instantiate_pre(&component).map_err(failed)?;
        Ok(Self { engine: Arc::clone(engine), plan, pre })
    }
}

impl Unit {
    /// Loads `compiled` and binds its imports.
    ///
    /// # Errors
    /// If it exports no handler, or imports what the host cannot meet.
    pub fn new(engines: &Engines, compiled: &Compiled, spec: UnitSpec) -> Result<Self, UnitError> {
        let name = spec.name.clone();
        let Bound { engine, plan, pre } = Bound::new(engines, compiled, spec)?;
        let concurrency = engine.share(plan.limit.concurrency);
        let messages = Incoming::find(pre.clone());
        let watcher = Watcher::find(pre.clone());
        let handler = instance::Handler::find(pre);
        if handler.is_none() && messages.is_none() && watcher.is_none() {
            return Err(UnitError::NoHandler(name));
        }
        let reuse = plan.limit.reuse;
        if reuse.concurrent > 1 && matches!(handler, Some(instance::Handler::Wasi0_2(_))) {
            return Err(UnitError::OneAtOnce(name));
        }
        let workers = (reuse.requests > 1).then(|| Workers::new(reuse, concurrency));
        Ok(Self {
            name,
            engine,
            plan,
            handler,
            workers,
            messages,
            watcher,
            watch: Arc::default(),
            running: Arc::new(Semaphore::new(concurrency)),
            waiting: AtomicUsize::new(0),
            concurrency,
            tasks: TaskTracker::new(),
        })
    }

    /// The name of the root component.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs one request in a fresh instance, or in a reused one if `instances` allows it. The
    /// answer's body keeps a fresh instance running: dropping the future or the body before the end
    /// cancels it.
    ///
    /// # Errors
    /// If the instance made no answer, or was not let in.
    pub async fn handle<B>(
        self: &Arc<Self>,
        request: http::Request<B>,
        scheme: http::uri::Scheme,
    ) -> Result<http::Response<Body>, Failure>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let limit = &self.plan.limit;
        if let (Some(limit), Some(length)) = (limit.body_bytes, request.body().size_hint().exact())
            && length > limit
        {
            return Err(Failure::BodyTooLarge(limit));
        }
        let started = Instant::now();
        let admission = self.admit().await?;
        let deadline = started + limit.time;
        instance::run(self, request, scheme, admission, deadline).await
    }

    /// Gives a message to a fresh instance, and returns what it says of it.
    ///
    /// # Errors
    /// If the instance did not come to its end, or was not let in.
    pub async fn handle_message(
        &self,
        message: Message,
        broker: Arc<dyn Broker>,
    ) -> Result<Result<(), String>, Failure> {
        let Some(incoming) = &self.messages else { return Err(Failure::NoAnswer) };
        self.run(async |store| incoming.handle(store, message, broker).await).await
    }

    /// Tells a fresh instance of a change in a store, which it gets as a bucket.
    ///
    /// # Errors
    /// If the instance did not come to its end, or was not let in.
    pub async fn handle_change(
        &self,
        change: Change,
        bucket: Arc<dyn keyvalue::Store>,
    ) -> Result<(), Failure> {
        let Some(watcher) = &self.watcher else { return Err(Failure::NoAnswer) };
        self.run(async |store| watcher.tell(store, change, bucket).await).await
    }

    /// Runs `call` in a fresh instance, within the limits.
    async fn run<T>(
        &self,
        call: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + self.plan.limit.time;
        let _admission = self.admit().await?;
        let mut store = self.store();
        let mut pace = Pace::default();
        let done = {
            let mut call = pin!(call(&mut store));
            let paced = poll_fn(|context| pace.measure(|| call.as_mut().poll(context)));
            tokio::time::timeout_at(deadline, paced).await
        };
        match done {
            Ok(done) => done.map_err(|error| instance::failure(&mut store, &error)),
            Err(_) => Err(Failure::TimedOut(self.plan.limit.time)),
        }
    }

    /// Makes an instance and drops it without a call: what every request pays before its component
    /// runs. It has no part in serving; it is there to be measured.
    ///
    /// # Errors
    /// If the pool has no room, or the component traps at its start.
    pub async fn instantiate(&self) -> Result<(), Failure> {
        instance::make(self).await
    }

    /// Waits until all instances have ended that outlived their answers. No request may be given
    /// to the unit any more.
    pub async fn finish(&self) {
        if let Some(workers) = &self.workers {
            workers.close();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) fn handler(&self) -> Option<&instance::Handler> {
        self.handler.as_ref()
    }

    pub(crate) fn workers(&self) -> Option<&Workers> {
        self.workers.as_ref()
    }

    /// The answers that are being read.
    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Runs instances that have answered and are not done.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(crate) fn store(&self) -> Store<State> {
        self.engine.store(&self.plan)
    }

    async fn admit(&self) -> Result<Admission, Failure> {
        let place = match Arc::clone(&self.running).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait().await?,
        };
        Ok(Admission { _place: place, _turn: self.engine.turn() })
    }

    async fn wait(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let limit = &self.plan.limit;
        let _waiting = Waiting::join(&self.waiting, limit.queue)
            .ok_or(Failure::Busy { running: self.concurrency, waiting: limit.queue })?;
        let place = Arc::clone(&self.running).acquire_owned();
        let place = tokio::time::timeout(limit.time, place).await;
        // The semaphore is never closed, so what is not a place is a time that ran out.
        place.ok().and_then(Result::ok).ok_or(Failure::NoTurn(limit.time))
    }
}

/// A place in the queue, left when dropped, including when the client disconnects.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(waiting: &'a AtomicUsize, at_most: usize) -> Option<Self> {
        let joined = Self(waiting);
        (waiting.fetch_add(1, Relaxed) < at_most).then_some(joined)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
