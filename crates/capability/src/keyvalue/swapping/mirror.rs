//! Writes that go to the old store and then to the target.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use tokio::sync::watch;

use super::{State, SwapError};
use crate::{
    keyvalue::{Error, Store, check_key},
    turn::{Turn, Turns},
};

/// Enough that writes of different keys seldom wait for each other, or for the copying.
const TURNS: usize = 1024;

/// The old store and the target, while both are written to.
#[derive(Clone)]
pub(super) struct Mirror(Arc<Shared>);

struct Shared {
    old: Arc<dyn Store>,
    target: Arc<dyn Store>,
    turns: Turns,
    failure: watch::Sender<Option<SwapError>>,
}

/// What the target has to learn about a write to the old store.
pub(super) enum Echo {
    Set(Vec<(String, Bytes)>),
    Delete(Vec<String>),
    Nothing,
}

/// Does `work` on the old store and then what it says on the target, alone with `keys`.
///
/// It is a task of its own, so that it continues when its caller gives up. It holds on to the
/// state, and so the swap waits for it.
pub(super) async fn write<T: Send + 'static, F>(
    (state, mirror): (Arc<State>, Mirror),
    keys: Vec<String>,
    work: impl FnOnce(Arc<dyn Store>) -> F + Send + 'static,
) -> Result<T, Error>
where
    F: Future<Output = Result<(T, Echo), Error>> + Send,
{
    // Otherwise a wrong key among many could be found after some are already set.
    keys.iter().try_for_each(|key| check_key(key))?;
    let origin = state.serving.store.origin();
    let task = tokio::spawn(async move {
        let outcome = mirror.write(&keys, work).await;
        drop(state);
        outcome
    });
    let cut_off = |_| Error::Failed { at: origin, reason: "the write was cut off".to_owned() };
    task.await.map_err(cut_off)?
}

impl Mirror {
    pub(super) fn new(old: Arc<dyn Store>, target: Arc<dyn Store>) -> Self {
        let failure = watch::Sender::new(None);
        Self(Arc::new(Shared { old, target, turns: Turns::new(TURNS), failure }))
    }

    /// The turns of some keys: there are no other writes to them in the meantime.
    pub(super) async fn take(&self, keys: &[String]) -> Vec<Turn<'_>> {
        self.0.turns.take_all(keys.iter().map(String::as_str)).await
    }

    /// Why the target may be incomplete, if it may be.
    pub(super) fn failure(&self) -> Option<SwapError> {
        self.0.failure.borrow().clone()
    }

    /// Waits until the target may be incomplete.
    pub(super) async fn failed(&self) -> SwapError {
        let mut failure = self.0.failure.subscribe();
        match failure.wait_for(Option::is_some).await.map(|failure| failure.clone()) {
            Ok(Some(failure)) => failure,
            // Its sender is held by `self`.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    fn fail(&self, failure: SwapError) {
        self.0.failure.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(failure);
            is_first
        });
    }

    async fn write<T, F>(
        &self,
        keys: &[String],
        work: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<(T, Echo), Error>>,
    {
        let _turns = self.take(keys).await;
        let mut unfinished = Unfinished { mirror: self, is_finished: false };
        let outcome = match work(Arc::clone(&self.0.old)).await {
            Ok((outcome, echo)) => {
                self.echo(echo).await;
                Ok(outcome)
            }
            Err(error) if error.is_in_doubt() => {
                self.fail(SwapError::Old(error.clone()));
                Err(error)
            }
            Err(error) => {
                // Of many, some may have been written.
                if keys.len() > 1 {
                    self.echo_again(keys).await;
                }
                Err(error)
            }
        };
        unfinished.is_finished = true;
        outcome
    }

    async fn echo(&self, echo: Echo) {
        // The target is given up already: no caller waits for it any more.
        if self.0.failure.borrow().is_some() {
            return;
        }
        let told = match echo {
            Echo::Set(entries) => match entries.as_slice() {
                [(key, value)] => self.0.target.set(key, value.clone()).await,
                entries => self.0.target.set_many(entries).await,
            },
            Echo::Delete(keys) => match keys.as_slice() {
                [key] => self.0.target.delete(key).await,
                keys => self.0.target.delete_many(keys).await,
            },
            Echo::Nothing => Ok(()),
        };
        if let Err(error) = told {
            self.fail(SwapError::Target(error));
        }
    }

    /// Tells the target what some keys have in the old store.
    async fn echo_again(&self, keys: &[String]) {
        match self.0.old.get_many(keys).await {
            Ok(values) => {
                let (set, gone) = divide(keys, values);
                self.echo(Echo::Set(set)).await;
                self.echo(Echo::Delete(gone)).await;
            }
            Err(error) => self.fail(SwapError::Old(error)),
        }
    }
}

/// The keys that have values, with them, and those that have none.
pub(super) fn divide(
    keys: &[String],
    values: Vec<Option<Bytes>>,
) -> (Vec<(String, Bytes)>, Vec<String>) {
    let mut set = Vec::new();
    let mut gone = Vec::new();
    for (key, value) in keys.iter().zip(values) {
        match value {
            Some(value) => set.push((key.clone(), value)),
            None => gone.push(key.clone()),
        }
    }
    (set, gone)
}

/// A write that ends before it is finished, with its runtime or by a panic, has not reached the
/// target.
struct Unfinished<'a> {
    mirror: &'a Mirror,
    is_finished: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.mirror.fail(SwapError::CutOff);
        }
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stores = (&self.0.old, &self.0.target);
        f.debug_tuple("Mirror").field(&stores).finish()
    }
}
