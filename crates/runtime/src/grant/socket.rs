//! TCP and UDP: which addresses a component may connect to, send to and listen on.

use std::{net::SocketAddr, sync::Arc};

use keyway_app::grant::{self, SocketDirection};
use wasmtime_wasi::{WasiCtxBuilder, sockets::SocketAddrUse};

use crate::{
    descriptor,
    plan::{Member, Plan},
};

/// Lets through what the member in `slot` is granted.
pub(super) fn allow(builder: &mut WasiCtxBuilder, plan: &Arc<Plan>, slot: usize) {
    let grant = &plan.members[slot].principal.grant;
    // Who may not look up names has no function for it.
    builder
        .allow_ip_name_lookup(true)
        .allow_tcp(!grant.tcp.is_empty())
        .allow_udp(!grant.udp.is_empty());
    let plan = Arc::clone(plan);
    builder.socket_addr_check(move |address, usage| {
        let allowed = check(&plan.members[slot], address, usage);
        Box::pin(async move { allowed })
    });
}

fn check(member: &Member, address: SocketAddr, usage: SocketAddrUse) -> bool {
    use SocketDirection::{Connect, Listen};
    let (protocol, grants, direction) = match usage {
        SocketAddrUse::TcpBind | SocketAddrUse::TcpListen => {
            (Protocol::Tcp, &member.principal.grant.tcp, Listen)
        }
        // The listener was granted; whom it hears is not restricted, only how many.
        SocketAddrUse::TcpAccept => return descriptor::check_left().is_ok(),
        SocketAddrUse::TcpConnect => (Protocol::Tcp, &member.principal.grant.tcp, Connect),
        SocketAddrUse::UdpBind => (Protocol::Udp, &member.principal.grant.udp, Listen),
        SocketAddrUse::UdpSend => (Protocol::Udp, &member.principal.grant.udp, Connect),
        SocketAddrUse::UdpReceive => {
            let grants = &member.principal.grant.udp;
            // A datagram is let in from where one may be sent to, and from all for a listener.
            return grants.iter().any(|g| g.direction == Listen || g.allows(address, Connect));
        }
    };
    // Whoever connects is bound first, to a port that the system picks. That reaches nobody yet:
    // connecting, sending and listening are asked for on their own.
    let binds = matches!(usage, SocketAddrUse::TcpBind | SocketAddrUse::UdpBind);
    if binds && address.port() == 0 {
        return true;
    }
    let allowed = grants.iter().any(|grant| grant.allows(address, direction));
    if !allowed {
        let name = &member.principal.name;
        let line = match (protocol, direction) {
            (Protocol::Tcp, Connect) => grant::suggest_tcp(name, address),
            (Protocol::Udp, Connect) => grant::suggest_udp(name, address),
            (Protocol::Tcp, Listen) => grant::suggest_tcp_listen(name, address),
            (Protocol::Udp, Listen) => grant::suggest_udp_listen(name, address),
        };
        let what = match direction {
            Connect => format!("{protocol} to {address}"),
            Listen => format!("listening for {protocol} at {address}"),
        };
        member.report(&what, line);
    }
    allowed
}

#[derive(Clone, Copy)]
enum Protocol {
    Tcp,
    Udp,
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}
