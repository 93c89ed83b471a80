//! The databases of an app, opened.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::{App, Component, Problem, backend::BackendName, keyvalue::StoreAccess};
use keyway_capability::{
    SettingsError,
    sql::{self, Access, Database, OpenError},
};

use super::kind::{self, Kind, OpenOf};

/// Databases that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Databases(OpenOf<Sql>);

/// The kind of backend that they have.
#[derive(Debug)]
struct Sql;

impl Kind for Sql {
    type Backend = sql::Backend;
    type Error = OpenError;
    type Open = Arc<dyn Database>;

    const CODE: &'static str = "database";
    const WHAT: &'static str = "the database";

    fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<sql::Backend, SettingsError> {
        sql::Backend::from_settings(kind, settings)
    }

    fn open(backend: &sql::Backend) -> Result<Arc<dyn Database>, OpenError> {
        sql::open(backend)
    }

    fn check(backend: &sql::Backend) -> Result<(), OpenError> {
        sql::check(backend)
    }

    fn setting(error: &OpenError) -> &'static str {
        match error {
            OpenError::Address(_) | OpenError::Certificates { .. } => "url",
            OpenError::File { .. } => "path",
        }
    }

    async fn ask(database: Arc<dyn Database>) -> Result<(), String> {
        database.begin(Access::Read).await.map(drop).map_err(|error| error.to_string())
    }
}

impl Databases {
    /// Opens the databases that `app` declares. Those that `before` has open with the same settings
    /// stay.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        kind::open::<Sql>(app, &app.databases, &before.0).map(Self)
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
        kind::look_at::<Sql>(self.0).await;
    }
}

/// All that is wrong with the settings of the databases of `app`.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    kind::check::<Sql>(app, &app.databases)
}
