//! The databases of an app, opened.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::{
    App, Component, Problem,
    backend::{Backend, BackendName},
    keyvalue::StoreAccess,
};
use keyway_capability::sql::{self, Access, Database, OpenError};

use crate::{
    backends::{Opened, OpenedByName, open_all},
    problem::problem,
    setting::{self, Resolved},
};

/// Databases that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Databases(OpenedByName<Resolved, Arc<dyn Database>>);

impl Databases {
    /// Opens the databases that `app` declares. Those that `before` has open with the same settings
    /// stay.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let open = |name: &BackendName, declared: &Backend, settings: &Resolved| {
            let backend = backend(name, declared, settings)?;
            sql::open(&backend).map_err(|error| cannot_open(name, declared, &error))
        };
        open_all(&app.databases, &before.0, |name, of| resolve(app, name, of), open).map(Self)
    }

    /// The open database of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<dyn Database>> {
        self.0.get(name).map(|opened| &opened.open)
    }

    /// What `component` may open, by the names that it opens.
    pub(crate) fn of(
        &self,
        component: &Component,
    ) -> BTreeMap<String, (Arc<dyn Database>, Access)> {
        let links = component.databases.iter().filter_map(|(identifier, link)| {
            let access = match link.value.access {
                StoreAccess::Read => Access::Read,
                StoreAccess::ReadWrite => Access::ReadWrite,
            };
            Some((identifier.clone(), (Arc::clone(self.get(&link.value.to)?), access)))
        });
        links.collect()
    }

    /// Asks every database for a session, so that one that is not there, or that refuses, is told
    /// when the host starts and not by the first request.
    pub(crate) async fn look_at(self) {
        let looks = self.0.into_iter().map(|(name, Opened { open: database, .. })| async move {
            if let Err(error) = database.begin(Access::Read).await {
                tracing::warn!("the database `{name}` does not answer: {error}");
            }
        });
        futures::future::join_all(looks).await;
    }
}

/// All that is wrong with the settings of the databases of `app`.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let databases = app.databases.iter();
    let wrong = |(name, declared): (&BackendName, &Backend)| {
        let settings = resolve(app, name, declared);
        let checked = settings.and_then(|settings| {
            let backend = backend(name, declared, &settings)?;
            sql::check(&backend).map_err(|error| cannot_open(name, declared, &error))
        });
        checked.err()
    };
    databases.filter_map(wrong).collect()
}

fn named(name: &BackendName) -> String {
    format!("the database `{name}`")
}

/// A problem of opening, at the setting that it is about.
fn cannot_open(name: &BackendName, declared: &Backend, error: &OpenError) -> Problem {
    let key = match error {
        OpenError::Address(_) | OpenError::Certificates { .. } => "url",
        OpenError::File { .. } => "path",
    };
    let setting = declared.settings.get(key);
    let place = setting.map_or(&declared.place, |setting| &setting.place).clone();
    Problem { place, ..problem("database", format!("{}: {error}", named(name)), None) }
}

fn resolve(app: &App, name: &BackendName, declared: &Backend) -> Result<Resolved, Problem> {
    setting::resolve(&app.folder, &named(name), declared)
}

/// A backend as its own crate understands it.
fn backend(
    name: &BackendName,
    declared: &Backend,
    Resolved { kind, settings }: &Resolved,
) -> Result<sql::Backend, Problem> {
    sql::Backend::from_settings(kind, settings)
        .map_err(|error| setting::wrong(&named(name), declared, &error))
}
