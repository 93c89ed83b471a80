//! A store with a link's rights: read-only, a prefix of keys, a quota.
//!
//! Rights are checked without allocating. A quota alone costs more: a write then reads what it
//! replaces.

mod quota;

use std::{future::ready, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{future::BoxFuture, stream};

use super::{Changes, Error, Page, Store, Swap, counter};
use crate::{Origin, Rights};
use quota::Quota;

/// A store with a link's rights.
#[derive(Debug)]
pub struct Restricted {
    store: Arc<dyn Store>,
    rights: Rights,
    quota: Option<Quota>,
}

/// Gives a link its rights to a store. With all rights it is the store itself.
pub fn restrict(store: Arc<dyn Store>, rights: Rights) -> Arc<dyn Store> {
    if rights == Rights::default() {
        return store;
    }
    let quota = rights
        .quota_bytes
        .map(|limit_bytes| Quota::new(Arc::clone(&store), &rights.prefix, limit_bytes));
    Arc::new(Restricted { store, rights, quota })
}

impl Restricted {
    fn may_read(&self, key: &str) -> Result<(), Error> {
        if key.starts_with(&self.rights.prefix) {
            return Ok(());
        }
        Err(Error::OutsidePrefix {
            at: self.origin(),
            key: key.to_owned(),
            prefix: self.rights.prefix.clone(),
        })
    }

    fn may_write(&self, key: &str) -> Result<(), Error> {
        if !self.rights.access.may_write() {
            return Err(Error::ReadOnly { at: self.origin(), key: key.to_owned() });
        }
        self.may_read(key)
    }

    /// The part of the keys beginning with `prefix` that the link may see.
    fn narrow<'a>(&'a self, prefix: &'a str) -> Option<&'a str> {
        let own = self.rights.prefix.as_str();
        if prefix.starts_with(own) { Some(prefix) } else { own.starts_with(prefix).then_some(own) }
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

#[async_trait]
impl Store for Restricted {
    fn origin(&self) -> Origin {
        self.store.origin()
    }

    // What is asked most is handed on as it is, without a future of its own to allocate.
    fn get<'a, 'b, 'c>(&'a self, key: &'b str) -> Answer<'c, Option<Bytes>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        match self.may_read(key) {
            Ok(()) => self.store.get(key),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        self.may_write(key)?;
        let Some(quota) = &self.quota else { return self.store.set(key, value).await };
        let claim = quota.claim(&[key], |_, _| Ok(Some(value.len()))).await?;
        claim.end(self.store.set(key, value).await)
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.may_write(key)?;
        let Some(quota) = &self.quota else { return self.store.delete(key).await };
        let claim = quota.claim(&[key], |_, _| Ok(None)).await?;
        claim.end(self.store.delete(key).await)
    }

    fn exists<'a, 'b, 'c>(&'a self, key: &'b str) -> Answer<'c, bool>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        match self.may_read(key) {
            Ok(()) => self.store.exists(key),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        match self.narrow(prefix) {
            Some(prefix) => self.store.list_keys(prefix, cursor, limit).await,
            None => Ok(Page::default()),
        }
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.may_write(key)?;
        let Some(quota) = &self.quota else { return self.store.increment(key, delta).await };
        let length = |_, old: Option<&Bytes>| {
            let count = counter::add(key, old.map(|value| &value[..]), delta)?;
            Ok(Some(counter::format(count).len()))
        };
        let claim = quota.claim(&[key], length).await?;
        claim.end(self.store.increment(key, delta).await)
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        self.may_write(key)?;
        let Some(quota) = &self.quota else {
            return self.store.swap(key, expected, value).await;
        };
        // One that will be lost takes no more.
        let length = |_, old: Option<&Bytes>| {
            Ok(if old == expected { Some(value.len()) } else { old.map(Bytes::len) })
        };
        let claim = quota.claim(&[key], length).await?;
        claim.end(self.store.swap(key, expected, value).await)
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        keys.iter().try_for_each(|key| self.may_read(key))?;
        self.store.get_many(keys).await
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        entries.iter().try_for_each(|(key, _)| self.may_write(key))?;
        let Some(quota) = &self.quota else { return self.store.set_many(entries).await };
        let keys: Vec<_> = entries.iter().map(|(key, _)| key.as_str()).collect();
        let claim = quota.claim(&keys, |position, _| Ok(Some(entries[position].1.len()))).await?;
        claim.end(self.store.set_many(entries).await)
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| self.may_write(key))?;
        let Some(quota) = &self.quota else { return self.store.delete_many(keys).await };
        let names: Vec<_> = keys.iter().map(String::as_str).collect();
        let claim = quota.claim(&names, |_, _| Ok(None)).await?;
        claim.end(self.store.delete_many(keys).await)
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        match self.narrow(prefix) {
            Some(prefix) => self.store.watch(prefix).await,
            None => Ok(Box::pin(stream::pending())),
        }
    }
}
