//! What the admin API acts on: one app, or the apps of a host.

use std::{path::PathBuf, sync::Arc};

use keyway_runtime::Used;

use super::api::{self, AppRoute, AppState, AppSummary, DeployApp, Deployed, millis};
use crate::{
    apps::{Apps, Deploy, State, Summary},
    error::{AppsError, ChangeError, HostError, RequestError},
    live::app::App,
};

/// What the admin API acts on.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// The one app of `keyway up`.
    App(Arc<App>),
    /// The apps of `keyway host`.
    Apps(Arc<Apps>),
}

impl Subject {
    /// What its socket is called after.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::App(app) => name_of(app),
            Self::Apps(_) => "host".to_owned(),
        }
    }

    /// The app of this name, or the only one.
    ///
    /// # Errors
    /// If there is none, or it cannot be woken.
    pub(super) async fn app(&self, name: Option<&str>) -> Result<Arc<App>, HostError> {
        match self {
            Self::Apps(apps) => apps.app(name).await,
            Self::App(app) => {
                name.map(|name| is_named(app, name)).transpose()?;
                Ok(Arc::clone(app))
            }
        }
    }

    /// All apps, in the order of their names.
    pub(super) fn list(&self) -> Vec<AppSummary> {
        match self {
            Self::Apps(apps) => apps.list().into_iter().map(AppSummary::from).collect(),
            Self::App(app) => vec![of_one(app)],
        }
    }

    pub(super) async fn deploy(
        &self,
        name: String,
        asked: DeployApp,
    ) -> Result<Deployed, HostError> {
        let DeployApp { path, manifest } = asked;
        let path = PathBuf::from(path);
        if path.is_relative() {
            return Err(RequestError::RelativePath(path).into());
        }
        let deploy = Deploy { path, manifest, name };
        let apps = Arc::clone(self.apps()?);
        let (name, routes) = to_the_end(async move { apps.deploy(deploy).await }).await?;
        Ok(Deployed { name, routes: routes.into_iter().map(AppRoute::from).collect() })
    }

    pub(super) async fn undeploy(&self, name: &str) -> Result<(), HostError> {
        let (apps, name) = (Arc::clone(self.apps()?), name.to_owned());
        to_the_end(async move { apps.undeploy(&name).await }).await
    }

    pub(super) async fn stop(&self, name: &str) -> Result<(), HostError> {
        let (apps, name) = (Arc::clone(self.apps()?), name.to_owned());
        to_the_end(async move { apps.stop(&name).await }).await
    }

    pub(super) async fn start(&self, name: &str) -> Result<(), HostError> {
        let (apps, name) = (Arc::clone(self.apps()?), name.to_owned());
        to_the_end(async move { apps.start(&name).await }).await
    }

    /// What the lines of an app are marked with in the log: nothing, where it has the log to itself.
    ///
    /// # Errors
    /// If there is no app of this name.
    pub(super) fn log_of(&self, name: &str) -> Result<Option<String>, AppsError> {
        match self {
            Self::Apps(apps) => apps.has(name).map(|()| Some(name.to_owned())),
            Self::App(app) => {
                is_named(app, name)?;
                Ok(None)
            }
        }
    }

    fn apps(&self) -> Result<&Arc<Apps>, AppsError> {
        match self {
            Self::Apps(apps) => Ok(apps),
            Self::App(_) => Err(AppsError::OneApp),
        }
    }
}

/// Does what was asked to its end, also when whoever asked has gone.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, HostError>> + Send + 'static,
) -> Result<T, HostError> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(ChangeError::Stopping.into()))
}

/// # Errors
/// If an app has another name.
fn is_named(app: &App, name: &str) -> Result<(), AppsError> {
    let known = name_of(app);
    if known == name {
        return Ok(());
    }
    Err(AppsError::NoSuchApp { name: name.to_owned(), known: vec![known] })
}

fn name_of(app: &App) -> String {
    app.serving().current.prepared.app.name.clone()
}

/// The summary of an app that has a host to itself.
fn of_one(app: &App) -> AppSummary {
    let serving = app.serving();
    let prepared = &serving.current.prepared.app;
    let (requests, errors) = serving.current.counted();
    let routes = prepared.routes.iter().map(|trigger| AppRoute {
        host: trigger.host.clone(),
        path: trigger.route.clone(),
        exact: trigger.exact,
    });
    AppSummary {
        name: prepared.name.clone(),
        state: AppState::Awake,
        problem: None,
        path: app.path().display().to_string(),
        routes: routes.collect(),
        requests,
        errors,
        wakes: 1,
        used: app.account().used().into(),
    }
}

impl From<Summary> for AppSummary {
    fn from(summary: Summary) -> Self {
        let Summary { name, state, path, routes, requests, errors, wakes, used } = summary;
        let (state, problem) = match state {
            State::Awake => (AppState::Awake, None),
            State::Asleep => (AppState::Asleep, None),
            State::Stopped => (AppState::Stopped, None),
            State::Failed(problem) => (AppState::Failed, Some(problem)),
        };
        let path = path.display().to_string();
        let routes = routes.into_iter().map(AppRoute::from).collect();
        let used = used.into();
        Self { name, state, problem, path, routes, requests, errors, wakes, used }
    }
}

impl From<Used> for api::Used {
    fn from(used: Used) -> Self {
        let Used { computed, instances, denials, in_bytes, out_bytes, .. } = used;
        Self { computed_ms: millis(computed), instances, denials, in_bytes, out_bytes }
    }
}

impl From<crate::apps::Route> for AppRoute {
    fn from(route: crate::apps::Route) -> Self {
        let crate::apps::Route { host, path, exact } = route;
        Self { host, path, exact }
    }
}
