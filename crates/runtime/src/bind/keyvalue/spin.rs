//! Spin's store interfaces, on the stores of `wasi:keyvalue`.
//!
//! As in Spin, a name without a link is `access-denied`; `no-such-store` means that its link leads
//! to a missing table or bucket.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use keyway_capability::{
    Outage,
    keyvalue::{Error, Store},
};
use wasmtime::component::{Accessor, FutureReader, Resource, ResourceTableError, StreamReader};

use super::{Bucket, KeyValue, PAGE, Refusal, Said, View};
use crate::bind::producer;

pub(super) mod v1 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import fermyon:spin/key-value; }",
        path: "../../wit/fermyon-spin",
        imports: { default: async | trappable },
    });
    pub(in super::super) use fermyon::spin::*;
}

pub(super) mod v2 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import fermyon:spin/key-value@2.0.0; }",
        path: "../../wit/fermyon-spin-2.0.0",
        imports: { default: async | trappable },
        with: { "fermyon:spin/key-value.store": crate::bind::keyvalue::Bucket },
        trappable_error_type: { "fermyon:spin/key-value.error" => crate::bind::keyvalue::Refusal },
    });
    pub(in super::super) use fermyon::spin::*;
}

pub(super) mod v3 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:key-value/key-value@3.0.0; }",
        path: "../../wit/spin-key-value-3.0.0",
        imports: {
            "spin:key-value/key-value.[method]store.get-keys": async | store | trappable,
            default: async | trappable,
        },
        with: { "spin:key-value/key-value.store": crate::bind::keyvalue::Bucket },
        trappable_error_type: { "spin:key-value/key-value.error" => crate::bind::keyvalue::Refusal },
    });
    pub(in super::super) use spin::key_value::*;
}

mod draft2 {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-keyvalue-0.2.0-draft2-2024-10-17",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable },
        with: {
            "wasi:keyvalue/store": crate::bind::keyvalue::draft2::wasi::keyvalue::store,
            "wasi:keyvalue/atomics": crate::bind::keyvalue::draft2::wasi::keyvalue::atomics,
        },
        trappable_error_type: { "wasi:keyvalue/store.error" => crate::bind::keyvalue::Refusal },
    });
}

pub(super) use draft2::wasi::keyvalue::batch;

/// By which the links of this interface are written.
const OPENER: &str = "fermyon:spin/key-value";

/// The same, in version 3.
const OPENER_3: &str = "spin:key-value/key-value";

impl batch::Host for View<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<(String, Option<Vec<u8>>)>, Refusal> {
        let values =
            super::get_many(self.store(&bucket)?, &keys, self.held.at_most_bytes()).await?;
        let values = values.into_iter().map(|value| value.map(Vec::from));
        Ok(keys.into_iter().zip(values).collect())
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Result<(), Refusal> {
        super::draft2::batch::Host::set_many(self, bucket, entries).await
    }

    async fn delete_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<(), Refusal> {
        super::draft2::batch::Host::delete_many(self, bucket, keys).await
    }
}

/// All keys of a store, page by page.
fn keys(store: Arc<dyn Store>) -> BoxStream<'static, Result<String, Error>> {
    let pages = stream::try_unfold(Some(None), move |next: Option<Option<String>>| {
        let store = Arc::clone(&store);
        async move {
            let Some(cursor) = next else { return Ok::<_, Error>(None) };
            let page = store.list_keys("", cursor.as_deref(), PAGE).await?;
            let keys = stream::iter(page.keys.into_iter().map(Ok));
            Ok(Some((keys, page.cursor.map(Some))))
        }
    });
    pages.try_flatten().boxed()
}

/// A failure in the words of version 2 and of version 3, which are the same.
macro_rules! convert_error {
    ($version:ident, $opener:expr) => {
        impl $version::key_value::Host for View<'_> {
            fn convert_error(
                &mut self,
                refusal: Refusal,
            ) -> wasmtime::Result<$version::key_value::Error> {
                use $version::key_value::Error;
                Ok(match refusal {
                    Refusal::NotGranted(_) => Error::AccessDenied,
                    Refusal::Handle(ResourceTableError::Full) => Error::StoreTableFull,
                    refusal => match self.say($opener, refusal)? {
                        Said::NoSuchStore => Error::NoSuchStore,
                        Said::AccessDenied => Error::AccessDenied,
                        Said::Other(text) => Error::Other(text),
                    },
                })
            }
        }
    };
}

convert_error!(v2, OPENER);
convert_error!(v3, OPENER_3);

impl v2::key_value::HostStore for View<'_> {
    async fn open(&mut self, label: String) -> Result<Resource<Bucket>, Refusal> {
        let store = self.find(OPENER, &label)?;
        Ok(self.table.push(Bucket::new(store))?)
    }

    async fn get(
        &mut self,
        store: Resource<Bucket>,
        key: String,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.store(&store)?.get(&key).await?.map(Vec::from))
    }

    async fn set(
        &mut self,
        store: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Refusal> {
        Ok(self.store(&store)?.set(&key, value.into()).await?)
    }

    async fn delete(&mut self, store: Resource<Bucket>, key: String) -> Result<(), Refusal> {
        Ok(self.store(&store)?.delete(&key).await?)
    }

    async fn exists(&mut self, store: Resource<Bucket>, key: String) -> Result<bool, Refusal> {
        Ok(self.store(&store)?.exists(&key).await?)
    }

    async fn get_keys(&mut self, store: Resource<Bucket>) -> Result<Vec<String>, Refusal> {
        Ok(keys(self.store(&store)?).try_collect().await?)
    }

    async fn drop(&mut self, store: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl v3::key_value::HostStore for View<'_> {
    async fn drop(&mut self, store: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

/// The store of a handle, for what is waited for without holding on to the instance.
fn held<U: 'static>(
    accessor: &Accessor<U, KeyValue>,
    store: &Resource<Bucket>,
) -> Result<Arc<dyn Store>, Refusal> {
    accessor.with(|mut access| access.get().store(store))
}

impl<U: Send + 'static> v3::key_value::HostStoreWithStore<U> for KeyValue {
    async fn open(
        accessor: &Accessor<U, Self>,
        label: String,
    ) -> Result<Resource<Bucket>, Refusal> {
        accessor.with(|mut access| {
            let view = access.get();
            let store = view.find(OPENER_3, &label)?;
            Ok(view.table.push(Bucket::new(store))?)
        })
    }

    async fn get(
        accessor: &Accessor<U, Self>,
        store: Resource<Bucket>,
        key: String,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(held(accessor, &store)?.get(&key).await?.map(Vec::from))
    }

    async fn set(
        accessor: &Accessor<U, Self>,
        store: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Refusal> {
        Ok(held(accessor, &store)?.set(&key, value.into()).await?)
    }

    async fn delete(
        accessor: &Accessor<U, Self>,
        store: Resource<Bucket>,
        key: String,
    ) -> Result<(), Refusal> {
        Ok(held(accessor, &store)?.delete(&key).await?)
    }

    async fn exists(
        accessor: &Accessor<U, Self>,
        store: Resource<Bucket>,
        key: String,
    ) -> Result<bool, Refusal> {
        Ok(held(accessor, &store)?.exists(&key).await?)
    }

    async fn get_keys(
        accessor: &Accessor<U, Self>,
        store: Resource<Bucket>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), v3::key_value::Error>>)>
    {
        accessor.with(|mut access| {
            let store = Arc::clone(&access.get().table.get(&store)?.store);
            let keys = keys(store).map_err(|error| match error {
                Error::NoSuchStore { .. } => v3::key_value::Error::NoSuchStore,
                Error::Outage(Outage::AccessDenied { .. }) => v3::key_value::Error::AccessDenied,
                error => v3::key_value::Error::Other(error.to_string()),
            });
            producer::hand_on(access, keys.boxed())
        })
    }
}

/// A store of version 1, whose handles are numbers that anyone could make up: only whom it was
/// opened for gets at it.
struct Numbered {
    store: Arc<dyn Store>,
    owner: String,
}

impl View<'_> {
    fn numbered(&self, store: u32) -> Result<Arc<dyn Store>, v1::key_value::Error> {
        let invalid = v1::key_value::Error::InvalidStore;
        let owner = self.member.map(|member| member.principal.name.as_str());
        match self.table.get(&Resource::<Numbered>::new_borrow(store)) {
            Ok(found) if Some(found.owner.as_str()) == owner => Ok(Arc::clone(&found.store)),
            _ => Err(invalid),
        }
    }

    fn say_1(&self, error: &Error) -> v1::key_value::Error {
        match self.say_error(OPENER, error) {
            Said::NoSuchStore => v1::key_value::Error::NoSuchStore,
            Said::AccessDenied => v1::key_value::Error::AccessDenied,
            Said::Other(text) => v1::key_value::Error::Io(text),
        }
    }
}

/// The outcome of what a store of version 1 is asked.
type Outcome1<T> = wasmtime::Result<Result<T, v1::key_value::Error>>;

impl v1::key_value::Host for View<'_> {
    async fn open(&mut self, name: String) -> Outcome1<u32> {
        use v1::key_value::Error;
        let Some(member) = self.member else { return Ok(Err(Error::AccessDenied)) };
        let Ok(store) = self.find(OPENER, &name) else { return Ok(Err(Error::AccessDenied)) };
        let owner = member.principal.name.clone();
        match self.table.push(Numbered { store, owner }) {
            Ok(store) => Ok(Ok(store.rep())),
            Err(_) => Ok(Err(Error::StoreTableFull)),
        }
    }

    async fn get(&mut self, store: u32, key: String) -> Outcome1<Vec<u8>> {
        let store = match self.numbered(store) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        };
        let value = store.get(&key).await.map_err(|error| self.say_1(&error));
        let none = v1::key_value::Error::NoSuchKey;
        Ok(value.and_then(|value| value.map(Vec::from).ok_or(none)))
    }

    async fn set(&mut self, store: u32, key: String, value: Vec<u8>) -> Outcome1<()> {
        let store = match self.numbered(store) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        };
        Ok(store.set(&key, Bytes::from(value)).await.map_err(|error| self.say_1(&error)))
    }

    async fn delete(&mut self, store: u32, key: String) -> Outcome1<()> {
        let store = match self.numbered(store) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        };
        Ok(store.delete(&key).await.map_err(|error| self.say_1(&error)))
    }

    async fn exists(&mut self, store: u32, key: String) -> Outcome1<bool> {
        let store = match self.numbered(store) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        };
        Ok(store.exists(&key).await.map_err(|error| self.say_1(&error)))
    }

    async fn get_keys(&mut self, store: u32) -> Outcome1<Vec<String>> {
        let store = match self.numbered(store) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        };
        Ok(keys(store).try_collect().await.map_err(|error| self.say_1(&error)))
    }

    async fn close(&mut self, store: u32) -> wasmtime::Result<()> {
        if self.numbered(store).is_ok() {
            self.table.delete(Resource::<Numbered>::new_own(store))?;
        }
        Ok(())
    }
}
