//! Where wasmtime's crates do something else than the WIT files say: functions that are laid over
//! theirs, and do what is written. Each leaves to theirs whatever they do right.
//!
//! What is known to deviate and is not mended here is listed in `docs/wasi.md`.

mod client;
mod file;
mod file_0_2;
mod file_time;
mod folder;
mod lookup;
mod path;
mod socket;
mod target;

use wasmtime::component::LinkerInstance;

use crate::state::{State, view};

// Only these two functions are made for each slot; what they call finds its component by a pointer.

/// Lays over an interface of WASI 0.3, of which `path` is `filesystem/types`, what is mended of it.
pub(crate) fn mend_0_3<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
) -> wasmtime::Result<()> {
    match path {
        "filesystem/types" => {
            file::mend(target, view::files::<N>)?;
            path::mend(target, view::files::<N>)?;
            folder::mend(target, view::files::<N>)?;
            file_time::mend(target, view::files::<N>)
        }
        "sockets/types" => socket::mend(target, view::sockets::<N>),
        "sockets/ip-name-lookup" => lookup::mend(target, view::sockets::<N>),
        "http/types" => target::mend_0_3(target, view::http::<N>),
        "http/client" => client::mend(target, view::http::<N>),
        _ => Ok(()),
    }
}

/// Lays over an interface of WASI 0.2 what is mended of it.
pub(crate) fn mend_0_2<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
) -> wasmtime::Result<()> {
    match path {
        "filesystem/types" => file_0_2::mend(target, view::files::<N>),
        "http/types" => target::mend_0_2(target, view::http::<N>),
        "http/outgoing-handler" => target::mend_handler(target, view::http::<N>),
        _ => Ok(()),
    }
}

/// Links that are followed one after the other, as Linux has it.
const LINKS_AT_MOST: usize = 40;

/// Where a link at `path` that says `text` leads: on from the folder that it lies in.
fn followed_from(path: &str, text: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{text}"),
        None => text.to_owned(),
    }
}
