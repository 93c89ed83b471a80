//! Functions that override those of wasmtime's crates where these differ from the WIT files. Each
//! leaves to the original whatever it does right.
//!
//! Known deviations that are not fixed here are listed in `docs/wasi.md`.

mod client;
mod create;
mod datagram;
mod error;
mod file;
mod file_0_2;
mod file_time;
mod folder;
mod incoming;
mod lookup;
mod outgoing;
mod path;
mod socket;
mod stream;
mod synchronized;
mod target;

use std::{fs::File, sync::Arc};

use wasmtime::component::{LinkerInstance, Resource, ResourceTable};
use wasmtime_wasi::{
    TrappableError,
    filesystem::{Descriptor, WasiFilesystem},
    sockets::WasiSockets,
};
use wasmtime_wasi_http::WasiHttp;

use crate::state::{
    State,
    view::{self, NewSocket},
};

/// Lays over an interface of WASI 0.3, of which `path` is `filesystem/types`, what is exact of it.
pub(crate) fn override_0_3(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
    slot: usize,
) -> wasmtime::Result<()> {
    let files = view::of::<WasiFilesystem>(slot);
    let sockets = view::of::<WasiSockets>(slot);
    let http = view::of::<WasiHttp>(slot);
    match path {
        "filesystem/types" => {
            file::override_in(target, files)?;
            path::override_in(target, files)?;
            folder::override_in(target, files)?;
            file_time::override_in(target, files)
        }
        "sockets/types" => {
            socket::override_in(target, sockets)?;
            create::override_0_3(target, view::of::<NewSocket>(slot))?;
            datagram::override_in(target, sockets)
        }
        "sockets/ip-name-lookup" => lookup::override_0_3(target, sockets),
        "http/types" => target::override_0_3(target, http),
        "http/client" => client::override_in(target, http),
        _ => Ok(()),
    }
}

/// Lays over an interface of WASI 0.2 what is exact of it.
pub(crate) fn override_0_2(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
    slot: usize,
) -> wasmtime::Result<()> {
    let http = view::of::<WasiHttp>(slot);
    let new_socket = view::of::<NewSocket>(slot);
    match path {
        "filesystem/types" => file_0_2::override_in(target, view::of::<WasiFilesystem>(slot)),
        "sockets/ip-name-lookup" => lookup::override_0_2(target, view::of::<WasiSockets>(slot)),
        "sockets/tcp-create-socket" => create::override_tcp_0_2(target, new_socket),
        "sockets/udp-create-socket" => create::override_udp_0_2(target, new_socket),
        "io/error" => error::override_in(target),
        "io/streams" => stream::override_in(target),
        "http/types" => {
            target::override_0_2(target, http)?;
            incoming::override_in(target, http)?;
            outgoing::override_in(target, http)
        }
        "http/outgoing-handler" => target::override_handler(target, http),
        _ => Ok(()),
    }
}

/// The interface's own errors apart from those that end the instance.
fn or_code<T, E>(result: Result<T, TrappableError<E>>) -> wasmtime::Result<Result<T, E>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

/// The file or folder that is open.
fn open_file(table: &ResourceTable, fd: &Resource<Descriptor>) -> wasmtime::Result<Arc<File>> {
    Ok(match table.get(fd)? {
        Descriptor::File(file) => Arc::clone(&file.file),
        Descriptor::Dir(folder) => Arc::clone(&folder.dir),
    })
}

/// Links that are followed one after the other, as Linux has it.
const MAX_LINKS: usize = 40;

/// The path to what a hard link is made to, on from link to link.
struct Trail {
    path: String,
    followed: usize,
}

impl Trail {
    fn of(path: String) -> Self {
        Self { path, followed: 0 }
    }

    /// Follows the link at its end, which says `text`; false if there were too many.
    fn follow(&mut self, text: &str) -> bool {
        self.path = followed_from(&self.path, text);
        self.followed += 1;
        self.followed <= MAX_LINKS
    }
}

/// The flags of a version of `wasi:filesystem` that ask to synchronize what is written. wasmtime refuses
/// them.
macro_rules! synchronizing {
    ($flags:ident) => {
        $flags::FILE_INTEGRITY_SYNC | $flags::DATA_INTEGRITY_SYNC | $flags::REQUESTED_WRITE_SYNC
    };
}
use synchronizing;

/// Where a link at `path` that says `text` leads: relative to the folder that contains it.
fn followed_from(path: &str, text: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{text}"),
        None => text.to_owned(),
    }
}
