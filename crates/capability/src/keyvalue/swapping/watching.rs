//! Watchers that keep receiving changes across a swap.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{
    StreamExt,
    future::join_all,
    stream::{self, Fuse},
};
use tokio::{sync::mpsc, time::timeout};

use crate::keyvalue::{Changes, Error, Store};

/// A server tells of a change a little after it acknowledged it. An old store that was quiet for
/// this long has reported everything.
const QUIET: Duration = Duration::from_millis(100);

/// If other programs keep writing to an old store, its changes are followed for at most this long.
const LONGEST_TAIL: Duration = Duration::from_secs(2);

/// How many swaps a watcher may sleep through.
const MOVES: usize = 8;

/// What a watcher learns when the next store takes over.
type Move = Result<Changes, Error>;

/// All watchers.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Vec<Watcher>>);

#[derive(Debug)]
struct Watcher {
    prefix: String,
    moves: mpsc::Sender<Move>,
}

/// Watchers with the changes of the store that is to serve next.
pub(super) struct Moves(Vec<(mpsc::Sender<Move>, Move)>);

impl Watchers {
    pub(super) fn register(&self, prefix: &str) -> mpsc::Receiver<Move> {
        let (moves, receiver) = mpsc::channel(MOVES);
        self.lock().push(Watcher { prefix: prefix.to_owned(), moves });
        receiver
    }

    /// Watches `next` for all watchers. Nothing changes for them yet.
    pub(super) async fn prepare(&self, next: &dyn Store) -> Moves {
        let watchers: Vec<_> = {
            let mut watchers = self.lock();
            watchers.retain(|watcher| !watcher.moves.is_closed());
            watchers.iter().map(|each| (each.prefix.clone(), each.moves.clone())).collect()
        };
        let moves = watchers
            .into_iter()
            .map(|(prefix, moves)| async move { (moves, next.watch(&prefix).await) });
        Moves(join_all(moves).await)
    }

    /// Moves all watchers. One that slept through too many moves comes to the end of its changes.
    pub(super) fn send(&self, moves: Moves) {
        for (watcher, next) in moves.0 {
            if watcher.try_send(next).is_err() {
                self.lock().retain(|each| !each.moves.same_channel(&watcher));
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watcher>> {
        // A poisoned list is whole: each change is one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watcher's changes, first of one store, and then of each that it is moved to.
struct Followed {
    changes: Fuse<Changes>,
    moves: mpsc::Receiver<Move>,
    next: Option<Next>,
    is_ended: bool,
}

/// Changes that wait until earlier ones have been reported.
struct Next {
    changes: Changes,
    /// When they come at the latest.
    at: Instant,
}

pub(super) fn follow(changes: Changes, moves: mpsc::Receiver<Move>) -> Changes {
    let followed = Followed { changes: changes.fuse(), moves, next: None, is_ended: false };
    stream::unfold(followed, |mut followed| async move {
        let change = followed.change().await?;
        Some((change, followed))
    })
    .boxed()
}

impl Followed {
    async fn change(&mut self) -> Option<<Changes as futures::Stream>::Item> {
        while !self.is_ended {
            if let Some(next) = &self.next {
                let quiet = QUIET.min(next.at.saturating_duration_since(Instant::now()));
                if let Ok(Some(change)) = timeout(quiet, self.changes.next()).await {
                    return Some(change);
                }
                self.changes = self.next.take()?.changes.fuse();
            }
            let moved = tokio::select! {
                change = self.changes.next() => match change {
                    Some(change) => return Some(change),
                    // A store that was let go ends its changes; its watchers were moved before.
                    None => self.moves.try_recv().ok(),
                },
                moved = self.moves.recv() => moved,
            };
            match moved {
                Some(Ok(changes)) => {
                    self.next = Some(Next { changes, at: Instant::now() + LONGEST_TAIL });
                }
                Some(Err(error)) => {
                    self.is_ended = true;
                    return Some(Err(error));
                }
                // The backend ends its changes, or the store is gone.
                None => return None,
            }
        }
        None
    }
}
