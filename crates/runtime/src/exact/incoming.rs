//! `wasi:http/types` 0.2: an error that ended contents while they were read is reported by their
//! trailers and by `http-error-code`; wasmtime has it in the debug string only. And the headers of
//! a request are its children; wasmtime returns a copy.

use std::{
    io, mem,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource},
};
use wasmtime_wasi::p2::{DynInputStream, InputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi_http::{
    Error, WasiHttpCtxView, WasiHttpHooks,
    p2::{
        bindings::http::types::{
            ErrorCode, Host, HostFutureTrailers as _, HostIncomingRequest as _, IoError, Trailers,
        },
        body::{HostFutureTrailers, HostIncomingBody, HostIncomingBodyStream},
        types::HostIncomingRequest,
    },
};

use super::client::View;
use crate::state::State;

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap(
        "[method]incoming-request.headers",
        move |mut store: StoreContextMut<'_, State>,
              (request,): (Resource<HostIncomingRequest>,)| {
            let mut http = view(store.data_mut());
            let headers = http.headers(Resource::new_borrow(request.rep()))?;
            http.table.add_child(Resource::<Trailers>::new_borrow(headers.rep()), request)?;
            Ok((headers,))
        },
    )?;
    target.func_wrap(
        "[method]incoming-body.stream",
        move |mut store: StoreContextMut<'_, State>, (body,): (Resource<HostIncomingBody>,)| {
            Ok((stream(&mut view(store.data_mut()), &body)?,))
        },
    )?;
    target.func_wrap(
        "[method]future-trailers.get",
        move |mut store: StoreContextMut<'_, State>,
              (trailers,): (Resource<HostFutureTrailers>,)| {
            Ok((trailers_of(&mut view(store.data_mut()), trailers)?,))
        },
    )?;
    target.func_wrap(
        "http-error-code",
        move |mut store: StoreContextMut<'_, State>, (error,): (Resource<IoError>,)| {
            let mut http = view(store.data_mut());
            Ok((match http.table.get(&error)?.downcast_ref::<Failure>() {
                Some(failure) => Some(failure.code(http.hooks)),
                None => http.http_error_code(error)?,
            },))
        },
    )
}

/// Takes the stream of a body, and leaves in its place what comes after that.
fn stream(
    http: &mut WasiHttpCtxView<'_>,
    place: &Resource<HostIncomingBody>,
) -> wasmtime::Result<Result<Resource<DynInputStream>, ()>> {
    let body = http.table.get_mut(place)?;
    let Some(contents) = body.take_stream() else { return Ok(Err(())) };
    let nothing = HostIncomingBody::new(Empty::new().map_err(Error::from).boxed_unsync());
    let trailers = mem::replace(body, nothing).into_future_trailers();
    let failure = Arc::new(OnceLock::new());
    let rest = Rest { trailers, failure: Arc::clone(&failure) };
    *body = HostIncomingBody::new(rest.boxed_unsync());
    // It has no second one to give.
    drop(body.take_stream());
    let contents: DynInputStream = Box::new(Contents { contents, failure, is_told: true });
    Ok(Ok(http.table.push_child(contents, place)?))
}

type Got = Option<Result<Result<Option<Resource<Trailers>>, ErrorCode>, ()>>;

fn trailers_of(
    http: &mut WasiHttpCtxView<'_>,
    place: Resource<HostFutureTrailers>,
) -> wasmtime::Result<Got> {
    let trailers = http.table.get_mut(&place)?;
    let failure = match trailers {
        HostFutureTrailers::Done(Err(error)) => Failure::within(error),
        _ => None,
    };
    let Some(failure) = failure else { return http.get(place) };
    *trailers = HostFutureTrailers::Consumed;
    Ok(Some(Ok(Err(failure.code(http.hooks)))))
}

/// What ended contents. The stream tells it, and so do the trailers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
struct Failure(Arc<Error>);

impl Failure {
    /// It as the error of a body, whose type cannot be cloned.
    fn wrapped(&self) -> Error {
        Error::Connect(io::Error::other(self.clone()))
    }

    fn within(error: &Error) -> Option<Self> {
        match error {
            Error::Connect(error) => error.get_ref()?.downcast_ref().cloned(),
            _ => None,
        }
    }

    fn code(&self, hooks: &mut dyn WasiHttpHooks) -> ErrorCode {
        match &*self.0 {
            Error::Hyper(error) => hooks.p2_error_from_hyper(error),
            Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
            Error::HttpRequestBodySize(bytes) => ErrorCode::HttpRequestBodySize(*bytes),
            // No body that comes in fails otherwise.
            _ => ErrorCode::HttpProtocolError,
        }
    }
}

/// A stream of contents that notes what ends it.
struct Contents {
    contents: HostIncomingBodyStream,
    failure: Arc<OnceLock<Failure>>,
    /// Whether the failure, if there is one, was reported to the reader.
    is_told: bool,
}

impl Contents {
    fn note(&self, error: StreamError) -> StreamError {
        let StreamError::LastOperationFailed(error) = error else { return error };
        StreamError::LastOperationFailed(match error.downcast::<Error>() {
            Ok(error) => self.failure.get_or_init(|| Failure(Arc::new(error))).clone().into(),
            Err(error) => error,
        })
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Contents {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let is_told = mem::replace(&mut self.is_told, true);
        match self.failure.get() {
            Some(failure) if !is_told => {
                Err(StreamError::LastOperationFailed(failure.clone().into()))
            }
            _ => self.contents.read(size).map_err(|error| self.note(error)),
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Contents {
    async fn ready(&mut self) {
        if self.failure.get().is_some() {
            return;
        }
        self.contents.ready().await;
        // A failure is recorded here already: there may be no further read.
        if let Err(error) = self.contents.read(0) {
            self.note(error);
            self.is_told = self.failure.get().is_none();
        }
    }
}

/// What comes after the contents of a body, as a body: trailers, or what ended the contents.
struct Rest {
    trailers: HostFutureTrailers,
    failure: Arc<OnceLock<Failure>>,
}

impl Body for Rest {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        // What it has waited for stays in `trailers`, so each poll can begin anew.
        ready!(self.trailers.ready().as_mut().poll(context));
        Poll::Ready(match mem::replace(&mut self.trailers, HostFutureTrailers::Consumed) {
            HostFutureTrailers::Done(Ok(Some(trailers))) => Some(Ok(Frame::trailers(trailers))),
            HostFutureTrailers::Done(Err(error)) => Some(Err(error)),
            _ => self.failure.get().map(|failure| Err(failure.wrapped())),
        })
    }
}
