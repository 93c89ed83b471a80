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
    for (name, text) in [
        ("resolve-address-stream.resolve-next-address: localhost is this machine", "localhost"),
        ("resolve-addresses: a name that is not ASCII is made so", "ｌｏｃａｌｈｏｓｔ"),
    ] {
        checks.that(name, resolve(text), |found| {
            found.as_ref().is_ok_and(|found| {
                !found.is_empty() && found.iter().all(|one| is_v4(&[*one]) || is_v6(&[*one]))
            })
        });
    }
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
        ("a URL is no name", "http://localhost/"),
        ("an address with too many parts", "1.2.3.4.5"),
        ("an address that is too large", "256.0.0.1"),
        ("an address with a zero in it", "127.0.0.1\0"),
    ] {
        checks.fails(&format!("resolve-addresses: {name}"), resolve(text), "InvalidArgument");
    }
    checks.that(
        "resolve-address-stream.resolve-next-address: a name that there is not",
        resolve("does-not-exist.invalid"),
        |got| matches!(got, Err(ErrorCode::NameUnresolvable | ErrorCode::TemporaryResolverFailure)),
    );
    waiting(checks);
}

/// The names of answers, as they come from a look-up that is ready.
fn after_waiting(name: &str) -> (bool, [String; 3]) {
    let stream = resolve_addresses(&instance_network(), name).expect("it is well-formed");
    let pollable = stream.subscribe();
    pollable.block();
    let answers = [(); 3].map(|()| match stream.resolve_next_address() {
        Ok(Some(_)) => "an address".to_owned(),
        Ok(None) => "none".to_owned(),
        Err(error) => exact::code(&error),
    });
    (pollable.ready() && stream.subscribe().ready(), answers)
}

fn waiting(checks: &mut Checks) {
    let (ready, answers) = after_waiting("127.0.0.1");
    checks.equal(
        "resolve-address-stream.resolve-next-address: none after the last, again and again",
        answers,
        ["an address", "none", "none"].map(str::to_owned),
    );
    checks.equal("resolve-address-stream.subscribe: stays ready after the last", ready, true);
    let (ready, answers) = after_waiting("localhost");
    checks.equal(
        "resolve-address-stream.subscribe: where it is ready, the answer is there",
        (ready, answers[0].as_str()),
        (true, "an address"),
    );
    let (ready, answers) = after_waiting("does-not-exist.invalid");
    checks.that(
        "resolve-address-stream.subscribe: where it is ready, the error is there",
        (ready, answers[0].as_str()),
        |(ready, answer)| {
            *ready && ["NameUnresolvable", "TemporaryResolverFailure"].contains(answer)
        },
    );
    checks.that(
        "resolve-address-stream.resolve-next-address: an error stays one",
        &answers,
        |answers| answers.iter().all(|answer| *answer == answers[0]),
    );
}
