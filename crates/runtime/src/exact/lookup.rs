//! `wasi:sockets/ip-name-lookup` 0.3: no address that is given is an IPv4-mapped one, and a name
//! that is too long is no name.

use wasmtime::component::LinkerInstance;
use wasmtime_wasi::{
    p3::bindings::sockets::{
        ip_name_lookup::{ErrorCode, HostWithStore},
        types::IpAddress,
    },
    sockets::WasiSockets,
};

use super::socket::View;
use crate::state::State;

/// Of a part between dots, and of a whole name: RFC 1035, section 2.3.4.
const LABEL_BYTES_AT_MOST: usize = 63;
const NAME_BYTES_AT_MOST: usize = 253;

pub(super) fn mend(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
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

/// Names that are not ASCII become longer when they are looked up, and are judged then.
fn is_too_long(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() > NAME_BYTES_AT_MOST
        || name.split('.').any(|label| label.len() > LABEL_BYTES_AT_MOST)
}

fn unmapped(address: IpAddress) -> IpAddress {
    match address {
        IpAddress::Ipv6((0, 0, 0, 0, 0, 0xffff, high, low)) => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            IpAddress::Ipv4((a, b, c, d))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_length() {
        assert!(!is_too_long(""));
        assert!(!is_too_long(&format!("{}.example.", "a".repeat(63))));
        assert!(is_too_long(&format!("{}.example", "a".repeat(64))));
        assert!(is_too_long(&"a.".repeat(127).repeat(2)));
    }
}
