//! The admin API: HTTP with JSON on a Unix socket that only its owner may use.
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /v1/host` | the host itself: [`api::HostStatus`] |
//! | `GET /v1/apps` | all apps: a list of [`api::AppSummary`] |
//! | `PUT /v1/apps/NAME` | deploys an app: [`api::DeployApp`], [`api::Deployed`] |
//! | `DELETE /v1/apps/NAME` | removes an app, with its data |
//! | `POST /v1/apps/NAME/stop`, `/start` | stops an app, and starts it again |
//! | `…/v1/apps/NAME/…` | what follows below, of this app: `GET /v1/apps/NAME/status` |
//! | `GET /v1/status` | the state of the app: [`api::Status`] |
//! | `POST /v1/components/NAME` | swaps a component: [`api::SwapComponent`] |
//! | `POST /v1/stores/NAME` | swaps a backend, with its data: [`api::SwapBackend`] |
//! | `POST /v1/undo` | goes back to what the last change replaced, or ends the trial or the swap of a backend that is under way |
//! | `POST /v1/reload` | loads what has changed: [`api::Reloaded`] |
//! | `GET /v1/functions` | what can be called: a list of [`api::Function`] |
//! | `POST /v1/call` | calls a function: [`api::Asked`], [`api::Returned`] |
//! | `GET /v1/logs`, `?follow=true` | the log's last lines, and new ones: [`api::LogLine`] |
//!
//! Without `/apps/NAME`, a request is about the only app of the host.
//!
//! Failures return the status of their [`HostError`](crate::HostError) and [`api::Refused`].

pub mod api;
mod client;
mod socket;
mod status;
mod subject;

pub use client::{Client, which_app, which_host};
pub(crate) use socket::AdminSocket;
pub use socket::running_sockets;
pub(crate) use subject::Subject;

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyway_capability::keyvalue::swapping::Existing;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    error::{HostError, ProcessError, RequestError},
    live::{app::App, canary::Share, trial::TrialOptions},
    log::Log,
    problem::ProblemReport,
};
use api::{
    BackendSwapped, Canary, LogLine, Refused, Reloaded, SwapBackend, SwapComponent, VERSION,
};

/// The largest request, in bytes.
const REQUEST_BYTES: usize = 16 << 20;

/// The longest trial of a component.
const MAX_TRIAL: Duration = Duration::from_secs(24 * 60 * 60);

type Body = BoxBody<Bytes, Infallible>;

/// What the API acts on.
pub(crate) struct Admin {
    subject: Subject,
    url: String,
    log: Log,
    started: Instant,
    stop: CancellationToken,
}

impl Admin {
    /// The API of what is served at `url`, until `stop`.
    pub(crate) fn new(subject: Subject, url: String, log: Log, stop: CancellationToken) -> Self {
        Self { subject, url, log, started: Instant::now(), stop }
    }

    /// Serves it.
    pub(crate) async fn serve(self, socket: AdminSocket) {
        let admin = Arc::new(self);
        let stop = admin.stop.clone();
        while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
            let stream = match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!("the admin API cannot accept a connection: {error}");
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

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        self.act(request).await.unwrap_or_else(refuse)
    }

    async fn act(&self, request: Request<Incoming>) -> Result<Response<Body>, HostError> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let segments: Vec<_> =
            path.strip_prefix(VERSION).unwrap_or("").split('/').skip(1).collect();
        let subject = &self.subject;
        match (&method, segments.as_slice()) {
            (&Method::GET, ["host"]) => json(&self.host()),
            (&Method::GET, ["apps"]) => json(&subject.list()),
            (&Method::PUT, ["apps", name]) => {
                json(&subject.deploy(decode(name), read(request).await?).await?)
            }
            (&Method::DELETE, ["apps", name]) => json(&subject.undeploy(&decode(name)).await?),
            (&Method::POST, ["apps", name, "stop"]) => json(&subject.stop(&decode(name)).await?),
            (&Method::POST, ["apps", name, "start"]) => json(&subject.start(&decode(name)).await?),
            (_, ["apps", name, rest @ ..]) => self.act_on(Some(&decode(name)), rest, request).await,
            (_, rest) => self.act_on(None, rest, request).await,
        }
    }

    /// Does what is asked about one app.
    async fn act_on(
        &self,
        name: Option<&str>,
        segments: &[&str],
        request: Request<Incoming>,
    ) -> Result<Response<Body>, HostError> {
        let app = async || self.subject.app(name).await;
        match (request.method(), segments) {
            (&Method::GET, ["status"]) => json(&self.status(&*app().await?)),
            (&Method::GET, ["logs"]) => self.logs(name, request.uri().query()),
            (&Method::POST, ["reload"]) => {
                json(&Reloaded { changed: app().await?.reload().await? })
            }
            (&Method::POST, ["undo"]) => json(&app().await?.undo().await?),
            (&Method::GET, ["functions"]) => json(&app().await?.functions().await?),
            (&Method::POST, ["call"]) => json(&app().await?.call(read(request).await?).await?),
            (&Method::POST, ["components", component]) => {
                let asked = read(request).await?;
                swap_component(&app().await?, &decode(component), asked).await
            }
            (&Method::POST, ["stores", store]) => {
                let asked = read(request).await?;
                swap_backend(&app().await?, &decode(store), asked).await
            }
            (method, _) => {
                let (method, path) = (method.to_string(), request.uri().path().to_owned());
                Err(RequestError::NoSuchRequest { method, path }.into())
            }
        }
    }

    /// The lines of the log, or of one app if it is named.
    fn logs(&self, app: Option<&str>, query: Option<&str>) -> Result<Response<Body>, HostError> {
        let app = app.map(|app| self.subject.log_of(app)).transpose()?.flatten();
        let follows = query.is_some_and(|query| query.split('&').any(|part| part == "follow=true"));
        let (lines, coming) = self.log.read(app.as_deref());
        let coming = coming.take_until(self.stop.clone().cancelled_owned());
        let coming = if follows { coming.left_stream() } else { stream::empty().right_stream() };
        let lines = stream::iter(lines).chain(coming);
        let lines = lines.map(|line: LogLine| {
            let mut text = serde_json::to_vec(&line).unwrap_or_default();
            text.push(b'\n');
            Ok(Frame::data(Bytes::from(text)))
        });
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(lines)));
        let of_lines = http::HeaderValue::from_static("application/x-ndjson");
        response.headers_mut().insert(CONTENT_TYPE, of_lines);
        Ok(response)
    }
}

async fn swap_component(
    app: &Arc<App>,
    name: &str,
    asked: SwapComponent,
) -> Result<Response<Body>, HostError> {
    let trial = asked.canary.as_ref().map(trial).transpose()?;
    let path = PathBuf::from(asked.path);
    if path.is_relative() {
        return Err(RequestError::RelativePath(path).into());
    }
    app.swap_component(name.to_owned(), path, trial).await?;
    json(&())
}

async fn swap_backend(
    app: &Arc<App>,
    name: &str,
    asked: SwapBackend,
) -> Result<Response<Body>, HostError> {
    let SwapBackend { backend, settings, delete_existing } = asked;
    let existing = if delete_existing { Existing::Delete } else { Existing::Refuse };
    let swapped = app.swap_backend(name, &backend, &settings, existing).await?;
    json(&BackendSwapped { copied: swapped.copied, repaired: swapped.repaired })
}

/// The words of a request.
async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, RequestError> {
    let wrong = |error: &dyn std::fmt::Display| RequestError::Unreadable(error.to_string());
    let body = Limited::new(request.into_body(), REQUEST_BYTES).collect().await;
    let bytes = body.map_err(|error| wrong(&error))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| wrong(&error))
}

fn trial(canary: &Canary) -> Result<TrialOptions, RequestError> {
    let share = |percent: f64, whole: &'static str| {
        if (0.0..=100.0).contains(&percent) {
            return Ok(Share((percent * 100.0).round() as u32));
        }
        Err(RequestError::Percent { percent, whole })
    };
    let time = Duration::from_millis(canary.time_ms);
    if time > MAX_TRIAL {
        return Err(RequestError::TrialTooLong(time));
    }
    Ok(TrialOptions {
        share: share(canary.percent, "the requests")?,
        time,
        errors: share(canary.errors_percent, "errors")?,
    })
}

fn json(value: &impl Serialize) -> Result<Response<Body>, HostError> {
    let written = written(StatusCode::OK, value);
    Ok(written.map_err(|error| ProcessError::Internal(error.to_string()))?)
}

fn refuse(error: HostError) -> Response<Body> {
    let status = error.status();
    let problems = error.into_problems().iter().map(ProblemReport::with_text).collect();
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
