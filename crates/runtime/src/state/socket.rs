//! What is noted of an instance's TCP sockets beside what wasmtime knows of them.

use std::collections::BTreeMap;

use wasmtime::component::Resource;
use wasmtime_wasi::p3::bindings::sockets::types::{IpSocketAddress, TcpSocket};

/// Notes on TCP sockets of WASI 0.3, by their place in the instance's table.
#[derive(Default)]
pub(crate) struct Notes(BTreeMap<u32, Note>);

/// What is noted of one.
#[derive(Default)]
pub(crate) struct Note {
    /// The address that it was bound to.
    pub(crate) bound: Option<IpSocketAddress>,
    /// Whether it could not connect, after which nothing can be done with it.
    pub(crate) has_failed: bool,
}

impl Notes {
    /// The note on a socket.
    pub(crate) fn of(&mut self, socket: &Resource<TcpSocket>) -> &mut Note {
        self.0.entry(socket.rep()).or_default()
    }

    /// Whether a socket could not connect.
    pub(crate) fn has_failed(&self, socket: &Resource<TcpSocket>) -> bool {
        self.0.get(&socket.rep()).is_some_and(|note| note.has_failed)
    }

    /// The socket of this place is no more.
    pub(crate) fn forget(&mut self, place: u32) {
        self.0.remove(&place);
    }
}
