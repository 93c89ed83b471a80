//! `wasi:sockets/types` 0.3: a connected UDP socket returns only datagrams from its peer, even if
//! some arrived before it was connected; and it sends to its peer's address however much of it is
//! given.

use std::net::SocketAddr;

use wasmtime::component::{Accessor, LinkerInstance, Resource};
use wasmtime_wasi::{
    p3::bindings::sockets::types::{
        ErrorCode, HostUdpSocket, HostUdpSocketWithStore, IpSocketAddress, UdpSocket,
    },
    sockets::WasiSockets,
};

use super::{or_code, socket::View};
use crate::state::State;

type Sockets = Accessor<State, WasiSockets>;
type Datagram = (Vec<u8>, IpSocketAddress);

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap_concurrent(
        "[method]udp-socket.receive",
        move |store, (socket,): (Resource<UdpSocket>,)| {
            let sockets = store.with_getter::<WasiSockets>(view);
            Box::pin(async move { Ok((receive(&sockets, &socket).await?,)) })
        },
    )?;
    target.func_wrap_concurrent(
        "[method]udp-socket.send",
        move |store,
              (socket, data, to): (Resource<UdpSocket>, Vec<u8>, Option<IpSocketAddress>)| {
            let sockets = store.with_getter::<WasiSockets>(view);
            Box::pin(async move {
                // The system keeps less of an address than was given to connect to it.
                let to = to.filter(|to| !is_peer(&sockets, &socket, *to).unwrap_or(false));
                Ok((or_code(WasiSockets::send(&sockets, socket, data, to).await)?,))
            })
        },
    )
}

async fn receive(
    sockets: &Sockets,
    socket: &Resource<UdpSocket>,
) -> wasmtime::Result<Result<Datagram, ErrorCode>> {
    loop {
        let same = Resource::new_borrow(socket.rep());
        let received = or_code(WasiSockets::receive(sockets, same).await)?;
        match received {
            // What was there when the socket was connected may be of anybody.
            Ok((_, from)) if is_peer(sockets, socket, from) == Some(false) => {}
            received => return Ok(received),
        }
    }
}

/// Whether an address is that of the peer, if the socket is connected to one.
fn is_peer(
    sockets: &Sockets,
    socket: &Resource<UdpSocket>,
    address: IpSocketAddress,
) -> Option<bool> {
    let same = Resource::new_borrow(socket.rep());
    let peer = sockets.with(|mut store| HostUdpSocket::get_remote_address(&mut store.get(), same));
    Some(is_same(address.into(), peer.ok()?.into()))
}

/// Whether two addresses are the same where both say what they are. A flow is not part of an
/// address; a scope is given only for addresses that need one.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    let scope = |address| match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    };
    let (first, second) = (scope(one), scope(other));
    one.ip() == other.ip()
        && one.port() == other.port()
        && (first == second || first == 0 || second == 0)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddrV6};

    use super::*;

    #[test]
    fn addresses_are_the_same_without_what_the_system_does_not_keep() {
        let at =
            |port, flow, scope| SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, flow, scope).into();
        assert!(is_same(at(1, 5, 7), at(1, 0, 0)));
        assert!(!is_same(at(1, 0, 1), at(1, 0, 2)));
        assert!(!is_same(at(1, 0, 0), at(2, 0, 0)));
        assert!(!is_same(at(1, 0, 0), SocketAddr::from(([127, 0, 0, 1], 1))));
    }
}
