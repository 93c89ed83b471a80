//! The databases of an app, opened.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::{
    App, Component, Problem,
    backend::{Backend, BackendName},
    keyvalue::StoreAccess,
};
use keyway_capability::sql::{self, Access, Database, OpenError};

use crate::{problem::problem, setting};

/// Databases that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Databases(BTreeMap<BackendName, Opened>);

#[derive(Debug, Clone)]
struct Opened {
    declared: Backend,
    database: Arc<dyn Database>,
}

impl Databases {
    /// Opens the databases that `app` declares. Those that `before` has open as they are declared
    /// stay.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut databases = BTreeMap::new();
        for (name, declared) in &app.databases {
            let kept = before.0.get(name).filter(|opened| opened.declared.is_same(declared));
            let database = match kept {
                Some(opened) => Ok(Arc::clone(&opened.database)),
                None => backend(app, name, declared).and_then(|backend| {
                    sql::open(&backend).map_err(|error| cannot_open(name, declared, &error))
                }),
            };
            match database {
                Ok(database) => {
                    databases.insert(name.clone(), Opened { declared: declared.clone(), database });
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(databases)) } else { Err(problems) }
    }

    /// The open database of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<dyn Database>> {
        self.0.get(name).map(|opened| &opened.database)
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
        let look = |(name, opened): (BackendName, Opened)| async move {
            if let Err(error) = opened.database.begin(Access::Read).await {
                tracing::warn!("the database `{name}` does not answer: {error}");
            }
        };
        futures::future::join_all(self.0.into_iter().map(look)).await;
    }
}

/// All that is wrong with the settings of the databases of `app`.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let databases = app.databases.iter();
    let wrong = |(name, declared): (&BackendName, &Backend)| match backend(app, name, declared) {
        Ok(backend) => sql::check(&backend).err().map(|error| cannot_open(name, declared, &error)),
        Err(problem) => Some(problem),
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

/// A backend as its own crate understands it.
fn backend(app: &App, name: &BackendName, declared: &Backend) -> Result<sql::Backend, Problem> {
    let what = named(name);
    let settings = setting::read_all(&app.folder, &what, declared)?;
    sql::Backend::from_settings(&declared.kind.value, &settings)
        .map_err(|error| setting::wrong(&what, declared, &error))
}
