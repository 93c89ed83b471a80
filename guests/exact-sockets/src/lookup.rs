//! Names.

use exact::Checks;
use wasip2::sockets::{
    instance_network::instance_network,
    ip_name_lookup::resolve_addresses,
    network::{ErrorCode, IpAddress},
};

use crate::finish;

fn resolve(name: &str) -> Result<Vec<IpAddress>, ErrorCode> {
    let stream = resolve_addresses(&instance_network(), name)?;
    let pollable = stream.subscribe();
    let mut found = Vec::new();
    while let Some(address) = finish(&pollable, || stream.resolve_next_address())? {
        found.push(address);
    }
    Ok(found)
}

pub(crate) fn check(checks: &mut Checks) {
    checks.interface("wasi:sockets/ip-name-lookup@0.2.12");
    let is_v4 = |found: &[IpAddress]| matches!(found, [IpAddress::Ipv4((127, 0, 0, 1))]);
    let is_v6 = |found: &[IpAddress]| matches!(found, [IpAddress::Ipv6((0, 0, 0, 0, 0, 0, 0, 1))]);
    checks.that("resolve-addresses: an address of IPv4 is itself", resolve("127.0.0.1"), |found| {
        found.as_deref().is_ok_and(is_v4)
    });
    checks.that("resolve-addresses: an address of IPv6 is itself", resolve("::1"), |found| {
        found.as_deref().is_ok_and(is_v6)
    });
    checks.that(
        "resolve-address-stream.resolve-next-address: localhost is this machine",
        resolve("localhost"),
        |found| {
            found.as_ref().is_ok_and(|found| {
                !found.is_empty() && found.iter().all(|one| is_v4(&[*one]) || is_v6(&[*one]))
            })
        },
    );
    checks.that(
        "resolve-addresses: an IPv4-mapped address is never given",
        resolve("::ffff:127.0.0.1"),
        |found| found.as_deref().is_ok_and(is_v4),
    );
    let long = format!("{}.example", "a".repeat(64));
    checks.fails("resolve-addresses: a label that is too long", resolve(&long), "InvalidArgument");
    for (name, text) in [
        ("an empty name", ""),
        ("a name with a space", "a b"),
        ("a port is no part of a name", "localhost:80"),
    ] {
        checks.fails(&format!("resolve-addresses: {name}"), resolve(text), "InvalidArgument");
    }
    checks.that(
        "resolve-address-stream.resolve-next-address: a name that there is not",
        resolve("does-not-exist.invalid"),
        |got| matches!(got, Err(ErrorCode::NameUnresolvable | ErrorCode::TemporaryResolverFailure)),
    );
}
