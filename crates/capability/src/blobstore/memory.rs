//! Containers in this process's memory, lost when it ends.

use std::{
    collections::BTreeMap,
    ops::{Bound, RangeInclusive},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{
    Blobs, ContainerInfo, Error, ObjectId, ObjectInfo, Page, Reading, Writing, clamp,
    name::{check_container, check_object},
};
use crate::Origin;

/// Containers in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    containers: Arc<Mutex<BTreeMap<String, Container>>>,
}

#[derive(Debug)]
struct Container {
    created: SystemTime,
    objects: BTreeMap<String, Object>,
}

/// An object, in the pieces that it was written in.
#[derive(Clone, Debug)]
struct Object {
    pieces: Arc<[Bytes]>,
    bytes: u64,
    created: SystemTime,
}

impl Memory {
    /// No containers.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Container>> {
        // Every change is whole before anything can panic.
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn within<T>(
        &self,
        container: &str,
        act: impl FnOnce(&mut Container) -> Result<T, Error>,
    ) -> Result<T, Error> {
        check_container(container)?;
        match self.lock().get_mut(container) {
            Some(found) => act(found),
            None => Err(Error::no_container(self.origin(), container)),
        }
    }

    fn object(&self, object: ObjectId<'_>) -> Result<Object, Error> {
        check_object(object.name)?;
        self.within(object.container, |container| {
            let found = container.objects.get(object.name).cloned();
            found.ok_or_else(|| Error::no_object(self.origin(), object))
        })
    }
}

impl Object {
    fn info(&self, name: &str) -> ObjectInfo {
        ObjectInfo { name: name.to_owned(), bytes: self.bytes, created: self.created }
    }
}

#[async_trait]
impl Blobs for Memory {
    fn origin(&self) -> Origin {
        Origin::new("the memory of this host")
    }

    async fn create_container(&self, container: &str) -> Result<(), Error> {
        check_container(container)?;
        let mut containers = self.lock();
        if containers.contains_key(container) {
            let container = container.to_owned();
            return Err(Error::ContainerExists { at: self.origin(), container });
        }
        let made = Container { created: SystemTime::now(), objects: BTreeMap::new() };
        containers.insert(container.to_owned(), made);
        Ok(())
    }

    async fn delete_container(&self, container: &str) -> Result<(), Error> {
        check_container(container)?;
        let deleted = self.lock().remove(container);
        deleted.map(drop).ok_or_else(|| Error::no_container(self.origin(), container))
    }

    async fn containers(&self) -> Result<Vec<String>, Error> {
        Ok(self.lock().keys().cloned().collect())
    }

    async fn container_info(&self, container: &str) -> Result<Option<ContainerInfo>, Error> {
        check_container(container)?;
        Ok(self.lock().get(container).map(|found| ContainerInfo { created: found.created }))
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.within(container, |container| {
            let start = match cursor {
                Some(cursor) if cursor >= prefix => Bound::Excluded(cursor),
                _ => Bound::Included(prefix),
            };
            let found = container.objects.range::<str, _>((start, Bound::Unbounded));
            let mut found = found.take_while(|(name, _)| name.starts_with(prefix)).peekable();
            let objects: Vec<_> =
                found.by_ref().take(limit.max(1)).map(|(name, object)| object.info(name)).collect();
            let more = found.peek().is_some();
            let cursor = objects.last().filter(|_| more).map(|object| object.name.clone());
            Ok(Page { objects, cursor })
        })
    }

    async fn info(&self, object: ObjectId<'_>) -> Result<Option<ObjectInfo>, Error> {
        match self.object(object) {
            Ok(found) => Ok(Some(found.info(object.name))),
            Err(Error::NoSuchObject { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(
        &self,
        object: ObjectId<'_>,
        part: RangeInclusive<u64>,
    ) -> Result<Reading, Error> {
        let Object { pieces, bytes, .. } = self.object(object)?;
        let (start, length) = clamp(&part, bytes);
        let (mut skip, mut left) = (start, length);
        let mut parts = Vec::new();
        for piece in pieces.iter() {
            let begin = skip.min(piece.len() as u64);
            skip -= begin;
            let end = (begin + left).min(piece.len() as u64);
            left -= end - begin;
            if begin < end {
                // Both are at most the piece's length.
                parts.push(Ok(piece.slice(begin as usize..end as usize)));
            }
        }
        Ok(Reading { bytes: length, data: stream::iter(parts).boxed() })
    }

    async fn write(&self, object: ObjectId<'_>) -> Result<Box<dyn Writing>, Error> {
        check_object(object.name)?;
        self.within(object.container, |_| Ok(()))?;
        Ok(Box::new(Written {
            memory: self.clone(),
            container: object.container.to_owned(),
            name: object.name.to_owned(),
            pieces: Vec::new(),
        }))
    }

    async fn delete(&self, container: &str, objects: &[String]) -> Result<(), Error> {
        objects.iter().try_for_each(|object| check_object(object))?;
        self.within(container, |container| {
            for object in objects {
                container.objects.remove(object);
            }
            Ok(())
        })
    }

    async fn copy(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        check_object(to.name)?;
        let object = Object { created: SystemTime::now(), ..self.object(from)? };
        self.within(to.container, |container| {
            container.objects.insert(to.name.to_owned(), object);
            Ok(())
        })
    }
}

/// An object that is being written.
struct Written {
    memory: Memory,
    container: String,
    name: String,
    pieces: Vec<Bytes>,
}

#[async_trait]
impl Writing for Written {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.pieces.push(bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), Error> {
        let Self { memory, container, name, pieces } = *self;
        let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
        let object = Object { pieces: pieces.into(), bytes, created: SystemTime::now() };
        memory.within(&container, |container| {
            container.objects.insert(name, object);
            Ok(())
        })
    }
}
