//! The stores of an app: from the words of its manifest to stores that are open, and to what each
//! component may do with them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use keyway_app::{
    App, Component, Place, Placed, Problem,
    backend::{Backend, BackendName},
    keyvalue::{StoreAccess, StoreLink},
};
use keyway_capability::keyvalue::{self, OpenError, Rights, Store, Swapping, restrict};

use crate::{problem::problem, setting};

/// Stores that are open, each exchangeable while it is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stores(BTreeMap<BackendName, Opened>);

#[derive(Debug, Clone)]
struct Opened {
    declared: Backend,
    store: Arc<Swapping>,
}

impl Stores {
    /// Opens the stores that `app` declares. Those that `before` has open as they are declared
    /// stay: what is in memory survives, and so does a backend that was exchanged.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut stores = BTreeMap::new();
        for (name, declared) in &app.stores {
            let kept = before.0.get(name).filter(|opened| opened.declared.is_same(declared));
            let store = match kept {
                Some(opened) => Ok(Arc::clone(&opened.store)),
                None => open(&app.folder, name, declared),
            };
            match store {
                Ok(store) => {
                    stores.insert(name.clone(), Opened { declared: declared.clone(), store });
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(stores)) } else { Err(problems) }
    }

    /// The open store of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<Swapping>> {
        self.0.get(name).map(|opened| &opened.store)
    }

    /// What `component` may open, by the names that it opens, each with the rights of its link.
    pub(crate) fn of(&self, component: &Component) -> BTreeMap<String, Arc<dyn Store>> {
        // Several names for one link are one store with one quota.
        let mut restricted: Vec<(&StoreLink, Arc<dyn Store>)> = Vec::new();
        let mut stores = BTreeMap::new();
        for (identifier, Placed { value: link, .. }) in &component.stores {
            let known = restricted.iter().find(|(other, _)| *other == link);
            let store = match (known, self.get(&link.to)) {
                (Some((_, store)), _) => Arc::clone(store),
                (None, Some(store)) => restrict(Arc::clone(store) as Arc<dyn Store>, rights(link)),
                (None, None) => continue,
            };
            restricted.push((link, Arc::clone(&store)));
            stores.insert(identifier.clone(), store);
        }
        stores
    }

    /// Whether both have the same stores open.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.iter().zip(other.iter()).all(|((name, store), (other_name, other))| {
                name == other_name && Arc::ptr_eq(store, other)
            })
    }

    /// Every store with its name, in the names' order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&BackendName, &Arc<Swapping>)> {
        self.0.iter().map(|(name, opened)| (name, &opened.store))
    }

    /// Asks every store for something, so that one that is not there, or that refuses, is told when
    /// the host starts and not by the first request.
    pub(crate) async fn look_at(self) {
        let look = |(name, opened): (BackendName, Opened)| async move {
            let answer = opened.store.exists("keyway").await;
            if let Err(error) = answer {
                tracing::warn!("the store `{name}` does not answer: {error}");
            }
        };
        futures::future::join_all(self.0.into_iter().map(look)).await;
    }
}

fn rights(link: &StoreLink) -> Rights {
    Rights {
        read_only: link.access == StoreAccess::Read,
        prefix: link.prefix.clone(),
        quota_bytes: link.quota_bytes,
    }
}

/// All that is wrong with the settings of the stores of `app`.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let backends = app.stores.iter();
    let wrong = |(name, declared): (&BackendName, &Backend)| {
        let backend = match backend(&app.folder, name, declared) {
            Ok(backend) => backend,
            Err(problem) => return Some(problem),
        };
        let checked = keyvalue::check(&backend);
        checked.err().map(|error| cannot_open(name, declared, &error))
    };
    backends.filter_map(wrong).collect()
}

fn open(folder: &Path, name: &BackendName, declared: &Backend) -> Result<Arc<Swapping>, Problem> {
    let backend = backend(folder, name, declared)?;
    let store = keyvalue::open(&backend).map_err(|error| cannot_open(name, declared, &error))?;
    Ok(Arc::new(Swapping::new(store)))
}

/// A problem of opening, at the setting that it is about.
fn cannot_open(name: &BackendName, declared: &Backend, error: &OpenError) -> Problem {
    let keys: &[&str] = match error {
        OpenError::Address(_) | OpenError::Certificates { .. } => &["url"],
        OpenError::Name { .. } => &["table", "bucket"],
        OpenError::File { .. } => &["path"],
    };
    let setting = keys.iter().find_map(|key| declared.settings.get(*key));
    let place = setting.map_or(&declared.place, |setting| &setting.place);
    wrong(name, &error.to_string(), place.clone())
}

/// A backend as its own crate understands it.
fn backend(
    folder: &Path,
    name: &BackendName,
    declared: &Backend,
) -> Result<keyvalue::Backend, Problem> {
    let what = format!("the store `{name}`");
    let settings = setting::read_all(folder, &what, declared)?;
    keyvalue::Backend::from_settings(&declared.kind.value, &settings)
        .map_err(|error| setting::wrong(&what, declared, &error))
}

fn wrong(name: &BackendName, reason: &str, place: Option<Place>) -> Problem {
    Problem { place, ..problem("store", format!("the store `{name}`: {reason}"), None) }
}
