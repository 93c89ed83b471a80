//! The places for containers of an app: from the words of its manifest to places that are open, and
//! to what each component may do with them.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::{
    App, Component, Placed, Problem,
    backend::{Backend, BackendName},
    blobstore::DEFAULT,
    keyvalue::{StoreAccess, StoreLink},
};
use keyway_capability::blobstore::{self, Blobs, OpenError, Rights, restrict};

use crate::{
    backends::{Opened, OpenedByName, open_all},
    link::Links,
    problem::problem,
    setting::{self, Resolved},
};

/// Places that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(OpenedByName<Resolved, Place>);

#[derive(Debug, Clone)]
struct Place {
    blobs: Arc<dyn Blobs>,
    links: Arc<Links<Rights, dyn Blobs>>,
}

impl Places {
    /// Opens the places that `app` declares. Those that `before` has open with the same settings
    /// stay, with what is in memory.
    ///
    /// # Errors
    /// All settings that are wrong, and folders that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let open = |name: &BackendName, declared: &Backend, settings: &Resolved| {
            let backend = backend(name, declared, settings)?;
            let blobs = blobstore::open(&backend);
            let blobs = blobs.map_err(|error| cannot_open(name, declared, &error))?;
            Ok(Place { blobs, links: Arc::default() })
        };
        open_all(&app.blobs, &before.0, |name, of| resolve(app, name, of), open).map(Self)
    }

    /// The open place of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<dyn Blobs>> {
        self.0.get(name).map(|opened| &opened.open.blobs)
    }

    /// What `component` may use, by its containers' names, each with the rights of its link.
    pub(crate) fn of(&self, component: &Component) -> BTreeMap<String, Arc<dyn Blobs>> {
        let links = component.blobs.iter();
        let restricted = links.filter_map(|(container, Placed { value: link, .. })| {
            let Place { blobs, links } = &self.0.get(&link.to)?.open;
            let restrict = |rights| restrict(Arc::clone(blobs), rights);
            let restricted = links.get(&component.name, rights(container, link), restrict);
            Some((container.clone(), restricted))
        });
        restricted.collect()
    }

    /// Asks every place for something, so that one that is not there, or that refuses, is told when
    /// the host starts and not by the first request.
    pub(crate) async fn look_at(self) {
        let looks =
            self.0.into_iter().map(|(name, Opened { open: Place { blobs, .. }, .. })| async move {
                if let Err(error) = blobs.container_info("keyway").await {
                    tracing::warn!("the place for containers `{name}` does not answer: {error}");
                }
            });
        futures::future::join_all(looks).await;
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
        let settings = resolve(app, name, declared);
        let checked = settings.and_then(|settings| {
            let backend = backend(name, declared, &settings)?;
            blobstore::check(&backend).map_err(|error| cannot_open(name, declared, &error))
        });
        checked.err()
    };
    app.blobs.iter().filter_map(wrong).collect()
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

fn resolve(app: &App, name: &BackendName, declared: &Backend) -> Result<Resolved, Problem> {
    setting::resolve(&app.folder, &named(name), declared)
}

/// A backend as its own crate understands it.
fn backend(
    name: &BackendName,
    declared: &Backend,
    Resolved { kind, settings }: &Resolved,
) -> Result<blobstore::Backend, Problem> {
    blobstore::Backend::from_settings(kind, settings)
        .map_err(|error| setting::wrong(&named(name), declared, &error))
}
