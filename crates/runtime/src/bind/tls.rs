//! `wasi:tls`: encryption over streams that a component already has. It is available to components
//! that may connect by TCP.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use wasmtime::component::HasData;
use wasmtime_wasi_tls::{
    Error, TlsProvider, TlsStream, TlsTransport, WasiTlsCtx, WasiTlsCtxBuilder, WasiTlsCtxView,
    p2::bindings::types::{self, LinkOptions},
};

use super::import::{Import, Target};
use crate::{
    grant::plan::Plan,
    grant::tls::{self, CLIENT},
    state::{
        State,
        view::{self, Viewed},
    },
};

struct Tls;

impl HasData for Tls {
    type Data<'a> = WasiTlsCtxView<'a>;
}

impl Viewed for Tls {
    fn view(state: &mut State, _: usize) -> WasiTlsCtxView<'_> {
        state.tls_view(context)
    }
}

/// Lays the host's functions over `target`.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let mut options = LinkOptions::default();
    options.tls(true);
    types::add_to_linker_instance::<State, Tls>(target, &options, view::of::<Tls>(import.slot))
}

/// What a component's instance needs for it.
fn context(plan: &Arc<Plan>) -> WasiTlsCtx {
    WasiTlsCtxBuilder::new().provider(Box::new(Client(Arc::clone(plan)))).build()
}

/// Encrypts for all components of a unit.
struct Client(Arc<Plan>);

impl TlsProvider for Client {
    fn connect(
        &self,
        server_name: String,
        transport: Box<dyn TlsTransport>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Box<dyn TlsStream>, Error>> + Send>> {
        let plan = Arc::clone(&self.0);
        Box::pin(async move {
            let name = ServerName::try_from(server_name.clone())
                .map_err(|error| Error::msg(format!("the server's name: {error}")))?;
            let connected = TlsConnector::from(Arc::clone(&CLIENT)).connect(name, transport).await;
            let stream = connected.map_err(|error| {
                let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
                // Which component of the unit it was is not known here.
                if let (Some(inner), Some(root)) = (inner, plan.members.first()) {
                    root.warn(&format!("TLS to {server_name} failed: {}", tls::explain(inner)));
                }
                Error::msg(error)
            })?;
            Ok(Box::new(stream) as Box<dyn TlsStream>)
        })
    }
}
