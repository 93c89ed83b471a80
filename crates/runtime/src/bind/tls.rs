//! `wasi:tls`: encryption over streams that a component has already. It is there for those who may
//! connect by TCP.

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
    grant::tls::CLIENT,
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
        let ctx = state.tls.get_or_insert_with(context);
        WasiTlsCtxView { table: &mut state.table, ctx }
    }
}

/// Lays the host's functions over `target`.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let mut options = LinkOptions::default();
    options.tls(true);
    types::add_to_linker_instance::<State, Tls>(target, &options, view::of::<Tls>(import.slot))
}

/// What a component's instance needs for it.
fn context() -> WasiTlsCtx {
    WasiTlsCtxBuilder::new().provider(Box::new(Client)).build()
}

struct Client;

impl TlsProvider for Client {
    fn connect(
        &self,
        server_name: String,
        transport: Box<dyn TlsTransport>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Box<dyn TlsStream>, Error>> + Send>> {
        Box::pin(async move {
            let name = ServerName::try_from(server_name)
                .map_err(|error| Error::msg(format!("the server's name: {error}")))?;
            let connected = TlsConnector::from(Arc::clone(&CLIENT)).connect(name, transport).await;
            let stream = connected.map_err(Error::msg)?;
            Ok(Box::new(stream) as Box<dyn TlsStream>)
        })
    }
}
