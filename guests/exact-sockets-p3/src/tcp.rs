//! TCP: addresses and states.

use std::{future::poll_fn, pin::pin, task::Poll};

use exact::Checks;
use wasip3::sockets::types::{IpAddressFamily, TcpSocket};

use crate::{loopback, loopback_v6, port, text, v4, v6};

pub(crate) async fn check(checks: &mut Checks) {
    creating(checks);
    binding(checks);
    listening(checks);
    connecting(checks).await;
    refused(checks).await;
}

fn create(family: IpAddressFamily) -> TcpSocket {
    TcpSocket::create(family).expect("a socket is made")
}

fn creating(checks: &mut Checks) {
    for (name, family) in [("ipv4", IpAddressFamily::Ipv4), ("ipv6", IpAddressFamily::Ipv6)] {
        let socket = TcpSocket::create(family);
        if let Some(socket) = checks.good(&format!("tcp-socket.create: {name}"), socket) {
            let name = format!("tcp-socket.get-address-family: {name}");
            checks.equal(&name, socket.get_address_family(), family);
        }
    }
    let socket = create(IpAddressFamily::Ipv4);
    checks.fails(
        "tcp-socket.get-local-address: not bound",
        socket.get_local_address(),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.get-remote-address: not connected",
        socket.get_remote_address(),
        "InvalidState",
    );
    checks.equal(
        "tcp-socket.get-is-listening: a new socket does not",
        socket.get_is_listening(),
        false,
    );
}

fn binding(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    checks.fails(
        "tcp-socket.bind: the wrong address family",
        socket.bind(loopback_v6(0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.bind: a multicast address",
        socket.bind(v4((224, 0, 0, 1), 0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.bind: the broadcast address",
        socket.bind(v4((255, 255, 255, 255), 0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.bind: an address that is not here",
        socket.bind(v4((192, 0, 2, 1), 0)),
        "AddressNotBindable",
    );
    checks.good("tcp-socket.bind: again after it failed", socket.bind(loopback(0)));
    let local = socket.get_local_address();
    checks.that(
        "tcp-socket.get-local-address: a random free port",
        local.as_ref().map(port),
        |port| port.is_ok_and(|port| port > 0),
    );
    checks.fails("tcp-socket.bind: a bound socket", socket.bind(loopback(0)), "InvalidState");
    checks.fails(
        "tcp-socket.get-remote-address: bound, not connected",
        socket.get_remote_address(),
        "InvalidState",
    );
    let taken = local.expect("it is bound");
    let listener = socket.listen().expect("it listens");
    let other = create(IpAddressFamily::Ipv4);
    checks.fails("tcp-socket.bind: an address in use", other.bind(taken), "AddressInUse");
    drop(listener);
    let socket = create(IpAddressFamily::Ipv6);
    checks.fails(
        "tcp-socket.bind: an address of IPv4 to a socket of IPv6",
        socket.bind(loopback(0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.bind: an IPv4-mapped address",
        socket.bind(v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.bind: a multicast address of IPv6",
        socket.bind(v6((0xff02, 0, 0, 0, 0, 0, 0, 1), 0)),
        "InvalidArgument",
    );
    checks.good("tcp-socket.bind: the loopback address of IPv6", socket.bind(loopback_v6(0)));
    let any = create(IpAddressFamily::Ipv4);
    checks.good("tcp-socket.bind: an address of zeros", any.bind(v4((0, 0, 0, 0), 0)));
    checks.that(
        "tcp-socket.get-local-address: an address of zeros gets a port",
        any.get_local_address().as_ref().map(port),
        |port| port.is_ok_and(|port| port > 0),
    );
}

fn listening(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    socket.bind(loopback(0)).expect("it is bound");
    let stream = socket.listen();
    checks.equal("tcp-socket.get-is-listening: after listen", socket.get_is_listening(), true);
    checks.good("tcp-socket.get-local-address: listening", socket.get_local_address());
    checks.fails(
        "tcp-socket.listen: a listening socket",
        socket.listen().map(drop),
        "InvalidState",
    );
    checks.fails("tcp-socket.bind: a listening socket", socket.bind(loopback(0)), "InvalidState");
    checks.good("tcp-socket.listen: a bound socket", stream.map(drop));
    let implicit = create(IpAddressFamily::Ipv4);
    let stream = implicit.listen();
    checks.good("tcp-socket.listen: binds a socket that is not bound", stream.map(drop));
    checks.that(
        "tcp-socket.get-local-address: bound by listen",
        implicit.get_local_address().as_ref().map(port),
        |port| port.is_ok_and(|port| port > 0),
    );
}

async fn connecting(checks: &mut Checks) {
    for (name, address) in [
        ("the wrong address family", loopback_v6(80)),
        ("a multicast address", v4((224, 0, 0, 1), 80)),
        ("the broadcast address", v4((255, 255, 255, 255), 80)),
        ("an address of zeros", v4((0, 0, 0, 0), 80)),
        ("a port of zero", loopback(0)),
    ] {
        let socket = create(IpAddressFamily::Ipv4);
        let name = format!("tcp-socket.connect: {name}");
        checks.fails(&name, socket.connect(address).await, "InvalidArgument");
    }
    for (name, address) in [
        ("an IPv4-mapped address", v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 80)),
        ("an address of zeros of IPv6", v6((0, 0, 0, 0, 0, 0, 0, 0), 80)),
    ] {
        let socket = create(IpAddressFamily::Ipv6);
        let name = format!("tcp-socket.connect: {name}");
        checks.fails(&name, socket.connect(address).await, "InvalidArgument");
    }
    connected(checks).await;
}

async fn connected(checks: &mut Checks) {
    for (name, family, at) in [
        ("IPv4", IpAddressFamily::Ipv4, loopback(0)),
        ("IPv6", IpAddressFamily::Ipv6, loopback_v6(0)),
    ] {
        let server = create(family);
        server.bind(at).expect("it is bound");
        let mut clients = server.listen().expect("it listens");
        let address = server.get_local_address().expect("it is bound");
        let client = create(family);
        checks.good(&format!("tcp-socket.connect: over {name}"), client.connect(address).await);
        let accepted = clients.next().await.expect("it is accepted");
        checks.equal(
            &format!("tcp-socket.get-remote-address: the server's, over {name}"),
            text(client.get_remote_address().ok()),
            text(Some(address)),
        );
        checks.equal(
            &format!("tcp-socket.get-remote-address: the client's, over {name}"),
            text(accepted.get_remote_address().ok()),
            text(client.get_local_address().ok()),
        );
        checks.equal(
            &format!("tcp-socket.get-local-address: accepted, over {name}"),
            text(accepted.get_local_address().ok()),
            text(Some(address)),
        );
        checks.equal(
            &format!("tcp-socket.get-address-family: accepted, over {name}"),
            accepted.get_address_family(),
            family,
        );
        checks.equal(
            &format!("tcp-socket.get-is-listening: accepted, over {name}"),
            accepted.get_is_listening(),
            false,
        );
        checks.fails(
            &format!("tcp-socket.connect: a connected socket, over {name}"),
            client.connect(address).await,
            "InvalidState",
        );
        checks.fails(
            &format!("tcp-socket.bind: a connected socket, over {name}"),
            client.bind(at),
            "InvalidState",
        );
        checks.fails(
            &format!("tcp-socket.listen: a connected socket, over {name}"),
            client.listen().map(drop),
            "InvalidState",
        );
        checks.fails(
            &format!("tcp-socket.connect: a listening socket, over {name}"),
            server.connect(address).await,
            "InvalidState",
        );
    }
    let server = create(IpAddressFamily::Ipv4);
    server.bind(loopback(0)).expect("it is bound");
    let _clients = server.listen().expect("it listens");
    let bound = create(IpAddressFamily::Ipv4);
    bound.bind(loopback(0)).expect("it is bound");
    let before = bound.get_local_address().map(|address| port(&address)).ok();
    let connected = bound.connect(server.get_local_address().expect("it is bound")).await;
    checks.good("tcp-socket.connect: a bound socket", connected);
    checks.equal(
        "tcp-socket.get-local-address: connecting leaves the port",
        bound.get_local_address().map(|address| port(&address)).ok(),
        before,
    );
    let waiting = create(IpAddressFamily::Ipv4);
    waiting.bind(loopback(0)).expect("it is bound");
    let before = waiting.get_local_address().map(|address| port(&address)).ok();
    let mut connecting = pin!(waiting.connect(server.get_local_address().expect("it is bound")));
    // It is begun where it is polled first.
    let begun = poll_fn(|context| Poll::Ready(connecting.as_mut().poll(context))).await;
    checks.equal(
        "tcp-socket.get-local-address: a bound socket that connects",
        waiting.get_local_address().map(|address| port(&address)).ok(),
        before,
    );
    if begun.is_pending() {
        connecting.await.expect("it connects");
    }
}

/// A port where nobody listens.
fn unused() -> wasip3::sockets::types::IpSocketAddress {
    let socket = create(IpAddressFamily::Ipv4);
    socket.bind(loopback(0)).expect("it is bound");
    socket.get_local_address().expect("it is bound")
}

async fn refused(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    checks.fails(
        "tcp-socket.connect: where nobody listens",
        socket.connect(unused()).await,
        "ConnectionRefused",
    );
    checks.fails(
        "tcp-socket.connect: a closed socket",
        socket.connect(unused()).await,
        "InvalidState",
    );
    checks.fails("tcp-socket.bind: a closed socket", socket.bind(loopback(0)), "InvalidState");
    checks.fails("tcp-socket.listen: a closed socket", socket.listen().map(drop), "InvalidState");
    checks.fails(
        "tcp-socket.get-local-address: a closed socket",
        socket.get_local_address(),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.get-remote-address: a closed socket",
        socket.get_remote_address(),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.get-hop-limit: a closed socket",
        socket.get_hop_limit(),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.set-hop-limit: a closed socket",
        socket.set_hop_limit(1),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.get-keep-alive-enabled: a closed socket",
        socket.get_keep_alive_enabled(),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.get-receive-buffer-size: a closed socket",
        socket.get_receive_buffer_size(),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.set-listen-backlog-size: a closed socket",
        socket.set_listen_backlog_size(10),
        "InvalidState",
    );
    let (stream, end) = socket.receive();
    checks.equal("tcp-socket.receive: a closed socket has no data", stream.collect().await, vec![]);
    checks.fails("tcp-socket.receive: a closed socket", end.await, "InvalidState");
    checks.equal(
        "tcp-socket.get-is-listening: a closed socket does not",
        socket.get_is_listening(),
        false,
    );
    checks.equal(
        "tcp-socket.get-address-family: a closed socket",
        socket.get_address_family(),
        IpAddressFamily::Ipv4,
    );
    let denied = create(IpAddressFamily::Ipv4);
    checks.fails(
        "tcp-socket.connect: an address that is not granted",
        denied.connect(v4((192, 0, 2, 1), 80)).await,
        "AccessDenied",
    );
}
