//! Sockets, by `wasi:sockets` itself: the standard library of this target has
//! none.

use std::net::{IpAddr, SocketAddr};

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::{OutgoingDatagram, OutgoingDatagramStream, UdpSocket};
use wasip2::sockets::udp_create_socket::create_udp_socket;

/// Connects to `address` by TCP.
pub fn connect(address: &str) -> Result<String, String> {
    let (family, remote) = parse(address)?;
    let socket = create_tcp_socket(family).map_err(name)?;
    socket.start_connect(&instance_network(), remote).map_err(name)?;
    socket.subscribe().block();
    socket.finish_connect().map_err(name)?;
    Ok("connected".to_owned())
}

/// Makes up to `count` sockets and keeps them while it waits for a second; how many there were.
pub fn hoard(count: &str) -> Result<String, String> {
    let count: usize = count.parse().map_err(|_| format!("{count:?} is not a number"))?;
    let make = |_| create_tcp_socket(IpAddressFamily::Ipv4).ok();
    let sockets: Vec<_> = (0..count).map_while(make).collect();
    subscribe_duration(1_000_000_000).block();
    Ok(sockets.len().to_string())
}

/// Sends one datagram to `address` by UDP.
pub fn send(address: &str) -> Result<String, String> {
    let (family, remote) = parse(address)?;
    let any = match family {
        IpAddressFamily::Ipv4 => "0.0.0.0:0",
        IpAddressFamily::Ipv6 => "[::]:0",
    };
    let socket = bound(any)?;
    let (_incoming, outgoing) = socket.stream(None).map_err(name)?;
    Ok(format!("sent {}", ping(&outgoing, remote)?))
}

/// Tells `peer` by UDP that a socket is bound at `local`, and answers with what that hears first.
pub fn hear(local: &str, peer: &str) -> Result<String, String> {
    let (_, peer) = parse(peer)?;
    let socket = bound(local)?;
    let (incoming, outgoing) = socket.stream(None).map_err(name)?;
    ping(&outgoing, peer)?;
    loop {
        incoming.subscribe().block();
        if let Some(datagram) = incoming.receive(1).map_err(name)?.pop() {
            return Ok(String::from_utf8_lossy(&datagram.data).into_owned());
        }
    }
}

fn bound(address: &str) -> Result<UdpSocket, String> {
    let (family, local) = parse(address)?;
    let socket = create_udp_socket(family).map_err(name)?;
    socket.start_bind(&instance_network(), local).map_err(name)?;
    socket.subscribe().block();
    socket.finish_bind().map_err(name)?;
    Ok(socket)
}

fn ping(outgoing: &OutgoingDatagramStream, remote: IpSocketAddress) -> Result<u64, String> {
    outgoing.subscribe().block();
    outgoing.check_send().map_err(name)?;
    let datagram = OutgoingDatagram { data: b"ping".to_vec(), remote_address: Some(remote) };
    outgoing.send(&[datagram]).map_err(name)
}

/// Listens at `address` by TCP.
pub fn listen(address: &str) -> Result<String, String> {
    let (family, local) = parse(address)?;
    let socket = create_tcp_socket(family).map_err(name)?;
    socket.start_bind(&instance_network(), local).map_err(name)?;
    socket.subscribe().block();
    socket.finish_bind().map_err(name)?;
    socket.start_listen().map_err(name)?;
    socket.subscribe().block();
    socket.finish_listen().map_err(name)?;
    Ok("listening".to_owned())
}

/// Looks `host` up; the addresses, one a line.
pub fn resolve(host: &str) -> Result<String, String> {
    let lookup = resolve_addresses(&instance_network(), host).map_err(name)?;
    let mut lines = String::new();
    loop {
        match lookup.resolve_next_address() {
            Ok(Some(address)) => lines += &format!("{}\n", plain(address)),
            Ok(None) => return Ok(lines),
            Err(ErrorCode::WouldBlock) => lookup.subscribe().block(),
            Err(error) => return Err(name(error)),
        }
    }
}

fn parse(address: &str) -> Result<(IpAddressFamily, IpSocketAddress), String> {
    match address.parse() {
        Ok(SocketAddr::V4(v4)) => {
            let address = v4.ip().octets().into();
            let address = Ipv4SocketAddress { port: v4.port(), address };
            Ok((IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(address)))
        }
        Ok(SocketAddr::V6(v6)) => {
            let address = Ipv6SocketAddress {
                port: v6.port(),
                flow_info: v6.flowinfo(),
                address: v6.ip().segments().into(),
                scope_id: v6.scope_id(),
            };
            Ok((IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(address)))
        }
        Err(_) => Err(format!("{address:?} is not an address and a port")),
    }
}

fn plain(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4(octets) => <[u8; 4]>::from(octets).into(),
        IpAddress::Ipv6(segments) => <[u16; 8]>::from(segments).into(),
    }
}

/// The name that WIT gives the error.
fn name(error: ErrorCode) -> String {
    error.name().to_owned()
}
