//! The stores of an app, which can be swapped while they are used.

use std::{any::Any, collections::BTreeMap, path::Path, sync::Arc};

use keyway_app::{BackendName, Capability};
use keyway_capability::{
    SettingsError,
    keyvalue::{self, OpenStore, Swapping},
};

use super::{Backends, Opened, setting::in_full};

/// The stores among the backends of an app.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stores<'a>(pub(super) &'a Backends);

impl<'a> Stores<'a> {
    fn all(self) -> impl Iterator<Item = (&'a BackendName, &'a Opened, Arc<OpenStore>)> {
        let of = |((capability, name), opened): (&'a (Capability, BackendName), &'a Opened)| {
            (*capability == Capability::Keyvalue).then_some(())?;
            let open: Arc<dyn Any + Send + Sync> = Arc::clone(&opened.open) as _;
            Some((name, opened, open.downcast::<OpenStore>().ok()?))
        };
        self.0.0.iter().filter_map(of)
    }

    /// The stores that are declared otherwise than in `before`, and kept by something else than
    /// that, each with what shall keep it.
    pub(crate) fn to_swap(
        self,
        before: Self,
    ) -> Vec<(&'a BackendName, Arc<OpenStore>, keyvalue::Backend)> {
        let stores = self.all().filter_map(|(name, opened, open)| {
            let before = before.0.0.get(&(Capability::Keyvalue, name.clone()))?;
            let declared = &opened.declared;
            let backend =
                keyvalue::Backend::from_settings(&declared.kind, &declared.settings).ok()?;
            let is_meant = before.declared != *declared && open.kept_by() != backend;
            is_meant.then_some((name, open, backend))
        });
        stores.collect()
    }

    /// The one that a user calls `name`.
    pub(crate) fn find(self, name: &str) -> Option<Arc<OpenStore>> {
        self.all().find(|(known, ..)| known.as_str() == name).map(|(_, _, open)| open)
    }

    /// Whether both have the same stores open, and declared in the same way.
    pub(crate) fn is_same(self, other: Self) -> bool {
        let of = |stores: Self| {
            let stores = stores.all().map(|(name, opened, open)| {
                (name, &opened.declared, Arc::as_ptr(open.store()) as usize)
            });
            stores.collect::<Vec<_>>()
        };
        of(self) == of(other)
    }

    /// Every store with its name, in the names' order.
    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a BackendName, Arc<Swapping>)> {
        self.all().map(|(name, _, open)| (name, Arc::clone(open.store())))
    }
}

/// A backend by its settings, with the path of its file in full.
///
/// # Errors
/// If they are wrong.
pub(crate) fn from_settings(
    kind: &str,
    settings: &BTreeMap<String, String>,
) -> Result<keyvalue::Backend, SettingsError> {
    let mut settings = settings.clone();
    if let Some(path) = settings.get_mut("path")
        && let Some(whole) = in_full(Path::new(path))
    {
        *path = whole;
    }
    keyvalue::Backend::from_settings(kind, &settings)
}
