//! Asks a server by HTTP over TLS, and answers with all that it says: `/PORT/NAME`, where NAME is whom
//! the server's certificate has to be of.

use std::net::Ipv4Addr;

use wasip2::{
    http::types::{IncomingRequest, ResponseOutparam},
    io::streams::{InputStream, OutputStream, StreamError},
    sockets::{
        instance_network::instance_network,
        network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress},
        tcp::TcpSocket,
        tcp_create_socket::create_tcp_socket,
    },
};

wit_bindgen::generate!({
    path: ["../../wit/wasi-tls-0.2.0-draft", "../wit/tls.wit"],
    world: "test:tls/user",
    features: ["tls"],
    with: {
        "wasi:io/error@0.2.12": wasip2::io::error,
        "wasi:io/poll@0.2.12": wasip2::io::poll,
        "wasi:io/streams@0.2.12": wasip2::io::streams,
    },
    generate_all,
});

use wasi::tls::types::ClientHandshake;

struct Tls;

wasip2::http::proxy::export!(Tls);

impl wasip2::exports::http::incoming_handler::Guest for Tls {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let (port, name) = path[1..].split_once('/').expect("a port and a name");
        match ask(port.parse().expect("a port"), name) {
            Ok(answer) => reply::text(out, &answer),
            Err(error) => reply::failure(out, &error),
        }
    }
}

fn ask(port: u16, name: &str) -> Result<String, String> {
    let (_socket, input, output) = connect(port).map_err(|code| code.to_string())?;
    let streams = ClientHandshake::finish(ClientHandshake::new(name, input, output));
    let connected = loop {
        if let Some(connected) = streams.get() {
            break connected.expect("asked once");
        }
        streams.subscribe().block();
    };
    let (connection, input, output) = connected.map_err(|error| error.to_debug_string())?;
    let failed = |error: StreamError| error.to_string();
    let request = format!("GET / HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n");
    output.blocking_write_and_flush(request.as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    loop {
        match input.blocking_read(4096) {
            Ok(read) => answer.extend(read),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    connection.close_output();
    drop((input, output));
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn connect(port: u16) -> Result<(TcpSocket, InputStream, OutputStream), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    let address = Ipv4SocketAddress { port, address: Ipv4Addr::LOCALHOST.octets().into() };
    socket.start_connect(&instance_network(), IpSocketAddress::Ipv4(address))?;
    let (input, output) = loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            connected => break connected?,
        }
    };
    Ok((socket, input, output))
}
