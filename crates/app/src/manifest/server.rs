//! `grant.postgres` and `grant.redis`: the servers that a component may connect to by its own
//! addresses.

use keyway_word::shown;

use super::{
    host::{is_host_name, parse_port},
    table::Value,
};
use crate::{Code, grant::ServerGrant};

/// Reads one server; without a port it is at the usual one.
pub(super) fn read(value: &Value<'_>, usual_port: u16) -> Option<ServerGrant> {
    let text = value.string()?;
    let server = parse(text, usual_port);
    if server.is_none() {
        let message = format!("`{}` is not a server", shown(text));
        let help = format!(
            "write a host and a port, such as `db.internal:{usual_port}`, `[::1]:{usual_port}` or \
             `localhost:*`; `*` is every server"
        );
        value.wrong(Code::ServerGrant, message, Some(help));
    }
    server
}

/// A host with a port, or with any, or every server.
pub(crate) fn parse(text: &str, usual_port: u16) -> Option<ServerGrant> {
    if text == "*" {
        return Some(ServerGrant { host: None, port: None });
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let host = host.to_ascii_lowercase();
    if host != "*" && !is_host_name(&host) && host.parse::<std::net::IpAddr>().is_err() {
        return None;
    }
    let port = match port {
        None => Some(usual_port),
        Some("*") => None,
        Some(port) => Some(parse_port(port).filter(|port| *port > 0)?),
    };
    Some(ServerGrant { host: (host != "*").then_some(host), port })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        let is = |text: &str, host: Option<&str>, port: Option<u16>| {
            let server = parse(text, 6379).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((server.host.as_deref(), server.port), (host, port), "{text}");
        };
        is("*", None, None);
        is("*:6380", None, Some(6380));
        is("Cache.internal", Some("cache.internal"), Some(6379));
        is("localhost:*", Some("localhost"), None);
        is("[::1]:7", Some("::1"), Some(7));
        is("10.0.0.5:7", Some("10.0.0.5"), Some(7));
        for text in ["", ":1", "a:b", "a:0", "a:1:2", "::1", "redis://a", "a/b", "[a]:1", "a b"] {
            assert_eq!(parse(text, 1), None, "{text}");
        }
    }
}
