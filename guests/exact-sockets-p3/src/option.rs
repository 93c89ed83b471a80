//! TCP: options, which are set before and after a connection.

use exact::Checks;
use wasip3::sockets::types::{IpAddressFamily, TcpSocket};

use crate::{loopback, transfer::pair};

const SECOND: u64 = 1_000_000_000;

pub(crate) async fn check(checks: &mut Checks) {
    for (name, family) in [("IPv4", IpAddressFamily::Ipv4), ("IPv6", IpAddressFamily::Ipv6)] {
        let socket = TcpSocket::create(family).expect("a socket is made");
        all(checks, &socket, name);
    }
    let (client, server) = pair().await;
    all(checks, &client, "connected");
    all(checks, &server, "accepted");
    backlog(checks).await;
    inherited(checks).await;
}

fn all(checks: &mut Checks, socket: &TcpSocket, of: &str) {
    let mut sized = |name: &str,
                     value: u64,
                     set: Result<(), _>,
                     get: Result<u64, _>,
                     holds: fn(u64, u64) -> bool| {
        checks.good(&format!("tcp-socket.set-{name}: {value}, {of}"), set);
        checks.that(&format!("tcp-socket.get-{name}: after {value}, {of}"), get, |got| {
            got.as_ref().is_ok_and(|got| holds(value, *got))
        });
    };
    let close: fn(u64, u64) -> bool =
        |set, got| got >= 1 && (got == set || set < SECOND || set > 32_767 * SECOND);
    for value in [1, SECOND / 2, 10 * SECOND, u64::MAX] {
        sized(
            "keep-alive-idle-time",
            value,
            socket.set_keep_alive_idle_time(value),
            socket.get_keep_alive_idle_time(),
            close,
        );
        sized(
            "keep-alive-interval",
            value,
            socket.set_keep_alive_interval(value),
            socket.get_keep_alive_interval(),
            close,
        );
    }
    for value in [1, 5, u32::MAX] {
        let clamped: fn(u64, u64) -> bool = |set, got| got >= 1 && (got == set || set > 127);
        let set = socket.set_keep_alive_count(value);
        sized(
            "keep-alive-count",
            value.into(),
            set,
            socket.get_keep_alive_count().map(u64::from),
            clamped,
        );
    }
    for value in [1, 64, u8::MAX] {
        let set = socket.set_hop_limit(value);
        sized("hop-limit", value.into(), set, socket.get_hop_limit().map(u64::from), |set, got| {
            set == got
        });
    }
    // Sizes may be clamped, but the result of a large one is larger than that of a small one.
    for value in [1, 10_000, u64::MAX] {
        let about: fn(u64, u64) -> bool =
            |set, got| got > 0 && (set != 10_000 || (5_000..=20_000).contains(&got));
        sized(
            "receive-buffer-size",
            value,
            socket.set_receive_buffer_size(value),
            socket.get_receive_buffer_size(),
            about,
        );
        sized(
            "send-buffer-size",
            value,
            socket.set_send_buffer_size(value),
            socket.get_send_buffer_size(),
            about,
        );
    }
    for value in [true, false] {
        checks.good(
            &format!("tcp-socket.set-keep-alive-enabled: {value}, {of}"),
            socket.set_keep_alive_enabled(value),
        );
        checks.equal(
            &format!("tcp-socket.get-keep-alive-enabled: after {value}, {of}"),
            socket.get_keep_alive_enabled().ok(),
            Some(value),
        );
    }
    zeros(checks, socket, of);
}

fn zeros(checks: &mut Checks, socket: &TcpSocket, of: &str) {
    for (name, set) in [
        ("keep-alive-idle-time", socket.set_keep_alive_idle_time(0)),
        ("keep-alive-interval", socket.set_keep_alive_interval(0)),
        ("keep-alive-count", socket.set_keep_alive_count(0)),
        ("hop-limit", socket.set_hop_limit(0)),
        ("receive-buffer-size", socket.set_receive_buffer_size(0)),
        ("send-buffer-size", socket.set_send_buffer_size(0)),
    ] {
        checks.fails(&format!("tcp-socket.set-{name}: zero, {of}"), set, "InvalidArgument");
    }
}

async fn backlog(checks: &mut Checks) {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4).expect("a socket is made");
    checks.fails(
        "tcp-socket.set-listen-backlog-size: zero",
        socket.set_listen_backlog_size(0),
        "InvalidArgument",
    );
    checks.good("tcp-socket.set-listen-backlog-size: one", socket.set_listen_backlog_size(1));
    checks.good(
        "tcp-socket.set-listen-backlog-size: the largest",
        socket.set_listen_backlog_size(u64::MAX),
    );
    socket.bind(loopback(0)).expect("it is bound");
    checks.good(
        "tcp-socket.set-listen-backlog-size: a bound socket",
        socket.set_listen_backlog_size(10),
    );
    let listening = socket.listen();
    checks.that(
        "tcp-socket.set-listen-backlog-size: a listening socket",
        socket.set_listen_backlog_size(20).map_err(|error| exact::code(&error)),
        |got| matches!(got.as_ref().map_err(String::as_str), Ok(()) | Err("NotSupported")),
    );
    drop(listening);
    let (client, server) = pair().await;
    checks.fails(
        "tcp-socket.set-listen-backlog-size: a connected socket",
        client.set_listen_backlog_size(10),
        "InvalidState",
    );
    checks.fails(
        "tcp-socket.set-listen-backlog-size: an accepted socket",
        server.set_listen_backlog_size(10),
        "InvalidState",
    );
}

async fn inherited(checks: &mut Checks) {
    let server = TcpSocket::create(IpAddressFamily::Ipv4).expect("a socket is made");
    server.bind(loopback(0)).expect("it is bound");
    server.set_keep_alive_enabled(true).expect("it is set");
    server.set_keep_alive_idle_time(42 * SECOND).expect("it is set");
    server.set_keep_alive_interval(43 * SECOND).expect("it is set");
    server.set_keep_alive_count(7).expect("it is set");
    server.set_hop_limit(42).expect("it is set");
    server.set_receive_buffer_size(20_000).expect("it is set");
    server.set_send_buffer_size(20_000).expect("it is set");
    let mut clients = server.listen().expect("it listens");
    let client = TcpSocket::create(IpAddressFamily::Ipv4).expect("a socket is made");
    client.connect(server.get_local_address().expect("it is bound")).await.expect("it connects");
    let accepted = clients.next().await.expect("it is accepted");
    let mut same = |name: &str, got: Option<u64>, expected: Option<u64>| {
        checks.equal(&format!("tcp-socket.listen: accepted sockets inherit {name}"), got, expected);
    };
    let all = |socket: &TcpSocket| {
        [
            socket.get_keep_alive_enabled().ok().map(u64::from),
            socket.get_keep_alive_idle_time().ok(),
            socket.get_keep_alive_interval().ok(),
            socket.get_keep_alive_count().ok().map(u64::from),
            socket.get_hop_limit().ok().map(u64::from),
            socket.get_receive_buffer_size().ok(),
            socket.get_send_buffer_size().ok(),
        ]
    };
    let names = [
        "keep-alive-enabled",
        "keep-alive-idle-time",
        "keep-alive-interval",
        "keep-alive-count",
        "hop-limit",
        "receive-buffer-size",
        "send-buffer-size",
    ];
    for ((name, got), expected) in names.into_iter().zip(all(&accepted)).zip(all(&server)) {
        same(name, got, expected);
    }
}
