//! Hearing by UDP.

use std::net::SocketAddrV4;

use wasip3::sockets::types::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, UdpSocket,
};

/// Binds a socket at the first of two addresses, tells the second, and answers with what the socket
/// hears first.
pub async fn hear(addresses: &str) -> String {
    let Some((local, peer)) = addresses.split_once('/') else {
        return format!("{addresses:?} are not two addresses");
    };
    match (parse(local), parse(peer)) {
        (Some(local), Some(peer)) => match first(local, peer).await {
            Ok(data) => String::from_utf8_lossy(&data).into_owned(),
            Err(error) => format!("{error:?}"),
        },
        _ => format!("{addresses:?} are not addresses of IPv4 with ports"),
    }
}

async fn first(local: IpSocketAddress, peer: IpSocketAddress) -> Result<Vec<u8>, ErrorCode> {
    let socket = UdpSocket::create(IpAddressFamily::Ipv4)?;
    socket.bind(local)?;
    socket.send(b"ping".to_vec(), Some(peer)).await?;
    let (data, _from) = socket.receive().await?;
    Ok(data)
}

fn parse(address: &str) -> Option<IpSocketAddress> {
    let address: SocketAddrV4 = address.parse().ok()?;
    let (port, address) = (address.port(), address.ip().octets().into());
    Some(IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }))
}
