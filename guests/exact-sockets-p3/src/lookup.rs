//! Names.

use exact::Checks;
use wasip3::sockets::{ip_name_lookup::resolve_addresses, types::IpAddress};

pub(crate) async fn check(checks: &mut Checks) {
    let resolve = async |name: &str| resolve_addresses(name.to_owned()).await;
    let is_v4 = |found: &[IpAddress]| matches!(found, [IpAddress::Ipv4((127, 0, 0, 1))]);
    let is_v6 = |found: &[IpAddress]| matches!(found, [IpAddress::Ipv6((0, 0, 0, 0, 0, 0, 0, 1))]);
    checks.that(
        "resolve-addresses: an address of IPv4 is itself",
        resolve("127.0.0.1").await,
        |found| found.as_deref().is_ok_and(is_v4),
    );
    checks.that("resolve-addresses: an address of IPv6 is itself", resolve("::1").await, |found| {
        found.as_deref().is_ok_and(is_v6)
    });
    checks.that(
        "resolve-addresses: localhost is this machine",
        resolve("localhost").await,
        |found| {
            found.as_ref().is_ok_and(|found| {
                !found.is_empty() && found.iter().all(|one| is_v4(&[*one]) || is_v6(&[*one]))
            })
        },
    );
    checks.that(
        "resolve-addresses: an IPv4-mapped address is never given",
        resolve("::ffff:127.0.0.1").await,
        |found| {
            !found.as_ref().is_ok_and(|found| {
                found.iter().any(|one| matches!(one, IpAddress::Ipv6((0, 0, 0, 0, 0, 0xffff, ..))))
            })
        },
    );
    for (name, text) in [
        ("an empty name", ""),
        ("a name with a space", "a b"),
        ("a port is no part of a name", "localhost:80"),
        ("a URL is no name", "http://localhost/"),
        ("an address with too many parts", "1.2.3.4.5"),
        ("an address that is too large", "256.0.0.1"),
        (
            "a label that is too long",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
        ),
        ("an address with a zero in it", "127.0.0.1\0"),
    ] {
        checks.fails(&format!("resolve-addresses: {name}"), resolve(text).await, "InvalidArgument");
    }
    checks.that(
        "resolve-addresses: a name that there is not",
        resolve("does-not-exist.invalid").await.map_err(|error| exact::code(&error)),
        |got| {
            matches!(
                got.as_ref().map_err(String::as_str),
                Err("NameUnresolvable" | "TemporaryResolverFailure")
            )
        },
    );
    // A label of 64 bytes is one of fewer letters, and of fewer bytes as it is looked up.
    let long = format!("{}.invalid", "ü".repeat(32));
    for (name, text) in [
        ("a name that is not ASCII", "bücher.invalid"),
        ("a name that is short in ASCII", long.as_str()),
    ] {
        checks.that(
            &format!("resolve-addresses: {name}"),
            resolve(text).await.map_err(|error| exact::code(&error)),
            |got| {
                matches!(
                    got.as_ref().map_err(String::as_str),
                    Err("NameUnresolvable" | "TemporaryResolverFailure")
                )
            },
        );
    }
    checks.fails(
        "resolve-addresses: a name that is too long in ASCII",
        resolve(&format!("{}ü.invalid", "a".repeat(58))).await,
        "InvalidArgument",
    );
}
