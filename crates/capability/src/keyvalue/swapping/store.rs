//! Each operation, by the state that it finds.

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    Reader, Swapping, Writer,
    mirror::{self, Echo},
    watching,
};
use crate::{
    Origin,
    keyvalue::{Changes, Error, Page, Store, Swap, counter},
};

/// Separates the number of the store that gave a cursor from its own.
const CURSOR_MARK: char = '@';

#[async_trait]
impl Store for Swapping {
    fn origin(&self) -> Origin {
        self.state.load().serving.store.origin()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.reader().get(key).await
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        let mirrored = match self.writer().await {
            Writer::Direct(state) => return state.serving.store.set(key, value).await,
            Writer::Mirrored(state, mirror) => (state, mirror),
        };
        let key = key.to_owned();
        mirror::write(mirrored, vec![key.clone()], move |old| async move {
            old.set(&key, value.clone()).await?;
            Ok(((), Echo::Set(vec![(key, value)])))
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let mirrored = match self.writer().await {
            Writer::Direct(state) => return state.serving.store.delete(key).await,
            Writer::Mirrored(state, mirror) => (state, mirror),
        };
        let key = key.to_owned();
        mirror::write(mirrored, vec![key.clone()], move |old| async move {
            old.delete(&key).await?;
            Ok(((), Echo::Delete(vec![key])))
        })
        .await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.reader().exists(key).await
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let reader = self.reader();
        let number = reader.number();
        let cursor = match cursor.map(|cursor| (cursor, split(cursor))) {
            // One that another store gave means nothing here: with the first page again, no key
            // is left out.
            Some((_, Some((given_by, cursor)))) => (given_by == number).then_some(cursor),
            Some((cursor, None)) => {
                return Err(Error::WrongCursor { at: reader.origin(), cursor: cursor.to_owned() });
            }
            None => None,
        };
        let page = reader.list_keys(prefix, cursor, limit).await?;
        let cursor = page.cursor.map(|cursor| format!("{number}{CURSOR_MARK}{cursor}"));
        Ok(Page { cursor, ..page })
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        let mirrored = match self.writer().await {
            Writer::Direct(state) => return state.serving.store.increment(key, delta).await,
            Writer::Mirrored(state, mirror) => (state, mirror),
        };
        let key = key.to_owned();
        mirror::write(mirrored, vec![key.clone()], move |old| async move {
            let count = old.increment(&key, delta).await?;
            Ok((count, Echo::Set(vec![(key, counter::format(count))])))
        })
        .await
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        let mirrored = match self.writer().await {
            Writer::Direct(state) => return state.serving.store.swap(key, expected, value).await,
            Writer::Mirrored(state, mirror) => (state, mirror),
        };
        let (key, expected) = (key.to_owned(), expected.cloned());
        mirror::write(mirrored, vec![key.clone()], move |old| async move {
            Ok(match old.swap(&key, expected.as_ref(), value.clone()).await? {
                Swap::Done => (Swap::Done, Echo::Set(vec![(key, value)])),
                lost @ Swap::Lost { .. } => (lost, Echo::Nothing),
            })
        })
        .await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        self.reader().get_many(keys).await
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        let mirrored = match self.writer().await {
            Writer::Direct(state) => return state.serving.store.set_many(entries).await,
            Writer::Mirrored(state, mirror) => (state, mirror),
        };
        let keys = entries.iter().map(|(key, _)| key.clone()).collect();
        let entries = entries.to_vec();
        mirror::write(mirrored, keys, move |old| async move {
            old.set_many(&entries).await?;
            Ok(((), Echo::Set(entries)))
        })
        .await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        let mirrored = match self.writer().await {
            Writer::Direct(state) => return state.serving.store.delete_many(keys).await,
            Writer::Mirrored(state, mirror) => (state, mirror),
        };
        let keys = keys.to_vec();
        mirror::write(mirrored, keys.clone(), move |old| async move {
            old.delete_many(&keys).await?;
            Ok(((), Echo::Delete(keys)))
        })
        .await
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        // A swap does not end while this holds on to its state: either this watcher is known to it
        // before it moves, or it watches the next store from the beginning.
        let writer = self.writer().await;
        let state = match &writer {
            Writer::Direct(state) => &**state,
            Writer::Mirrored(state, _) => state,
        };
        let moves = self.watchers.register(prefix);
        let changes = state.serving.store.watch(prefix).await?;
        Ok(watching::follow(changes, moves))
    }
}

impl Reader {
    /// How many stores served before this one.
    fn number(&self) -> u64 {
        match self {
            Self::Direct(state) => state.serving.number,
            Self::Moving(serving) => serving.number,
        }
    }
}

/// The number of the store that gave a cursor, and its own cursor.
fn split(cursor: &str) -> Option<(u64, &str)> {
    let (number, cursor) = cursor.split_once(CURSOR_MARK)?;
    Some((number.parse().ok()?, cursor))
}
