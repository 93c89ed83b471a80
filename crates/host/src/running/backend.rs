//! Exchanging what stands behind a store.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::Problem;
use keyway_capability::keyvalue::{
    self,
    swapping::{Existing, Swapped},
};

use super::{Done, Running};
use crate::{nearest::did_you_mean, problem::problem};

impl Running {
    /// Exchanges the backend of the store `name`, with its data. It goes on when nobody waits for it
    /// any more.
    ///
    /// # Errors
    /// If there is no such store or backend, or the exchange fails. The old backend goes on then, and
    /// is complete.
    pub(crate) async fn swap_backend(
        &self,
        name: &str,
        kind: &str,
        settings: &BTreeMap<String, String>,
        existing: Existing,
    ) -> Done<Swapped> {
        let current = Arc::clone(&self.serving().current);
        let Some((_, store)) =
            current.backends.stores.iter().find(|(known, _)| known.as_str() == name)
        else {
            let known = current.backends.stores.iter().map(|(known, _)| known.as_str());
            let message = format!("the app has no store `{name}`");
            return Err(vec![problem("no-such-store", message, Some(&did_you_mean(name, known)))]);
        };
        let wrong = |error: &dyn std::fmt::Display| -> Vec<Problem> {
            vec![problem("store", format!("the store `{name}`: {error}"), None)]
        };
        let backend =
            keyvalue::Backend::from_settings(kind, settings).map_err(|error| wrong(&error))?;
        let target = keyvalue::open(&backend).map_err(|error| wrong(&error))?;
        let store = Arc::clone(store);
        let kept = Arc::clone(&store);
        let swap = self.background.spawn(async move { store.swap_to(target, existing).await });
        match swap.await {
            // A reload may have begun a moment before this did.
            Ok(Ok(_))
                if !self
                    .serving()
                    .current
                    .backends
                    .stores
                    .iter()
                    .any(|(_, now)| Arc::ptr_eq(now, &kept)) =>
            {
                Err(wrong(
                    &"a reload has put another store in its place; nothing is lost of either",
                ))
            }
            Ok(Ok(swapped)) => Ok(swapped),
            Ok(Err(error)) => Err(wrong(&error)),
            Err(error) => Err(wrong(&error)),
        }
    }
}
