//! `wasi:io/error` 0.2: an error is reported with its text and its cause. wasmtime adds the host's
//! stack if the host's environment asks for one.

use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource},
};
use wasmtime_wasi::p2::bindings::io::error::Error;

use crate::state::{State, view};

pub(super) fn override_in(target: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    target.func_wrap(
        "[method]error.to-debug-string",
        |mut store: StoreContextMut<'_, State>, (error,): (Resource<Error>,)| {
            let error = view::table(store.data_mut()).get(&error)?;
            Ok((format!("{error:#}"),))
        },
    )
}
