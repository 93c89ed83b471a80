//! `wasi:tls`: encryption over streams that a component already has. It is available to components
//! that may connect by TCP.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use wasmtime::component::{HasData, LinkerInstance};
use wasmtime_wasi_tls::{
    Error, TlsProvider, TlsStream, TlsTransport, WasiTlsCtx, WasiTlsCtxBuilder, WasiTlsCtxView,
    p2::bindings::types::{self, LinkOptions},
};

use crate::{
    grant::tls::CLIENT,
    state::{State, view},
};

struct Tls;

impl HasData for Tls {
    type Data<'a> = WasiTlsCtxView<'a>;
}

pub(super) fn bind(target: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let mut options = LinkOptions::default();
    options.tls(true);
    types::add_to_linker_instance::<State, Tls>(target, &options, view::tls)
}

/// What a component's instance needs for it.
pub(crate) fn context() -> WasiTlsCtx {
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
