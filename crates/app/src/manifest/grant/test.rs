//! What the texts of grants are read as.

use super::*;

#[test]
fn a_url_is_a_scheme_a_host_and_a_port() {
    let exact = |host: &str| HostPattern::Exact(host.to_owned());
    let cases = [
        ("https://a.example.com", exact("a.example.com"), 443),
        ("http://a.example.com/", exact("a.example.com"), 80),
        ("http://A.Example.com.:8080", exact("a.example.com"), 8080),
        ("http://a_b", exact("a_b"), 80),
        ("https://*.Example.com", HostPattern::Subdomain(".example.com".to_owned()), 443),
        ("http://10.0.0.5:81", exact("10.0.0.5"), 81),
        ("http://[0:0::1]", exact("::1"), 80),
        ("http://[::ffff:10.0.0.5]:81", exact("10.0.0.5"), 81),
    ];
    for (text, host, port) in cases {
        let grant = parse_url(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
        assert_eq!((grant.host, grant.port), (host, port), "{text}");
    }
}

#[test]
fn what_is_no_url_of_a_host_is_refused() {
    let cases = [
        "",
        "https:",
        "https:///",
        "HTTPS://a.example.com",
        "https://a.example.com//",
        "https://a.example.com?",
        "https://a.example.com#a",
        "https://a:b@c",
        "https://a.example.com:",
        "https://a.example.com:0",
        "https://a.example.com:+80",
        "https://a.example.com:65536",
        "https://a..example.com",
        "https://a.example.com..",
        "https://.",
        "https://*",
        "https://*.",
        "https://*.*.com",
        "https://a*.example.com",
        "https://é.example.com",
        "https://a b",
        "https://10.0.0",
        "https://*.10.0.0.5",
        "https://::1",
        "https://[]",
        "https://[::1",
        "https://[::1]]",
        "https://[::1%25eth0]",
        "https://[10.0.0.5]",
        "https://[a.example.com]",
    ];
    for text in cases {
        assert!(parse_url(text).is_err(), "{text}");
    }
}

#[test]
fn a_socket_is_a_network_and_a_port() {
    let cases = [
        ("10.0.0.5:5432", Some("10.0.0.5/32"), Some(5432)),
        ("10.0.0.5:*", Some("10.0.0.5/32"), None),
        ("10.0.0.0/8:80", Some("10.0.0.0/8"), Some(80)),
        ("*:443", None, Some(443)),
        ("*:*", None, None),
        ("[::1]:53", Some("::1/128"), Some(53)),
        ("[::1]:*", Some("::1/128"), None),
        ("[fe80::1%3]:53", Some("fe80::1/128"), Some(53)),
        ("[fd00::/8]:53", Some("fd00::/8"), Some(53)),
        ("fd00::/8:53", Some("fd00::/8"), Some(53)),
        ("[::ffff:10.0.0.5]:53", Some("10.0.0.5/32"), Some(53)),
        ("[::ffff:10.0.0.0/104]:53", Some("10.0.0.0/8"), Some(53)),
    ];
    for (text, network, port) in cases {
        let network = network.map(|network| network.parse().expect("it is a network"));
        assert_eq!(parse_socket(text), Some((network, port)), "{text}");
    }
}

#[test]
fn what_is_no_socket_is_refused() {
    let cases = [
        "",
        ":80",
        "*",
        "*:",
        "[*]:80",
        "10.0.0.5",
        "10.0.0.5:",
        "10.0.0.5:+80",
        "10.0.0.5:65536",
        "10.0.0.0/33:80",
        "[10.0.0.5]:80",
        "::1",
        "::1:53",
        "[::1]",
        "[::1:53",
        "localhost:80",
    ];
    for text in cases {
        assert_eq!(parse_socket(text), None, "{text}");
    }
}
