//! The stores of an app: from the words of its manifest to stores that are open, and to what each
//! component may do with them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use keyway_app::{
    App, Component, ComponentName, Place, Placed, Problem,
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
    /// What was declared, with what its settings came to.
    backend: keyvalue::Backend,
    store: Arc<Swapping>,
    links: Arc<Links>,
}

/// A store as the links of components see it. They outlive an exchange of the component, so that
/// what a quota has counted is not counted anew.
#[derive(Debug, Default)]
struct Links(Mutex<Vec<Link>>);

#[derive(Debug)]
struct Link {
    component: ComponentName,
    link: StoreLink,
    store: Arc<dyn Store>,
}

impl Links {
    fn get(
        &self,
        component: &ComponentName,
        link: &StoreLink,
        store: &Arc<Swapping>,
    ) -> Arc<dyn Store> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of those that no unit has any more, only the one that is asked for is of use.
        let is_meant = |known: &Link| known.component == *component && known.link == *link;
        links.retain(|known| is_meant(known) || Arc::strong_count(&known.store) > 1);
        if let Some(known) = links.iter().find(|known| is_meant(known)) {
            return Arc::clone(&known.store);
        }
        let store = restrict(Arc::clone(store) as Arc<dyn Store>, rights(link));
        let (component, link) = (component.clone(), link.clone());
        links.push(Link { component, link, store: Arc::clone(&store) });
        store
    }
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
            match open(&app.folder, name, declared, before.0.get(name)) {
                Ok(opened) => {
                    stores.insert(name.clone(), opened);
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
        let links = component.stores.iter();
        let open = |(identifier, link): (&String, &Placed<StoreLink>)| {
            let Opened { links, store, .. } = self.0.get(&link.value.to)?;
            Some((identifier.clone(), links.get(&component.name, &link.value, store)))
        };
        links.filter_map(open).collect()
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

/// Opens a store, unless `before` has it open with the same settings.
fn open(
    folder: &Path,
    name: &BackendName,
    declared: &Backend,
    before: Option<&Opened>,
) -> Result<Opened, Problem> {
    let backend = backend(folder, name, declared)?;
    if let Some(before) = before.filter(|before| before.backend == backend) {
        return Ok(before.clone());
    }
    let store = keyvalue::open(&backend).map_err(|error| cannot_open(name, declared, &error))?;
    let store = Arc::new(Swapping::new(store));
    Ok(Opened { backend, store, links: Arc::default() })
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
