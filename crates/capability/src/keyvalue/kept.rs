//! A store that is open under its name in an app, whatever keeps it at the moment.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use thiserror::Error;

use super::{
    Backend, Store, Swapping, check, open, restrict,
    swapping::{Existing, SwapError, Swapped},
};
use crate::{
    OpenError, Rights, SettingsError,
    provider::{Backends, Linked, Open},
};

/// A store, and what keeps it.
#[derive(Debug)]
pub struct OpenStore {
    store: Arc<Swapping>,
    /// What was declared, until that is swapped.
    kept_by: Mutex<Backend>,
}

/// Why a store was not swapped to another backend.
#[derive(Debug, Error)]
pub enum KeepError {
    /// The new backend cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The swap failed, and the old backend goes on.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

impl OpenStore {
    /// Opens a store.
    ///
    /// # Errors
    /// If its configuration is wrong, or a file cannot be used.
    pub fn new(backend: &Backend) -> Result<Self, OpenError> {
        let store = Arc::new(Swapping::new(open(backend)?));
        Ok(Self { store, kept_by: Mutex::new(backend.clone()) })
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<Swapping> {
        &self.store
    }

    /// What keeps it.
    pub fn kept_by(&self) -> Backend {
        self.lock().clone()
    }

    /// Notes what keeps it.
    pub fn is_kept_by(&self, backend: &Backend) {
        *self.lock() = backend.clone();
    }

    /// Moves it to `backend`, with its data.
    ///
    /// # Errors
    /// If that fails. The previous backend stays in use, and is complete.
    pub async fn swap(&self, backend: Backend, existing: Existing) -> Result<Swapped, KeepError> {
        let swapped = self.store.swap(open(&backend)?, existing).await?;
        self.is_kept_by(&backend);
        Ok(swapped)
    }

    fn lock(&self) -> MutexGuard<'_, Backend> {
        // It is replaced as a whole.
        self.kept_by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backends for Backend {
    fn read(kind: &str, settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        Self::from_settings(kind, settings)
    }

    fn open(&self) -> Result<Arc<dyn Open>, OpenError> {
        Ok(Arc::new(OpenStore::new(self)?))
    }

    fn check(&self) -> Result<(), OpenError> {
        check(self)
    }
}

#[async_trait]
impl Open for OpenStore {
    async fn probe(&self) -> Result<(), String> {
        self.store.exists("keyway").await.map(drop).map_err(|error| error.to_string())
    }

    fn link(&self, rights: &Rights) -> Linked {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        Linked::new(restrict(store, rights.clone()))
    }

    /// One that is declared to be kept elsewhere stays open, to be moved there with its data. One that
    /// is declared to be kept at the same place in another way is opened anew: there is nothing to
    /// move.
    fn goes_on(&self, kind: &str, settings: &BTreeMap<String, String>) -> bool {
        let declared: Result<Backend, SettingsError> = Backend::from_settings(kind, settings);
        declared.is_ok_and(|declared| {
            let kept_by = self.lock();
            *kept_by == declared || !kept_by.is_same_place(&declared)
        })
    }
}
