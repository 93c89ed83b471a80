//! What a unit exports that the host calls.

use wasmtime::{AsContextMut, component::InstancePre};
use wasmtime_wasi_http::{
    p2::bindings::{Proxy, ProxyPre},
    p3::bindings::{Service, ServicePre},
};

use crate::{
    bind::{keyvalue::watcher::Watcher, messaging::Incoming},
    state::State,
};

/// A unit that is loaded and bound to the host, by what it can be called for.
pub(crate) struct Exports {
    pub(crate) handler: Option<Handler>,
    pub(crate) messages: Option<Incoming>,
    pub(crate) watcher: Option<Watcher>,
}

impl Exports {
    pub(crate) fn of(pre: InstancePre<State>) -> Self {
        Self {
            messages: Incoming::find(pre.clone()),
            watcher: Watcher::find(pre.clone()),
            handler: Handler::find(pre),
        }
    }
}

/// A unit that is ready to be instantiated, by the version of WASI whose handler it exports.
pub(crate) enum Handler {
    /// `wasi:http/incoming-handler@0.2`
    Wasi0_2(ProxyPre<State>),
    /// `wasi:http/handler@0.3`
    Wasi0_3(ServicePre<State>),
}

impl Handler {
    /// The handler that the unit exports, if it does.
    pub(crate) fn find(pre: InstancePre<State>) -> Option<Self> {
        if let Ok(service) = ServicePre::new(pre.clone()) {
            return Some(Self::Wasi0_3(service));
        }
        ProxyPre::new(pre).ok().map(Self::Wasi0_2)
    }

    pub(crate) async fn instantiate(
        &self,
        store: impl AsContextMut<Data = State>,
    ) -> wasmtime::Result<Instance> {
        Ok(match self {
            Self::Wasi0_2(pre) => Instance::Wasi0_2(pre.instantiate_async(store).await?),
            Self::Wasi0_3(pre) => Instance::Wasi0_3(pre.instantiate_async(store).await?),
        })
    }
}

/// An instance of it, likewise.
pub(crate) enum Instance {
    Wasi0_2(Proxy),
    Wasi0_3(Service),
}
