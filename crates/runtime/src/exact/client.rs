//! `wasi:http/client` 0.3: a request without a path has an empty one, and the future that reports a
//! request's transmission also reports failure.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime::component::{Access, Accessor, LinkerInstance, Resource};
use wasmtime_wasi_http::{
    Error, WasiBody, WasiHttpCtxView,
    p3::{Request, Response, bindings::http::types::ErrorCode},
};

use crate::{
    grant::http::{SendFuture, code_0_3},
    state::State,
};

/// Finds the HTTP of the component whose interface it is.
pub(super) type View = fn(&mut State) -> WasiHttpCtxView<'_>;

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap_concurrent("send", move |store, (request,): (Resource<Request>,)| {
        Box::pin(async move { Ok((send(store, request, view).await?,)) })
    })
}

async fn send(
    store: &Accessor<State>,
    request: Resource<Request>,
    view: View,
) -> wasmtime::Result<Result<Resource<Response>, ErrorCode>> {
    let (failed, failure) = oneshot::channel();
    let (whole, all_sent) = oneshot::channel();
    let transmitted = async {
        match failure.await {
            Ok(code) => Err(Error::from(code)),
            // There is an answer. A server may give one before it has read everything.
            Err(_) => all_sent.await.map_err(|_| Error::ConnectionTerminated),
        }
    };
    let begun = store.with(|mut store| begin(&mut store, request, view, whole, transmitted))?;
    let answer = match begun {
        Ok(sending) => Box::into_pin(sending).await.map_err(|error| code_0_3(&error)),
        Err(code) => Err(code),
    };
    match answer {
        Err(code) => {
            // The receiver may be gone.
            let _ = failed.send(code.clone());
            Ok(Err(code))
        }
        Ok((response, _)) => store.with(|mut store| {
            let WasiHttpCtxView { hooks, table, .. } = view(store.get());
            let (response, _) = Response::from_http(hooks, response);
            Ok(Ok(table.push(response)?))
        }),
    }
}

/// Takes the request out of the table, and gives it to the client.
fn begin(
    store: &mut Access<'_, State>,
    request: Resource<Request>,
    view: View,
    whole: oneshot::Sender<()>,
    transmitted: impl Future<Output = Result<(), Error>> + Send + 'static,
) -> wasmtime::Result<Result<SendFuture, ErrorCode>> {
    let mut request = view(store.get()).table.delete(request)?;
    request.path_with_query.get_or_insert(PathAndQuery::from_static("/"));
    let request = request.into_http_with_getter(&mut *store, transmitted, view);
    let (request, options) = match request {
        Ok(request) => request,
        Err(error) => return Ok(Err(error.downcast()?)),
    };
    let request =
        request.map(|body| Watched { body, is_begun: false, whole: Some(whole) }.boxed_unsync());
    let WasiHttpCtxView { hooks, .. } = view(store.get());
    let processed = Box::new(async { Ok(()) });
    Ok(Ok(hooks.send_request(request, options.as_deref().copied(), processed)))
}

/// A body that says when all of it was taken.
struct Watched {
    body: WasiBody,
    is_begun: bool,
    whole: Option<oneshot::Sender<()>>,
}

impl Watched {
    fn is_whole(&mut self) {
        if let Some(whole) = self.whole.take() {
            // The receiver may be gone.
            let _ = whole.send(());
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.is_begun = true;
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let is_last = match &frame {
            None => true,
            Some(Ok(frame)) => frame.is_trailers(),
            Some(Err(_)) => false,
        };
        if is_last {
            self.is_whole();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A body whose length is known is not asked for its end, and that of a GET for nothing.
        if !self.is_begun || self.body.is_end_stream() || self.body.size_hint().exact() == Some(0) {
            self.is_whole();
        }
    }
}
