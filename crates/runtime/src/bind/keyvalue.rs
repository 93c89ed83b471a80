//! `wasi:keyvalue`, both drafts: buckets are the stores that the component's links name. Spin's
//! interfaces open the same stores.

mod spin;
pub(crate) mod watcher;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use keyway_capability::{
    Outage,
    keyvalue::{Error, Page, Store, Swap},
};
use keyway_word::{Capability, DEFAULT};
use wasmtime::component::Resource;

use super::{
    import::{Import, Target},
    refusal::BackendError,
    view::ViewOf,
};
use crate::state::{Charge, State, view};

mod draft {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-keyvalue-0.2.0-draft",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": super::Bucket },
        trappable_error_type: { "wasi:keyvalue/store.error" => super::Refusal },
    });
    pub(super) use wasi::keyvalue::*;
}

mod draft2 {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-keyvalue-0.2.0-draft2",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store.bucket": super::Bucket,
            "wasi:keyvalue/atomics.cas": super::Cas,
        },
        trappable_error_type: { "wasi:keyvalue/store.error" => super::Refusal },
    });
    pub(super) use wasi::keyvalue::*;
}

/// Keys whose values are asked for at once.
const AT_ONCE: usize = 64;

/// Keys on a page. A guest that wants all asks again.
const PAGE: usize = 1000;

/// Pages that the first draft can go back to: its cursors are numbers, for which the store's own
/// have to be remembered.
const MAX_CURSORS: usize = 1000;

/// Lays the host's functions for an interface of stores over `target`, with the links of the
/// component whose import it is. What is not known stays as it is: denied.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let view = view::of::<KeyValue>(import.slot);
    macro_rules! bind {
        ($interface:path) => {{
            use $interface as interface;
            interface::add_to_linker_instance::<State, KeyValue>(target, view)
        }};
    }
    match import.interface {
        "wasi:keyvalue/store@0.2.0-draft" => bind!(draft::store),
        "wasi:keyvalue/atomics@0.2.0-draft" => bind!(draft::atomics),
        "wasi:keyvalue/batch@0.2.0-draft" => bind!(draft::batch),
        "wasi:keyvalue/store@0.2.0-draft2" => bind!(draft2::store),
        "wasi:keyvalue/atomics@0.2.0-draft2" => bind!(draft2::atomics),
        "wasi:keyvalue/batch@0.2.0-draft2" if import.form.lists_every_key => bind!(spin::batch),
        "wasi:keyvalue/batch@0.2.0-draft2" => bind!(draft2::batch),
        "fermyon:spin/key-value" => bind!(spin::v1::key_value),
        "fermyon:spin/key-value@2.0.0" => bind!(spin::v2::key_value),
        "spin:key-value/key-value@3.0.0" => bind!(spin::v3::key_value),
        _ => Ok(()),
    }
}

/// The capability: stores of keys and values.
pub(crate) enum Stores {}

type KeyValue = ViewOf<Stores>;
type View<'a> = super::view::View<'a, Stores>;

/// A store that was opened.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Bucket {
    store: Arc<dyn Store>,
    /// The store's cursors, for the numbers that the first draft has in their place.
    cursors: VecDeque<String>,
    /// The number of the first of these.
    first_cursor: u64,
}

impl Bucket {
    fn new(store: Arc<dyn Store>) -> Self {
        Self { store, cursors: VecDeque::new(), first_cursor: 0 }
    }

    /// The store's cursor for a number that [`number`](Self::number) gave.
    fn numbered(&self, number: Option<u64>) -> Result<Option<String>, Refusal> {
        let Some(number) = number else { return Ok(None) };
        let index = number.checked_sub(self.first_cursor).and_then(|i| usize::try_from(i).ok());
        match index.and_then(|index| self.cursors.get(index)) {
            Some(cursor) => Ok(Some(cursor.clone())),
            None => {
                let at = self.store.origin().clone();
                Err(Error::WrongCursor { at, cursor: number.to_string() }.into())
            }
        }
    }

    /// A number for a store's cursor. The oldest are forgotten.
    fn number(&mut self, cursor: String) -> Result<u64, Refusal> {
        if self.cursors.len() == MAX_CURSORS {
            self.cursors.pop_front();
            self.first_cursor += 1;
        }
        self.cursors.push_back(cursor);
        Ok(self.first_cursor + self.cursors.len() as u64 - 1)
    }

    /// The second draft has the store's cursors as they are.
    #[expect(clippy::unused_self, reason = "the first draft needs it")]
    fn read(&self, cursor: Option<String>) -> Result<Option<String>, Refusal> {
        Ok(cursor)
    }

    #[expect(clippy::unused_self, reason = "the first draft needs it")]
    fn write(&mut self, cursor: String) -> Result<String, Refusal> {
        Ok(cursor)
    }
}

/// A value that was looked at, to be swapped if it is still the same.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Cas {
    compared: Compared,
    _charge: Charge,
}

struct Compared {
    store: Arc<dyn Store>,
    key: String,
    seen: Option<Bytes>,
}

/// Why a call did not do what it was to do.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub type Refusal = super::refusal::Refusal<Error>;

impl BackendError for Error {}

/// What all versions of the interface can say about a failure.
enum Said {
    NoSuchStore,
    AccessDenied,
    Other(String),
}

/// By which the links of this interface are written.
const OPENER: &str = "wasi:keyvalue/store";

impl View<'_> {
    /// Opens a store that a link names, for a component that asks by `interface`.
    fn find(&self, interface: &str, identifier: &str) -> Result<Arc<dyn Store>, Refusal> {
        let asked = if identifier.is_empty() { DEFAULT } else { identifier };
        let store = self.member.and_then(|member| {
            let linked = member.principal.linked::<Arc<dyn Store>>(Capability::Keyvalue, asked);
            linked.cloned()
        });
        let Some(store) = store else {
            if let Some(member) = self.member {
                member.report_link(Capability::Keyvalue, interface, asked);
            }
            return Err(Refusal::NotGranted(asked.to_owned()));
        };
        Ok(store)
    }

    fn open(&mut self, identifier: &str) -> Result<Resource<Bucket>, Refusal> {
        let store = self.find(OPENER, identifier)?;
        Ok(self.table.push(Bucket::new(store))?)
    }

    /// The store of a bucket.
    fn store(&self, bucket: &Resource<Bucket>) -> Result<Arc<dyn Store>, Refusal> {
        Ok(Arc::clone(&self.table.get(bucket)?.store))
    }

    /// A key to compare by, with what it has now.
    fn compare(&mut self, cas: Compared) -> Result<Resource<Cas>, Refusal> {
        let bytes = cas.key.len() + cas.seen.as_ref().map_or(0, Bytes::len);
        let charge = self.held.take(bytes).map_err(|error| Refusal::Held(error.into()))?;
        Ok(self.table.push(Cas { compared: cas, _charge: charge })?)
    }

    /// A failure in the words of the interfaces. What these leave out, the log tells once.
    fn say(&self, interface: &str, refusal: Refusal) -> wasmtime::Result<Said> {
        match refusal {
            Refusal::NotGranted(_) => Ok(Said::NoSuchStore),
            Refusal::Wrong(reason) => Ok(Said::Other(reason)),
            Refusal::Failed(error) => Ok(self.say_error(interface, &error)),
            Refusal::Handle(error) => Err(error.into()),
            Refusal::Held(error) => Err(error),
        }
    }

    fn say_error(&self, interface: &str, error: &Error) -> Said {
        let text = error.to_string();
        match (error, self.member) {
            (Error::ReadOnly { .. }, Some(member)) => {
                member.report_read_only(Capability::Keyvalue, interface);
                Said::AccessDenied
            }
            (Error::NoSuchStore { .. }, Some(member)) => {
                member.warn(&text);
                Said::NoSuchStore
            }
            (Error::Outage(Outage::AccessDenied { .. }), Some(member)) => {
                member.warn(&text);
                Said::AccessDenied
            }
            _ => Said::Other(text),
        }
    }
}

/// The values of the keys, which come to no more than the instance's memory.
async fn get_many(
    store: Arc<dyn Store>,
    keys: &[String],
    at_most_bytes: u64,
) -> Result<Vec<Option<Bytes>>, Error> {
    let mut values = Vec::new();
    let mut bytes = 0;
    for keys in keys.chunks(AT_ONCE) {
        let mut asked = keys.to_vec();
        asked.sort_unstable();
        asked.dedup();
        let found = store.get_many(&asked).await?;
        let found: BTreeMap<_, _> = asked.iter().zip(found).collect();
        let more: Vec<_> = keys.iter().map(|key| found.get(key).cloned().flatten()).collect();
        bytes += more.iter().flatten().map(|value| value.len() as u64).sum::<u64>();
        if bytes > at_most_bytes {
            let reason = format!(
                "the values of these keys have at least {bytes} bytes, more than the component's \
                 memory can hold; get fewer at once"
            );
            return Err(Error::Failed { at: store.origin(), reason });
        }
        values.extend(more);
    }
    Ok(values)
}

/// What both drafts have in common, except for their cursors.
macro_rules! same_in_both {
    ($draft:ident, $cursor:ty, $read:path, $write:path) => {
        impl $draft::store::Host for View<'_> {
            async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Refusal> {
                View::open(self, &identifier)
            }

            fn convert_error(
                &mut self,
                refusal: Refusal,
            ) -> wasmtime::Result<$draft::store::Error> {
                Ok(match self.say(OPENER, refusal)? {
                    Said::NoSuchStore => $draft::store::Error::NoSuchStore,
                    Said::AccessDenied => $draft::store::Error::AccessDenied,
                    Said::Other(text) => $draft::store::Error::Other(text),
                })
            }
        }

        impl $draft::batch::Host for View<'_> {
            async fn get_many(
                &mut self,
                bucket: Resource<Bucket>,
                keys: Vec<String>,
            ) -> Result<Vec<Option<(String, Vec<u8>)>>, Refusal> {
                let values =
                    get_many(self.store(&bucket)?, &keys, self.held.at_most_bytes()).await?;
                let entry = |(key, value): (String, Option<Bytes>)| Some((key, value?.into()));
                Ok(keys.into_iter().zip(values).map(entry).collect())
            }

            async fn set_many(
                &mut self,
                bucket: Resource<Bucket>,
                entries: Vec<(String, Vec<u8>)>,
            ) -> Result<(), Refusal> {
                let entries = entries.into_iter().map(|(key, value)| (key, value.into()));
                let entries: Vec<(String, Bytes)> = entries.collect();
                Ok(self.store(&bucket)?.set_many(&entries).await?)
            }

            async fn delete_many(
                &mut self,
                bucket: Resource<Bucket>,
                keys: Vec<String>,
            ) -> Result<(), Refusal> {
                Ok(self.store(&bucket)?.delete_many(&keys).await?)
            }
        }

        impl $draft::store::HostBucket for View<'_> {
            async fn get(
                &mut self,
                bucket: Resource<Bucket>,
                key: String,
            ) -> Result<Option<Vec<u8>>, Refusal> {
                Ok(self.store(&bucket)?.get(&key).await?.map(Vec::from))
            }

            async fn set(
                &mut self,
                bucket: Resource<Bucket>,
                key: String,
                value: Vec<u8>,
            ) -> Result<(), Refusal> {
                Ok(self.store(&bucket)?.set(&key, value.into()).await?)
            }

            async fn delete(
                &mut self,
                bucket: Resource<Bucket>,
                key: String,
            ) -> Result<(), Refusal> {
                Ok(self.store(&bucket)?.delete(&key).await?)
            }

            async fn exists(
                &mut self,
                bucket: Resource<Bucket>,
                key: String,
            ) -> Result<bool, Refusal> {
                Ok(self.store(&bucket)?.exists(&key).await?)
            }

            async fn list_keys(
                &mut self,
                bucket: Resource<Bucket>,
                cursor: Option<$cursor>,
            ) -> Result<$draft::store::KeyResponse, Refusal> {
                let cursor = $read(self.table.get(&bucket)?, cursor)?;
                let store = self.store(&bucket)?;
                let Page { keys, cursor } = store.list_keys("", cursor.as_deref(), PAGE).await?;
                let cursor = cursor.map(|cursor| $write(self.table.get_mut(&bucket)?, cursor));
                Ok($draft::store::KeyResponse { keys, cursor: cursor.transpose()? })
            }

            async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
                self.table.delete(bucket)?;
                Ok(())
            }
        }
    };
}

same_in_both!(draft, u64, Bucket::numbered, Bucket::number);
same_in_both!(draft2, String, Bucket::read, Bucket::write);

impl draft::atomics::Host for View<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: u64,
    ) -> Result<u64, Refusal> {
        let overflow = || Error::Overflow { key: key.clone() };
        let step = i64::try_from(delta).map_err(|_| overflow())?;
        let count = self.store(&bucket)?.increment(&key, step).await?;
        // Another component may count below zero, which this draft has no words for.
        Ok(u64::try_from(count).map_err(|_| overflow())?)
    }
}

impl draft2::atomics::Host for View<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> Result<i64, Refusal> {
        Ok(self.store(&bucket)?.increment(&key, delta).await?)
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), draft2::atomics::CasError>> {
        use draft2::atomics::CasError;
        let Compared { store, key, seen } = self.table.delete(cas)?.compared;
        match store.swap(&key, seen.as_ref(), value.into()).await {
            Ok(Swap::Done) => Ok(Ok(())),
            Ok(Swap::Lost { current }) => {
                match self.compare(Compared { store, key, seen: current }) {
                    Ok(again) => Ok(Err(CasError::CasFailed(again))),
                    Err(refusal) => {
                        let error = draft2::store::Host::convert_error(self, refusal)?;
                        Ok(Err(CasError::StoreError(error)))
                    }
                }
            }
            Err(error) => {
                let error = draft2::store::Host::convert_error(self, error.into())?;
                Ok(Err(CasError::StoreError(error)))
            }
        }
    }
}

impl draft2::atomics::HostCas for View<'_> {
    async fn new(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Result<Resource<Cas>, Refusal> {
        let store = self.store(&bucket)?;
        let seen = store.get(&key).await?;
        self.compare(Compared { store, key, seen })
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.table.get(&cas)?.compared.seen.as_ref().map(|value| value.to_vec()))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
