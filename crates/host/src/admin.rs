//! The admin API: HTTP with JSON on a Unix socket that only its owner may use.
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /v1/status` | how the app is: [`api::Status`] |
//! | `POST /v1/components/NAME` | exchanges a component: [`api::SwapComponent`] |
//! | `POST /v1/stores/NAME` | exchanges a backend, with its data: [`api::SwapBackend`] |
//! | `POST /v1/undo` | goes back to what the last change replaced, or ends a trial |
//! | `POST /v1/reload` | takes in what has changed: [`api::Reloaded`] |
//! | `GET /v1/functions` | what can be called: a list of [`api::Function`] |
//! | `POST /v1/call` | calls a function: [`api::Asked`], [`api::Returned`] |
//! | `GET /v1/logs`, `?follow=true` | the log's last lines, and those that come: [`api::LogLine`] |
//!
//! What is not done is answered with a status from 400 on and [`api::Refused`].

pub mod api;
mod client;
mod socket;
mod status;

pub use client::{Client, which_host};
pub(crate) use socket::AdminSocket;
pub use socket::running_sockets;

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyway_app::Problem;
use keyway_capability::keyvalue::swapping::Existing;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    ProblemReport,
    live::{
        canary::Share,
        log,
        running::{Running, TrialOptions},
    },
    problem::problem,
};
use api::{BackendSwapped, Canary, Refused, Reloaded, SwapBackend, SwapComponent, VERSION};

/// The largest request, in bytes.
const REQUEST_BYTES: usize = 16 << 20;

/// The longest trial of a component.
const TRIAL_AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

type Body = BoxBody<Bytes, Infallible>;

/// What the API acts on.
struct Admin {
    running: Arc<Running>,
    url: String,
    started: Instant,
    stop: CancellationToken,
}

/// Serves the API until `stop`.
pub(crate) async fn serve(
    socket: AdminSocket,
    running: Arc<Running>,
    url: String,
    stop: CancellationToken,
) {
    let admin = Arc::new(Admin { running, url, started: Instant::now(), stop: stop.clone() });
    while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!("the admin API cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let admin = Arc::clone(&admin);
        let service = service_fn(move |request| {
            let admin = Arc::clone(&admin);
            async move { Ok::<_, Infallible>(admin.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        // A client that goes is its own affair.
        tokio::spawn(async move { connection.await.ok() });
    }
}

impl Admin {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let segments: Vec<_> =
            path.strip_prefix(VERSION).unwrap_or("").split('/').skip(1).collect();
        let done = match (&method, segments.as_slice()) {
            (&Method::GET, ["status"]) => json(&self.status()),
            (&Method::GET, ["logs"]) => Ok(self.logs(request.uri().query())),
            (&Method::POST, ["reload"]) => {
                self.running.reload().await.and_then(|changed| json(&Reloaded { changed }))
            }
            (&Method::POST, ["undo"]) => self.running.undo().await.and_then(|()| json(&())),
            (&Method::GET, ["functions"]) => {
                self.running.functions().await.and_then(|functions| json(&functions))
            }
            (&Method::POST, ["call"]) => match read(request).await {
                Ok(asked) => self.running.call(asked).await.and_then(|returned| json(&returned)),
                Err(problem) => Err(vec![problem]),
            },
            (&Method::POST, ["components", name]) => match read(request).await {
                Ok(asked) => self.swap_component(&decode(name), asked).await,
                Err(problem) => Err(vec![problem]),
            },
            (&Method::POST, ["stores", name]) => match read(request).await {
                Ok(asked) => self.swap_backend(&decode(name), asked).await,
                Err(problem) => Err(vec![problem]),
            },
            _ => {
                let message = format!("there is no `{method} {path}` in the admin API");
                Err(vec![problem("no-such-request", message, None)])
            }
        };
        done.unwrap_or_else(|problems| refuse(&problems))
    }

    async fn swap_component(&self, name: &str, asked: SwapComponent) -> Done {
        let trial = asked.canary.as_ref().map(trial).transpose()?;
        let path = PathBuf::from(asked.path);
        if path.is_relative() {
            let message = format!("the path {} is not absolute", path.display());
            let help = "the host may run in another folder than you";
            return Err(vec![problem("bad-request", message, Some(help))]);
        }
        self.running.swap_component(name.to_owned(), path, trial).await?;
        json(&())
    }

    async fn swap_backend(&self, name: &str, asked: SwapBackend) -> Done {
        let SwapBackend { backend, settings, delete_existing } = asked;
        let existing = if delete_existing { Existing::Delete } else { Existing::Refuse };
        let swapped = self.running.swap_backend(name, &backend, &settings, existing).await?;
        json(&BackendSwapped { copied: swapped.copied, repaired: swapped.repaired })
    }

    fn logs(&self, query: Option<&str>) -> Response<Body> {
        let follows = query.is_some_and(|query| query.split('&').any(|part| part == "follow=true"));
        let (lines, coming) = log::read();
        let coming = coming.take_until(self.stop.clone().cancelled_owned());
        let coming = if follows { coming.left_stream() } else { stream::empty().right_stream() };
        let lines = stream::iter(lines).chain(coming).map(|line| {
            let mut text = serde_json::to_vec(&line).unwrap_or_default();
            text.push(b'\n');
            Ok(Frame::data(Bytes::from(text)))
        });
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(lines)));
        let of_lines = http::HeaderValue::from_static("application/x-ndjson");
        response.headers_mut().insert(CONTENT_TYPE, of_lines);
        response
    }
}

type Done = Result<Response<Body>, Vec<Problem>>;

/// The words of a request.
async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Problem> {
    let wrong = |error: &dyn std::fmt::Display| {
        problem("bad-request", format!("the request cannot be read: {error}"), None)
    };
    let body = Limited::new(request.into_body(), REQUEST_BYTES).collect().await;
    let bytes = body.map_err(|error| wrong(&error))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| wrong(&error))
}

fn trial(canary: &Canary) -> Result<TrialOptions, Vec<Problem>> {
    let share = |percent: f64, what: &str| {
        if (0.0..=100.0).contains(&percent) {
            return Ok(Share((percent * 100.0).round() as u32));
        }
        let message = format!("{percent} is no part of {what}: it is between 0 and 100 percent");
        Err(vec![problem("bad-request", message, None)])
    };
    let time = Duration::from_millis(canary.time_ms);
    if time > TRIAL_AT_MOST {
        let message = format!("a trial of {time:?} is too long: it may take a day at most");
        return Err(vec![problem("bad-request", message, None)]);
    }
    Ok(TrialOptions {
        share: share(canary.percent, "the requests")?,
        time,
        errors: share(canary.errors_percent, "errors")?,
    })
}

fn json(value: &impl Serialize) -> Done {
    written(StatusCode::OK, value)
        .map_err(|error| vec![problem("internal", error.to_string(), None)])
}

fn refuse(problems: &[Problem]) -> Response<Body> {
    let status = match problems.first().map(|problem| problem.code) {
        Some("no-such-request" | "no-such-component" | "no-such-store" | "no-such-function") => {
            StatusCode::NOT_FOUND
        }
        Some("bad-request" | "call") => StatusCode::BAD_REQUEST,
        Some("busy" | "nothing-to-undo") => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let problems = problems.iter().map(ProblemReport::with_text).collect();
    written(status, &Refused { problems }).unwrap_or_else(|_| {
        let mut response = Response::new(Full::default().boxed());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn written(status: StatusCode, value: &impl Serialize) -> serde_json::Result<Response<Body>> {
    let mut response = Response::new(Full::new(serde_json::to_vec(value)?.into()).boxed());
    *response.status_mut() = status;
    let of_json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, of_json);
    Ok(response)
}

/// The name in a segment of a path.
fn decode(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}
