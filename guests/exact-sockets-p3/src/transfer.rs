//! TCP: what is sent is received.

use exact::Checks;
use wasip3::{
    sockets::types::{IpAddressFamily, TcpSocket},
    wit_stream,
};

use crate::loopback;

pub(crate) async fn pair() -> (TcpSocket, TcpSocket) {
    let server = TcpSocket::create(IpAddressFamily::Ipv4).expect("a socket is made");
    server.bind(loopback(0)).expect("it is bound");
    let mut clients = server.listen().expect("it listens");
    let client = TcpSocket::create(IpAddressFamily::Ipv4).expect("a socket is made");
    let address = server.get_local_address().expect("it is bound");
    client.connect(address).await.expect("it connects");
    (client, clients.next().await.expect("it is accepted"))
}

pub(crate) async fn check(checks: &mut Checks) {
    unconnected(checks).await;
    sending(checks).await;
    dropping(checks).await;
    large(checks).await;
}

async fn unconnected(checks: &mut Checks) {
    let socket = TcpSocket::create(IpAddressFamily::Ipv4).expect("a socket is made");
    let (mut writer, reader) = wit_stream::new();
    let sent = socket.send(reader);
    let left = writer.write_all(b"text".to_vec()).await;
    checks.equal("tcp-socket.send: takes nothing where it is not connected", left.len(), 4);
    checks.fails("tcp-socket.send: not connected", sent.await, "InvalidState");
    let (stream, end) = socket.receive();
    checks.equal(
        "tcp-socket.receive: a closed stream where it is not connected",
        stream.collect().await,
        vec![],
    );
    checks.fails("tcp-socket.receive: not connected", end.await, "InvalidState");
}

async fn sending(checks: &mut Checks) {
    let (client, server) = pair().await;
    let (mut writer, reader) = wit_stream::new();
    let sent = client.send(reader);
    let (mut received, end) = server.receive();
    writer.write_all(b"a".to_vec()).await;
    checks.equal("tcp-socket.receive: a byte at a time", received.next().await, Some(b'a'));
    writer.write_all(b"text".to_vec()).await;
    let (_again, reader) = wit_stream::new();
    checks.fails("tcp-socket.send: a second time", client.send(reader).await, "InvalidState");
    let (second, second_end) = server.receive();
    checks.equal(
        "tcp-socket.receive: a second time is a closed stream",
        second.collect().await,
        vec![],
    );
    checks.fails("tcp-socket.receive: a second time", second_end.await, "InvalidState");
    drop(writer);
    checks.good("tcp-socket.send: all is transmitted", sent.await);
    checks.equal(
        "tcp-socket.receive: all that was sent, until the peer shuts down",
        received.collect().await,
        b"text".to_vec(),
    );
    checks.good("tcp-socket.receive: a graceful end", end.await);
    let (mut writer, reader) = wit_stream::new();
    let answered = server.send(reader);
    let (received, end) = client.receive();
    writer.write_all(b"answer".to_vec()).await;
    drop(writer);
    checks.good("tcp-socket.send: after the peer has shut down its own side", answered.await);
    checks.equal(
        "tcp-socket.receive: after its own side is shut down",
        received.collect().await,
        b"answer".to_vec(),
    );
    checks.good("tcp-socket.receive: a graceful end of the other side", end.await);
}

async fn dropping(checks: &mut Checks) {
    let (client, server) = pair().await;
    let (mut writer, reader) = wit_stream::new();
    let sent = client.send(reader);
    drop(client);
    writer.write_all(b"text".to_vec()).await;
    drop(writer);
    checks.good("tcp-socket.send: goes on after the socket is dropped", sent.await);
    let (stream, end) = server.receive();
    drop(server);
    checks.equal(
        "tcp-socket.receive: goes on after the socket is dropped",
        stream.collect().await,
        b"text".to_vec(),
    );
    checks.good("tcp-socket.receive: ends well after the socket is dropped", end.await);

    let (client, server) = pair().await;
    let (stream, end) = client.receive();
    drop(stream);
    checks.good("tcp-socket.receive: no error where the reader stops", end.await);
    drop(server);

    let (client, server) = pair().await;
    drop(server);
    let (mut writer, reader) = wit_stream::new();
    let sent = client.send(reader);
    // The first write is answered by a reset; one of those after it sees that.
    for _ in 0..100 {
        if !writer.write_all(vec![0; 4096]).await.is_empty() {
            break;
        }
        wasip3::clocks::monotonic_clock::wait_for(1_000_000).await;
    }
    drop(writer);
    checks.that(
        "tcp-socket.send: a connection that the peer closed",
        sent.await.map_err(|error| exact::code(&error)),
        |got| {
            matches!(
                got.as_ref().map_err(String::as_str),
                Err("ConnectionBroken" | "ConnectionReset")
            )
        },
    );
}

async fn large(checks: &mut Checks) {
    let (client, server) = pair().await;
    let (mut writer, reader) = wit_stream::new();
    let sent = client.send(reader);
    let (stream, _end) = server.receive();
    let data: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let expected = data.clone();
    wasip3::spawn_local(async move {
        writer.write_all(data).await;
    });
    let received = stream.collect().await;
    checks.equal("tcp-socket.receive: a megabyte, as it was sent", received == expected, true);
    checks.good("tcp-socket.send: a megabyte", sent.await);
}
