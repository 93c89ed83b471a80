//! The size of a link's objects in all their containers: counted once, and then kept up to date by
//! the link's own writes. An object being written counts from its first byte.
//!
//! No object of the link is finished, moved or deleted during a count: a count that has passed the
//! object's name would miss it, or count it twice.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{RwLock, RwLockReadGuard};

use crate::{
    Rights,
    blobstore::{Blobs, Error, ObjectId},
    turn::{Turn, Turns},
};

/// How many objects can be finished side by side, about.
const TURNS: usize = 64;

/// How many objects are counted at a time.
const PAGE: usize = 1000;

/// Before a write is refused the objects are counted again, but not more often than this.
const COUNTED_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The quota of a link.
#[derive(Debug)]
pub(super) struct Quota {
    blobs: Arc<dyn Blobs>,
    rights: Rights,
    limit_bytes: u64,
    turns: Turns,
    /// Shared by changes, and held alone while objects are counted.
    counting: RwLock<()>,
    usage: Mutex<Usage>,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    /// What the objects take, and when that was counted.
    kept: Option<(u64, Instant)>,
    /// What is being written.
    claimed_bytes: u64,
}

/// What a write takes. Dropped before its end, it gives that back.
#[derive(Debug)]
pub(super) struct Claim {
    quota: Arc<Quota>,
    container: String,
    object: String,
    bytes: u64,
}

/// A change to what is kept. Dropped before it has ended, it leaves that unknown: it may have come to
/// be nevertheless.
pub(super) struct Change<'a> {
    quota: &'a Quota,
    is_ended: bool,
    _turn: Option<Turn<'a>>,
    _counting: RwLockReadGuard<'a, ()>,
}

impl Quota {
    pub(super) fn new(blobs: Arc<dyn Blobs>, rights: Rights, limit_bytes: u64) -> Self {
        Self {
            blobs,
            rights,
            limit_bytes,
            turns: Turns::new(TURNS),
            counting: RwLock::default(),
            usage: Mutex::default(),
        }
    }

    /// A claim of nothing so far.
    pub(super) fn claim(self: &Arc<Self>, object: ObjectId<'_>) -> Claim {
        Claim {
            quota: Arc::clone(self),
            container: object.container.to_owned(),
            object: object.name.to_owned(),
            bytes: 0,
        }
    }

    /// Begins a change whose effect is not known: the objects are counted again when it matters.
    pub(super) async fn change(&self) -> Change<'_> {
        self.change_with(None).await
    }

    async fn change_with<'a>(&'a self, turn: Option<Turn<'a>>) -> Change<'a> {
        let counting = self.counting.read().await;
        Change { quota: self, is_ended: false, _turn: turn, _counting: counting }
    }

    /// Begins to replace `object`, and returns its size until then.
    pub(super) async fn replace(&self, object: ObjectId<'_>) -> Result<(Change<'_>, u64), Error> {
        // Of two writes at once, the second replaces the first and not what was there before.
        let turn = self.turns.take(&format!("{}\0{}", object.container, object.name)).await;
        let change = self.change_with(Some(turn)).await;
        let replaced = match self.blobs.info(object).await {
            Ok(found) => found.map_or(0, |object| object.bytes),
            Err(error) => {
                change.end();
                return Err(error);
            }
        };
        Ok((change, replaced))
    }

    fn lock(&self) -> MutexGuard<'_, Usage> {
        // Every number is whole before anything can panic.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the objects, unless that was done after `since`.
    async fn count(&self, since: Instant) -> Result<(), Error> {
        let _alone = self.counting.write().await;
        if self.lock().kept.is_some_and(|(_, counted)| counted > since) {
            return Ok(());
        }
        let containers = match &self.rights.container {
            Some(container) => vec![container.clone()],
            None => self.blobs.containers().await?,
        };
        let mut bytes = 0;
        for container in containers {
            bytes += match self.count_in(&container).await {
                // It is deleted in the meantime.
                Err(Error::NoSuchContainer { .. }) => 0,
                counted => counted?,
            };
        }
        self.lock().kept = Some((bytes, Instant::now()));
        Ok(())
    }

    async fn count_in(&self, container: &str) -> Result<u64, Error> {
        let mut bytes = 0;
        let mut cursor = None;
        loop {
            let prefix = &self.rights.prefix;
            let page = self.blobs.list(container, prefix, cursor.as_deref(), PAGE).await?;
            bytes += page.objects.iter().map(|object| object.bytes).sum::<u64>();
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(bytes);
            }
        }
    }
}

impl Claim {
    /// Claims so many bytes more.
    ///
    /// # Errors
    /// [`Error::OverQuota`].
    pub(super) async fn grow(&mut self, bytes: u64) -> Result<(), Error> {
        loop {
            let since = Instant::now();
            {
                let mut usage = self.quota.lock();
                if let Some((kept, counted)) = usage.kept {
                    let used_bytes = kept.saturating_add(usage.claimed_bytes);
                    if used_bytes.saturating_add(bytes) <= self.quota.limit_bytes {
                        usage.claimed_bytes += bytes;
                        self.bytes += bytes;
                        return Ok(());
                    }
                    if counted.elapsed() < COUNTED_AT_MOST_EVERY {
                        return Err(Error::OverQuota {
                            at: self.quota.blobs.origin(),
                            object: self.object.clone(),
                            used_bytes,
                            limit_bytes: self.quota.limit_bytes,
                        });
                    }
                }
            }
            self.quota.count(since).await?;
        }
    }

    /// Keeps what was claimed, by `keep`, instead of the object's size until then.
    ///
    /// # Errors
    /// Those of `keep`.
    pub(super) async fn keep(
        mut self,
        keep: impl Future<Output = Result<(), Error>> + Send,
    ) -> Result<(), Error> {
        let quota = Arc::clone(&self.quota);
        let object = ObjectId { container: &self.container, name: &self.object };
        let (change, old_bytes) = quota.replace(object).await?;
        keep.await?;
        let mut usage = quota.lock();
        usage.claimed_bytes = usage.claimed_bytes.saturating_sub(self.bytes);
        if let Some((kept, _)) = &mut usage.kept {
            *kept = kept.saturating_add(self.bytes).saturating_sub(old_bytes);
        }
        drop(usage);
        self.bytes = 0;
        change.end();
        Ok(())
    }
}

impl Change<'_> {
    fn end(mut self) {
        self.is_ended = true;
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.quota.lock().kept = None;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut usage = self.quota.lock();
        usage.claimed_bytes = usage.claimed_bytes.saturating_sub(self.bytes);
    }
}
