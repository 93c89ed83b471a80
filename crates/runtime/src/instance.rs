//! One request in one instance.
//!
//! The instance is a future that is polled by whoever waits for its answer: first the call to
//! [`run`], then the answer's body. Nothing is spawned, and dropping either drops the instance,
//! which is how a client that goes away cancels it. Only an instance that has sent its whole
//! answer and still has something to do goes on in a task of its own.

mod body;

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
use keyway_app::foreign::printable;
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep},
};
use wasmtime::{Store, component::InstancePre};
use wasmtime_wasi_http::{
    WasiBody,
    p2::bindings::{Proxy, ProxyPre, http::types as p2},
    p3::{self, bindings::ServicePre},
};

use self::body::{Answered, LimitedBody, Unread};
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
}

/// What comes back from the instance before its body.
type Answer = Result<http::Response<WasiBody>, String>;

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
    B::Error: Into<wasmtime_wasi_http::Error>,
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
    let drive = drive(Arc::clone(unit), request, scheme, answer, body_sent, admission);
    let pace = Pace::default();
    let mut instance = Running {
        drive: Box::pin(drive),
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
            Ok(Err(code)) => Poll::Ready(Err(Failure::ErrorCode(code))),
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
    drive: Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>>,
    /// What an instance that failed leaves, as long as its answer is read.
    remains: Option<Store<State>>,
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
        tracing::warn!("{}: {failure}", self.name());
    }
}

/// An instance that failed. Its store is kept: with it would go what the instance had not finished,
/// and a body that is gone looks like one that has ended.
struct Broken {
    failure: Failure,
    remains: Store<State>,
}

/// The life of an instance: made, called, and dropped when its call is done.
async fn drive(
    unit: Arc<Unit>,
    request: http::Request<WasiBody>,
    scheme: Scheme,
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
    _admission: Admission,
) -> Result<(), Broken> {
    let mut store = unit.store();
    let result = match unit.handler() {
        Some(Handler::Wasi0_2(pre)) => handle_0_2(&mut store, pre, request, scheme, answer).await,
        Some(Handler::Wasi0_3(pre)) => {
            handle_0_3(&mut store, pre, request, scheme, answer, body_sent).await
        }
        // No route leads to such a unit.
        None => Ok(()),
    };
    result.map_err(|error| Broken { failure: failure(&mut store, &error), remains: store })
}

/// Makes an instance of `unit`, and drops it.
pub(crate) async fn make(unit: &Unit) -> Result<(), Failure> {
    let mut store = unit.store();
    let made = match unit.handler() {
        Some(Handler::Wasi0_2(pre)) => pre.instantiate_async(&mut store).await.map(drop),
        Some(Handler::Wasi0_3(pre)) => pre.instantiate_async(&mut store).await.map(drop),
        None => Ok(()),
    };
    made.map_err(|error| failure(&mut store, &error))
}

async fn handle_0_2(
    store: &mut Store<State>,
    pre: &ProxyPre<State>,
    request: http::Request<WasiBody>,
    scheme: Scheme,
    answer: oneshot::Sender<Answer>,
) -> wasmtime::Result<()> {
    let proxy: Proxy = pre.instantiate_async(&mut *store).await?;
    let scheme = if scheme == Scheme::HTTPS { p2::Scheme::Https } else { p2::Scheme::Http };
    let mut view = view::http::<0>(store.data_mut());
    let request = view.new_incoming_request(scheme, request);
    let request = request.map_err(|error| Unfit(error.to_string()))?;
    let out = view.new_response_outparam_from_callback(move |result| {
        // The receiver is gone when the client is.
        let _ = answer.send(result.map_err(|code| format!("{code:?}")));
    })?;
    let handle = proxy.wasi_http_incoming_handler().func_handle();
    handle.call_async(store, (request, out)).await
}

async fn handle_0_3(
    store: &mut Store<State>,
    pre: &ServicePre<State>,
    request: http::Request<WasiBody>,
    scheme: Scheme,
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
) -> wasmtime::Result<()> {
    let service = pre.instantiate_async(&mut *store).await?;
    let (request, processed) = request_0_3(store, request, scheme);
    let request = view::table(store.data_mut()).push(request)?;
    let run = store.run_concurrent(async |accessor| -> wasmtime::Result<()> {
        let handler = service.wasi_http_handler();
        match handler.call_handle(accessor, request).await? {
            Ok(response) => {
                let response = accessor.with(|mut store| {
                    let response = view::table(store.get()).delete(response)?;
                    response.into_http_with_getter(&mut store, processed, view::http::<0>)
                })?;
                // The receiver is gone when the client is.
                let _ = answer.send(Ok(response));
            }
            Err(code) => {
                let _ = answer.send(Err(format!("{code:?}")));
                return Ok(());
            }
        }
        // The guest's tasks write the body, and may have more to do after it; the body itself
        // may be one that only the host moves.
        poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
        let _ = body_sent.await;
        Ok(())
    });
    run.await?
}

/// The request as a 0.3 resource. Its authority is the `Host` header's where the URI has none.
fn request_0_3(
    store: &mut Store<State>,
    request: http::Request<WasiBody>,
    scheme: Scheme,
) -> (
    p3::Request,
    impl Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send + 'static + use<>,
) {
    let (mut parts, body) = request.into_parts();
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    if uri.authority.is_none() {
        let host = parts.headers.get(http::header::HOST);
        uri.authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    }
    uri.scheme = Some(scheme);
    let hooks = view::http::<0>(store.data_mut()).hooks;
    let headers = wasmtime_wasi_http::FieldMap::new_immutable(hooks, parts.headers);
    p3::Request::new(
        parts.method,
        uri.scheme,
        uri.authority,
        uri.path_and_query,
        headers,
        None,
        body,
    )
}

/// The request is not one that the interface can express.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unfit(String);

/// Says why an instance ended.
pub(crate) fn failure(store: &mut Store<State>, error: &wasmtime::Error) -> Failure {
    if let Some(denied) = error.downcast_ref::<Denied>() {
        return Failure::Denied(denied.to_string());
    }
    if let Some(Unfit(reason)) = error.downcast_ref() {
        return Failure::Request(reason.clone());
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
        Some(backtrace) => Failure::Trap(format!("{trap}{}", frames(backtrace))),
    }
}

/// The innermost functions of a backtrace, by name, with their lines where these are known.
fn frames(backtrace: &wasmtime::WasmBacktrace) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for frame_of in backtrace.frames().iter().take(8) {
        let module = frame_of.module().name().unwrap_or("wasm");
        let function = frame_of.func_name().unwrap_or("a function without a name");
        // Writing to a string does not fail.
        let frame = format!("in {module}: {}", rustc_demangle::demangle(function));
        let _ = write!(text, "\n    {}", printable(&frame));
        // Only where the component has them, and code was compiled to look them up.
        if let Some(symbol) = frame_of.symbols().first()
            && let (Some(file), Some(line)) = (symbol.file(), symbol.line())
        {
            let _ = write!(text, " at {}:{line}", printable(file));
        }
    }
    text
}
