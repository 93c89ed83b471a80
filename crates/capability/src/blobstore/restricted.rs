//! Containers with a link's rights: read-only, a prefix of names, a quota.

mod quota;

use std::{ops::RangeInclusive, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    Blobs, ContainerInfo, Error, ObjectId, ObjectInfo, Page, Reading, Writing, copy_across,
};
use crate::{Origin, Rights};
use quota::{Change, Claim, Quota};

/// Containers with a link's rights.
#[derive(Debug)]
pub struct Restricted {
    blobs: Arc<dyn Blobs>,
    rights: Rights,
    quota: Option<Arc<Quota>>,
}

/// Gives a link its rights. With all rights it is the containers themselves.
pub fn restrict(blobs: Arc<dyn Blobs>, rights: Rights) -> Arc<dyn Blobs> {
    if rights == Rights::default() {
        return blobs;
    }
    let quota = rights
        .quota_bytes
        .map(|limit_bytes| Arc::new(Quota::new(Arc::clone(&blobs), rights.clone(), limit_bytes)));
    Arc::new(Restricted { blobs, rights, quota })
}

impl Restricted {
    /// Other containers than the link's are not there.
    fn may_use(&self, container: &str) -> Result<(), Error> {
        match &self.rights.container {
            Some(own) if own != container => Err(Error::no_container(self.origin(), container)),
            _ => Ok(()),
        }
    }

    fn may_read(&self, id: ObjectId<'_>) -> Result<(), Error> {
        self.may_use(id.container)?;
        let object = id.name;
        if object.starts_with(&self.rights.prefix) {
            return Ok(());
        }
        Err(Error::OutsidePrefix {
            at: self.origin(),
            object: object.to_owned(),
            prefix: self.rights.prefix.clone(),
        })
    }

    fn may_write(&self, object: ObjectId<'_>) -> Result<(), Error> {
        self.may_use(object.container)?;
        if !self.rights.access.may_write() {
            return Err(self.read_only(format!("the object `{}`", object.name)));
        }
        self.may_read(object)
    }

    /// Creating and deleting a container requires the right to use all of it.
    fn may_change(&self, container: &str) -> Result<(), Error> {
        self.may_use(container)?;
        if !self.rights.access.may_write() {
            return Err(self.read_only(format!("the container `{container}`")));
        }
        Ok(())
    }

    /// A change whose effect on the quota is not known, until it is dropped.
    async fn change(&self) -> Option<Change<'_>> {
        match &self.quota {
            Some(quota) => Some(quota.change().await),
            None => None,
        }
    }

    fn read_only(&self, what: String) -> Error {
        Error::ReadOnly { at: self.origin(), what }
    }

    /// The part of the names beginning with `prefix` that the link may see.
    fn narrow<'a>(&'a self, prefix: &'a str) -> Option<&'a str> {
        let own = self.rights.prefix.as_str();
        if prefix.starts_with(own) { Some(prefix) } else { own.starts_with(prefix).then_some(own) }
    }
}

#[async_trait]
impl Blobs for Restricted {
    fn origin(&self) -> Origin {
        self.blobs.origin()
    }

    async fn create_container(&self, container: &str) -> Result<(), Error> {
        self.may_change(container)?;
        self.blobs.create_container(container).await
    }

    async fn delete_container(&self, container: &str) -> Result<(), Error> {
        self.may_change(container)?;
        // With it would go objects that the link may not use.
        if !self.rights.prefix.is_empty() {
            return Err(Error::OutsidePrefix {
                at: self.origin(),
                object: String::new(),
                prefix: self.rights.prefix.clone(),
            });
        }
        let _change = self.change().await;
        self.blobs.delete_container(container).await
    }

    async fn containers(&self) -> Result<Vec<String>, Error> {
        let containers = self.blobs.containers().await?.into_iter();
        Ok(containers.filter(|container| self.may_use(container).is_ok()).collect())
    }

    async fn container_info(&self, container: &str) -> Result<Option<ContainerInfo>, Error> {
        if self.may_use(container).is_err() {
            return Ok(None);
        }
        self.blobs.container_info(container).await
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.may_use(container)?;
        match self.narrow(prefix) {
            Some(prefix) => self.blobs.list(container, prefix, cursor, limit).await,
            None => Ok(Page::default()),
        }
    }

    async fn info(&self, object: ObjectId<'_>) -> Result<Option<ObjectInfo>, Error> {
        self.may_read(object)?;
        self.blobs.info(object).await
    }

    async fn read(
        &self,
        object: ObjectId<'_>,
        part: RangeInclusive<u64>,
    ) -> Result<Reading, Error> {
        self.may_read(object)?;
        self.blobs.read(object, part).await
    }

    async fn write(&self, object: ObjectId<'_>) -> Result<Box<dyn Writing>, Error> {
        self.may_write(object)?;
        let writing = self.blobs.write(object).await?;
        Ok(match &self.quota {
            Some(quota) => Box::new(Metered { writing, claim: quota.claim(object) }),
            None => writing,
        })
    }

    async fn delete(&self, container: &str, objects: &[String]) -> Result<(), Error> {
        let ids = objects.iter().map(|name| ObjectId { container, name });
        ids.into_iter().try_for_each(|object| self.may_write(object))?;
        // What they took is counted when it matters.
        let _change = self.change().await;
        self.blobs.delete(container, objects).await
    }

    async fn copy(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        self.may_read(from)?;
        self.may_write(to)?;
        match &self.quota {
            Some(quota) => {
                let found = self.blobs.info(from).await?;
                let found = found.ok_or_else(|| Error::no_object(self.origin(), from))?;
                let mut claim = quota.claim(to);
                claim.grow(found.bytes).await?;
                claim.keep(self.blobs.copy(from, to)).await
            }
            None => self.blobs.copy(from, to).await,
        }
    }

    async fn rename(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        self.may_write(from)?;
        self.may_write(to)?;
        if self.quota.is_some() && from.container != to.container {
            // It takes room where there may be none.
            copy_across(self, from, self, to).await?;
            return self.delete(from.container, &[from.name.to_owned()]).await;
        }
        let _change = self.change().await;
        self.blobs.rename(from, to).await
    }
}

/// Writes within a quota.
struct Metered {
    writing: Box<dyn Writing>,
    claim: Claim,
}

#[async_trait]
impl Writing for Metered {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.claim.grow(bytes.len() as u64).await?;
        self.writing.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { writing, claim } = *self;
        claim.keep(writing.finish()).await
    }
}
