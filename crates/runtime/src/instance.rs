//! One request in one instance.
//!
//! The instance is a future, polled by whatever waits for its response: first the call to [`run`],
//! then the response's body. Nothing is spawned, and dropping either drops the instance, which is
//! how a client that disconnects cancels it. Only an instance that has sent its whole response and
//! still has work to do continues in a task of its own.

mod answered;
mod body;
mod ended;
mod handler;
mod trace;
mod watch;
mod worker;

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::uri::Scheme;
use http_body_util::BodyExt;
use keyway_call::{Body, Deadline, Failure, Length, has_body};
use tokio::{sync::oneshot, time::Sleep};
use tokio_util::task::TaskTracker;
use wasmtime::Store;
use wasmtime_wasi_http::{Error, WasiBody};

pub(crate) use self::ended::failure;
use self::{
    answered::Answered,
    body::{RequestBody, Unread},
    handler::{answer_0_2, answer_0_3},
    watch::Watch,
    worker::Workers,
};
use crate::{
    admission::Admission,
    engine::Engine,
    export::Instance,
    grant::plan::Plan,
    pace::{self, Pace},
    place::Slots,
    reset::{New, Proxied, Spare, Spares},
    shelf::Shelved,
    state::State,
};

/// What instances of a unit are made of, and where they run.
pub(crate) struct Responder {
    name: String,
    pub(crate) engine: Arc<Engine>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) code: Arc<Shelved>,
    /// What an instance takes of the pool.
    slots: Slots,
    /// Where instances answer more than one request.
    workers: Option<Workers>,
    /// Where they are reset after one.
    spares: Option<Arc<Spares>>,
    /// The answers that are being read.
    watch: Arc<Watch>,
    /// Runs instances that have answered and are not done.
    tasks: TaskTracker,
}

impl Responder {
    /// Of the unit of this name, of which as many instances as `concurrency` may run at once.
    pub(crate) fn new(
        name: &str,
        engine: Arc<Engine>,
        plan: Arc<Plan>,
        code: Arc<Shelved>,
        slots: Slots,
        concurrency: usize,
        resets: bool,
    ) -> Self {
        let reuse = plan.limit.reuse;
        let resetter = engine.resetter().filter(|_| resets && reuse.requests == 1);
        Self {
            name: name.to_owned(),
            spares: resetter.map(|resetter| Spares::new(resetter, slots.memories)),
            engine,
            plan,
            code,
            slots,
            workers: (reuse.requests > 1).then(|| Workers::new(reuse, concurrency)),
            watch: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Makes an instance, and drops it.
    pub(crate) async fn instantiate(&self) -> Result<(), Failure> {
        let mut store = self.store(Deadline::after(self.plan.limit.time)).await?;
        let made = self.make(&mut store).await;
        made.map(drop).map_err(|error| failure(&mut store, &error))
    }

    /// Waits until all instances have ended that outlived their answers. No request may be given
    /// to it any more.
    pub(crate) async fn finish(&self) {
        if let Some(workers) = &self.workers {
            workers.close();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// An instance in `store`.
    ///
    /// # Errors
    /// If its code cannot be loaded, or has no handler of requests.
    async fn make(&self, store: &mut Store<State>) -> wasmtime::Result<Instance> {
        let code = self.code.get().await?;
        let handler = code.exports().and_then(|exports| exports.handler.as_ref());
        handler.ok_or(Failure::NoAnswer)?.instantiate(store).await
    }

    /// An instance of a unit with a handler of WASI 0.2, if the pool has room.
    async fn make_at_once(&self) -> Option<(Store<State>, Proxied)> {
        let mut store = self.engine.store_at_once(&self.plan, self.slots)?;
        match self.make(&mut store).await.ok()? {
            Instance::Wasi0_2(made) => Some((store, made)),
            Instance::Wasi0_3(_) => None,
        }
    }

    /// A store for one instance, once the pool has room for it.
    ///
    /// # Errors
    /// If it has none in time.
    pub(crate) async fn store(&self, time: Deadline) -> Result<Store<State>, Failure> {
        if let Some(spares) = &self.spares {
            spares.drop_one();
        }
        let store = self.engine.store(&self.plan, self.slots, time).await?;
        self.plan.usage.add_instance();
        Ok(store)
    }

    fn log(&self, failure: &Failure) {
        // The limits of a unit are set for its root.
        let remedy = self.plan.members.first().map(|root| root.principal.remedy);
        self.plan.printer.warn(&self.name, &remedy.unwrap_or_default().tell(failure));
    }
}

/// What comes back from the instance before its body.
type Answer = Result<http::Response<WasiBody>, Failure>;

/// Runs `request` in an instance until it has an answer.
pub(crate) async fn run<B>(
    responder: &Arc<Responder>,
    request: http::Request<B>,
    scheme: Scheme,
    admission: Admission,
    deadline: Deadline,
) -> Result<http::Response<Body>, Failure>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let method = request.method().clone();
    let too_large = Arc::new(AtomicBool::new(false));
    let limit = responder.plan.limit.body_bytes;
    let request = request.map(|body| {
        let is_empty = body.is_end_stream();
        let body = body.map_err(Into::into).boxed_unsync();
        if is_empty {
            return body;
        }
        let plan = Arc::clone(&responder.plan);
        RequestBody::new(body, plan, Arc::clone(&too_large)).boxed_unsync()
    });
    let (answer, mut answered) = oneshot::channel();
    let (sent, body_sent) = oneshot::channel();
    let drives_itself = responder.workers.is_some();
    let drive =
        drive(Arc::clone(responder), (request, scheme), answer, body_sent, admission, deadline);
    let pace = Pace::default();
    let mut instance = Running {
        drive,
        drives_itself,
        remains: None,
        pace,
        deadline,
        sleep: None,
        responder: Arc::clone(responder),
    };
    let mut ended: Option<Result<(), Failure>> = None;

    let response = poll_fn(|context| {
        if ended.is_none()
            && let Poll::Ready(result) = instance.poll(context)
        {
            ended = Some(result);
        }
        if let Some(limit) = limit
            && too_large.load(Relaxed)
        {
            return Poll::Ready(Err(Failure::BodyTooLarge(limit)));
        }
        // The instance alone sends the answer, so that there is nothing to be woken for; and a
        // poll of the channel may be put off, to let other tasks run, though the answer is there.
        match answered.try_recv() {
            Ok(Ok(response)) => Poll::Ready(Ok(response)),
            Ok(Err(failure)) => Poll::Ready(Err(failure)),
            // No answer will come after the instance's end, which says why.
            Err(_) => match &ended {
                Some(Ok(())) => Poll::Ready(Err(Failure::NoAnswer)),
                Some(Err(failure)) => Poll::Ready(Err(failure.clone())),
                None => Poll::Pending,
            },
        }
    })
    .await?;

    let (instance, failure) = match ended {
        None => (Some(instance), None),
        Some(Ok(())) => (None, None),
        Some(Err(failure)) => {
            responder.log(&failure);
            (Some(instance), Some(failure))
        }
    };
    let length = Length::of(response.headers());
    let has_body = has_body(&method, response.status());
    let plan = Arc::clone(&responder.plan);
    Ok(response.map(|body| {
        Answered::new(body, plan, instance, failure, sent, has_body, length).boxed_unsync()
    }))
}

/// An instance at work, with the time that it has left.
pub(crate) struct Running {
    drive: Drive,
    /// Whether it goes on without being polled.
    drives_itself: bool,
    /// What an instance that failed leaves, until it is clear what it had sent.
    remains: Option<Box<dyn Send>>,
    pace: Pace,
    deadline: Deadline,
    /// Made when the instance first has to wait, which most never do.
    sleep: Option<Pin<Box<Sleep>>>,
    responder: Arc<Responder>,
}

impl Running {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if let Poll::Ready(result) =
            self.pace.measure(&self.responder.plan.usage, || self.drive.as_mut().poll(context))
        {
            return Poll::Ready(result.map_err(|Broken { failure, remains }| {
                self.remains = Some(remains);
                failure
            }));
        }
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.deadline.at())));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Err(self.deadline.failure()))
    }

    /// Lets the instance end what it does after its answer. If nobody reads the answer's body,
    /// that is read here.
    fn go_on(mut self, mut unread: Option<Unread>) {
        if self.drives_itself && unread.is_none() {
            return;
        }
        let responder = Arc::clone(&self.responder);
        let tasks = responder.tasks.clone();
        let rest = async move {
            let end = poll_fn(|context| {
                let end = self.poll(context);
                if let Some(body) = &mut unread
                    && body.poll_waste(context).is_ready()
                {
                    unread = None;
                    // The instance may wait for the end of its body.
                    context.waker().wake_by_ref();
                }
                end
            });
            if let Err(failure) = end.await {
                responder.log(&failure);
            }
        };
        // Without a runtime the process is ending, and the instance with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            tasks.spawn_on(rest, &runtime);
        }
    }
}

/// An instance that failed. Its store is kept: with it would go what the instance had not finished,
/// and a body that is gone looks like one that has ended.
struct Broken {
    failure: Failure,
    remains: Box<dyn Send>,
}

/// What a request polls.
type Drive = Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>>;

/// Has an instance answer the request: one of its own, or a worker.
fn drive(
    responder: Arc<Responder>,
    request: (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
    admission: Admission,
    deadline: Deadline,
) -> Drive {
    if responder.workers.is_some() {
        Box::pin(worker::drive(responder, request, answer, body_sent, admission, deadline))
    } else {
        Box::pin(drive_own(responder, request, answer, body_sent, admission, deadline))
    }
}

/// The life of an instance: made, called, and dropped or reset when its call is done.
async fn drive_own(
    responder: Arc<Responder>,
    request: (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
    _admission: Admission,
    deadline: Deadline,
) -> Result<(), Broken> {
    pace::begin(&responder.plan.account).await;
    let spare = responder.spares.as_ref().and_then(|spares| spares.take());
    let (mut store, made) = match spare {
        Some(Spare { store, made, .. }) => (store, Ok(Instance::Wasi0_2(made))),
        None => {
            let store = responder.store(deadline).await;
            let mut store = store.map_err(|failure| Broken { failure, remains: Box::new(()) })?;
            let made = responder.make(&mut store).await;
            (store, made)
        }
    };
    let result = async {
        match made? {
            Instance::Wasi0_2(made) => {
                answer_0_2(&mut store, &made.proxy, request, answer).await?;
                Ok(Some(made))
            }
            Instance::Wasi0_3(service) => {
                let run = store.run_concurrent(async |accessor| {
                    answer_0_3(accessor, &service, request, answer, body_sent).await?;
                    // The guest's tasks may have more to do after the answer.
                    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
                    wasmtime::Result::<()>::Ok(())
                });
                run.await??;
                Ok(None)
            }
        }
    }
    .await;
    match result {
        Ok(made) => {
            if let (Some(spares), Some(resetter), Some(made)) =
                (&responder.spares, responder.engine.resetter(), made)
            {
                let new = || Box::pin(responder.make_at_once()) as New<'_>;
                spares.keep(&responder.name, resetter, (store, made), new).await;
            }
            Ok(())
        }
        Err(error) => {
            let failure = failure(&mut store, &error);
            Err(Broken { failure, remains: Box::new(store) })
        }
    }
}
