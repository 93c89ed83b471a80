//! `wasi:io/streams` 0.2: zeroes are written like other bytes, with the given permit. wasmtime asks
//! for another permit, and traps if that is smaller.

use bytes::Bytes;
use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource, ResourceTable},
};
use wasmtime_wasi::p2::{
    DynOutputStream, StreamResult,
    bindings::io::streams::{Host, HostOutputStream},
};

use crate::{
    handle,
    state::{State, view},
};

/// As many as streams permit at once: those of wasmtime and of Keyway give no larger permits. They
/// lie in the program, so that a component that writes zeroes allocates nothing here.
static ZEROES: [u8; 64 << 10] = [0; 64 << 10];

const _: () = assert!(handle::BODY_CHUNK_BYTES <= ZEROES.len(), "a body permits no more");

pub(super) fn override_in(target: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    target.func_wrap(
        "[method]output-stream.write-zeroes",
        |mut store: StoreContextMut<'_, State>, (stream, len): (Resource<DynOutputStream>, u64)| {
            let table = view::table(store.data_mut());
            Ok((match write_zeroes(table, stream, len) {
                Ok(()) => Ok(()),
                Err(error) => Err(table.convert_stream_error(error)?),
            },))
        },
    )
}

fn write_zeroes(
    table: &mut ResourceTable,
    stream: Resource<DynOutputStream>,
    len: u64,
) -> StreamResult<()> {
    match usize::try_from(len).ok().and_then(|len| ZEROES.get(..len)) {
        Some(zeroes) => table.get_mut(&stream)?.write(Bytes::from_static(zeroes)),
        // It traps, unless there is a stream that permits so many.
        None => HostOutputStream::write_zeroes(table, stream, len),
    }
}
