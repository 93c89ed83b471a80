//! A store in this process's memory, lost when the process ends.
//!
//! Nothing here waits: a `get` is a hash, an uncontended lock, and a lookup.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Change, Changes, Error, Page, Store, Swap, check_key, counter, watch::Feed};
use crate::Origin;

/// Enough that threads seldom meet, few enough that a page of keys is soon gathered.
const SHARDS: usize = 32;

/// Keys and values in memory, spread over shards by the key's hash.
#[derive(Debug)]
pub struct Memory {
    origin: Origin,
    shards: [Mutex<BTreeMap<Box<str>, Bytes>>; SHARDS],
    hasher: RandomState,
    feed: Feed,
}

type Shard<'a> = MutexGuard<'a, BTreeMap<Box<str>, Bytes>>;

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        let origin = Origin::new("the store in memory");
        Self {
            feed: Feed::new(origin.clone()),
            origin,
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }

    fn shard(&self, key: &str) -> Result<Shard<'_>, Error> {
        check_key(key)?;
        let number = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64)
            .expect("the number of a shard is small");
        Ok(lock(&self.shards[number]))
    }

    /// Sets and tells of it, while the shard is held: watchers see changes in their order.
    fn put(&self, shard: &mut Shard<'_>, key: &str, value: Bytes) {
        self.feed.tell(|| Change::Set { key: key.to_owned(), value: value.clone() });
        // A key that is there is not allocated again.
        match shard.get_mut(key) {
            Some(old) => *old = value,
            None => {
                shard.insert(key.into(), value);
            }
        }
    }

    fn remove(&self, key: &str) -> Result<(), Error> {
        let mut shard = self.shard(key)?;
        if shard.remove(key).is_some() {
            self.feed.tell(|| Change::Deleted { key: key.to_owned() });
        }
        Ok(())
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// A poisoned shard is whole: each change is one step of the map.
fn lock(shard: &Mutex<BTreeMap<Box<str>, Bytes>>) -> Shard<'_> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Store for Memory {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.shard(key)?.get(key).cloned())
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        self.put(&mut self.shard(key)?, key, value);
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.remove(key)
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(self.shard(key)?.contains_key(key))
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let start = match cursor {
            Some(last) if last >= prefix => Bound::Excluded(last),
            _ => Bound::Included(prefix),
        };
        // One more than asked for tells whether there is another page.
        let wanted = limit.max(1).saturating_add(1);
        let mut keys = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let found = shard.range::<str, _>((start, Bound::Unbounded)).map(|(key, _)| key);
            let found = found.take_while(|key| key.starts_with(prefix)).take(wanted);
            keys.extend(found.map(ToString::to_string));
        }
        keys.sort_unstable();
        Ok(Page::ordered(keys, wanted - 1))
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        let mut shard = self.shard(key)?;
        let count = counter::add(key, shard.get(key).map(|value| &value[..]), delta)?;
        self.put(&mut shard, key, counter::format(count));
        Ok(count)
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        let mut shard = self.shard(key)?;
        let current = shard.get(key);
        if current != expected {
            return Ok(Swap::Lost { current: current.cloned() });
        }
        self.put(&mut shard, key, value);
        Ok(Swap::Done)
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        keys.iter().map(|key| Ok(self.shard(key)?.get(key.as_str()).cloned())).collect()
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        for (key, _) in entries {
            check_key(key)?;
        }
        for (key, value) in entries {
            self.put(&mut self.shard(key)?, key, value.clone());
        }
        Ok(())
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| check_key(key))?;
        keys.iter().try_for_each(|key| self.remove(key))
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        Ok(self.feed.watch(prefix))
    }
}
