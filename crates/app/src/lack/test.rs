//! That what is suggested grants what was denied.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::{Grant, grant::SocketGrant};

/// The grant that a suggested line makes.
fn grant_of(lack: &Lack<'_>) -> Grant {
    let line = lack.line("c");
    assert_eq!(line.lines().count(), 1, "{line:?}");
    let text = format!("{line}\ncomponent.c.source = \"c.wasm\"\n[app]\nname = \"a\"\n");
    let app = crate::App::from_toml("keyway.toml", &text, "".as_ref());
    let app = app.unwrap_or_else(|problems| panic!("{line}: {problems:?}"));
    app.components.into_values().next().expect("there is one component").grant
}

fn https(host: &str, port: u16) -> Lack<'_> {
    Lack::Http { scheme: HttpScheme::Https, host, port }
}

fn socket(protocol: Protocol, address: SocketAddr, direction: SocketDirection) -> Lack<'static> {
    Lack::Socket { protocol, address: Some(address), direction }
}

#[test]
fn a_suggestion_reads_as_in_a_manifest() {
    let (scheme, port) = (HttpScheme::Http, 4199);
    let cases = [
        (https("a.example.com", 443), r#"http = ["https://a.example.com"]"#),
        (https("a.example.com", 80), r#"http = ["https://a.example.com:80"]"#),
        (https("::1", 8443), r#"http = ["https://[::1]:8443"]"#),
        (https("[::1]", 8443), r#"http = ["https://[::1]:8443"]"#),
        (https("a\"\n\\\u{1b}", 443), r#"http = ["https://a\"\u000A\\\u001B"]"#),
        (
            Lack::HttpAddress { scheme, host: "vm", port },
            r#"http = [{ url = "http://vm:4199", addresses = ["ADDRESS"] }]"#,
        ),
        (
            Lack::Folder { guest: None, access: Access::Read },
            r#"files = [{ host = "FOLDER", guest = "/FOLDER" }]"#,
        ),
        (
            Lack::Folder { guest: Some("/data"), access: Access::ReadWrite },
            r#"files = [{ host = "FOLDER", guest = "/data", access = "read-write" }]"#,
        ),
        (
            Lack::Server { speaks: ServerKind::Postgres, host: "::1", port: 5432 },
            r#"postgres = ["[::1]:5432"]"#,
        ),
    ];
    for (lack, expected) in cases {
        assert_eq!(lack.line("c"), format!("component.c.grant.{expected}"));
    }
    assert!(grant_of(&Lack::Flag(FlagGrant::Stdout)).stdout);
    assert!(grant_of(&Lack::Flag(FlagGrant::Stderr)).stderr);
    assert!(grant_of(&Lack::Flag(FlagGrant::Clocks)).clocks);
    assert!(grant_of(&Lack::Flag(FlagGrant::Random)).random);
}

#[test]
fn a_link_is_suggested_by_the_interface_that_was_asked() {
    let link = |capability: Capability, name| Lack::Link {
        capability,
        interface: capability.row().interfaces[0],
        name,
    };
    for (lack, expected) in [
        (link(Capability::Keyvalue, ""), r#""wasi:keyvalue/store" = { "default" = "STORE" }"#),
        (link(Capability::Blobstore, "a b"), r#""wasi:blobstore/blobstore" = { "a b" = "PLACE" }"#),
        (link(Capability::Config, ""), r#""wasi:config/store" = "CONFIG""#),
        (
            link(Capability::Messaging, "nats://me:secret@host"),
            r#""wasi:messaging/producer" = { "NAME" = "BROKER" }"#,
        ),
        (
            Lack::Change { capability: Capability::Sql, interface: "fermyon:spin/sqlite" },
            r#""fermyon:spin/sqlite" = { to = "DATABASE", access = "read-write" }"#,
        ),
    ] {
        assert_eq!(lack.line("c"), format!("component.c.link.{expected}"));
        assert_eq!(lack.flag(), None);
    }
    assert_eq!(asked("nats://me:secret@host"), "nats://me:***@host");
    assert_eq!(asked("host=h password=secret"), "host=h password=***");
    assert_eq!(asked("wasi:a"), "wasi:a");
}

#[test]
fn what_a_flag_grants_is_said_as_a_flag() {
    use SocketDirection::{Connect, Listen};
    let address = "[::1]:80".parse().expect("an address");
    let any = Lack::Socket { protocol: Protocol::Tcp, address: None, direction: Connect };
    for (lack, expected) in [
        (Lack::Http { scheme: HttpScheme::Http, host: "b.c", port: 80 }, "--http http://b.c"),
        (socket(Protocol::Tcp, address, Connect), "--net [::1]:80"),
        (socket(Protocol::Udp, address, Listen), "--net [::1]:80"),
        (any, "--net ADDRESS:PORT"),
        (Lack::Folder { guest: None, access: Access::Read }, "--dir FOLDER::/FOLDER"),
        (Lack::Folder { guest: Some("/data"), access: Access::ReadWrite }, "--dir FOLDER::/data"),
    ] {
        assert_eq!(lack.flag().as_deref(), Some(expected));
    }
    assert_eq!(Lack::Flag(FlagGrant::Stdout).flag(), None);
}

proptest! {
    #[test]
    fn a_suggestion_for_http_grants_it(
        tls: bool,
        host in "([a-zA-Z0-9]([a-z0-9-]{0,8}[a-z0-9])?\\.){0,3}[a-z]{1,8}\\.?",
        port in 1_u16..,
    ) {
        let scheme = if tls { HttpScheme::Https } else { HttpScheme::Http };
        let grant = grant_of(&Lack::Http { scheme, host: &host, port });
        prop_assert!(grant.http.iter().any(|grant| grant.allows(scheme, &host, port)));
    }

    #[test]
    fn a_suggestion_for_an_address_grants_it(address: IpAddr, port in 1_u16..) {
        let host = address.to_string();
        let grant = grant_of(&Lack::Http { scheme: HttpScheme::Http, host: &host, port });
        let [http] = grant.http.as_slice() else { panic!("there is one grant") };
        prop_assert!(http.allows(HttpScheme::Http, &host, port));
        prop_assert!(http.allows_address(address));
    }

    #[test]
    fn a_suggestion_for_a_socket_grants_it(address: SocketAddr) {
        use SocketDirection::{Connect, Listen};
        let all = |grants: &[SocketGrant], direction| {
            !grants.is_empty() && grants.iter().all(|grant| grant.allows(address, direction))
        };
        for direction in [Connect, Listen] {
            let tcp = grant_of(&socket(Protocol::Tcp, address, direction)).tcp;
            prop_assert!(all(&tcp, direction));
            let udp = grant_of(&socket(Protocol::Udp, address, direction)).udp;
            prop_assert!(all(&udp, direction));
        }
    }
}
