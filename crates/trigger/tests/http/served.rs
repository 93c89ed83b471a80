//! A server on a thread of its own, and the handler that most tests use.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use keyway_trigger::http::{
    Body, BodyError, Ending, Failure, Handler, LiveRoutes, Options, Peer, Routes, ServeReport,
    Server,
};
use tokio_util::sync::CancellationToken;

/// Long enough for any machine; a test that waits for so long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A server that runs until it is stopped or dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) at_once: CancellationToken,
    thread: Option<JoinHandle<ServeReport>>,
}

impl Served {
    /// Serves what `handler` answers, on every path, and does not wait for it at the end.
    pub(crate) fn new<H: Handler>(handler: H) -> Self {
        Self::with(Options::default(), Duration::ZERO, handler)
    }

    pub(crate) fn with<H: Handler>(options: Options, drain: Duration, handler: H) -> Self {
        let mut routes = Routes::new();
        routes.add(None, "/", handler).expect("it is the only route");
        Self::routes(options, drain, routes)
    }

    /// Has the server wait for `rest` after the last answer.
    pub(crate) fn until<H: Handler>(
        rest: impl Future<Output = ()> + Send + 'static,
        drain: Duration,
        handler: H,
    ) -> Self {
        let mut routes = Routes::new();
        routes.add(None, "/", handler).expect("it is the only route");
        Self::start(Options::default(), drain, routes, rest)
    }

    pub(crate) fn routes<H: Handler>(options: Options, drain: Duration, routes: Routes<H>) -> Self {
        Self::start(options, drain, routes, ready(()))
    }

    fn start<H: Handler>(
        options: Options,
        drain: Duration,
        routes: Routes<H>,
        rest: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(any, options).expect("a free port");
        let address = server.address();
        let stop = CancellationToken::new();
        let at_once = CancellationToken::new();
        let ending = Ending { stop: stop.clone(), drain, at_once: at_once.clone() };
        let routes = Arc::new(LiveRoutes::new(routes));
        let thread = thread::spawn(move || server.serve(routes, &ending, rest));
        Served { address, stop, at_once, thread: Some(thread) }
    }

    /// Stops the server and waits for its end.
    pub(crate) fn end(mut self) -> ServeReport {
        self.stop.cancel();
        self.thread.take().expect("it ends once").join().expect("the server does not panic")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) fn body(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Answers by path.
pub(crate) async fn example(
    request: Request<Incoming>,
    _: Peer,
) -> Result<Response<Body>, Failure> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/echo" => {
            let mut response = Response::new(());
            if let Some(names) = request.headers().get("trailer") {
                response.headers_mut().insert("trailer", names.clone());
            }
            Ok(response.map(|()| request.into_body().map_err(BodyError::Transfer).boxed_unsync()))
        }
        "/collect" => {
            let whole = request
                .into_body()
                .collect()
                .await
                .map_err(|error| Failure::Request(error.to_string()))?;
            Ok(Response::new(body(whole.to_bytes())))
        }
        "/short" => {
            let mut response = Response::new(body("12345"));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("10"));
            Ok(response)
        }
        "/early" => {
            let mut response = Response::new(body("early"));
            *response.status_mut() = StatusCode::EARLY_HINTS;
            Ok(response)
        }
        "/busy" => Err(Failure::Busy { running: 1, waiting: 1 }),
        "/large" => Err(Failure::BodyTooLarge(10)),
        "/trap" => Err(Failure::Trap("at 0x1234 of secret.wasm".into())),
        _ => Ok(Response::new(body(path))),
    }
}
