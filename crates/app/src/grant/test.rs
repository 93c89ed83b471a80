//! What grants allow, as tables.

use proptest::prelude::*;

use super::*;

fn http(url: &str) -> HttpGrant {
    let text = format!(
        "[app]\nname = \"a\"\n[component.c]\nsource = \"c.wasm\"\ngrant.http = [\"{url}\"]\n"
    );
    let app = crate::App::from_toml("keyway.toml", &text, "".as_ref()).expect("it is a grant");
    let component = app.components.into_values().next().expect("there is one component");
    component.grant.http.into_iter().next().expect("there is one grant")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("it is an address")
}

#[test]
fn http_is_granted_by_scheme_host_and_port() {
    use HttpScheme::{Http, Https};
    let cases = [
        ("https://api.example.com", Https, "api.example.com", 443, true),
        ("https://api.example.com", Https, "API.Example.COM", 443, true),
        ("https://API.example.com", Https, "api.example.com", 443, true),
        ("https://api.example.com", Https, "api.example.com.", 443, true),
        ("https://api.example.com.", Https, "api.example.com", 443, true),
        ("https://api.example.com", Https, "api.example.com..", 443, false),
        ("https://api.example.com", Http, "api.example.com", 443, false),
        ("https://api.example.com", Http, "api.example.com", 80, false),
        ("https://api.example.com", Https, "api.example.com", 8443, false),
        ("https://api.example.com:8443", Https, "api.example.com", 8443, true),
        ("https://api.example.com:8443", Https, "api.example.com", 443, false),
        ("http://api.example.com", Http, "api.example.com", 80, true),
        ("https://api.example.com", Https, "other.api.example.com", 443, false),
        ("https://api.example.com", Https, "api.example.com.evil.org", 443, false),
        ("https://*.example.com", Https, "api.example.com", 443, true),
        ("https://*.example.com", Https, "a.b.Example.com", 443, true),
        ("https://*.example.com", Https, "api.example.com.", 443, true),
        ("https://*.example.com", Https, "example.com", 443, false),
        ("https://*.example.com", Https, ".example.com", 443, false),
        ("https://*.example.com", Https, "badexample.com", 443, false),
        ("https://*.example.com", Https, "é.example.com", 443, true),
        ("https://*.example.com", Https, "éexample.com", 443, false),
        ("http://[::1]:8080", Http, "[::1]", 8080, true),
        ("http://[::1]:8080", Http, "[0:0:0:0:0:0:0:1]", 8080, true),
        ("http://[::1]:8080", Http, "::1", 8080, true),
        ("http://[::1]:8080", Http, "[::2]", 8080, false),
        ("http://10.0.0.5", Http, "[::ffff:10.0.0.5]", 80, true),
        ("http://[::ffff:10.0.0.5]", Http, "10.0.0.5", 80, true),
    ];
    for (url, scheme, host, port, expected) in cases {
        let allowed = http(url).allows(scheme, host, port);
        assert_eq!(allowed, expected, "{url} for {scheme:?} {host} {port}");
    }
}

#[test]
fn a_host_is_reached_at_public_addresses_and_at_those_named() {
    let named = HttpGrant {
        addresses: vec!["10.0.0.0/8".parse().expect("it is a network")],
        ..http("https://db.internal")
    };
    let cases = [
        (&named, "1.1.1.1", true),
        (&named, "10.2.3.4", true),
        (&named, "::ffff:10.2.3.4", true),
        (&named, "192.168.0.1", false),
        (&named, "127.0.0.1", false),
        (&http("https://api.example.com"), "10.2.3.4", false),
        (&http("http://localhost"), "127.0.0.53", true),
        (&http("http://localhost"), "::1", true),
        (&http("http://localhost"), "10.0.0.1", false),
        (&http("http://10.0.0.5"), "10.0.0.5", true),
        (&http("http://10.0.0.5"), "10.0.0.6", false),
        (&http("http://[::ffff:10.0.0.5]"), "10.0.0.5", true),
    ];
    for (grant, text, expected) in cases {
        assert_eq!(grant.allows_address(address(text)), expected, "{grant:?} at {text}");
    }
}

#[test]
fn addresses_of_special_use_are_not_public() {
    let public = [
        "1.1.1.1",
        "9.255.255.255",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "2001:200::1",
        // IPv4 within IPv6: mapped, NAT64, 6to4.
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
        "2002:101:101::1",
    ];
    let special = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff::1",
        "3fff::1",
        "4000::1",
        "64:ff9b:1::1",
        // Private IPv4 within IPv6: mapped, NAT64, 6to4.
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
    ];
    for text in public {
        assert!(is_public(address(text)), "{text} is public");
    }
    for text in special {
        assert!(!is_public(address(text)), "{text} is not public");
    }
}

#[test]
fn sockets_are_granted_by_network_port_and_direction() {
    use SocketDirection::{Connect, Listen};
    let grant = |network: Option<&str>, port, direction| SocketGrant {
        network: network.map(|network| network.parse().expect("it is a network")),
        port,
        direction,
    };
    let network = grant(Some("10.0.0.0/8"), None, Connect);
    let exact = grant(Some("10.0.0.5/32"), Some(5432), Connect);
    let every = grant(None, Some(443), Connect);
    let listen = grant(Some("::1/128"), Some(9000), Listen);
    let cases = [
        (&network, "10.9.9.9:1", Connect, true),
        (&network, "[::ffff:10.9.9.9]:1", Connect, true),
        (&network, "11.0.0.1:1", Connect, false),
        (&network, "10.9.9.9:1", Listen, false),
        (&exact, "10.0.0.5:5432", Connect, true),
        (&exact, "10.0.0.5:5433", Connect, false),
        (&exact, "10.0.0.6:5432", Connect, false),
        (&every, "1.1.1.1:443", Connect, true),
        (&every, "[2606:4700::1]:443", Connect, true),
        (&every, "1.1.1.1:80", Connect, false),
        (&listen, "[::1]:9000", Listen, true),
        (&listen, "[::1]:9000", Connect, false),
        (&listen, "0.0.0.0:9000", Listen, false),
    ];
    for (grant, text, direction, expected) in cases {
        let address = text.parse().expect("it is an address");
        assert_eq!(grant.allows(address, direction), expected, "{grant:?} for {text}");
    }
}

proptest! {
    #[test]
    fn an_address_is_as_public_within_ipv6(address: Ipv4Addr) {
        let [a, b, c, d] = address.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        let public = is_public(IpAddr::V4(address));
        for within in [
            address.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ] {
            prop_assert_eq!(is_public(IpAddr::V6(within)), public, "{}", within);
        }
    }
}
