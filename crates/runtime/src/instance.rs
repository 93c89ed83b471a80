//! One request in one instance.
//!
//! The instance is a future, polled by whatever waits for its response: first the call to [`run`],
//! then the response's body. Nothing is spawned, and dropping either drops the instance, which is
//! how a client that disconnects cancels it. Only an instance that has sent its whole response and
//! still has work to do continues in a task of its own.

mod answered;
mod body;
mod trace;
pub(crate) mod watch;
pub(crate) mod worker;

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
use http::{
    Method, StatusCode,
    uri::{Authority, Scheme},
};
use http_body_util::BodyExt;
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep},
};
use wasmtime::{
    AsContextMut, Store,
    component::{Accessor, InstancePre},
};
use wasmtime_wasi_http::{
    Error, WasiBody,
    p2::bindings::{Proxy, ProxyPre, http::types as p2},
    p3::{
        self,
        bindings::{Service, ServicePre},
    },
};

use self::{
    answered::Answered,
    body::{LimitedBody, Unread},
};
use crate::{
    bind::Denied,
    failure::{Body, Failure},
    pace::Pace,
    state::{State, view},
    unit::{Admission, Unit},
};

/// A unit that is ready to be instantiated, by the version of WASI whose handler it exports.
pub(crate) enum Handler {
    /// `wasi:http/incoming-handler@0.2`
    Wasi0_2(ProxyPre<State>),
    /// `wasi:http/handler@0.3`
    Wasi0_3(ServicePre<State>),
}

impl Handler {
    /// The handler that the unit exports, if it does.
    pub(crate) fn find(pre: InstancePre<State>) -> Option<Self> {
        if let Ok(service) = ServicePre::new(pre.clone()) {
            return Some(Self::Wasi0_3(service));
        }
        ProxyPre::new(pre).ok().map(Self::Wasi0_2)
    }

    async fn instantiate(
        &self,
        store: impl AsContextMut<Data = State>,
    ) -> wasmtime::Result<Instance> {
        Ok(match self {
            Self::Wasi0_2(pre) => Instance::Wasi0_2(pre.instantiate_async(store).await?),
            Self::Wasi0_3(pre) => Instance::Wasi0_3(pre.instantiate_async(store).await?),
        })
    }
}

/// An instance, likewise.
enum Instance {
    Wasi0_2(Proxy),
    Wasi0_3(Service),
}

/// What comes back from the instance before its body.
type Answer = Result<http::Response<WasiBody>, Failure>;

/// Runs `request` in a fresh instance of `unit` until it has an answer.
pub(crate) async fn run<B>(
    unit: &Arc<Unit>,
    request: http::Request<B>,
    scheme: Scheme,
    admission: Admission,
    deadline: Instant,
) -> Result<http::Response<Body>, Failure>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let head_only = request.method() == Method::HEAD;
    let too_large = Arc::new(AtomicBool::new(false));
    let limit = unit.plan().limit.body_bytes;
    let request = match limit {
        None => request.map(|body| body.map_err(Into::into).boxed_unsync()),
        Some(limit) => request.map(|body| {
            let body = body.map_err(Into::into).boxed_unsync();
            LimitedBody::new(body, limit, Arc::clone(&too_large)).boxed_unsync()
        }),
    };
    let (answer, mut answered) = oneshot::channel();
    let (sent, body_sent) = oneshot::channel();
    let drives_itself = unit.workers().is_some();
    let drive = drive(Arc::clone(unit), (request, scheme), answer, body_sent, admission, deadline);
    let pace = Pace::default();
    let mut instance = Running {
        drive,
        drives_itself,
        remains: None,
        pace,
        deadline,
        sleep: None,
        unit: Arc::clone(unit),
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
            unit.log(&failure);
            (Some(instance), Some(failure))
        }
    };
    let length = response.headers().get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let bodyless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    let has_body = !head_only && !bodyless.contains(&response.status());
    Ok(response
        .map(|body| Answered::new(body, instance, failure, sent, has_body, length).boxed_unsync()))
}

/// An instance at work, with the time that it has left.
pub(crate) struct Running {
    drive: Drive,
    /// Whether it goes on without being polled.
    drives_itself: bool,
    /// What an instance that failed leaves, until it is clear what it had sent.
    remains: Option<Box<dyn Send>>,
    pace: Pace,
    deadline: Instant,
    /// Made when the instance first has to wait, which most never do.
    sleep: Option<Pin<Box<Sleep>>>,
    unit: Arc<Unit>,
}

impl Running {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if let Poll::Ready(result) = self.pace.measure(|| self.drive.as_mut().poll(context)) {
            return Poll::Ready(result.map_err(|Broken { failure, remains }| {
                self.remains = Some(remains);
                failure
            }));
        }
        let sleep =
            self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.deadline)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Err(Failure::TimedOut(self.unit.plan().limit.time)))
    }

    /// Lets the instance end what it does after its answer. If nobody reads the answer's body,
    /// that is read here.
    fn go_on(mut self, mut unread: Option<Unread>) {
        if self.drives_itself && unread.is_none() {
            return;
        }
        let unit = Arc::clone(&self.unit);
        let tasks = unit.tasks().clone();
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
                unit.log(&failure);
            }
        };
        // Without a runtime the process is ending, and the instance with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            tasks.spawn_on(rest, &runtime);
        }
    }
}

impl Unit {
    fn log(&self, failure: &Failure) {
        // Its root is what limits are set for.
        let remedy = self.plan().members.first().map(|root| root.principal.remedy);
        tracing::warn!("{}: {}", self.name(), remedy.unwrap_or_default().tell(failure));
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

/// Has an instance of the unit answer the request: one of its own, or a worker.
fn drive(
    unit: Arc<Unit>,
    request: (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
    admission: Admission,
    deadline: Instant,
) -> Drive {
    if unit.workers().is_some() {
        Box::pin(worker::drive(unit, request, answer, body_sent, admission, deadline))
    } else {
        Box::pin(drive_own(unit, request, answer, body_sent, admission))
    }
}

/// The life of an instance: made, called, and dropped when its call is done.
async fn drive_own(
    unit: Arc<Unit>,
    request: (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
    _admission: Admission,
) -> Result<(), Broken> {
    // No route leads to a unit without.
    let Some(handler) = unit.handler() else { return Ok(()) };
    let mut store = unit.store();
    let result = async {
        match handler.instantiate(&mut store).await? {
            Instance::Wasi0_2(proxy) => answer_0_2(&mut store, &proxy, request, answer).await,
            Instance::Wasi0_3(service) => {
                let run = store.run_concurrent(async |accessor| {
                    answer_0_3(accessor, &service, request, answer, body_sent).await?;
                    // The guest's tasks may have more to do after the answer.
                    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
                    Ok(())
                });
                run.await?
            }
        }
    }
    .await;
    result
        .map_err(|error| Broken { failure: failure(&mut store, &error), remains: Box::new(store) })
}

/// Makes an instance of `unit`, and drops it.
pub(crate) async fn make(unit: &Unit) -> Result<(), Failure> {
    let Some(handler) = unit.handler() else { return Ok(()) };
    let mut store = unit.store();
    let made = handler.instantiate(&mut store).await;
    made.map(drop).map_err(|error| failure(&mut store, &error))
}

/// Calls the instance with the request, and sends its answer. It may be one of an engine that has
/// nothing for calls at the same time.
async fn answer_0_2(
    store: &mut Store<State>,
    proxy: &Proxy,
    (request, scheme): (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
) -> wasmtime::Result<()> {
    let scheme = if scheme == Scheme::HTTPS { p2::Scheme::Https } else { p2::Scheme::Http };
    let mut view = view::http::<0>(store.data_mut());
    let request = match view.new_incoming_request(scheme, request) {
        Ok(request) => request,
        Err(error) => {
            // The receiver is gone when the client is.
            let _ = answer.send(Err(Failure::Request(error.to_string())));
            return Ok(());
        }
    };
    let out = view.new_response_outparam_from_callback(move |result| {
        let _ = answer.send(result.map_err(|code| Failure::ErrorCode(format!("{code:?}"))));
    })?;
    let handle = proxy.wasi_http_incoming_handler().func_handle();
    handle.call_async(store, (request, out)).await
}

/// Calls the instance with the request, until its answer has been sent.
async fn answer_0_3(
    accessor: &Accessor<State>,
    service: &Service,
    (request, scheme): (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
) -> wasmtime::Result<()> {
    let request = accessor.with(|mut store| {
        let request = request_0_3(store.get(), request, scheme);
        view::table(store.get()).push(request)
    })?;
    // What the guest learns about the transmission of its response.
    let (whole, all_sent) = oneshot::channel();
    let transmitted = async { all_sent.await.map_err(|_| Error::ConnectionTerminated) };
    match service.wasi_http_handler().call_handle(accessor, request).await? {
        Ok(response) => {
            let response = accessor.with(|mut store| {
                let response = view::table(store.get()).delete(response)?;
                response.into_http_with_getter(&mut store, transmitted, view::http::<0>)
            })?;
            // The receiver is gone when the client is.
            let _ = answer.send(Ok(response));
        }
        Err(code) => {
            let _ = answer.send(Err(Failure::ErrorCode(format!("{code:?}"))));
            return Ok(());
        }
    }
    // The guest's tasks write the body; and it may be one that only the host moves.
    if body_sent.await.is_ok() {
        // The receiver may be gone.
        let _ = whole.send(());
    }
    Ok(())
}

/// The request as a 0.3 resource. Its authority is the `Host` header's where the URI has none.
fn request_0_3(state: &mut State, request: http::Request<WasiBody>, scheme: Scheme) -> p3::Request {
    let (mut parts, body) = request.into_parts();
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    if uri.authority.is_none() {
        let host = parts.headers.get(http::header::HOST);
        uri.authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    }
    uri.scheme = Some(scheme);
    let hooks = view::http::<0>(state).hooks;
    let headers = wasmtime_wasi_http::FieldMap::new_immutable(hooks, parts.headers);
    let (request, _processed) = p3::Request::new(
        parts.method,
        uri.scheme,
        uri.authority,
        uri.path_and_query,
        headers,
        None,
        body,
    );
    // What a guest reports about a request's body changes nothing here.
    request
}

/// Says why an instance ended.
pub(crate) fn failure(store: &mut Store<State>, error: &wasmtime::Error) -> Failure {
    if let Some(denied) = error.downcast_ref::<Denied>() {
        return Failure::Denied(denied.to_string());
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Failure::NoRoom(error.to_string());
    }
    let trap = error.root_cause().to_string();
    if let Some(exceeded) = store.data_mut().exceeded(&trap) {
        return exceeded;
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Failure::Trap(format!("it exited with status {}", exit.0));
    }
    match error.downcast_ref::<wasmtime::WasmBacktrace>() {
        None => Failure::Trap(trap),
        Some(backtrace) => Failure::Trap(format!("{trap}{}", trace::frames(backtrace))),
    }
}
