//! UDP.

use exact::Checks;
use wasip3::sockets::types::{IpAddressFamily, IpSocketAddress, UdpSocket};

use crate::{loopback, loopback_v6, port, text, v4, v6};

pub(crate) async fn check(checks: &mut Checks) {
    creating(checks);
    connecting(checks);
    sending(checks).await;
    wrong_sends(checks).await;
    connected(checks).await;
    with_a_flow(checks).await;
    for (name, family) in [("IPv4", IpAddressFamily::Ipv4), ("IPv6", IpAddressFamily::Ipv6)] {
        options(checks, &create(family), name);
    }
}

fn create(family: IpAddressFamily) -> UdpSocket {
    UdpSocket::create(family).expect("a socket is made")
}

fn bound() -> UdpSocket {
    let socket = create(IpAddressFamily::Ipv4);
    socket.bind(loopback(0)).expect("it is bound");
    socket
}

fn creating(checks: &mut Checks) {
    for (name, family, at) in [
        ("ipv4", IpAddressFamily::Ipv4, loopback(0)),
        ("ipv6", IpAddressFamily::Ipv6, loopback_v6(0)),
    ] {
        let socket = UdpSocket::create(family);
        let Some(socket) = checks.good(&format!("udp-socket.create: {name}"), socket) else {
            continue;
        };
        checks.equal(
            &format!("udp-socket.get-address-family: {name}"),
            socket.get_address_family(),
            family,
        );
        checks.fails(
            &format!("udp-socket.get-local-address: {name}, not bound"),
            socket.get_local_address(),
            "InvalidState",
        );
        checks.fails(
            &format!("udp-socket.get-remote-address: {name}, not connected"),
            socket.get_remote_address(),
            "InvalidState",
        );
        checks.good(&format!("udp-socket.bind: {name}"), socket.bind(at));
        checks.that(
            &format!("udp-socket.get-local-address: {name}, a random free port"),
            socket.get_local_address().as_ref().map(port),
            |port| port.is_ok_and(|port| port > 0),
        );
        checks.fails(
            &format!("udp-socket.bind: {name}, a bound socket"),
            socket.bind(at),
            "InvalidState",
        );
    }
    let socket = create(IpAddressFamily::Ipv4);
    checks.fails(
        "udp-socket.bind: the wrong address family",
        socket.bind(loopback_v6(0)),
        "InvalidArgument",
    );
    checks.fails(
        "udp-socket.bind: an address that is not here",
        socket.bind(v4((192, 0, 2, 1), 0)),
        "AddressNotBindable",
    );
    let taken = bound().get_local_address();
    let other = bound();
    let in_use = other.get_local_address().expect("it is bound");
    checks.fails("udp-socket.bind: an address in use", socket.bind(in_use), "AddressInUse");
    checks.good(
        "udp-socket.bind: an address that is free again",
        socket.bind(taken.expect("it was bound")),
    );
    let socket = create(IpAddressFamily::Ipv6);
    checks.fails(
        "udp-socket.bind: an IPv4-mapped address",
        socket.bind(v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 0)),
        "InvalidArgument",
    );
}

fn connecting(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    for (name, address) in [
        ("the wrong address family", loopback_v6(80)),
        ("an address of zeros", v4((0, 0, 0, 0), 80)),
        ("a port of zero", loopback(0)),
    ] {
        checks.fails(
            &format!("udp-socket.connect: {name}"),
            socket.connect(address),
            "InvalidArgument",
        );
    }
    checks.fails("udp-socket.disconnect: not connected", socket.disconnect(), "InvalidState");
    let peer = bound().get_local_address().expect("it is bound");
    checks.good("udp-socket.connect: an address", socket.connect(peer));
    checks.equal(
        "udp-socket.get-remote-address: connected",
        text(socket.get_remote_address().ok()),
        text(Some(peer)),
    );
    checks.that(
        "udp-socket.get-local-address: bound by connect",
        socket.get_local_address().as_ref().map(port),
        |port| port.is_ok_and(|port| port > 0),
    );
    let other = bound().get_local_address().expect("it is bound");
    checks.good("udp-socket.connect: another address", socket.connect(other));
    checks.equal(
        "udp-socket.get-remote-address: the most recent",
        text(socket.get_remote_address().ok()),
        text(Some(other)),
    );
    checks.good("udp-socket.disconnect: connected", socket.disconnect());
    checks.fails(
        "udp-socket.get-remote-address: disconnected",
        socket.get_remote_address(),
        "InvalidState",
    );
    checks.fails("udp-socket.disconnect: disconnected", socket.disconnect(), "InvalidState");
    checks.fails(
        "udp-socket.bind: after disconnect it is still bound",
        socket.bind(loopback(0)),
        "InvalidState",
    );
    for (name, socket) in [("a port of its choice", bound_to_a_port()), ("a random port", bound())]
    {
        let before = text(socket.get_local_address().ok());
        socket.connect(peer).expect("it connects");
        socket.disconnect().expect("it disconnects");
        checks.equal(
            &format!("udp-socket.disconnect: leaves a socket bound to {name}"),
            text(socket.get_local_address().ok()),
            before,
        );
    }
}

async fn sending(checks: &mut Checks) {
    let receiver = bound();
    let to = receiver.get_local_address().expect("it is bound");
    let sender = create(IpAddressFamily::Ipv4);
    checks.fails("udp-socket.receive: not bound", sender.receive().await, "InvalidState");
    checks.good(
        "udp-socket.send: binds a socket that is not bound",
        sender.send(b"text".to_vec(), Some(to)).await,
    );
    checks.that(
        "udp-socket.get-local-address: bound by send",
        sender.get_local_address().as_ref().map(port),
        |port| port.is_ok_and(|port| port > 0),
    );
    let received = receiver.receive().await.ok();
    checks.equal(
        "udp-socket.receive: what was sent",
        received.as_ref().map(|(data, _)| data.clone()),
        Some(b"text".to_vec()),
    );
    checks.equal(
        "udp-socket.receive: who sent it",
        received.map(|(_, from)| port(&from)),
        sender.get_local_address().ok().map(|from| port(&from)),
    );
    checks.good("udp-socket.send: nothing", sender.send(vec![], Some(to)).await);
    checks.equal(
        "udp-socket.receive: an empty datagram",
        receiver.receive().await.ok().map(|(data, _)| data),
        Some(vec![]),
    );
    let large = vec![7; 60_000];
    checks.good("udp-socket.send: 60,000 bytes", sender.send(large.clone(), Some(to)).await);
    checks.equal(
        "udp-socket.receive: 60,000 bytes",
        receiver.receive().await.ok().map(|(data, _)| data == large),
        Some(true),
    );
    checks.fails(
        "udp-socket.send: more than a datagram holds",
        sender.send(vec![0; 65_530], Some(to)).await,
        "DatagramTooLarge",
    );
    let (one, other) = (bound(), bound());
    let to = other.get_local_address().expect("it is bound");
    for number in 0..3 {
        one.send(vec![number], Some(to)).await.expect("it is sent");
    }
    let mut numbers = vec![];
    for _ in 0..3 {
        numbers.extend(other.receive().await.expect("it is received").0);
    }
    checks.equal("udp-socket.receive: one datagram at a time", numbers, vec![0, 1, 2]);
}

async fn wrong_sends(checks: &mut Checks) {
    let socket = bound();
    for (name, address) in [
        ("the wrong address family", Some(loopback_v6(80))),
        ("an address of zeros", Some(v4((0, 0, 0, 0), 80))),
        ("a port of zero", Some(loopback(0))),
        ("no address, not connected", None),
    ] {
        checks.fails(
            &format!("udp-socket.send: {name}"),
            socket.send(vec![1], address).await,
            "InvalidArgument",
        );
    }
    checks.fails(
        "udp-socket.send: an address that is not granted",
        socket.send(vec![1], Some(v4((192, 0, 2, 1), 80))).await,
        "AccessDenied",
    );
    checks.fails(
        "udp-socket.connect: an address that is not granted",
        socket.connect(v4((192, 0, 2, 1), 80)),
        "AccessDenied",
    );
}

/// A socket that is bound to a port of its own choice, which Linux does not take back.
fn bound_to_a_port() -> UdpSocket {
    let free = bound().get_local_address().expect("it is bound");
    let socket = create(IpAddressFamily::Ipv4);
    socket.bind(free).expect("the port is free again");
    socket
}

async fn connected(checks: &mut Checks) {
    let (one, other, third) = (bound_to_a_port(), bound(), bound());
    let at = |socket: &UdpSocket| socket.get_local_address().expect("it is bound");
    one.connect(at(&other)).expect("it connects");
    checks.good("udp-socket.send: connected, no address", one.send(b"a".to_vec(), None).await);
    checks.good(
        "udp-socket.send: connected, the same address",
        one.send(b"b".to_vec(), Some(at(&other))).await,
    );
    checks.fails(
        "udp-socket.send: connected, another address",
        one.send(b"c".to_vec(), Some(at(&third))).await,
        "InvalidArgument",
    );
    other.receive().await.expect("it is received");
    other.receive().await.expect("it is received");
    third.send(b"stranger".to_vec(), Some(at(&one))).await.expect("it is sent");
    other.send(b"peer".to_vec(), Some(at(&one))).await.expect("it is sent");
    let received = one.receive().await.ok();
    checks.equal(
        "udp-socket.receive: connected, from the peer alone",
        received.as_ref().map(|(data, _)| data.clone()),
        Some(b"peer".to_vec()),
    );
    checks.equal(
        "udp-socket.receive: connected, the sender is the peer",
        received.map(|(_, from)| text(from)),
        Some(text(at(&other))),
    );
    let late = bound();
    third.send(b"stranger".to_vec(), Some(at(&late))).await.expect("it is sent");
    late.connect(at(&other)).expect("it connects");
    other.send(b"peer".to_vec(), Some(at(&late))).await.expect("it is sent");
    checks.equal(
        "udp-socket.receive: connected, nothing that came before from others",
        late.receive().await.ok().map(|(data, _)| data),
        Some(b"peer".to_vec()),
    );
    one.disconnect().expect("it disconnects");
    third.send(b"stranger".to_vec(), Some(at(&one))).await.expect("it is sent");
    checks.equal(
        "udp-socket.receive: disconnected, from everybody",
        one.receive().await.ok().map(|(data, _)| data),
        Some(b"stranger".to_vec()),
    );
    let gone = bound().get_local_address().expect("it is bound");
    one.connect(gone).expect("it connects");
    one.send(b"x".to_vec(), None).await.expect("it is sent");
    checks.fails(
        "udp-socket.receive: connected, nobody is there",
        one.receive().await,
        "ConnectionRefused",
    );
}

async fn with_a_flow(checks: &mut Checks) {
    let (one, other) = (create(IpAddressFamily::Ipv6), create(IpAddressFamily::Ipv6));
    other.bind(loopback_v6(0)).expect("it is bound");
    let mut to = other.get_local_address().expect("it is bound");
    if let IpSocketAddress::Ipv6(address) = &mut to {
        address.flow_info = 5;
    }
    one.connect(to).expect("it connects");
    checks.good(
        "udp-socket.send: connected, the same address with a flow",
        one.send(b"a".to_vec(), Some(to)).await,
    );
}

fn options(checks: &mut Checks, socket: &UdpSocket, of: &str) {
    checks.fails(
        &format!("udp-socket.set-unicast-hop-limit: zero, {of}"),
        socket.set_unicast_hop_limit(0),
        "InvalidArgument",
    );
    checks.fails(
        &format!("udp-socket.set-receive-buffer-size: zero, {of}"),
        socket.set_receive_buffer_size(0),
        "InvalidArgument",
    );
    checks.fails(
        &format!("udp-socket.set-send-buffer-size: zero, {of}"),
        socket.set_send_buffer_size(0),
        "InvalidArgument",
    );
    for value in [1, 64, u8::MAX] {
        checks.good(
            &format!("udp-socket.set-unicast-hop-limit: {value}, {of}"),
            socket.set_unicast_hop_limit(value),
        );
        checks.equal(
            &format!("udp-socket.get-unicast-hop-limit: after {value}, {of}"),
            socket.get_unicast_hop_limit().ok(),
            Some(value),
        );
    }
    for value in [1, 10_000, u64::MAX] {
        checks.good(
            &format!("udp-socket.set-receive-buffer-size: {value}, {of}"),
            socket.set_receive_buffer_size(value),
        );
        checks.that(
            &format!("udp-socket.get-receive-buffer-size: after {value}, {of}"),
            socket.get_receive_buffer_size().ok(),
            |size| size.is_some_and(|size| size > 0 && (value != 10_000 || size == value)),
        );
        checks.good(
            &format!("udp-socket.set-send-buffer-size: {value}, {of}"),
            socket.set_send_buffer_size(value),
        );
        checks.that(
            &format!("udp-socket.get-send-buffer-size: after {value}, {of}"),
            socket.get_send_buffer_size().ok(),
            |size| size.is_some_and(|size| size > 0 && (value != 10_000 || size == value)),
        );
    }
}
