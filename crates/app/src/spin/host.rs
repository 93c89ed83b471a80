//! `allowed_outbound_hosts`: where a component may connect to, as grants.

use keyway_word::shown;

use crate::{
    Code,
    grant::{
        Grant, HostPattern, HttpGrant, HttpScheme, POSTGRES_PORT, REDIS_PORT, ServerGrant,
        SocketDirection, SocketGrant,
    },
    manifest::{grant::parse_url, server, table::Value},
};

/// Grants what one host of the list stands for.
pub(super) fn read(value: &Value<'_>, grant: &mut Grant) {
    let Some(text) = value.string() else { return };
    if let Err((reason, help)) = add(text, grant) {
        let message = format!("`{}` cannot be granted: {reason}", shown(text));
        value.wrong(Code::SpinHost, message, Some(help.to_owned()));
    }
}

type Refusal = (String, &'static str);

fn add(text: &str, grant: &mut Grant) -> Result<(), Refusal> {
    if text.contains("{{") {
        let help = "write the host itself; to change it, write a `keyway.toml`";
        return Err(("a host cannot come from a variable".to_owned(), help));
    }
    let form = "write a scheme, a host and a port, such as `https://api.example.com`";
    let Some((scheme, host)) = text.split_once("://") else {
        return Err(("it has no scheme".to_owned(), form));
    };
    let host = host.strip_suffix('/').unwrap_or(host);
    if host == "self" || host.starts_with("self:") || host.ends_with(".spin.internal") {
        let help = "link the components instead, or name the address of the app";
        return Err(("an app cannot send requests to itself".to_owned(), help));
    }
    if host.contains("..") || host.contains('/') {
        let help =
            "name each host and port; to grant a network, use `grant.tcp` in a `keyway.toml`";
        return Err(("it names many hosts or ports at once".to_owned(), help));
    }
    let server =
        |usual_port| server::parse(host, usual_port).ok_or(("it is not a server".to_owned(), form));
    match scheme {
        "http" | "https" => grant.http.push(http(scheme, host)?),
        "postgres" | "postgresql" => grant.postgres.push(server(POSTGRES_PORT)?),
        "redis" | "rediss" => grant.redis.push(server(REDIS_PORT)?),
        "*" if matches!(host, "*" | "*:*") => everything(grant),
        "*" => {
            // What is asked by a name is not asked by a socket, which has an address.
            grant.http.extend([http("http", host)?, http("https", host)?]);
            grant.postgres.push(server(POSTGRES_PORT)?);
            grant.redis.push(server(REDIS_PORT)?);
            if let Ok(address) = host.parse::<std::net::SocketAddr>() {
                let network = Some(address.ip().to_canonical().into());
                let port = Some(address.port());
                let direction = SocketDirection::Connect;
                grant.tcp.push(SocketGrant { network, port, direction });
            }
        }
        _ => {
            let help = "Keyway supports `http`, `https`, `postgres` and `redis`";
            return Err((format!("the scheme `{scheme}` is not supported"), help));
        }
    }
    Ok(())
}

fn http(scheme: &str, host: &str) -> Result<HttpGrant, Refusal> {
    if matches!(host, "*" | "*:*") {
        let help = "name the hosts, or write `*://*:*` for every host and protocol";
        return Err(("a grant for one scheme has to name its hosts".to_owned(), help));
    }
    if host.ends_with(":*") {
        let help = "name the port, or leave it out for the scheme's own";
        return Err(("it covers every port of a host".to_owned(), help));
    }
    let grant = parse_url(&format!("{scheme}://{host}"));
    grant.map_err(|reason| (reason, "write it like `https://api.example.com:8443`"))
}

/// `*://*:*`
fn everything(grant: &mut Grant) {
    let any = HttpGrant {
        scheme: HttpScheme::Https,
        host: HostPattern::Any,
        port: HttpScheme::Https.default_port(),
        addresses: Vec::new(),
    };
    grant.http.push(any);
    let direction = SocketDirection::Connect;
    grant.tcp.push(SocketGrant { network: None, port: None, direction });
    let server = ServerGrant { host: None, port: None };
    grant.postgres.push(server.clone());
    grant.redis.push(server);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(text: &str) -> Grant {
        let mut grant = Grant::default();
        add(text, &mut grant).unwrap_or_else(|(reason, _)| panic!("{text}: {reason}"));
        grant
    }

    #[test]
    fn a_host_is_granted_for_its_scheme() {
        let grant = granted("https://api.example.com:8443");
        let [http] = grant.http.as_slice() else { panic!("{grant:?}") };
        assert!(http.allows(HttpScheme::Https, "api.example.com", 8443));
        assert!(!http.allows(HttpScheme::Http, "api.example.com", 8443));
        assert!(grant.postgres.is_empty() && grant.redis.is_empty() && grant.tcp.is_empty());
        assert!(granted("postgres://db.internal").postgres[0].allows("db.internal", 5432));
        assert!(granted("redis://localhost:6380").redis[0].allows("LOCALHOST", 6380));
    }

    #[test]
    fn this_machine_is_reached_by_its_name() {
        let loopback = "127.0.0.1".parse().unwrap();
        for text in ["http://localhost:3000", "http://127.0.0.1:3000"] {
            assert!(granted(text).http[0].allows_address(loopback), "{text}");
        }
        // A name that leads there is another matter.
        assert!(!granted("http://example.com").http[0].allows_address(loopback));
    }

    #[test]
    fn every_scheme_is_every_protocol() {
        let grant = granted("*://10.0.0.5:80");
        assert_eq!((grant.http.len(), grant.tcp.len()), (2, 1));
        let grant = granted("*://*:*");
        assert!(grant.http[0].allows(HttpScheme::Http, "a.b", 81));
        assert!(grant.redis[0].allows("a.b", 1) && grant.postgres[0].allows("a.b", 1));
    }

    #[test]
    fn what_cannot_be_granted_is_refused() {
        for text in [
            "api.example.com",
            "https://{{ host }}",
            "http://self",
            "http://self/path",
            "http://backend.spin.internal",
            "https://*:*",
            "http://localhost:*",
            "https://a.b:80..90",
            "*://10.0.0.0/8:*",
            "mysql://db",
            "redis://a b",
        ] {
            assert!(add(text, &mut Grant::default()).is_err(), "{text}");
        }
    }
}
