//! What a link's objects take in all their containers: counted once, and then kept up to date by the
//! link's own writes. What is being written counts from its first byte.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::blobstore::{Blobs, Error, ObjectId, Rights};

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

impl Quota {
    pub(super) fn new(blobs: Arc<dyn Blobs>, rights: Rights, limit_bytes: u64) -> Self {
        Self { blobs, rights, limit_bytes, usage: Mutex::default() }
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

    /// What the object takes that a write is to replace.
    pub(super) async fn replaced(&self, object: ObjectId<'_>) -> Result<u64, Error> {
        Ok(self.blobs.info(object).await?.map_or(0, |object| object.bytes))
    }

    /// Has the objects counted again when it matters.
    pub(super) fn forget(&self) {
        self.lock().kept = None;
    }

    fn lock(&self) -> MutexGuard<'_, Usage> {
        // Every number is whole before anything can panic.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn count(&self) -> Result<(), Error> {
        let containers = match &self.rights.container {
            Some(container) => vec![container.clone()],
            None => self.blobs.containers().await?,
        };
        let mut bytes = 0;
        for container in containers {
            bytes += match self.count_in(&container).await {
                // Somebody deletes it meanwhile.
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
            self.quota.count().await?;
        }
    }

    /// What the object takes that is to be replaced.
    pub(super) async fn replaced(&self) -> Result<u64, Error> {
        self.quota.replaced(ObjectId { container: &self.container, name: &self.object }).await
    }

    /// Takes note that what was claimed is kept, in the place of `old_bytes`.
    pub(super) fn end(mut self, old_bytes: u64) {
        let mut usage = self.quota.lock();
        usage.claimed_bytes = usage.claimed_bytes.saturating_sub(self.bytes);
        if let Some((kept, _)) = &mut usage.kept {
            *kept = kept.saturating_add(self.bytes).saturating_sub(old_bytes);
        }
        drop(usage);
        self.bytes = 0;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut usage = self.quota.lock();
        usage.claimed_bytes = usage.claimed_bytes.saturating_sub(self.bytes);
    }
}
