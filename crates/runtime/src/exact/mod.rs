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

use crate::state::State;

/// Lays over an interface of WASI 0.3, of which `path` is `filesystem/types`, what is mended of it.
pub(crate) fn mend_0_3<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
) -> wasmtime::Result<()> {
    match path {
        "filesystem/types" => {
            file::mend::<N>(target)?;
            path::mend::<N>(target)?;
            folder::mend::<N>(target)?;
            file_time::mend::<N>(target)
        }
        "sockets/types" => socket::mend::<N>(target),
        "sockets/ip-name-lookup" => lookup::mend::<N>(target),
        "http/types" => target::mend_0_3::<N>(target),
        "http/client" => client::mend::<N>(target),
        _ => Ok(()),
    }
}

/// Lays over an interface of WASI 0.2 what is mended of it.
pub(crate) fn mend_0_2<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
) -> wasmtime::Result<()> {
    match path {
        "filesystem/types" => file_0_2::mend::<N>(target),
        "http/types" => target::mend_0_2::<N>(target),
        "http/outgoing-handler" => target::mend_handler::<N>(target),
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
