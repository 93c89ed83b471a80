//! `wasi:keyvalue/watcher`, both drafts: units that watch a store.

use std::sync::Arc;

use keyway_capability::keyvalue::{Change, Store};
use wasmtime::component::InstancePre;

use super::Bucket;
use crate::state::{State, view};

mod draft {
    wasmtime::component::bindgen!({
        inline: "
            package keyway:watch;
            world watching { export wasi:keyvalue/watcher@0.2.0-draft; }
        ",
        path: "../../wit/wasi-keyvalue-0.2.0-draft",
        exports: { default: async },
        with: { "wasi:keyvalue/store.bucket": crate::bind::keyvalue::Bucket },
    });
}

mod draft2 {
    wasmtime::component::bindgen!({
        inline: "
            package keyway:watch;
            world watching { export wasi:keyvalue/watcher@0.2.0-draft2; }
        ",
        path: "../../wit/wasi-keyvalue-0.2.0-draft2",
        exports: { default: async },
        with: { "wasi:keyvalue/store.bucket": crate::bind::keyvalue::Bucket },
    });
}

/// A unit that watches a store, ready to be instantiated.
pub(crate) enum Watcher {
    Draft(draft::WatchingPre<State>),
    Draft2(draft2::WatchingPre<State>),
}

impl Watcher {
    /// The watcher that the unit exports, if it does.
    pub(crate) fn find(pre: InstancePre<State>) -> Option<Self> {
        if let Ok(watching) = draft2::WatchingPre::new(pre.clone()) {
            return Some(Self::Draft2(watching));
        }
        draft::WatchingPre::new(pre).ok().map(Self::Draft)
    }

    /// Tells a fresh instance of a change in `bucket`.
    pub(crate) async fn tell(
        &self,
        store: &mut wasmtime::Store<State>,
        change: Change,
        bucket: Arc<dyn Store>,
    ) -> wasmtime::Result<()> {
        macro_rules! tell {
            ($pre:expr) => {{
                let instance = $pre.instantiate_async(&mut *store).await?;
                let bucket = view::table(store.data_mut()).push(Bucket::new(bucket))?;
                let watcher = instance.wasi_keyvalue_watcher();
                match change {
                    Change::Set { key, value } => {
                        watcher.call_on_set(store, bucket, &key, &value).await
                    }
                    Change::Deleted { key } => watcher.call_on_delete(store, bucket, &key).await,
                }
            }};
        }
        match self {
            Self::Draft(pre) => tell!(pre),
            Self::Draft2(pre) => tell!(pre),
        }
    }
}
