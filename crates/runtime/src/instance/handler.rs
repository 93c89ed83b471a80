//! A call of the handler of requests that a unit exports, in each version of WASI.

use http::uri::{Authority, Scheme};
use keyway_call::Failure;
use tokio::sync::oneshot;
use wasmtime::{Store, component::Accessor};
use wasmtime_wasi_http::{
    Error, WasiBody, WasiHttp,
    p2::bindings::{Proxy, http::types as p2},
    p3::{self, bindings::Service},
};

use super::Answer;
use crate::state::{
    ROOT, State,
    view::{self, Viewed},
};

/// Calls the instance with the request, and sends its answer. It may be one of an engine that has
/// nothing for calls at the same time.
pub(super) async fn answer_0_2(
    store: &mut Store<State>,
    proxy: &Proxy,
    (request, scheme): (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
) -> wasmtime::Result<()> {
    let scheme = if scheme == Scheme::HTTPS { p2::Scheme::Https } else { p2::Scheme::Http };
    let mut view = WasiHttp::view(store.data_mut(), ROOT);
    let request = match view.new_incoming_request(scheme, request) {
        Ok(request) => request,
        Err(error) => {
            // The receiver is gone when the client is.
            let _ = answer.send(Err(Failure::Request(error.to_string())));
            return Ok(());
        }
    };
    let out = view.new_response_outparam_from_callback(move |result| {
        let _ = answer.send(result.map_err(|code| Failure::ErrorCode(format!("{code:?}"))));
    })?;
    let handle = proxy.wasi_http_incoming_handler().func_handle();
    handle.call_async(store, (request, out)).await
}

/// Calls the instance with the request, until its answer has been sent.
pub(super) async fn answer_0_3(
    accessor: &Accessor<State>,
    service: &Service,
    (request, scheme): (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
) -> wasmtime::Result<()> {
    let request = accessor.with(|mut store| {
        let request = request_0_3(store.get(), request, scheme);
        view::table(store.get()).push(request)
    })?;
    // What the guest learns about the transmission of its response.
    let (whole, all_sent) = oneshot::channel();
    let transmitted = async { all_sent.await.map_err(|_| Error::ConnectionTerminated) };
    match service.wasi_http_handler().call_handle(accessor, request).await? {
        Ok(response) => {
            let response = accessor.with(|mut store| {
                let response = view::table(store.get()).delete(response)?;
                response.into_http_with_getter(&mut store, transmitted, view::of::<WasiHttp>(ROOT))
            })?;
            // The receiver is gone when the client is.
            let _ = answer.send(Ok(response));
        }
        Err(code) => {
            let _ = answer.send(Err(Failure::ErrorCode(format!("{code:?}"))));
            return Ok(());
        }
    }
    // The guest's tasks write the body; and it may be one that only the host moves.
    if body_sent.await.is_ok() {
        // The receiver may be gone.
        let _ = whole.send(());
    }
    Ok(())
}

/// The request as a 0.3 resource. Its authority is the `Host` header's where the URI has none.
fn request_0_3(state: &mut State, request: http::Request<WasiBody>, scheme: Scheme) -> p3::Request {
    let (mut parts, body) = request.into_parts();
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    if uri.authority.is_none() {
        let host = parts.headers.get(http::header::HOST);
        uri.authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    }
    uri.scheme = Some(scheme);
    let hooks = WasiHttp::view(state, ROOT).hooks;
    let headers = wasmtime_wasi_http::FieldMap::new_immutable(hooks, parts.headers);
    let (request, _processed) = p3::Request::new(
        parts.method,
        uri.scheme,
        uri.authority,
        uri.path_and_query,
        headers,
        None,
        body,
    );
    // What a guest reports about a request's body changes nothing here.
    request
}
