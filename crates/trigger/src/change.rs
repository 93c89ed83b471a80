//! Changes in a store: passes each to a [`Handler`], one after another.
//!
//! A watch continues while its handler is swapped. A broken watch is restarted, with growing
//! pauses; changes in between are missed.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures::StreamExt;
use keyway_capability::keyvalue::{Change, Changes, Error, Store};
use tokio_util::sync::CancellationToken;

use crate::pause::Pause;

/// Receives changes.
pub trait Handler: Send + Sync + 'static {
    /// Handles one.
    ///
    /// # Errors
    /// Why it was not handled, as a sentence for the log.
    fn handle(
        &self,
        change: Change,
        store: Arc<dyn Store>,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// What to watch, and the handler of its changes.
pub struct Watch<H> {
    /// The store, with the rights of its handler.
    pub store: Arc<dyn Store>,
    /// What the keys begin with.
    pub prefix: String,
    /// The handler of the next change.
    pub handler: Arc<ArcSwap<H>>,
    /// Cancelled when it has begun.
    pub begun: CancellationToken,
}

impl<H> std::fmt::Debug for Watch<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl<H: Handler> Watch<H> {
    /// Tells of changes until `stop`, and then waits until the last is handled. Dropping the future
    /// cuts that off.
    pub async fn watch(self, stop: CancellationToken) {
        let mut pause = Pause::default();
        loop {
            let watched = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                watched = self.store.watch(&self.prefix) => watched,
            };
            let error = match watched {
                Ok(changes) => {
                    pause = Pause::default();
                    self.begun.cancel();
                    match self.tell(changes, &stop).await {
                        Some(error) => error,
                        None => return,
                    }
                }
                Err(error @ Error::Unsupported { .. }) => {
                    self.begun.cancel();
                    return tracing::warn!("changes are not delivered: {error}");
                }
                Err(error) => error,
            };
            tracing::warn!("changes are not delivered for now: {error}");
            tokio::select! {
                () = stop.cancelled() => return,
                () = pause.wait() => {}
            }
        }
    }

    /// Tells of changes until `stop`, or until the watch breaks, and why.
    async fn tell(&self, mut changes: Changes, stop: &CancellationToken) -> Option<Error> {
        loop {
            let change = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                change = changes.next() => change,
            };
            match change {
                Some(Ok(change)) => self.handle(change).await,
                Some(Err(error @ Error::Missed { .. })) => tracing::warn!("{error}"),
                Some(Err(error)) => return Some(error),
                None => {
                    let reason = "it reports no more changes".to_owned();
                    return Some(Error::Failed { at: self.store.origin(), reason });
                }
            }
        }
    }

    async fn handle(&self, change: Change) {
        let key = change.key().to_owned();
        let handled = self.handler.load_full().handle(change, Arc::clone(&self.store)).await;
        if let Err(reason) = handled {
            tracing::warn!("a change to `{key}` was not handled: {reason}");
        }
    }
}
