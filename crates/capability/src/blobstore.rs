//! Blobstores, for large objects in containers: `wasi:blobstore`.
//!
//! Objects are streamed both ways, with back-pressure: no backend except `memory` ever holds a
//! whole one. An object appears as a whole once it is fully written, not before.

mod backend;
mod error;
mod flat;
pub mod folder;
pub mod memory;
mod name;
pub mod nats;
pub mod restricted;
pub mod s3;

use std::{
    fmt,
    ops::RangeInclusive,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt, stream::BoxStream};

use crate::Origin;

pub use backend::{Backend, check, open};
pub use error::Error;
pub use name::{CONTAINER_LIMIT_BYTES, OBJECT_LIMIT_BYTES};
pub use restricted::restrict;

/// How long an operation may take, or a step of one that streams, unless its backend's options say
/// otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Objects on a page, for callers that want all.
const PAGE: usize = 1000;

/// Containers with objects.
///
/// What is answered with success is done, and is seen by all that begin afterwards.
#[async_trait]
pub trait Blobs: fmt::Debug + Send + Sync {
    /// The backend and its address, as errors name it.
    fn origin(&self) -> Origin;

    /// Makes an empty container.
    ///
    /// # Errors
    /// [`Error::ContainerExists`].
    async fn create_container(&self, container: &str) -> Result<(), Error>;

    /// Takes a container away with all its objects.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`].
    async fn delete_container(&self, container: &str) -> Result<(), Error>;

    /// All containers.
    async fn containers(&self) -> Result<Vec<String>, Error>;

    /// When a container was made; none if there is no such container.
    async fn container_info(&self, container: &str) -> Result<Option<ContainerInfo>, Error>;

    /// Some of a container's objects whose names begin with `prefix`: `limit` or so, from where
    /// the page that gave `cursor` ended. Those that are there all the time are listed once.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`].
    async fn list(
        &self,
        container: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error>;

    /// What is known of an object; none if there is no such object.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`].
    async fn info(&self, object: ObjectId<'_>) -> Result<Option<ObjectInfo>, Error>;

    /// Reads a part of an object, from its first to its last byte, as far as the object goes. A
    /// read in progress continues, if the backend can keep what was deleted.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoSuchObject`].
    async fn read(&self, object: ObjectId<'_>, part: RangeInclusive<u64>)
    -> Result<Reading, Error>;

    /// Begins to write an object. It takes the place of one of its name when it is finished.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`].
    async fn write(&self, object: ObjectId<'_>) -> Result<Box<dyn Writing>, Error>;

    /// Takes objects away. A missing one is not an error. Not one step: if it fails, some may be
    /// gone.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`].
    async fn delete(&self, container: &str, objects: &[String]) -> Result<(), Error>;

    /// Copies an object over another.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoSuchObject`].
    async fn copy(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error>;

    /// Moves an object over another. Not one step everywhere: if it fails, both may be there.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoSuchObject`].
    async fn rename(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        if from == to {
            // It has to be there all the same.
            return self.read(from, 0..=0).await.map(drop);
        }
        self.copy(from, to).await?;
        self.delete(from.container, &[from.name.to_owned()]).await
    }

    /// Takes all objects of a container away whose names begin with `prefix`.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`].
    async fn clear(&self, container: &str, prefix: &str) -> Result<(), Error> {
        loop {
            // From the beginning each time: cursors need not outlive what they point at.
            let page = self.list(container, prefix, None, PAGE).await?;
            if page.objects.is_empty() {
                return Ok(());
            }
            let names: Vec<_> = page.objects.into_iter().map(|object| object.name).collect();
            self.delete(container, &names).await?;
        }
    }
}

/// Writes one object. Dropping it before it is finished leaves what was there before.
#[async_trait]
pub trait Writing: Send {
    /// Takes some bytes, when there is room for them.
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error>;

    /// Puts the object in its place.
    async fn finish(self: Box<Self>) -> Result<(), Error>;
}

impl fmt::Debug for dyn Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writing")
    }
}

/// An object by its container and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectId<'a> {
    /// The container.
    pub container: &'a str,
    /// The object's name in it.
    pub name: &'a str,
}

/// What is known of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerInfo {
    /// When it was made, or last changed where a backend knows no more.
    pub created: SystemTime,
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its name in the container.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it was written.
    pub created: SystemTime,
}

/// A page of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects, in no order that all backends keep.
    pub objects: Vec<ObjectInfo>,
    /// Where the next page begins; `None` after the last. Only its creator can read it.
    pub cursor: Option<String>,
}

/// A part of an object that is being read.
pub struct Reading {
    /// How long the part is.
    pub bytes: u64,
    /// The part, piece by piece.
    pub data: BoxStream<'static, Result<Bytes, Error>>,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Copies an object from one place to another, through this process.
///
/// # Errors
/// As [`Blobs::read`] and [`Blobs::write`].
pub async fn copy_across(
    source: &dyn Blobs,
    from: ObjectId<'_>,
    target: &dyn Blobs,
    to: ObjectId<'_>,
) -> Result<(), Error> {
    let mut reading = source.read(from, 0..=u64::MAX).await?;
    let mut writing = target.write(to).await?;
    while let Some(bytes) = reading.data.try_next().await? {
        writing.write(bytes).await?;
    }
    writing.finish().await
}

/// The part of an object of so many bytes, as a start and a length.
fn clamp(part: &RangeInclusive<u64>, bytes: u64) -> (u64, u64) {
    let start = (*part.start()).min(bytes);
    let end = part.end().saturating_add(1).min(bytes);
    (start, end.saturating_sub(start))
}

#[cfg(test)]
mod tests {
    use super::clamp;

    #[test]
    fn a_part_ends_where_the_object_ends() {
        for (part, expected) in [
            (0..=9, (0, 10)),
            (0..=u64::MAX, (0, 10)),
            (3..=3, (3, 1)),
            (9..=20, (9, 1)),
            (10..=20, (10, 0)),
            (99..=u64::MAX, (10, 0)),
        ] {
            assert_eq!(clamp(&part, 10), expected, "{part:?}");
        }
    }
}
