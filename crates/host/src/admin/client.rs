//! The client of a running host's admin API.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use keyway_app::{Code, Problem};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::UnixStream;

use super::api::{
    AppSummary, Asked, BackendSwapped, DeployApp, Deployed, Function, HostStatus, LogLine, Refused,
    Reloaded, Returned, Status, SwapBackend, SwapComponent, VERSION,
};
use crate::problem::{ProblemReport, problem};

/// A running host, by its socket, and the app on it that requests are about.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
    /// The only one of the host, if none.
    app: Option<String>,
}

/// What a host replies, or what stands in its way.
type Reply<T> = Result<T, Vec<ProblemReport>>;

impl Client {
    /// The host at `socket`. It is connected to for each request.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), app: None }
    }

    /// The same host, asked about the app of this name.
    #[must_use]
    pub fn about(&self, app: &str) -> Self {
        Self { app: Some(app.to_owned()), ..self.clone() }
    }

    /// The path of its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// How the host is.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn host(&self) -> Reply<HostStatus> {
        self.ask_host(Method::GET, "/host", None::<&()>).await
    }

    /// All apps of the host.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn apps(&self) -> Reply<Vec<AppSummary>> {
        self.ask_host(Method::GET, "/apps", None::<&()>).await
    }

    /// Deploys an app under this name.
    ///
    /// # Errors
    /// All that is wrong with it, or if the host does not answer.
    pub async fn deploy(&self, name: &str, request: &DeployApp) -> Reply<Deployed> {
        self.ask_host(Method::PUT, &format!("/apps/{}", encode(name)), Some(request)).await
    }

    /// Removes the app of this name.
    ///
    /// # Errors
    /// If there is none, or the host does not answer.
    pub async fn undeploy(&self, name: &str) -> Reply<()> {
        self.ask_host(Method::DELETE, &format!("/apps/{}", encode(name)), None::<&()>).await
    }

    /// Stops the app of this name.
    ///
    /// # Errors
    /// If there is none, or the host does not answer.
    pub async fn stop(&self, name: &str) -> Reply<()> {
        self.ask_host(Method::POST, &format!("/apps/{}/stop", encode(name)), None::<&()>).await
    }

    /// Starts the app of this name, which was stopped.
    ///
    /// # Errors
    /// All that is wrong with it, or if the host does not answer.
    pub async fn start(&self, name: &str) -> Reply<()> {
        self.ask_host(Method::POST, &format!("/apps/{}/start", encode(name)), None::<&()>).await
    }

    /// How the app is.
    ///
    /// # Errors
    /// If the host does not answer.
    pub async fn status(&self) -> Reply<Status> {
        self.ask(Method::GET, "/status", None::<&()>).await
    }

    /// Swaps a component.
    ///
    /// # Errors
    /// All that is wrong with it, or if the host does not answer.
    pub async fn swap_component(&self, name: &str, request: &SwapComponent) -> Reply<()> {
        self.ask(Method::POST, &format!("/components/{}", encode(name)), Some(request)).await
    }

    /// Swaps the backend of a store.
    ///
    /// # Errors
    /// If it fails, or the host does not answer.
    pub async fn swap_backend(&self, name: &str, request: &SwapBackend) -> Reply<BackendSwapped> {
        self.ask(Method::POST, &format!("/stores/{}", encode(name)), Some(request)).await
    }

    /// Goes back to what the last change replaced.
    ///
    /// # Errors
    /// If there is nothing to go back to, or the host does not answer.
    pub async fn undo(&self) -> Reply<()> {
        self.ask(Method::POST, "/undo", None::<&()>).await
    }

    /// Takes in what has changed in the manifest and in components.
    ///
    /// # Errors
    /// All that is wrong with it, or if the host does not answer.
    pub async fn reload(&self) -> Reply<Reloaded> {
        self.ask(Method::POST, "/reload", None::<&()>).await
    }

    /// What can be called.
    ///
    /// # Errors
    /// If a component cannot be read any more, or the host does not answer.
    pub async fn functions(&self) -> Reply<Vec<Function>> {
        self.ask(Method::GET, "/functions", None::<&()>).await
    }

    /// Calls a function.
    ///
    /// # Errors
    /// If it fails, or the host does not answer.
    pub async fn call(&self, asked: &Asked) -> Reply<Returned> {
        self.ask(Method::POST, "/call", Some(asked)).await
    }

    /// Gives the log's last lines to `each`, and with `follow` those that come, until the host ends
    /// or `each` returns false.
    ///
    /// # Errors
    /// If the host does not answer.
    pub async fn logs(&self, follow: bool, mut each: impl FnMut(LogLine) -> bool) -> Reply<()> {
        let path = if follow { "/logs?follow=true" } else { "/logs" };
        let mut body = self.send(Method::GET, &self.of_app(path), Bytes::new()).await?;
        let mut rest = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            rest.extend_from_slice(&data);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let line = serde_json::from_slice(&line).map_err(|error| self.garbled(&error))?;
                if !each(line) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The path of a request about the app.
    fn of_app(&self, path: &str) -> String {
        let app = self.app.as_ref().map(|app| format!("/apps/{}", encode(app)));
        format!("{}{path}", app.unwrap_or_default())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        request: Option<&impl Serialize>,
    ) -> Reply<T> {
        self.ask_host(method, &self.of_app(path), request).await
    }

    async fn ask_host<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        request: Option<&impl Serialize>,
    ) -> Reply<T> {
        let body = request.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| self.garbled(&error))?.unwrap_or_default();
        let answer = self.send(method, path, body.into()).await?;
        let bytes = answer.collect().await.map_err(|error| self.gone(&error))?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| self.garbled(&error))
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Reply<Incoming> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.gone(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.gone(&error))?;
        // Its errors are reported by the request.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("{VERSION}{path}"))
            .header(http::header::HOST, "keyway")
            .body(Full::new(body))
            .map_err(|error| self.gone(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| self.gone(&error))?;
        if answer.status() == StatusCode::OK {
            return Ok(answer.into_body());
        }
        let body = answer.into_body().collect().await.map_err(|error| self.gone(&error))?;
        match serde_json::from_slice::<Refused>(&body.to_bytes()) {
            Ok(refused) => Err(refused.problems),
            Err(error) => Err(self.garbled(&error)),
        }
    }

    fn gone(&self, error: &dyn std::fmt::Display) -> Vec<ProblemReport> {
        let message = format!("the host at {} does not answer: {error}", self.socket.display());
        let help = "`keyway status` shows which hosts are running";
        vec![ProblemReport::from(&problem(Code::NoHost, message, Some(help)))]
    }

    fn garbled(&self, error: &dyn std::fmt::Display) -> Vec<ProblemReport> {
        let message = format!(
            "the host at {} sent a reply that this version cannot read: {error}",
            self.socket.display()
        );
        let help = "use the `keyway` that the host was started with";
        vec![ProblemReport::from(&problem(Code::OtherVersion, message, Some(help)))]
    }
}

/// A name as a segment of a path.
fn encode(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The problem of a machine on which no app runs that is meant, or several.
pub fn which_app(count: usize) -> Problem {
    if count == 0 {
        let help = "start one with `keyway up`, or name its socket with `--socket`";
        return problem(Code::NoHost, "no host is running".to_owned(), Some(help));
    }
    let help = "choose one with `--app NAME` or `--socket PATH`; `keyway apps` shows them";
    problem(Code::ManyHosts, format!("{count} apps are running"), Some(help))
}

/// The problem of a machine without a host that takes apps, or with several of them.
pub fn which_host(count: usize) -> Problem {
    if count == 0 {
        let help = "start one with `keyway host`, or name its socket with `--socket`";
        return problem(Code::NoHost, "no host is running that takes apps".to_owned(), Some(help));
    }
    let help = "choose one with `--socket PATH`";
    problem(Code::ManyHosts, format!("{count} hosts are running that take apps"), Some(help))
}
