//! Swapping parts of a running app: its components, and what stands behind its stores.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use keyway_app::{Capability, ComponentName, Placed, Source};
use keyway_capability::keyvalue::{
    self, KeepError, OpenStore,
    swapping::{Existing, Phase, SwapError, Swapped},
};

use super::{App, in_background};
use crate::{
    backend::store::from_settings,
    error::{Busy, ChangeError, HostError, StoreSwapError},
    live::{generation::Generation, trial::TrialOptions},
};

impl App {
    /// Swaps the component `name` for the one in the file `path`: it is checked against all its
    /// links and compiled first. With `trial`, some of the requests go to it before all do; then
    /// this returns when that is decided.
    ///
    /// # Errors
    /// Everything that is wrong with the new component, or that the trial failed. The old one stays
    /// in service.
    pub(crate) async fn swap_component(
        self: &Arc<Self>,
        name: String,
        path: PathBuf,
        trial: Option<TrialOptions>,
    ) -> Result<(), HostError> {
        let turn = self.turn()?;
        let this = Arc::clone(self);
        let next = in_background(move || this.with_component(&name, path)).await?;
        self.is_changed_by_hand.store(true, Relaxed);
        match trial {
            None => self.install(Arc::new(next)),
            Some(options) => {
                let outcome = self.try_out(next, options)?;
                drop(turn);
                outcome.await
            }
        }
    }

    fn with_component(&self, name: &str, path: PathBuf) -> Result<Generation, HostError> {
        let current = &self.serving().current;
        let mut app = current.prepared.app.clone();
        let known = || current.prepared.app.components.keys().map(ComponentName::to_string);
        let Some(component) = app.components.values_mut().find(|c| c.name.as_str() == name) else {
            let (name, known) = (name.to_owned(), known().collect());
            return Err(ChangeError::NoSuchComponent { name, known }.into());
        };
        component.source = Placed { value: Source::Path(path), place: None };
        let prepared = self.facilities.workshop.prepare(app)?;
        if let Some(component) = current.prepared.changed_since(&prepared, Some(name)) {
            return Err(ChangeError::ChangedSource { component: component.to_string() }.into());
        }
        // Settings that stand elsewhere, and have changed there, are for a reload to take in.
        self.generation(prepared, current.backends.clone(), current)
    }

    /// Swaps the backend of the store `name`, with its data. It continues when nothing waits for it
    /// any more.
    ///
    /// # Errors
    /// If there is no such store or backend, the store is being swapped already, or the swap fails.
    /// The old backend goes on then, and is complete.
    pub(crate) async fn swap_backend(
        &self,
        name: &str,
        kind: &str,
        settings: &BTreeMap<String, String>,
        existing: Existing,
    ) -> Result<Swapped, ChangeError> {
        let current = Arc::clone(&self.serving().current);
        let Some(store) = current.backends.stores().find(name) else {
            let known = current.backends.stores().iter().map(|(known, _)| known.to_string());
            return Err(ChangeError::NoSuchStore { name: name.to_owned(), known: known.collect() });
        };
        let backend =
            from_settings(kind, settings).map_err(|error| ChangeError::of_swap(name, error))?;
        let swapped = self.swap_store(&store, backend, existing).await;
        let swapped = swapped.map_err(|error| ChangeError::of_swap(name, error))?;
        self.is_changed_by_hand.store(true, Relaxed);
        // A reload may have begun a moment before this did.
        let now = Arc::clone(&self.serving().current);
        if now.backends.stores().iter().any(|(_, now)| Arc::ptr_eq(&now, store.store())) {
            Ok(swapped)
        } else {
            Err(ChangeError::of_swap(name, StoreSwapError::Replaced))
        }
    }

    /// Moves the stores that `next` declares differently to their declared backends, with their
    /// data.
    ///
    /// # Errors
    /// If that fails for one: it stays where it is, and those before it have been swapped.
    pub(super) async fn swap_declared(
        &self,
        next: &Generation,
        current: &Generation,
    ) -> Result<(), ChangeError> {
        for (name, store, backend) in next.backends.stores().to_swap(current.backends.stores()) {
            let error = match self.swap_store(&store, backend.clone(), Existing::Refuse).await {
                Ok(Swapped { copied, .. }) => {
                    tracing::info!(
                        "the store `{name}` now lives in the backend that the manifest declares, \
                         with {copied} keys"
                    );
                    continue;
                }
                // Two addresses may lead to one store: there is nothing to move.
                Err(StoreSwapError::Keep(KeepError::Swap(SwapError::SameStore { at }))) => {
                    tracing::warn!(
                        "the store `{name}` already lives in {at}; its new address is used from \
                         the next start"
                    );
                    store.is_kept_by(&backend);
                    continue;
                }
                Err(error) => error,
            };
            let declared = next.prepared.app.backends.get(&(Capability::Keyvalue, name.clone()));
            let is_not_empty =
                matches!(error, StoreSwapError::Keep(KeepError::Swap(SwapError::NotEmpty { .. })));
            let help = is_not_empty.then(|| {
                format!(
                    "`keyway swap backend {name} --to {} --delete-existing` empties the new backend \
                     first; a fresh `keyway up` opens it with the data that it has",
                    declared.map_or("KIND", |declared| declared.kind.value.as_str())
                )
            });
            let place = declared.and_then(|declared| declared.kind.place.clone());
            return Err(ChangeError::of_swap(name.as_str(), error).declared_at(place, help));
        }
        Ok(())
    }

    /// It continues when nothing waits for it any more.
    async fn swap_store(
        &self,
        store: &Arc<OpenStore>,
        backend: keyvalue::Backend,
        existing: Existing,
    ) -> Result<Swapped, StoreSwapError> {
        let store = Arc::clone(store);
        let swap = async move { Ok(store.swap(backend, existing).await?) };
        self.facilities.background.spawn(swap).await.unwrap_or(Err(StoreSwapError::Cut))
    }

    /// Ends the swap of a backend that is under way, and returns whether there was one that did not
    /// come to its end before.
    pub(super) async fn cancel_swap_of_a_backend(&self) -> bool {
        let current = Arc::clone(&self.serving().current);
        for (_, store) in current.backends.stores().iter() {
            if store.cancel().await {
                return true;
            }
        }
        false
    }

    /// Refuses what could put another store in place of one whose backend is being swapped.
    pub(super) fn no_swap_of_a_backend(&self) -> Result<(), ChangeError> {
        let serving = self.serving();
        let mut stores = serving.current.backends.stores().iter();
        match stores.find(|(_, store)| store.progress().borrow().phase != Phase::Idle) {
            None => Ok(()),
            Some((name, _)) => Err(Busy::StoreSwap { store: name.to_string() }.into()),
        }
    }
}
