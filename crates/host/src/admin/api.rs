//! The messages of the admin API, version 1. Fields may be added; none is removed or changes its
//! meaning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::problem::ProblemReport;

pub use crate::{
    live::call::{Asked, Function, Returned},
    log::LogLine,
};

/// What begins the path of every request.
pub const VERSION: &str = "/v1";

/// The answer to `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of Keyway.
    pub version: String,
    /// The host's process.
    pub pid: u32,
    /// The app's name.
    pub app: String,
    /// What was opened: a folder, a manifest or a component file.
    pub path: String,
    /// Where it serves.
    pub url: String,
    /// How long it has run.
    pub uptime_ms: u64,
    /// All components, by name.
    pub components: Vec<ComponentStatus>,
    /// What requests start.
    pub units: Vec<UnitStatus>,
    /// Which requests go where.
    pub routes: Vec<RouteStatus>,
    /// Stores of keys and values.
    pub stores: Vec<StoreStatus>,
    /// What is being tried out.
    pub trial: Option<TrialStatus>,
    /// Whether there is something to undo.
    pub can_undo: bool,
}

/// The answer to `GET /v1/host`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// Of Keyway.
    pub version: String,
    /// The host's process.
    pub pid: u32,
    /// Where it serves.
    pub url: String,
    /// How long it has run.
    pub uptime_ms: u64,
    /// Whether apps can be deployed to it.
    pub takes_apps: bool,
}

/// An app of a host: `GET /v1/apps` returns a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSummary {
    /// Its name on the host.
    pub name: String,
    /// How it is.
    pub state: AppState,
    /// Why it could not be opened or woken, if it is `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Where its files are.
    pub path: String,
    /// Which requests go to it.
    pub routes: Vec<AppRoute>,
    /// Requests since the host started.
    pub requests: u64,
    /// Those of them that failed, or were answered with a status of 500 and above.
    pub errors: u64,
    /// How often it was woken since then.
    pub wakes: u64,
    /// What its components have used since then.
    #[serde(flatten)]
    pub used: Used,
}

/// What components of an app have used since the host started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Used {
    /// How long instances have computed, by the clock of their threads.
    pub computed_ms: u64,
    /// Instances that were started.
    pub instances: u64,
    /// Calls that were denied.
    pub denials: u64,
    /// Bytes of the bodies of requests.
    pub in_bytes: u64,
    /// Bytes of the bodies of responses.
    pub out_bytes: u64,
}

/// How an app of a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppState {
    /// Ready for requests.
    Awake,
    /// Not loaded: the next request wakes it.
    Asleep,
    /// It was stopped, and answers 503 until it is started.
    Stopped,
    /// It could not be opened or woken.
    Failed,
}

/// A route of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRoute {
    /// The host that it is for; any, if none.
    pub host: Option<String>,
    /// The path prefix.
    pub path: String,
    /// Whether it is for this path alone, and none below it.
    #[serde(default)]
    pub exact: bool,
}

/// The request `PUT /v1/apps/NAME`: copies an app to the host and serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployApp {
    /// Its folder, manifest or component file, as an absolute path.
    pub path: String,
    /// A manifest to use in place of the one there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
}

/// The answer to [`DeployApp`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// The app's name on the host.
    pub name: String,
    /// Which requests go to it.
    pub routes: Vec<AppRoute>,
}

/// A component of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentStatus {
    /// Its name.
    pub name: String,
    /// Where it came from.
    pub source: String,
    /// The BLAKE3 hash of its file, in hexadecimal digits.
    pub hash: String,
    /// Requests, messages and changes that started it.
    #[serde(default)]
    pub requests: u64,
    /// Those of them that it failed, or answered with a status of 500 and above.
    #[serde(default)]
    pub errors: u64,
    /// What it has used. What a component does for one that is linked to it counts for that one, except
    /// calls that are denied.
    #[serde(flatten)]
    pub used: Used,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitStatus {
    /// What it is fused of, the root first.
    pub components: Vec<String>,
    /// What starts it: routes, messages and changes, in words.
    #[serde(default)]
    pub starts: Vec<String>,
    /// Requests since it began to serve.
    pub requests: u64,
    /// Those of them that it failed, or answered with a status of 500 and above.
    pub errors: u64,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteStatus {
    /// The host that it is for; any, if none.
    pub host: Option<String>,
    /// The path prefix.
    pub path: String,
    /// The root of the unit that answers.
    pub component: String,
}

/// A store of keys and values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Its name in the manifest.
    pub name: String,
    /// Its backend, without passwords.
    pub backend: String,
    /// The swap of its backend that is under way.
    pub swap: Option<StoreSwap>,
}

/// How far the swap of a backend is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreSwap {
    /// `preparing`, `copying`, `comparing` or `moving`.
    pub phase: String,
    /// Keys that were copied.
    pub copied: u64,
    /// Keys that were compared.
    pub compared: u64,
}

/// A component that has some of the requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialStatus {
    /// The part of the requests, in percent.
    pub percent: f64,
    /// How long it goes on.
    pub left_ms: u64,
    /// Requests that it had.
    pub requests: u64,
    /// Those of them that were errors.
    pub errors: u64,
}

/// The request `POST /v1/components/NAME`: swaps a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapComponent {
    /// The new component's file, as an absolute path.
    pub path: String,
    /// Try it out first. The answer comes when that is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

/// How to try a component out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The part of the requests that it gets, in percent.
    pub percent: f64,
    /// After this time it gets all.
    pub time_ms: u64,
    /// More errors than this part of its requests end the trial, in percent.
    pub errors_percent: f64,
}

/// The request `POST /v1/stores/NAME`: swaps the backend of a store, with its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapBackend {
    /// The kind of the new backend.
    pub backend: String,
    /// Its settings, as they would stand in the manifest; paths are absolute.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Delete what the new backend has already. Without it, a backend that is not empty is refused.
    #[serde(default)]
    pub delete_existing: bool,
}

/// The answer to [`SwapBackend`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendSwapped {
    /// How many keys were copied.
    pub copied: u64,
    /// How many of them were changed meanwhile and copied again.
    pub repaired: u64,
}

/// The answer to `POST /v1/reload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Whether anything had changed.
    pub changed: bool,
}

/// The answer to a request that was not done, with a status from 400 on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why.
    pub problems: Vec<ProblemReport>,
}

/// A time as the API writes it.
pub(super) fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
