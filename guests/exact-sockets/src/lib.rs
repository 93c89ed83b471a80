//! Holds `wasi:sockets` 0.2 to what its WIT file says. It is granted the loopback addresses.

mod lookup;
mod network;
mod stream;
mod tcp;
mod trap;
mod udp;

use exact::Checks;
use wasip2::{
    io::{
        poll::Pollable,
        streams::{InputStream, OutputStream},
    },
    sockets::{
        instance_network::instance_network,
        network::{
            ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
        },
        tcp::TcpSocket,
        tcp_create_socket::create_tcp_socket,
    },
};

exact::component_p2!(check, traps: trap::trap);

fn check(checks: &mut Checks) {
    tcp::check(checks);
    udp::check(checks);
    lookup::check(checks);
    network::check(checks);
    stream::check(checks);
}

fn v4(address: (u8, u8, u8, u8), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })
}

fn v6(address: (u16, u16, u16, u16, u16, u16, u16, u16), port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
}

fn loopback(port: u16) -> IpSocketAddress {
    v4((127, 0, 0, 1), port)
}

fn loopback_v6(port: u16) -> IpSocketAddress {
    v6((0, 0, 0, 0, 0, 0, 0, 1), port)
}

fn port(address: IpSocketAddress) -> u16 {
    match address {
        IpSocketAddress::Ipv4(address) => address.port,
        IpSocketAddress::Ipv6(address) => address.port,
    }
}

/// Asks again, each time that `pollable` is ready, until there is an answer.
fn finish<T>(pollable: &Pollable, ask: impl Fn() -> Result<T, ErrorCode>) -> Result<T, ErrorCode> {
    loop {
        match ask() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            answer => return answer,
        }
    }
}

fn create(family: IpAddressFamily) -> TcpSocket {
    create_tcp_socket(family).expect("a socket is made")
}

fn bind(socket: &TcpSocket, address: IpSocketAddress) -> Result<(), ErrorCode> {
    socket.start_bind(&instance_network(), address)?;
    finish(&socket.subscribe(), || socket.finish_bind())
}

fn connect(
    socket: &TcpSocket,
    address: IpSocketAddress,
) -> Result<(InputStream, OutputStream), ErrorCode> {
    socket.start_connect(&instance_network(), address)?;
    finish(&socket.subscribe(), || socket.finish_connect())
}

fn listen(socket: &TcpSocket) -> Result<(), ErrorCode> {
    socket.start_listen()?;
    finish(&socket.subscribe(), || socket.finish_listen())
}
