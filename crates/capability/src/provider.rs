//! What a capability is to a host: backends that are opened by their words, and what links lead to.
//!
//! A host treats all capabilities alike through this, and knows none of their traits. A binding
//! asks a [`Linked`] for its capability's type.

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use keyway_word::Rights;
use thiserror::Error;

use crate::{open::OpenError, settings::SettingsError};

/// The settings of a backend, by name.
pub type SettingTexts = BTreeMap<String, String>;

/// The backends of a capability.
pub trait Provider: Send + Sync {
    /// Opens one. A server is connected to when it is first needed.
    ///
    /// # Errors
    /// If its settings are wrong, or a file cannot be used.
    fn open(&self, kind: &str, settings: &SettingTexts) -> Result<Arc<dyn Open>, ProvideError>;

    /// Looks for what is wrong with settings without touching a file or a server.
    ///
    /// # Errors
    /// If they are wrong. What only the file or the server could tell is not found.
    fn check(&self, kind: &str, settings: &SettingTexts) -> Result<(), ProvideError>;
}

/// Why a backend is not provided.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProvideError {
    /// Its settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A backend that is open.
#[async_trait]
pub trait Open: Any + fmt::Debug + Send + Sync {
    /// Asks for something, to know whether it answers.
    async fn probe(&self) -> Result<(), String>;

    /// What a link with these rights leads to.
    fn link(&self, rights: &Rights) -> Linked;

    /// Whether it goes on where it is declared with other settings: what it holds can be moved there.
    fn goes_on(&self, _kind: &str, _settings: &SettingTexts) -> bool {
        false
    }
}

/// What a link leads to. It has the type of its capability, such as `Arc<dyn Store>`.
#[derive(Clone)]
pub struct Linked(Arc<dyn Any + Send + Sync>);

impl Linked {
    /// A link to `it`.
    pub fn new<T: Any + Send + Sync>(it: T) -> Self {
        Self(Arc::new(it))
    }

    /// What it leads to, for a capability that has the type `T`.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// Whether somebody else has it too.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl fmt::Debug for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linked").finish_non_exhaustive()
    }
}

/// A capability's backends as plain data.
pub(crate) trait Backends: Sized + Send + Sync + 'static {
    fn read(kind: &str, settings: &SettingTexts) -> Result<Self, SettingsError>;

    fn open(&self) -> Result<Arc<dyn Open>, OpenError>;

    fn check(&self) -> Result<(), OpenError>;
}
