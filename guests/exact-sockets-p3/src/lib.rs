//! Holds `wasi:sockets` 0.3 to what its WIT file says. It is granted the loopback addresses.

mod lookup;
mod option;
mod tcp;
mod transfer;
mod udp;

use exact::Checks;
use wasip3::sockets::types::{IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress};

exact::component_p3!(check);

async fn check(checks: &mut Checks) {
    checks.interface("wasi:sockets/types@0.3.0");
    tcp::check(checks).await;
    transfer::check(checks).await;
    option::check(checks).await;
    udp::check(checks).await;
    checks.interface("wasi:sockets/ip-name-lookup@0.3.0");
    lookup::check(checks).await;
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

fn port(address: &IpSocketAddress) -> u16 {
    match address {
        IpSocketAddress::Ipv4(address) => address.port,
        IpSocketAddress::Ipv6(address) => address.port,
    }
}

fn text(address: impl std::fmt::Debug) -> String {
    format!("{address:?}")
}
