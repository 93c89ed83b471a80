//! The places for containers of an app: from the words of its manifest to places that are open, and
//! to what each component may do with them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use keyway_app::{
    App, Component, Placed, Problem,
    backend::{Backend, BackendName},
    blobstore::DEFAULT,
    keyvalue::{StoreAccess, StoreLink},
};
use keyway_capability::blobstore::{self, Blobs, OpenError, Rights, restrict};

use crate::{problem::problem, setting};

/// Places that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(BTreeMap<BackendName, Opened>);

#[derive(Debug, Clone)]
struct Opened {
    declared: Backend,
    blobs: Arc<dyn Blobs>,
}

impl Places {
    /// Opens the places that `app` declares. Those that `before` has open as they are declared
    /// stay, with what is in memory.
    ///
    /// # Errors
    /// All settings that are wrong, and folders that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut places = BTreeMap::new();
        for (name, declared) in &app.blobs {
            let kept = before.0.get(name).filter(|opened| opened.declared.is_same(declared));
            let blobs = match kept {
                Some(opened) => Ok(Arc::clone(&opened.blobs)),
                None => open(&app.folder, name, declared),
            };
            match blobs {
                Ok(blobs) => {
                    places.insert(name.clone(), Opened { declared: declared.clone(), blobs });
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(places)) } else { Err(problems) }
    }

    /// The open place of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<dyn Blobs>> {
        self.0.get(name).map(|opened| &opened.blobs)
    }

    /// What `component` may use, by its containers' names, each with the rights of its link.
    pub(crate) fn of(&self, component: &Component) -> BTreeMap<String, Arc<dyn Blobs>> {
        let links = component.blobs.iter();
        let restricted = links.filter_map(|(container, Placed { value: link, .. })| {
            let blobs = restrict(Arc::clone(self.get(&link.to)?), rights(container, link));
            Some((container.clone(), blobs))
        });
        restricted.collect()
    }

    /// Asks every place for something, so that one that is not there, or that refuses, is told when
    /// the host starts and not by the first request.
    pub(crate) async fn look_at(self) {
        let look = |(name, opened): (BackendName, Opened)| async move {
            if let Err(error) = opened.blobs.container_info("keyway").await {
                tracing::warn!("the place for containers `{name}` does not answer: {error}");
            }
        };
        futures::future::join_all(self.0.into_iter().map(look)).await;
    }
}

/// A link that names its container is for that one alone.
fn rights(container: &str, link: &StoreLink) -> Rights {
    Rights {
        read_only: link.access == StoreAccess::Read,
        container: (container != DEFAULT).then(|| container.to_owned()),
        prefix: link.prefix.clone(),
        quota_bytes: link.quota_bytes,
    }
}

/// All that is wrong with the settings of the places of `app`.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let wrong = |(name, declared): (&BackendName, &Backend)| {
        let backend = match backend(&app.folder, name, declared) {
            Ok(backend) => backend,
            Err(problem) => return Some(problem),
        };
        let checked = blobstore::check(&backend);
        checked.err().map(|error| cannot_open(name, declared, &error))
    };
    app.blobs.iter().filter_map(wrong).collect()
}

fn open(folder: &Path, name: &BackendName, declared: &Backend) -> Result<Arc<dyn Blobs>, Problem> {
    let backend = backend(folder, name, declared)?;
    blobstore::open(&backend).map_err(|error| cannot_open(name, declared, &error))
}

/// A problem of opening, at the setting that it is about.
fn cannot_open(name: &BackendName, declared: &Backend, error: &OpenError) -> Problem {
    let key = match error {
        OpenError::Address(_) | OpenError::Certificates { .. } => "url",
        OpenError::Bucket { .. } => "bucket",
        OpenError::Folder { .. } => "path",
    };
    let setting = declared.settings.get(key);
    let place = setting.map_or(&declared.place, |setting| &setting.place);
    let message = format!("{}: {error}", named(name));
    Problem { place: place.clone(), ..problem("blobstore", message, None) }
}

fn named(name: &BackendName) -> String {
    format!("the place for containers `{name}`")
}

/// A backend as its own crate understands it.
fn backend(
    folder: &Path,
    name: &BackendName,
    declared: &Backend,
) -> Result<blobstore::Backend, Problem> {
    let settings = setting::read_all(folder, &named(name), declared)?;
    blobstore::Backend::from_settings(&declared.kind.value, &settings)
        .map_err(|error| setting::wrong(&named(name), declared, &error))
}
