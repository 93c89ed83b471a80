//! The stores of an app: from the words of its manifest to stores that are open, and to what each
//! component may do with them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use keyway_app::{
    App, Component, Place, Placed, Problem,
    backend::{Backend, BackendName},
    keyvalue::{StoreAccess, StoreLink},
};
use keyway_capability::{
    SettingsError,
    keyvalue::{
        self, OpenError, Rights, Store, Swapping, restrict,
        swapping::{Existing, SwapError, Swapped},
    },
};

use super::{Opened, OpenedByName, link::Links, open_all, setting};
use crate::problem::problem;

/// Stores that are open, each exchangeable while it is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stores(OpenedByName<keyvalue::Backend, OpenStore>);

/// A store that is open. All generations of the app share it.
#[derive(Debug, Clone)]
pub(crate) struct OpenStore {
    store: Arc<Swapping>,
    /// What keeps it: what was declared, until that is exchanged.
    serves: Arc<Mutex<keyvalue::Backend>>,
    links: Arc<Links<Rights, dyn Store>>,
}

/// Why what keeps a store was not exchanged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// The new backend cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The exchange failed, and the old backend goes on.
    #[error(transparent)]
    Swap(#[from] SwapError),
    /// The host ended meanwhile.
    #[error("the host ended before the exchange did")]
    Cut,
}

impl OpenStore {
    fn open(backend: &keyvalue::Backend) -> Result<Self, OpenError> {
        let store = Arc::new(Swapping::new(keyvalue::open(backend)?));
        let serves = Arc::new(Mutex::new(backend.clone()));
        Ok(Self { store, serves, links: Arc::default() })
    }

    /// The store itself.
    pub(crate) fn store(&self) -> &Arc<Swapping> {
        &self.store
    }

    /// Has `backend` keep it from now on, with its data.
    ///
    /// # Errors
    /// If that fails. What kept it before goes on, and is complete.
    pub(crate) async fn exchange(
        &self,
        backend: keyvalue::Backend,
        existing: Existing,
    ) -> Result<Swapped, ExchangeError> {
        let swapped = self.store.swap_to(keyvalue::open(&backend)?, existing).await?;
        self.is_kept_by(&backend);
        Ok(swapped)
    }

    /// Notes what keeps it.
    pub(crate) fn is_kept_by(&self, backend: &keyvalue::Backend) {
        *self.serves() = backend.clone();
    }

    fn serves(&self) -> MutexGuard<'_, keyvalue::Backend> {
        // It is replaced as a whole.
        self.serves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stores {
    /// Opens the stores that `app` declares. Those of `before` stay, and so does what keeps them,
    /// but for one that is declared to be kept at the same place in another way: there is nothing
    /// to move then. [`to_exchange`](Self::to_exchange) says which are to be moved.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let open = |name: &BackendName, declared: &Backend, backend: &keyvalue::Backend| {
            if let Some(Opened { open, .. }) = before.0.get(name) {
                let serves = open.serves();
                if *serves == *backend || !is_same_place(&serves, backend) {
                    return Ok(open.clone());
                }
            }
            OpenStore::open(backend).map_err(|error| cannot_open(name, declared, &error))
        };
        open_all(&app.stores, &before.0, |name, of| backend(&app.folder, name, of), open).map(Self)
    }

    /// The stores that are declared otherwise than in `before`, and kept by something else than
    /// that, each with what shall keep it.
    pub(crate) fn to_exchange(
        &self,
        before: &Self,
    ) -> Vec<(&BackendName, &OpenStore, &keyvalue::Backend)> {
        let is_declared_anew = |name: &BackendName, declared: &keyvalue::Backend| {
            before.0.get(name).is_some_and(|before| before.settings != *declared)
        };
        let stores = self.0.iter().filter_map(|(name, Opened { settings, open })| {
            let is_meant = is_declared_anew(name, settings) && *open.serves() != *settings;
            is_meant.then_some((name, open, settings))
        });
        stores.collect()
    }

    /// The same stores as they are in `now`, as far as they are there.
    pub(crate) fn current_in(self, now: &Self) -> Self {
        let stores = self.0.into_iter().map(|(name, opened)| {
            let opened = now.0.get(&name).cloned().unwrap_or(opened);
            (name, opened)
        });
        Self(stores.collect())
    }

    /// The open store of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<Swapping>> {
        self.0.get(name).map(|opened| &opened.open.store)
    }

    /// The one that a user calls `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&OpenStore> {
        let found = self.0.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, opened)| &opened.open)
    }

    /// What `component` may open, by the names that it opens, each with the rights of its link.
    pub(crate) fn of(&self, component: &Component) -> BTreeMap<String, Arc<dyn Store>> {
        let links = component.stores.iter();
        let open = |(identifier, link): (&String, &Placed<StoreLink>)| {
            let OpenStore { links, store, .. } = &self.0.get(&link.value.to)?.open;
            let restrict = |rights| restrict(Arc::clone(store) as Arc<dyn Store>, rights);
            Some((identifier.clone(), links.get(&component.name, rights(&link.value), restrict)))
        };
        links.filter_map(open).collect()
    }

    /// Whether both have the same stores open, and declared in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|((name, one), (other_name, other))| {
                name == other_name
                    && one.settings == other.settings
                    && Arc::ptr_eq(&one.open.store, &other.open.store)
            })
    }

    /// Every store with its name, in the names' order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&BackendName, &Arc<Swapping>)> {
        self.0.iter().map(|(name, opened)| (name, &opened.open.store))
    }

    /// Asks every store for something, so that one that is not there, or that refuses, is told when
    /// the host starts and not by the first request.
    pub(crate) async fn look_at(self) {
        let looks = self.0.into_iter().map(|(name, Opened { open, .. })| async move {
            if let Err(error) = open.store.exists("keyway").await {
                tracing::warn!("the store `{name}` does not answer: {error}");
            }
        });
        futures::future::join_all(looks).await;
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

/// Whether both keep the same keys, though they may be reached in other ways, such as with another
/// password.
fn is_same_place(one: &keyvalue::Backend, other: &keyvalue::Backend) -> bool {
    use keyvalue::Backend::{Memory, Nats, Postgres, Redis, Sqlite};
    match (one, other) {
        (Memory, Memory) => true,
        (Sqlite(one), Sqlite(other)) => (&one.path, &one.table) == (&other.path, &other.table),
        // An address shows no password.
        (Redis(one), Redis(other)) => {
            (one.url.to_string(), &one.prefix) == (other.url.to_string(), &other.prefix)
        }
        (Postgres(one), Postgres(other)) => {
            (one.url.to_string(), &one.table) == (other.url.to_string(), &other.table)
        }
        (Nats(one), Nats(other)) => {
            (one.url.to_string(), &one.bucket) == (other.url.to_string(), &other.bucket)
        }
        _ => false,
    }
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
    wrong(name.as_str(), &error.to_string(), place.clone())
}

/// A backend as its own crate understands it.
fn backend(
    folder: &Path,
    name: &BackendName,
    declared: &Backend,
) -> Result<keyvalue::Backend, Problem> {
    let what = format!("the store `{name}`");
    let settings = setting::read_all(folder, &what, declared)?;
    from_settings(&declared.kind.value, &settings)
        .map_err(|error| setting::wrong(&what, declared, &error))
}

/// A backend by its settings, with the path of its file in full: what is named in two ways is the
/// same.
///
/// # Errors
/// If they are wrong.
pub(crate) fn from_settings(
    kind: &str,
    settings: &BTreeMap<String, String>,
) -> Result<keyvalue::Backend, SettingsError> {
    let mut backend = keyvalue::Backend::from_settings(kind, settings)?;
    if let keyvalue::Backend::Sqlite(options) = &mut backend
        && let Ok(path) = std::path::absolute(&options.path)
    {
        options.path = path;
    }
    Ok(backend)
}

/// A problem with a store.
pub(crate) fn wrong(name: &str, reason: &str, place: Option<Place>) -> Problem {
    Problem { place, ..problem("store", format!("the store `{name}`: {reason}"), None) }
}
