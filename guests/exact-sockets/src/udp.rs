//! UDP.

use exact::Checks;
use wasip2::sockets::{
    instance_network::instance_network,
    network::{ErrorCode, IpAddressFamily, IpSocketAddress},
    udp::{
        IncomingDatagram, IncomingDatagramStream, OutgoingDatagram, OutgoingDatagramStream,
        UdpSocket,
    },
    udp_create_socket::create_udp_socket,
};

use crate::{finish, loopback, loopback_v6, port, v4, v6};

pub(crate) fn check(checks: &mut Checks) {
    checks.interface("wasi:sockets/udp-create-socket@0.2.12");
    for (name, family) in [("ipv4", IpAddressFamily::Ipv4), ("ipv6", IpAddressFamily::Ipv6)] {
        checks.good(&format!("create-udp-socket: {name}"), create_udp_socket(family));
    }
    checks.interface("wasi:sockets/udp@0.2.12");
    binding(checks);
    exchange(checks);
    wrong_sends(checks);
    connected(checks);
    readiness(checks);
    several(checks);
    refused(checks);
    over_v6(checks);
    for (name, family) in [("IPv4", IpAddressFamily::Ipv4), ("IPv6", IpAddressFamily::Ipv6)] {
        options(checks, &create(family), name);
    }
}

fn create(family: IpAddressFamily) -> UdpSocket {
    create_udp_socket(family).expect("a socket is made")
}

fn bind(socket: &UdpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(&instance_network(), address)?;
    finish(&socket.subscribe(), || socket.finish_bind())
}

pub(crate) fn bound() -> UdpSocket {
    let socket = create(IpAddressFamily::Ipv4);
    bind(&socket, loopback(0)).expect("it is bound");
    socket
}

pub(crate) fn at(socket: &UdpSocket) -> IpSocketAddress {
    socket.local_address().expect("it is bound")
}

fn send(
    stream: &OutgoingDatagramStream,
    data: &[u8],
    to: Option<IpSocketAddress>,
) -> Result<u64, ErrorCode> {
    stream.subscribe().block();
    stream.check_send()?;
    stream.send(&[OutgoingDatagram { data: data.to_vec(), remote_address: to }])
}

fn receive(stream: &IncomingDatagramStream) -> Result<IncomingDatagram, ErrorCode> {
    loop {
        stream.subscribe().block();
        if let Some(datagram) = stream.receive(1)?.pop() {
            return Ok(datagram);
        }
    }
}

fn binding(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    checks.fails("udp-socket.local-address: not bound", socket.local_address(), "InvalidState");
    checks.fails(
        "udp-socket.remote-address: not connected",
        socket.remote_address(),
        "InvalidState",
    );
    checks.fails(
        "udp-socket.finish-bind: nothing is in progress",
        socket.finish_bind(),
        "NotInProgress",
    );
    checks.fails("udp-socket.stream: not bound", socket.stream(None).map(drop), "InvalidState");
    checks.fails(
        "udp-socket.start-bind: the wrong address family",
        bind(&socket, loopback_v6(0)),
        "InvalidArgument",
    );
    checks.fails(
        "udp-socket.finish-bind: an address that is not here",
        bind(&socket, v4((192, 0, 2, 1), 0)),
        "AddressNotBindable",
    );
    checks.good("udp-socket.finish-bind: again after it failed", bind(&socket, loopback(0)));
    checks.that(
        "udp-socket.local-address: a random free port",
        socket.local_address().map(port),
        |port| port.is_ok_and(|port| port > 0),
    );
    checks.fails(
        "udp-socket.start-bind: a bound socket",
        bind(&socket, loopback(0)),
        "InvalidState",
    );
    checks.fails(
        "udp-socket.finish-bind: an address in use",
        bind(&create(IpAddressFamily::Ipv4), at(&socket)),
        "AddressInUse",
    );
    checks.equal(
        "udp-socket.address-family: what it was made with",
        socket.address_family(),
        IpAddressFamily::Ipv4,
    );
    let mapped = v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 0);
    checks.fails(
        "udp-socket.start-bind: an IPv4-mapped address",
        bind(&create(IpAddressFamily::Ipv6), mapped),
        "InvalidArgument",
    );
    let everywhere = create(IpAddressFamily::Ipv4);
    checks
        .good("udp-socket.start-bind: an address of zeros", bind(&everywhere, v4((0, 0, 0, 0), 0)));
    checks.fails(
        "udp-socket.finish-bind: a second time",
        everywhere.finish_bind(),
        "NotInProgress",
    );
}

fn exchange(checks: &mut Checks) {
    let (one, other) = (bound(), bound());
    let (_, out) = one.stream(None).expect("streams");
    let (input, _) = other.stream(None).expect("streams");
    checks.equal(
        "incoming-datagram-stream.receive: nothing has come",
        input.receive(10).map(|all| all.len()).ok(),
        Some(0),
    );
    out.subscribe().block();
    checks.that(
        "outgoing-datagram-stream.check-send: room where the stream is ready",
        out.check_send(),
        |room| room.as_ref().is_ok_and(|room| *room > 0),
    );
    checks.equal("outgoing-datagram-stream.send: nothing", out.send(&[]).ok(), Some(0));
    checks.equal(
        "outgoing-datagram-stream.send: one",
        send(&out, b"text", Some(at(&other))).ok(),
        Some(1),
    );
    let got = receive(&input).ok();
    checks.equal(
        "incoming-datagram-stream.receive: what was sent",
        got.as_ref().map(|got| got.data.clone()),
        Some(b"text".to_vec()),
    );
    checks.equal(
        "incoming-datagram-stream.receive: who sent it",
        got.map(|got| port(got.remote_address)),
        Some(port(at(&one))),
    );
    checks.equal(
        "incoming-datagram-stream.receive: none are asked for",
        input.receive(0).map(|all| all.len()).ok(),
        Some(0),
    );
    send(&out, b"", Some(at(&other))).expect("it is sent");
    checks.equal(
        "incoming-datagram-stream.receive: an empty datagram",
        receive(&input).ok().map(|got| got.data),
        Some(vec![]),
    );
    checks.fails(
        "outgoing-datagram-stream.send: more than a datagram holds",
        send(&out, &[0; 65_530], Some(at(&other))),
        "DatagramTooLarge",
    );
}

fn wrong_sends(checks: &mut Checks) {
    let socket = bound();
    let (_, out) = socket.stream(None).expect("streams");
    for (name, to) in [
        ("the wrong address family", Some(loopback_v6(80))),
        ("an address of zeros", Some(v4((0, 0, 0, 0), 80))),
        ("a port of zero", Some(loopback(0))),
        ("no address, not connected", None),
    ] {
        checks.fails(
            &format!("outgoing-datagram-stream.send: {name}"),
            send(&out, b"x", to),
            "InvalidArgument",
        );
    }
    checks.fails(
        "outgoing-datagram-stream.send: an address that is not granted",
        send(&out, b"x", Some(v4((192, 0, 2, 1), 80))),
        "AccessDenied",
    );
    for (name, to) in [
        ("the wrong address family", loopback_v6(80)),
        ("an address of zeros", v4((0, 0, 0, 0), 80)),
        ("a port of zero", loopback(0)),
    ] {
        checks.fails(
            &format!("udp-socket.stream: {name}"),
            bound().stream(Some(to)).map(drop),
            "InvalidArgument",
        );
    }
    checks.fails(
        "udp-socket.stream: an address that is not granted",
        bound().stream(Some(v4((192, 0, 2, 1), 80))).map(drop),
        "AccessDenied",
    );
}

fn connected(checks: &mut Checks) {
    let (one, other, third) = (bound(), bound(), bound());
    let streams = one.stream(Some(at(&other)));
    let Some((input, out)) = checks.good("udp-socket.stream: an address", streams) else { return };
    checks.equal(
        "udp-socket.remote-address: connected",
        one.remote_address().map(port).ok(),
        Some(port(at(&other))),
    );
    checks.equal(
        "outgoing-datagram-stream.send: connected, no address",
        send(&out, b"a", None).ok(),
        Some(1),
    );
    checks.equal(
        "outgoing-datagram-stream.send: connected, the same address",
        send(&out, b"b", Some(at(&other))).ok(),
        Some(1),
    );
    checks.fails(
        "outgoing-datagram-stream.send: connected, another address",
        send(&out, b"c", Some(at(&third))),
        "InvalidArgument",
    );
    let (_, stranger) = third.stream(None).expect("streams");
    let (_, peer) = other.stream(None).expect("streams");
    send(&stranger, b"stranger", Some(at(&one))).expect("it is sent");
    send(&peer, b"peer", Some(at(&one))).expect("it is sent");
    checks.equal(
        "incoming-datagram-stream.receive: connected, from the peer alone",
        receive(&input).ok().map(|got| got.data),
        Some(b"peer".to_vec()),
    );
    drop((input, out));
    checks.good("udp-socket.stream: no address dissociates", one.stream(None));
    checks.fails("udp-socket.remote-address: dissociated", one.remote_address(), "InvalidState");
}

fn readiness(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    socket.start_bind(&instance_network(), loopback(0)).expect("it is begun");
    let pollable = socket.subscribe();
    pollable.block();
    checks.good("udp-socket.subscribe: where it is ready, it is bound", socket.finish_bind());
    checks.equal("udp-socket.subscribe: a bound socket", pollable.ready(), true);
    let other = bound();
    let (input, _) = socket.stream(None).expect("streams");
    let (_, out) = other.stream(None).expect("streams");
    let pollable = input.subscribe();
    checks.equal("incoming-datagram-stream.subscribe: nothing has come", pollable.ready(), false);
    let sent = |number| {
        out.subscribe().block();
        out.check_send().is_ok_and(|room| room > 0)
            && send(&out, &[number], Some(at(&socket))).ok() == Some(1)
    };
    checks.equal(
        "outgoing-datagram-stream.subscribe: where it is ready, there is room",
        (0..20).filter(|number| sent(*number)).count(),
        20,
    );
    pollable.block();
    checks.equal("incoming-datagram-stream.subscribe: something has come", pollable.ready(), true);
    let mut all = [(); 20].map(|()| receive(&input).map(|got| got.data).unwrap_or_default());
    all.sort();
    checks.equal(
        "incoming-datagram-stream.receive: each of twenty, on its own",
        all,
        std::array::from_fn(|number| vec![number.try_into().unwrap_or_default()]),
    );
    checks.equal("incoming-datagram-stream.subscribe: all was received", pollable.ready(), false);
}

fn several(checks: &mut Checks) {
    let (one, other) = (bound(), bound());
    let (_, out) = one.stream(None).expect("streams");
    let (input, _) = other.stream(None).expect("streams");
    let datagram = |data: &[u8], to| OutgoingDatagram { data: data.to_vec(), remote_address: to };
    let to = Some(at(&other));
    out.subscribe().block();
    out.check_send().expect("it is open");
    checks.equal(
        "outgoing-datagram-stream.send: three",
        out.send(&[datagram(b"a", to), datagram(b"b", to), datagram(b"c", to)]).ok(),
        Some(3),
    );
    input.subscribe().block();
    checks.equal(
        "incoming-datagram-stream.receive: no more than are asked for",
        input.receive(2).map(|all| all.into_iter().map(|one| one.data).collect()).ok(),
        Some(vec![b"a".to_vec(), b"b".to_vec()]),
    );
    checks.equal(
        "incoming-datagram-stream.receive: those that are there, if more are asked for",
        input.receive(u64::MAX).map(|all| all.into_iter().map(|one| one.data).collect()).ok(),
        Some(vec![b"c".to_vec()]),
    );
    out.subscribe().block();
    out.check_send().expect("it is open");
    checks.equal(
        "outgoing-datagram-stream.send: up to the first that is wrong",
        out.send(&[datagram(b"d", to), datagram(b"e", None), datagram(b"f", to)]).ok(),
        Some(1),
    );
    checks.equal(
        "outgoing-datagram-stream.send: those before the wrong one arrive",
        receive(&input).map(|got| got.data).ok(),
        Some(b"d".to_vec()),
    );
    checks.equal(
        "outgoing-datagram-stream.send: those after the wrong one do not",
        input.receive(10).map(|all| all.len()).ok(),
        Some(0),
    );
}

/// Nobody receives where it is sent to, which this machine tells.
fn refused(checks: &mut Checks) {
    let (one, gone) = (bound(), bound());
    let nobody = at(&gone);
    drop(gone);
    let (input, out) = one.stream(Some(nobody)).expect("streams");
    send(&out, b"x", None).expect("it is sent");
    checks.fails(
        "incoming-datagram-stream.receive: nobody is there",
        receive(&input).map(|got| got.data),
        "ConnectionRefused",
    );
    // The second is sent when the first was refused.
    let sent = [(); 2].map(|()| send(&out, b"x", None));
    checks.fails(
        "outgoing-datagram-stream.send: nobody is there",
        sent.into_iter().collect::<Result<Vec<_>, _>>(),
        "ConnectionRefused",
    );
}

fn over_v6(checks: &mut Checks) {
    let [one, other] = [(); 2].map(|()| {
        let socket = create(IpAddressFamily::Ipv6);
        bind(&socket, loopback_v6(0)).expect("it is bound");
        socket
    });
    let (_, out) = one.stream(Some(at(&other))).expect("streams");
    let (input, _) = other.stream(None).expect("streams");
    send(&out, b"text", None).expect("it is sent");
    let got = receive(&input).ok();
    checks.equal(
        "incoming-datagram-stream.receive: over IPv6, and who sent it",
        got.map(|got| (got.data, port(got.remote_address))),
        Some((b"text".to_vec(), port(at(&one)))),
    );
    checks.equal("udp-socket.address-family: IPv6", one.address_family(), IpAddressFamily::Ipv6);
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
    checks.good(
        &format!("udp-socket.set-unicast-hop-limit: 42, {of}"),
        socket.set_unicast_hop_limit(42),
    );
    checks.equal(
        &format!("udp-socket.unicast-hop-limit: after 42, {of}"),
        socket.unicast_hop_limit().ok(),
        Some(42),
    );
    for value in [1, 10_000, u64::MAX] {
        checks.good(
            &format!("udp-socket.set-receive-buffer-size: {value}, {of}"),
            socket.set_receive_buffer_size(value),
        );
        checks.that(
            &format!("udp-socket.receive-buffer-size: after {value}, {of}"),
            socket.receive_buffer_size().ok(),
            |size| size.is_some_and(|size| size > 0),
        );
        checks.good(
            &format!("udp-socket.set-send-buffer-size: {value}, {of}"),
            socket.set_send_buffer_size(value),
        );
        checks.that(
            &format!("udp-socket.send-buffer-size: after {value}, {of}"),
            socket.send_buffer_size().ok(),
            |size| size.is_some_and(|size| size > 0),
        );
    }
}
