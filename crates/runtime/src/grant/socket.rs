//! TCP and UDP: which addresses a component may connect to, send to and listen on.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use keyway_app::{
    grant::{SocketDirection, SocketGrant},
    lack::{Lack, Protocol},
};
use wasmtime_wasi::{
    WasiCtxBuilder,
    sockets::{SocketAddrUse, WasiSocketsCtx},
};

use crate::{
    descriptor,
    grant::plan::{Member, Plan},
};

/// What the next socket of the member in `slot` is made by. wasmtime tells a check what is done with
/// an address, and not by which socket; a socket keeps the check that it was made with, so each one
/// has its own.
pub(crate) fn context(plan: &Arc<Plan>, slot: usize) -> WasiSocketsCtx {
    let mut builder = WasiCtxBuilder::new();
    if plan.members.get(slot).is_some() {
        allow(&mut builder, plan, slot);
    }
    builder.build().sockets().clone()
}

/// Lets through what the member in `slot` is granted, for one socket.
pub(super) fn allow(builder: &mut WasiCtxBuilder, plan: &Arc<Plan>, slot: usize) {
    let grant = &plan.members[slot].principal.grant;
    // A component that may not look up names has no function for it.
    builder
        .allow_ip_name_lookup(true)
        .allow_tcp(!grant.tcp.is_empty())
        .allow_udp(!grant.udp.is_empty());
    let plan = Arc::clone(plan);
    let hearing = Hearing::default();
    builder.socket_addr_check(move |address, usage| {
        let member = &plan.members[slot];
        let granted = &member.principal.grant.udp;
        let allowed = match usage {
            SocketAddrUse::UdpReceive => hearing.hears(granted, address),
            SocketAddrUse::UdpBind => {
                hearing.bind(granted, address);
                check(member, address, usage)
            }
            _ => check(member, address, usage),
        };
        Box::pin(async move { allowed })
    });
}

/// Whom a UDP socket hears: all, if it is bound where its component is granted to listen. All other
/// sockets are bound somewhere too, to receive replies, and hear only peers that they may send to.
#[derive(Default)]
struct Hearing {
    all: AtomicBool,
}

impl Hearing {
    /// The socket is about to be bound. It may fail, and be bound elsewhere; it is bound once.
    fn bind(&self, granted: &[SocketGrant], local: SocketAddr) {
        let listens = granted.iter().any(|grant| grant.allows(local, SocketDirection::Listen));
        self.all.store(listens, Relaxed);
    }

    fn hears(&self, granted: &[SocketGrant], remote: SocketAddr) -> bool {
        self.all.load(Relaxed)
            || granted.iter().any(|grant| grant.allows(remote, SocketDirection::Connect))
    }
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
        SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
            (Protocol::Udp, &member.principal.grant.udp, Connect)
        }
    };
    // A connecting socket is bound first, to a port that the system picks. That reaches nothing
    // yet: connecting, sending and listening are checked separately.
    let binds = matches!(usage, SocketAddrUse::TcpBind | SocketAddrUse::UdpBind);
    if binds && address.port() == 0 {
        return true;
    }
    let allowed = grants.iter().any(|grant| grant.allows(address, direction));
    if !allowed {
        let name = match protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        };
        let what = match direction {
            Connect => format!("{name} to {address}"),
            Listen => format!("listening for {name} at {address}"),
        };
        member.report(&what, &Lack::Socket { protocol, address: Some(address), direction });
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(grants: [(&str, SocketDirection); 2]) -> Vec<SocketGrant> {
        let parse = |(text, direction): (&str, SocketDirection)| {
            let address: SocketAddr = text.parse().expect("an address");
            let network = Some(address.ip().into());
            SocketGrant { network, port: Some(address.port()), direction }
        };
        grants.into_iter().map(parse).collect()
    }

    #[test]
    fn a_socket_hears_all_where_it_may_listen_and_nowhere_else() {
        use SocketDirection::{Connect, Listen};
        let granted = granted([("127.0.0.1:9000", Listen), ("127.0.0.1:53", Connect)]);
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let hears = |local: Option<&str>, remote: &str| {
            let hearing = Hearing::default();
            if let Some(local) = local {
                hearing.bind(&granted, at(local));
            }
            hearing.hears(&granted, at(remote))
        };
        assert!(hears(Some("127.0.0.1:9000"), "192.0.2.1:7"));
        for elsewhere in [None, Some("0.0.0.0:0"), Some("127.0.0.1:0"), Some("127.0.0.1:9001")] {
            assert!(!hears(elsewhere, "192.0.2.1:7"), "{elsewhere:?}");
            assert!(hears(elsewhere, "127.0.0.1:53"), "{elsewhere:?}");
        }
        // Bound where it may listen in vain, and then elsewhere.
        let hearing = Hearing::default();
        hearing.bind(&granted, at("127.0.0.1:9000"));
        hearing.bind(&granted, at("0.0.0.0:0"));
        assert!(!hearing.hears(&granted, at("192.0.2.1:7")));
    }
}
