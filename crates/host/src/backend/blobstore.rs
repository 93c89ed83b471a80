//! The places for containers of an app: from the words of its manifest to places that are open, and
//! to what each component may do with them.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::{
    App, Component, Placed, Problem,
    backend::BackendName,
    blobstore::DEFAULT,
    keyvalue::{StoreAccess, StoreLink},
};
use keyway_capability::{
    SettingsError,
    blobstore::{self, Blobs, OpenError, Rights, restrict},
};

use super::{
    kind::{self, Kind, OpenOf},
    link::Links,
};

/// Places that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(OpenOf<Blobstore>);

#[derive(Debug, Clone)]
struct Place {
    blobs: Arc<dyn Blobs>,
    links: Arc<Links<Rights, dyn Blobs>>,
}

/// The kind of backend that they have.
#[derive(Debug)]
struct Blobstore;

impl Kind for Blobstore {
    type Backend = blobstore::Backend;
    type Error = OpenError;
    type Open = Place;

    const CODE: &'static str = "blobstore";
    const WHAT: &'static str = "the place for containers";

    fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<blobstore::Backend, SettingsError> {
        blobstore::Backend::from_settings(kind, settings)
    }

    fn open(backend: &blobstore::Backend) -> Result<Place, OpenError> {
        Ok(Place { blobs: blobstore::open(backend)?, links: Arc::default() })
    }

    fn check(backend: &blobstore::Backend) -> Result<(), OpenError> {
        blobstore::check(backend)
    }

    fn setting(error: &OpenError) -> &'static str {
        match error {
            OpenError::Address(_) | OpenError::Certificates { .. } => "url",
            OpenError::Bucket { .. } => "bucket",
            OpenError::Folder { .. } => "path",
        }
    }

    async fn ask(Place { blobs, .. }: Place) -> Result<(), String> {
        blobs.container_info("keyway").await.map(drop).map_err(|error| error.to_string())
    }
}

impl Places {
    /// Opens the places that `app` declares. Those that `before` has open with the same settings
    /// stay, with what is in memory.
    ///
    /// # Errors
    /// All settings that are wrong, and folders that cannot be opened.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        kind::open::<Blobstore>(app, &app.blobs, &before.0).map(Self)
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
        kind::look_at::<Blobstore>(self.0).await;
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
    kind::check::<Blobstore>(app, &app.blobs)
}
