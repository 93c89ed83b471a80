//! Reports changes that are made in this process.

use futures::{StreamExt, stream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Change, Changes, Error};
use crate::Origin;

/// How many changes wait for a slow watcher before it misses some.
const WAITING: usize = 1024;

/// Tells watchers of changes. Without watchers it costs one atomic read.
#[derive(Debug)]
pub(super) struct Feed {
    origin: Origin,
    sender: broadcast::Sender<Change>,
}

impl Feed {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, sender: broadcast::Sender::new(WAITING) }
    }

    /// Whether anybody watches.
    pub(super) fn is_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Reports a change, which is built only if there is a watcher.
    pub(super) fn tell(&self, change: impl FnOnce() -> Change) {
        if self.is_watched() {
            // The last watcher may have gone meanwhile.
            let _ = self.sender.send(change());
        }
    }

    /// The changes from now on to keys that begin with `prefix`.
    pub(super) fn watch(&self, prefix: &str) -> Changes {
        let state = (self.sender.subscribe(), prefix.to_owned(), self.origin.clone());
        stream::unfold(state, |(mut receiver, prefix, origin)| async move {
            let next = loop {
                match receiver.recv().await {
                    Ok(change) if change.key().starts_with(&prefix) => break Ok(change),
                    Ok(_) => {}
                    Err(RecvError::Lagged(count)) => {
                        break Err(Error::Missed { at: origin.clone(), count });
                    }
                    Err(RecvError::Closed) => return None,
                }
            };
            Some((next, (receiver, prefix, origin)))
        })
        .boxed()
    }
}
