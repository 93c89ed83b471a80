//! Exchanging what stands behind a store.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::{Capability, Problem};
use keyway_capability::keyvalue::{
    self, KeepError, OpenStore,
    swapping::{Existing, SwapError, Swapped},
};
use keyway_word::did_you_mean;

use super::{Done, Generation, Running};
use crate::{
    backend::store::{ExchangeError, from_settings, wrong},
    problem::problem,
};

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
        let Some(store) = current.backends.stores().find(name) else {
            let known = current.backends.stores().iter().map(|(known, _)| known.as_str());
            let message = format!("the app has no store `{name}`");
            return Err(vec![problem("no-such-store", message, Some(&did_you_mean(name, known)))]);
        };
        let wrong = |error: &dyn std::fmt::Display| vec![wrong(name, &error.to_string(), None)];
        let backend = from_settings(kind, settings).map_err(|error| wrong(&error))?;
        let exchanged = self.exchange(&store, backend, existing).await;
        let swapped = exchanged.map_err(|error| wrong(&error))?;
        // A reload may have begun a moment before this did.
        let now = Arc::clone(&self.serving().current);
        if now.backends.stores().iter().any(|(_, now)| Arc::ptr_eq(&now, store.store())) {
            Ok(swapped)
        } else {
            let reason = "a reload has put another store in its place; nothing is lost of either";
            Err(wrong(&reason))
        }
    }

    /// Has the stores that `next` declares otherwise than what serves be kept as it declares them,
    /// with their data.
    ///
    /// # Errors
    /// If that fails for one: it stays where it is, and those before it have been exchanged.
    pub(super) async fn exchange_declared(
        &self,
        next: &Generation,
        current: &Generation,
    ) -> Done<()> {
        let to_exchange = next.backends.stores().to_exchange(current.backends.stores());
        for (name, store, backend) in to_exchange {
            match self.exchange(&store, backend.clone(), Existing::Refuse).await {
                Ok(Swapped { copied, .. }) => {
                    tracing::info!(
                        "the store `{name}` is kept as declared now, with {copied} keys"
                    );
                }
                // Two addresses may lead to one store: there is nothing to move.
                Err(ExchangeError::Keep(KeepError::Swap(SwapError::SameStore { at }))) => {
                    tracing::warn!(
                        "the store `{name}` is kept by {at} already, which it is connected to in \
                         another way until the next start"
                    );
                    store.is_kept_by(&backend);
                }
                Err(error) => {
                    let key = (Capability::Keyvalue, name.clone());
                    let declared = next.prepared.app.backends.get(&key);
                    let place = declared.and_then(|declared| declared.kind.place.clone());
                    let help = format!(
                        "`keyway swap backend {name} --to {} --delete-existing` empties the new \
                         backend first; a new `keyway up` opens it with what it has",
                        declared.map_or("KIND", |declared| declared.kind.value.as_str())
                    );
                    let problem = wrong(name.as_str(), &error.to_string(), place);
                    return Err(vec![Problem { help: Some(help), ..problem }]);
                }
            }
        }
        Ok(())
    }

    /// It goes on when nobody waits for it any more.
    async fn exchange(
        &self,
        store: &Arc<OpenStore>,
        backend: keyvalue::Backend,
        existing: Existing,
    ) -> Result<Swapped, ExchangeError> {
        let store = Arc::clone(store);
        let exchange = async move { Ok(store.swap(backend, existing).await?) };
        self.background.spawn(exchange).await.unwrap_or(Err(ExchangeError::Cut))
    }
}
