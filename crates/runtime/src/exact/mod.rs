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
mod target;

use std::{fs::File, sync::Arc};

use wasmtime::component::{LinkerInstance, Resource, ResourceTable};
use wasmtime_wasi::{TrappableError, filesystem::Descriptor};

pub(crate) use self::socket::Notes;
use crate::state::{State, view};

// Only these two functions are made for each slot; what they call finds its component by a pointer.

/// Installs the overrides for an interface of WASI 0.3; `path` is that of `filesystem/types`.
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
        "sockets/types" => {
            socket::mend(target, view::sockets::<N>)?;
            create::mend_0_3(target, view::new_socket::<N>)?;
            datagram::mend(target, view::sockets::<N>)
        }
        "sockets/ip-name-lookup" => lookup::mend_0_3(target, view::sockets::<N>),
        "http/types" => target::mend_0_3(target, view::http::<N>),
        "http/client" => client::mend(target, view::http::<N>),
        _ => Ok(()),
    }
}

/// Installs the overrides for an interface of WASI 0.2.
pub(crate) fn mend_0_2<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
) -> wasmtime::Result<()> {
    match path {
        "filesystem/types" => file_0_2::mend(target, view::files::<N>),
        "sockets/ip-name-lookup" => lookup::mend_0_2(target, view::sockets::<N>),
        "sockets/tcp-create-socket" => create::mend_tcp_0_2(target, view::new_socket::<N>),
        "sockets/udp-create-socket" => create::mend_udp_0_2(target, view::new_socket::<N>),
        "io/error" => error::mend(target),
        "io/streams" => stream::mend(target),
        "http/types" => {
            target::mend_0_2(target, view::http::<N>)?;
            incoming::mend(target, view::http::<N>)?;
            outgoing::mend(target, view::http::<N>)
        }
        "http/outgoing-handler" => target::mend_handler(target, view::http::<N>),
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
const LINKS_AT_MOST: usize = 40;

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
        self.followed <= LINKS_AT_MOST
    }
}

/// The flags of a version of `wasi:filesystem` that ask to synchronize what is written. That is a
/// request and no requirement, and wasmtime refuses it.
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
