//! `wasi:http/types` 0.2: the stream of contents is closed once it has failed, such as by exceeding
//! `content-length`. wasmtime leaves it open.
//!
//! And a body that is left by an instance which ends is whole, whether its instance is dropped or reset.

use bytes::Bytes;
use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource, ResourceType},
};
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi_http::p2::body::HostOutgoingBody;

use super::client::View;
use crate::state::State;

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap(
        "[method]outgoing-body.write",
        move |mut store: StoreContextMut<'_, State>, (body,): (Resource<HostOutgoingBody>,)| {
            let table = view(store.data_mut()).table;
            let Some(stream) = table.get_mut(&body)?.take_output_stream() else {
                return Ok((Err(()),));
            };
            let stream: DynOutputStream = Box::new(Output(Some(stream)));
            Ok((Ok(table.push_child(stream, &body)?),))
        },
    )?;
    let ty = ResourceType::host::<HostOutgoingBody>();
    target.resource("outgoing-body", ty, move |mut store, body| {
        let ends = store.data().is_ending;
        let body =
            view(store.data_mut()).table.delete(Resource::<HostOutgoingBody>::new_own(body))?;
        if !ends {
            body.abort();
        }
        Ok(())
    })
}

/// A stream until it fails.
struct Output(Option<DynOutputStream>);

impl Output {
    fn while_open<T>(
        &mut self,
        operation: impl FnOnce(&mut DynOutputStream) -> StreamResult<T>,
    ) -> StreamResult<T> {
        let result = operation(self.0.as_mut().ok_or(StreamError::Closed)?);
        if let Err(StreamError::LastOperationFailed(_)) = &result {
            self.0 = None;
        }
        result
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        if let Some(stream) = &mut self.0 {
            stream.ready().await;
        }
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.while_open(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.while_open(|stream| stream.flush())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.while_open(|stream| stream.check_write())
    }

    async fn cancel(&mut self) {
        if let Some(stream) = &mut self.0 {
            stream.cancel().await;
        }
    }
}
