//! TCP.

use exact::Checks;
use wasip2::{
    io::streams::{InputStream, OutputStream, StreamError},
    sockets::{
        instance_network::instance_network,
        network::{ErrorCode, IpAddressFamily},
        tcp::{ShutdownType, TcpSocket},
        tcp_create_socket::create_tcp_socket,
    },
};

use crate::{bind, connect, create, finish, listen, loopback, loopback_v6, port, v4, v6};

const SECOND: u64 = 1_000_000_000;

pub(crate) fn check(checks: &mut Checks) {
    checks.interface("wasi:sockets/tcp-create-socket@0.2.12");
    for (name, family) in [("ipv4", IpAddressFamily::Ipv4), ("ipv6", IpAddressFamily::Ipv6)] {
        checks.good(&format!("create-tcp-socket: {name}"), create_tcp_socket(family));
    }
    checks.interface("wasi:sockets/tcp@0.2.12");
    fresh(checks);
    binding(checks);
    wrong_addresses(checks);
    for (name, family, at) in [
        ("IPv4", IpAddressFamily::Ipv4, loopback(0)),
        ("IPv6", IpAddressFamily::Ipv6, loopback_v6(0)),
    ] {
        let server = create(family);
        bind(&server, at).expect("it is bound");
        transfer(checks, &server, family, name);
        options(checks, &create(family), name);
    }
    refused(checks);
}

fn fresh(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    checks.fails("tcp-socket.local-address: not bound", socket.local_address(), "InvalidState");
    checks.fails(
        "tcp-socket.remote-address: not connected",
        socket.remote_address(),
        "InvalidState",
    );
    checks.equal("tcp-socket.is-listening: a new socket does not", socket.is_listening(), false);
    checks.equal(
        "tcp-socket.address-family: what it was made with",
        socket.address_family(),
        IpAddressFamily::Ipv4,
    );
    checks.fails(
        "tcp-socket.finish-bind: nothing is in progress",
        socket.finish_bind(),
        "NotInProgress",
    );
    checks.fails(
        "tcp-socket.finish-connect: nothing is in progress",
        socket.finish_connect().map(drop),
        "NotInProgress",
    );
    checks.fails(
        "tcp-socket.finish-listen: nothing is in progress",
        socket.finish_listen(),
        "NotInProgress",
    );
    checks.fails("tcp-socket.start-listen: not bound", socket.start_listen(), "InvalidState");
    checks.fails("tcp-socket.accept: not listening", socket.accept().map(drop), "InvalidState");
    checks.fails(
        "tcp-socket.shutdown: not connected",
        socket.shutdown(ShutdownType::Both),
        "InvalidState",
    );
}

fn binding(checks: &mut Checks) {
    let socket = create(IpAddressFamily::Ipv4);
    checks.fails(
        "tcp-socket.start-bind: the wrong address family",
        bind(&socket, loopback_v6(0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.start-bind: a multicast address",
        bind(&socket, v4((224, 0, 0, 1), 0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.start-bind: the broadcast address",
        bind(&socket, v4((255, 255, 255, 255), 0)),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.finish-bind: an address that is not here",
        bind(&socket, v4((192, 0, 2, 1), 0)),
        "AddressNotBindable",
    );
    checks.good("tcp-socket.finish-bind: again after it failed", bind(&socket, loopback(0)));
    checks.that(
        "tcp-socket.local-address: a random free port",
        socket.local_address().map(port),
        |port| port.is_ok_and(|port| port > 0),
    );
    checks.fails(
        "tcp-socket.start-bind: a bound socket",
        bind(&socket, loopback(0)),
        "InvalidState",
    );
    checks.good("tcp-socket.finish-listen: a bound socket", listen(&socket));
    checks.equal("tcp-socket.is-listening: after listen", socket.is_listening(), true);
    checks.fails(
        "tcp-socket.start-listen: a listening socket",
        socket.start_listen(),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.accept: nobody has connected",
        socket.accept().map(drop),
        "WouldBlock",
    );
    let taken = socket.local_address().expect("it is bound");
    checks.fails(
        "tcp-socket.finish-bind: an address in use",
        bind(&create(IpAddressFamily::Ipv4), taken),
        "AddressInUse",
    );
    checks.fails(
        "tcp-socket.start-connect: a listening socket",
        connect(&socket, taken).map(drop),
        "InvalidState",
    );
    let socket = create(IpAddressFamily::Ipv6);
    checks.fails(
        "tcp-socket.start-bind: an IPv4-mapped address",
        bind(&socket, v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 0)),
        "InvalidArgument",
    );
}

fn wrong_addresses(checks: &mut Checks) {
    for (name, address) in [
        ("the wrong address family", loopback_v6(80)),
        ("a multicast address", v4((224, 0, 0, 1), 80)),
        ("the broadcast address", v4((255, 255, 255, 255), 80)),
        ("an address of zeros", v4((0, 0, 0, 0), 80)),
        ("a port of zero", loopback(0)),
    ] {
        let connected = connect(&create(IpAddressFamily::Ipv4), address).map(drop);
        checks.fails(&format!("tcp-socket.start-connect: {name}"), connected, "InvalidArgument");
    }
    let mapped = v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 80);
    checks.fails(
        "tcp-socket.start-connect: an IPv4-mapped address",
        connect(&create(IpAddressFamily::Ipv6), mapped).map(drop),
        "InvalidArgument",
    );
    checks.fails(
        "tcp-socket.finish-connect: an address that is not granted",
        connect(&create(IpAddressFamily::Ipv4), v4((192, 0, 2, 1), 80)).map(drop),
        "AccessDenied",
    );
}

fn transfer(checks: &mut Checks, server: &TcpSocket, family: IpAddressFamily, over: &str) {
    server.set_hop_limit(42).expect("it is set");
    server.set_keep_alive_idle_time(42 * SECOND).expect("it is set");
    listen(server).expect("it listens");
    let address = server.local_address().expect("it is bound");
    let client = create(family);
    let connected = connect(&client, address);
    let Some((input, output)) =
        checks.good(&format!("tcp-socket.finish-connect: over {over}"), connected)
    else {
        return;
    };
    let accepted = finish(&server.subscribe(), || server.accept());
    let Some((accepted, accepted_input, accepted_output)) =
        checks.good(&format!("tcp-socket.accept: over {over}"), accepted)
    else {
        return;
    };
    let same = |one: Result<_, ErrorCode>, other: Result<_, ErrorCode>| {
        (one.map(port).ok(), other.map(port).ok())
    };
    checks.that(
        &format!("tcp-socket.remote-address: is the other's local one, over {over}"),
        same(client.remote_address(), accepted.local_address()),
        |(one, other)| one.is_some() && one == other,
    );
    checks.that(
        &format!("tcp-socket.remote-address: of an accepted socket, over {over}"),
        same(accepted.remote_address(), client.local_address()),
        |(one, other)| one.is_some() && one == other,
    );
    checks.equal(
        &format!("tcp-socket.accept: inherits hop-limit, over {over}"),
        accepted.hop_limit().ok(),
        Some(42),
    );
    checks.equal(
        &format!("tcp-socket.accept: inherits keep-alive-idle-time, over {over}"),
        accepted.keep_alive_idle_time().ok(),
        Some(42 * SECOND),
    );
    checks.equal(
        &format!("tcp-socket.accept: inherits address-family, over {over}"),
        accepted.address_family(),
        family,
    );
    checks.fails(
        &format!("tcp-socket.start-connect: a connected socket, over {over}"),
        connect(&client, address).map(drop),
        "InvalidState",
    );
    checks.fails(
        &format!("tcp-socket.start-bind: a connected socket, over {over}"),
        bind(&client, loopback(0)),
        "InvalidState",
    );
    checks.fails(
        &format!("tcp-socket.set-listen-backlog-size: a connected socket, over {over}"),
        client.set_listen_backlog_size(1),
        "InvalidState",
    );
    checks.that(
        &format!("tcp-socket.finish-connect: the stream has nothing to read yet, over {over}"),
        input.read(10),
        |read| read.as_ref().is_ok_and(Vec::is_empty),
    );
    exchange(checks, over, &client, (&input, &output), (&accepted_input, &accepted_output));
}

type Streams<'a> = (&'a InputStream, &'a OutputStream);

fn exchange(
    checks: &mut Checks,
    over: &str,
    client: &TcpSocket,
    (input, output): Streams<'_>,
    (accepted_input, accepted_output): Streams<'_>,
) {
    output.blocking_write_and_flush(b"text").expect("it is sent");
    checks.equal(
        &format!("tcp-socket.accept: what was sent is received, over {over}"),
        accepted_input.blocking_read(10).ok(),
        Some(b"text".to_vec()),
    );
    accepted_output.blocking_write_and_flush(b"answer").expect("it is sent");
    checks.equal(
        &format!("tcp-socket.finish-connect: what was answered is received, over {over}"),
        input.blocking_read(10).ok(),
        Some(b"answer".to_vec()),
    );
    checks.good(
        &format!("tcp-socket.shutdown: sending, over {over}"),
        client.shutdown(ShutdownType::Send),
    );
    checks.that(
        &format!("tcp-socket.shutdown: the other reads to the end, over {over}"),
        accepted_input.blocking_read(10),
        |read| matches!(read, Err(StreamError::Closed)),
    );
    checks.that(
        &format!("tcp-socket.shutdown: nothing more is sent, over {over}"),
        output.blocking_write_and_flush(b"x"),
        |sent| matches!(sent, Err(StreamError::Closed)),
    );
    accepted_output.blocking_write_and_flush(b"more").expect("it is sent");
    checks.equal(
        &format!("tcp-socket.shutdown: sending leaves receiving, over {over}"),
        input.blocking_read(10).ok(),
        Some(b"more".to_vec()),
    );
    checks.good(
        &format!("tcp-socket.shutdown: receiving, over {over}"),
        client.shutdown(ShutdownType::Receive),
    );
    checks.that(
        &format!("tcp-socket.shutdown: nothing more is received, over {over}"),
        input.blocking_read(10),
        |read| matches!(read, Err(StreamError::Closed)),
    );
}

fn options(checks: &mut Checks, socket: &TcpSocket, of: &str) {
    for (name, set) in [
        ("keep-alive-idle-time", socket.set_keep_alive_idle_time(0)),
        ("keep-alive-interval", socket.set_keep_alive_interval(0)),
        ("keep-alive-count", socket.set_keep_alive_count(0)),
        ("hop-limit", socket.set_hop_limit(0)),
        ("receive-buffer-size", socket.set_receive_buffer_size(0)),
        ("send-buffer-size", socket.set_send_buffer_size(0)),
        ("listen-backlog-size", socket.set_listen_backlog_size(0)),
    ] {
        checks.fails(&format!("tcp-socket.set-{name}: zero, {of}"), set, "InvalidArgument");
    }
    for value in [1, 10 * SECOND, u64::MAX] {
        checks.good(
            &format!("tcp-socket.set-keep-alive-idle-time: {value}, {of}"),
            socket.set_keep_alive_idle_time(value),
        );
        checks.that(
            &format!("tcp-socket.keep-alive-idle-time: after {value}, {of}"),
            socket.keep_alive_idle_time().ok(),
            |got| got.is_some_and(|got| got > 0 && (value != 10 * SECOND || got == value)),
        );
        checks.good(
            &format!("tcp-socket.set-keep-alive-interval: {value}, {of}"),
            socket.set_keep_alive_interval(value),
        );
        checks.that(
            &format!("tcp-socket.keep-alive-interval: after {value}, {of}"),
            socket.keep_alive_interval().ok(),
            |got| got.is_some_and(|got| got > 0 && (value != 10 * SECOND || got == value)),
        );
        checks.good(
            &format!("tcp-socket.set-receive-buffer-size: {value}, {of}"),
            socket.set_receive_buffer_size(value),
        );
        checks.that(
            &format!("tcp-socket.receive-buffer-size: after {value}, {of}"),
            socket.receive_buffer_size().ok(),
            |got| got.is_some_and(|got| got > 0),
        );
        checks.good(
            &format!("tcp-socket.set-send-buffer-size: {value}, {of}"),
            socket.set_send_buffer_size(value),
        );
        checks.that(
            &format!("tcp-socket.send-buffer-size: after {value}, {of}"),
            socket.send_buffer_size().ok(),
            |got| got.is_some_and(|got| got > 0),
        );
    }
    checks
        .good(&format!("tcp-socket.set-keep-alive-count: 5, {of}"), socket.set_keep_alive_count(5));
    checks.equal(
        &format!("tcp-socket.keep-alive-count: after 5, {of}"),
        socket.keep_alive_count().ok(),
        Some(5),
    );
    checks.good(&format!("tcp-socket.set-hop-limit: 255, {of}"), socket.set_hop_limit(255));
    checks.equal(
        &format!("tcp-socket.hop-limit: after 255, {of}"),
        socket.hop_limit().ok(),
        Some(255),
    );
    checks.good(
        &format!("tcp-socket.set-keep-alive-enabled: true, {of}"),
        socket.set_keep_alive_enabled(true),
    );
    checks.equal(
        &format!("tcp-socket.keep-alive-enabled: after true, {of}"),
        socket.keep_alive_enabled().ok(),
        Some(true),
    );
    checks.good(
        &format!("tcp-socket.set-listen-backlog-size: the largest, {of}"),
        socket.set_listen_backlog_size(u64::MAX),
    );
}

fn refused(checks: &mut Checks) {
    let gone = create(IpAddressFamily::Ipv4);
    bind(&gone, loopback(0)).expect("it is bound");
    let unused = gone.local_address().expect("it is bound");
    let socket = create(IpAddressFamily::Ipv4);
    checks.good(
        "tcp-socket.start-connect: where nobody listens",
        socket.start_connect(&instance_network(), unused),
    );
    let pollable = socket.subscribe();
    checks.fails(
        "tcp-socket.finish-connect: where nobody listens",
        finish(&pollable, || socket.finish_connect().map(drop)),
        "ConnectionRefused",
    );
    checks.fails(
        "tcp-socket.start-connect: after it failed",
        connect(&socket, unused).map(drop),
        "InvalidState",
    );
    checks.equal("tcp-socket.subscribe: a closed socket is ready", pollable.ready(), true);
}
