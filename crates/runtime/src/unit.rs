//! A unit: a component with all that is fused to it, bound to its rights and ready to run.

use std::{future::poll_fn, path::PathBuf, pin::pin, sync::Arc};

use bytes::Bytes;
use keyway_app::Limit;
use keyway_call::{Body, Deadline, Failure};
use keyway_capability::{
    keyvalue::{self, Change},
    messaging::{Broker, Message},
};
use keyway_component::UnitImport;
use wasmtime::{Store, component::InstancePre};

use crate::{
    account::Account,
    admission::Gate,
    bind::Shape,
    engine::{Compiled, Engine, Pools},
    export::{Exports, Handler},
    grant::plan::{Member, Plan},
    grant::{Principal, Printer, folder::FolderError},
    instance::{self, Responder},
    pace::Pace,
    place::Slots,
    shelf::{self, Shelf},
    state::{MAX_MEMBERS, State},
    usage::Usage,
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
    /// That of its app, where what its instances use is added up.
    pub account: Arc<Account>,
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
    #[error("`{0}` is fused of {1} components, and a unit can hold {MAX_MEMBERS}")]
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
    gate: Gate,
    responder: Arc<Responder>,
}

impl std::fmt::Debug for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unit").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A component whose imports are met.
pub(crate) struct Bound {
    pub(crate) engine: Arc<Engine>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) pre: InstancePre<State>,
    /// What an instance takes of the pool.
    pub(crate) slots: Slots,
}

impl Bound {
    /// Loads `compiled` and binds its imports.
    pub(crate) fn new(
        pools: &Pools,
        compiled: &Compiled,
        spec: UnitSpec,
    ) -> Result<Self, UnitError> {
        let name = spec.name.clone();
        let Planned { engine, plan, shape, slots } = Planned::new(pools, compiled, spec)?;
        let pre = shelf::load(&engine, compiled, &shape);
        let pre = pre.map_err(|error| UnitError::Link(name, format!("{error:#}")))?;
        Ok(Self { engine, plan, pre, slots })
    }
}

/// A component with the rights that its imports are bound to.
struct Planned {
    engine: Arc<Engine>,
    plan: Arc<Plan>,
    shape: Shape,
    slots: Slots,
}

impl Planned {
    fn new(pools: &Pools, compiled: &Compiled, spec: UnitSpec) -> Result<Self, UnitError> {
        let UnitSpec { name, principals, imports, limit, printer, account } = spec;
        let engine =
            pools.of(compiled).map(Arc::clone).ok_or_else(|| UnitError::NoRoom(name.clone()))?;
        if principals.len() > MAX_MEMBERS {
            return Err(UnitError::TooManyComponents(name, principals.len()));
        }
        let member = |principal: Principal| {
            let component = principal.name.clone();
            Member::new(principal, &account, &printer).map_err(|FolderError { folder, error }| {
                UnitError::Folder { component, folder, error }
            })
        };
        let members = principals.into_iter().map(member).collect::<Result<Vec<_>, _>>()?;
        let plan = Arc::new(Plan::new(&name, members, limit, printer, account));
        let shape = Shape::of(&imports, &plan);
        Ok(Self { engine, plan, shape, slots: compiled.slots() })
    }
}

impl Unit {
    /// Loads `compiled` and binds its imports, or takes what is the same from the shelf.
    ///
    /// # Errors
    /// If it exports no handler, or imports what the host cannot meet.
    pub fn new(
        pools: &Pools,
        shelf: &Arc<Shelf>,
        compiled: &Compiled,
        spec: UnitSpec,
    ) -> Result<Self, UnitError> {
        let name = spec.name.clone();
        let Planned { engine, plan, shape, slots } = Planned::new(pools, compiled, spec)?;
        let found = shelf.find(&engine, compiled, shape);
        let (code, loaded) =
            found.map_err(|error| UnitError::Link(name.clone(), format!("{error:#}")))?;
        let Exports { handler, messages, watcher } = &*loaded;
        if handler.is_none() && messages.is_none() && watcher.is_none() {
            return Err(UnitError::NoHandler(name));
        }
        if plan.limit.reuse.concurrent > 1 && matches!(handler, Some(Handler::Wasi0_2(_))) {
            return Err(UnitError::OneAtOnce(name));
        }
        let concurrency = engine.share(slots, plan.limit.concurrency);
        let resets = handler.as_ref().is_some_and(Handler::resets);
        let responder = Responder::new(&name, engine, plan, code, slots, concurrency, resets);
        Ok(Self { name, gate: Gate::new(concurrency), responder: Arc::new(responder) })
    }

    /// What its root component has used, in this unit and in others before it.
    pub fn usage(&self) -> &Usage {
        &self.responder.plan.usage
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
        &self,
        request: http::Request<B>,
        scheme: http::uri::Scheme,
    ) -> Result<http::Response<Body>, Failure>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let Responder { engine, plan, .. } = &*self.responder;
        let limit = &plan.limit;
        if let (Some(limit), Some(length)) = (limit.body_bytes, request.body().size_hint().exact())
            && length > limit
        {
            return Err(Failure::BodyTooLarge(limit));
        }
        let deadline = Deadline::after(limit.time);
        let admission = self.gate.admit(engine, plan).await?;
        instance::run(&self.responder, request, scheme, admission, deadline).await
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
        self.run(async |code, store| match &code.messages {
            Some(incoming) => incoming.handle(store, message, broker).await.map(Some),
            None => Ok(None),
        })
        .await
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
        self.run(async |code, store| match &code.watcher {
            Some(watcher) => watcher.tell(store, change, bucket).await.map(Some),
            None => Ok(None),
        })
        .await
    }

    /// Runs `call` in a fresh instance, within the limits. It returns nothing where the unit does not
    /// export what is to be called.
    async fn run<T>(
        &self,
        call: impl AsyncFnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<Option<T>>,
    ) -> Result<T, Failure> {
        let responder = &*self.responder;
        let deadline = Deadline::after(responder.plan.limit.time);
        let _admission = self.gate.admit(&responder.engine, &responder.plan).await?;
        let code = responder.code.get().await?;
        let exports = code.exports().ok_or(Failure::NoAnswer)?;
        let mut store = responder.store(deadline).await?;
        let mut pace = Pace::default();
        let done = {
            let mut call = pin!(call(exports, &mut store));
            let paced = poll_fn(|context| {
                pace.measure(&responder.plan.usage, || call.as_mut().poll(context))
            });
            deadline.limit(paced).await?
        };
        let done = done.map_err(|error| instance::failure(&mut store, &error))?;
        done.ok_or(Failure::NoAnswer)
    }

    /// Whether an instance of it is at work, or may still be.
    pub fn is_busy(&self) -> bool {
        // Each instance has a part in it.
        Arc::strong_count(&self.responder) > 1
    }

    /// Makes an instance and drops it without a call: what every request pays before its component
    /// runs. It has no part in serving; it is there to be measured.
    ///
    /// # Errors
    /// If the pool has no room, or the component traps at its start.
    pub async fn instantiate(&self) -> Result<(), Failure> {
        self.responder.instantiate().await
    }

    /// Waits until all instances have ended that outlived their answers. No request may be given
    /// to the unit any more.
    pub async fn finish(&self) {
        self.responder.finish().await;
    }
}
