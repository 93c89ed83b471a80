//! What a unit exports that the host calls.

use std::sync::Arc;

use wasmtime::{Store, component::InstancePre};
use wasmtime_wasi_http::{
    p2::bindings::ProxyIndices,
    p3::bindings::{Service, ServicePre},
};

use crate::{
    bind::{keyvalue::watcher::Watcher, messaging::Incoming},
    cache::Key,
    reset::{Proxied, Resets},
    state::State,
};

/// A unit that is loaded and bound to the host, by what it can be called for.
pub(crate) struct Exports {
    pub(crate) handler: Option<Handler>,
    pub(crate) messages: Option<Incoming>,
    pub(crate) watcher: Option<Watcher>,
}

impl Exports {
    /// Of the code under this name in the cache.
    pub(crate) fn of(pre: InstancePre<State>, key: &Key) -> Self {
        Self {
            messages: Incoming::find(pre.clone()),
            watcher: Watcher::find(pre.clone()),
            handler: Handler::find(pre, key),
        }
    }
}

/// A unit that is ready to be instantiated, by the version of WASI whose handler it exports.
pub(crate) enum Handler {
    /// `wasi:http/incoming-handler@0.2`
    Wasi0_2(ProxiedPre),
    /// `wasi:http/handler@0.3`
    Wasi0_3(ServicePre<State>),
}

impl Handler {
    /// The handler that the unit exports, if it does.
    pub(crate) fn find(pre: InstancePre<State>, key: &Key) -> Option<Self> {
        if let Ok(service) = ServicePre::new(pre.clone()) {
            return Some(Self::Wasi0_3(service));
        }
        let indices = ProxyIndices::new(&pre).ok()?;
        let resets = Resets::find(&pre, key).map(Arc::new);
        Some(Self::Wasi0_2(ProxiedPre { pre, indices, resets }))
    }

    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Instance> {
        Ok(match self {
            Self::Wasi0_2(pre) => Instance::Wasi0_2(pre.instantiate(store).await?),
            Self::Wasi0_3(pre) => Instance::Wasi0_3(pre.instantiate_async(store).await?),
        })
    }

    /// Whether its instances can be reset.
    pub(crate) fn resets(&self) -> bool {
        matches!(self, Self::Wasi0_2(pre) if pre.resets.is_some())
    }
}

/// A unit with a handler of WASI 0.2.
pub(crate) struct ProxiedPre {
    pre: InstancePre<State>,
    indices: ProxyIndices,
    resets: Option<Arc<Resets>>,
}

impl ProxiedPre {
    pub(crate) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Proxied> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let proxy = self.indices.load(store, &instance)?;
        Ok(Proxied { proxy, instance, resets: self.resets.clone(), parts: None })
    }
}

/// An instance of it, likewise.
pub(crate) enum Instance {
    Wasi0_2(Proxied),
    Wasi0_3(Service),
}
