//! `wasi:sockets/ip-name-lookup` 0.2 and 0.3: no returned address is an IPv4-mapped one, and a name
//! that is too long is not valid.
//!
//! A failed lookup is `name-unresolvable`, even if the name server did not answer: the standard
//! library, which looks up names, returns the resolver's codes only as text, which differs between
//! systems.

use url::Host;
use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource},
};
use wasmtime_wasi::{
    p2::bindings::sockets::{
        ip_name_lookup::{Host as Host_0_2, HostResolveAddressStream, ResolveAddressStream},
        network::{ErrorCode as ErrorCode_0_2, IpAddress as IpAddress_0_2, Network},
    },
    p3::bindings::sockets::{
        ip_name_lookup::{ErrorCode, HostWithStore},
        types::IpAddress,
    },
    sockets::WasiSockets,
};

use super::{or_code, socket::View};
use crate::state::State;

/// Of a part between dots, and of a whole name: RFC 1035, section 2.3.4.
const MAX_LABEL_BYTES: usize = 63;
const MAX_NAME_BYTES: usize = 253;

pub(super) fn override_0_3(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap_concurrent("resolve-addresses", move |store, (name,): (String,)| {
        let sockets = store.with_getter::<WasiSockets>(view);
        Box::pin(async move {
            if is_too_long(&name) {
                return Ok((Err(ErrorCode::InvalidArgument),));
            }
            let found = WasiSockets::resolve_addresses(&sockets, name).await?;
            let plain = |found: Vec<_>| found.into_iter().map(unmapped).collect::<Vec<_>>();
            Ok((found.map(plain),))
        })
    })
}

pub(super) fn override_0_2(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap(
        "resolve-addresses",
        move |mut store: StoreContextMut<'_, State>,
              (network, name): (Resource<Network>, String)| {
            if is_too_long(&name) {
                return Ok((Err(ErrorCode_0_2::InvalidArgument),));
            }
            let mut sockets = view(store.data_mut());
            Ok((or_code(Host_0_2::resolve_addresses(&mut sockets, network, name))?,))
        },
    )?;
    target.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        move |mut store: StoreContextMut<'_, State>,
              (stream,): (Resource<ResolveAddressStream>,)| {
            let mut sockets = view(store.data_mut());
            let next = or_code(sockets.resolve_next_address(stream))?;
            Ok((next.map(|address| address.map(unmapped_0_2)),))
        },
    )
}

/// Whether a name is longer than one can be, as it is looked up: in ASCII. wasmtime rejects invalid
/// names, which it parses in the same way.
fn is_too_long(name: &str) -> bool {
    let Ok(Host::Domain(name)) = Host::parse(name) else { return false };
    let name = name.strip_suffix('.').unwrap_or(&name);
    name.len() > MAX_NAME_BYTES || name.split('.').any(|label| label.len() > MAX_LABEL_BYTES)
}

fn unmapped(address: IpAddress) -> IpAddress {
    match address {
        IpAddress::Ipv6((0, 0, 0, 0, 0, 0xffff, high, low)) => {
            IpAddress::Ipv4(ipv4_within(high, low))
        }
        address => address,
    }
}

fn unmapped_0_2(address: IpAddress_0_2) -> IpAddress_0_2 {
    match address {
        IpAddress_0_2::Ipv6((0, 0, 0, 0, 0, 0xffff, high, low)) => {
            IpAddress_0_2::Ipv4(ipv4_within(high, low))
        }
        address => address,
    }
}

fn ipv4_within(high: u16, low: u16) -> (u8, u8, u8, u8) {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    (a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_length() {
        assert!(!is_too_long(""));
        assert!(!is_too_long("127.0.0.1"));
        assert!(!is_too_long(&format!("{}.example.", "a".repeat(63))));
        assert!(is_too_long(&format!("{}.example", "a".repeat(64))));
        assert!(is_too_long(&"a.".repeat(127).repeat(2)));
    }

    #[test]
    fn a_name_is_as_long_as_it_is_in_ascii() {
        // Of 64 bytes, and fewer in ASCII, where a letter that comes again takes one.
        assert!(!is_too_long(&format!("{}.example", "ü".repeat(32))));
        // Of 60 bytes, and more than 63 with what it takes to say which letters they are.
        assert!(is_too_long(&format!("{}ü.example", "a".repeat(58))));
    }
}
