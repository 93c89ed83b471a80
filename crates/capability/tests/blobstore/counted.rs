//! A quota is exact while objects are counted.

use std::{ops::RangeInclusive, pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use keyway_capability::{
    Origin, Rights,
    blobstore::{
        Blobs, ContainerInfo, Error, ObjectId, ObjectInfo, Page, Reading, Writing, restrict,
    },
};
use tokio::{sync::Notify, time::timeout};

use crate::{backend, block_on, suite::id};

/// Containers that let others go first.
#[derive(Debug)]
struct Slow {
    blobs: Arc<dyn Blobs>,
    /// Whether pages are looked up, and then handed out when they may be.
    holds_pages: bool,
    listed: Notify,
    hand_out: Notify,
}

#[async_trait]
impl Blobs for Slow {
    fn origin(&self) -> Origin {
        self.blobs.origin()
    }

    async fn create_container(&self, container: &str) -> Result<(), Error> {
        self.blobs.create_container(container).await
    }

    async fn delete_container(&self, container: &str) -> Result<(), Error> {
        self.blobs.delete_container(container).await
    }

    async fn containers(&self) -> Result<Vec<String>, Error> {
        self.blobs.containers().await
    }

    async fn container_info(&self, container: &str) -> Result<Option<ContainerInfo>, Error> {
        self.blobs.container_info(container).await
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let page = self.blobs.list(container, prefix, cursor, limit).await;
        if self.holds_pages {
            self.listed.notify_one();
            self.hand_out.notified().await;
        }
        page
    }

    async fn info(&self, object: ObjectId<'_>) -> Result<Option<ObjectInfo>, Error> {
        let found = self.blobs.info(object).await;
        tokio::task::yield_now().await;
        found
    }

    async fn read(
        &self,
        object: ObjectId<'_>,
        part: RangeInclusive<u64>,
    ) -> Result<Reading, Error> {
        self.blobs.read(object, part).await
    }

    async fn write(&self, object: ObjectId<'_>) -> Result<Box<dyn Writing>, Error> {
        self.blobs.write(object).await
    }

    async fn delete(&self, container: &str, objects: &[String]) -> Result<(), Error> {
        self.blobs.delete(container, objects).await
    }

    async fn copy(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        self.blobs.copy(from, to).await
    }
}

fn link(limit_bytes: u64, holds_pages: bool) -> (Arc<Slow>, Arc<dyn Blobs>) {
    let ((), blobs) = backend::memory();
    let (listed, hand_out) = (Notify::new(), Notify::new());
    let slow = Arc::new(Slow { blobs, holds_pages, listed, hand_out });
    let rights = Rights { quota_bytes: Some(limit_bytes), ..Rights::default() };
    let link = restrict(Arc::<Slow>::clone(&slow), rights);
    (slow, link)
}

fn bytes(count: usize) -> Bytes {
    vec![b'x'; count].into()
}

#[test]
fn what_is_finished_while_objects_are_counted_counts() {
    let (slow, link) = link(4, true);
    block_on(async {
        link.create_container("box").await.unwrap();
        let mut first = link.write(id("a")).await.unwrap();
        slow.hand_out.notify_one();
        first.write(bytes(3)).await.unwrap();
        slow.listed.notified().await;
        // From here on they have to be counted again.
        link.delete("box", &["none".to_owned()]).await.unwrap();
        let mut second = link.write(id("b")).await.unwrap();
        let finish = async {
            slow.listed.notified().await;
            let mut finishing = pin!(first.finish());
            let early = timeout(Duration::from_millis(200), finishing.as_mut()).await;
            slow.hand_out.notify_one();
            match early {
                Ok(finished) => finished,
                Err(_) => finishing.await,
            }
        };
        let (written, finished) = tokio::join!(second.write(bytes(2)), finish);
        finished.unwrap();
        assert!(matches!(written, Err(Error::OverQuota { used_bytes: 3, .. })), "{written:?}");
    });
}

#[test]
fn of_two_writes_at_once_one_replaces_what_was_there() {
    let (_, link) = link(10, false);
    block_on(async {
        link.create_container("box").await.unwrap();
        let put = async |name: &'static str, count| {
            let mut writing = link.write(id(name)).await?;
            writing.write(bytes(count)).await?;
            writing.finish().await
        };
        put("a", 4).await.unwrap();
        put("b", 4).await.unwrap();
        let mut writings = Vec::new();
        for _ in 0..2 {
            let mut writing = link.write(id("a")).await.unwrap();
            writing.write(bytes(1)).await.unwrap();
            writings.push(writing);
        }
        let finished = futures::future::join_all(writings.into_iter().map(Writing::finish)).await;
        finished.into_iter().for_each(Result::unwrap);
        // Five bytes are kept.
        assert!(put("c", 6).await.is_err());
        put("c", 5).await.unwrap();
    });
}
