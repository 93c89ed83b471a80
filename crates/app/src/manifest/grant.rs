//! `grant` of a component.

use crate::Code;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use keyway_word::{Access, AccessError, shown};

use super::{
    host::{is_host_name, parse_port},
    server,
    table::{Table, Value},
};
use crate::grant::{
    FileGrant, Grant, HostPattern, HttpGrant, HttpScheme, POSTGRES_PORT, REDIS_PORT,
    SocketDirection, SocketGrant,
};

const KEYS: &[&str] = &[
    "http", "files", "env", "args", "tcp", "udp", "postgres", "redis", "stdout", "stderr",
    "clocks", "random",
];

/// Where `localhost` is.
const LOOPBACK: [IpNet; 2] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
];

pub(super) fn read(table: &Table<'_>) -> Grant {
    table.only(KEYS);
    let mut grant = Grant::default();
    let flag = |key: &str, value: &mut bool| {
        if let Some(given) = table.get(key).and_then(|given| given.boolean()) {
            *value = given;
        }
    };
    flag("stdout", &mut grant.stdout);
    flag("stderr", &mut grant.stderr);
    flag("clocks", &mut grant.clocks);
    flag("random", &mut grant.random);
    let list = |key: &str| table.get(key).map(|value| value.list()).unwrap_or_default();
    grant.http = list("http").iter().filter_map(http).collect();
    grant.files = files(&list("files"));
    grant.args = list("args").iter().filter_map(text_without_nul).collect();
    grant.tcp = list("tcp").iter().filter_map(socket).collect();
    grant.udp = list("udp").iter().filter_map(socket).collect();
    let servers = |key: &str, port| {
        list(key).iter().filter_map(|value| server::read(value, port)).collect::<Vec<_>>()
    };
    grant.postgres = servers("postgres", POSTGRES_PORT);
    grant.redis = servers("redis", REDIS_PORT);
    if let Some(env) = table.table("env") {
        for (name, value) in env.values() {
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = format!("`{name}` is not a valid variable name");
                let help = "a name must not be empty or contain `=` or NUL";
                value.wrong_key(Code::EnvName, message, Some(help.to_owned()));
            } else if let Some(text) = text_without_nul(&value) {
                grant.env.insert(name, text);
            }
        }
    }
    grant
}

fn text_without_nul(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    if text.contains('\0') {
        let help = "arguments and variables cannot contain NUL; remove it";
        let message = format!("`{}` contains a NUL character", value.path);
        value.wrong(Code::Nul, message, Some(help.to_owned()));
        return None;
    }
    Some(text.to_owned())
}

fn http(value: &Value<'_>) -> Option<HttpGrant> {
    let (url, addresses) = match value.as_table() {
        None if value.as_str().is_some() => (value.clone(), Vec::new()),
        None => return value.neither("a URL or a table with `url`"),
        Some(table) => {
            table.only(&["url", "addresses"]);
            let addresses = table.get("addresses").map(|value| value.list()).unwrap_or_default();
            (table.required("url")?, addresses)
        }
    };
    let mut grant = match parse_url(url.string()?) {
        Ok(grant) => grant,
        Err(reason) => {
            let help = "write a scheme, a host and optionally a port, such as \
                        `https://api.example.com` or `http://*.example.com:8080`";
            let message = format!("this is not a valid HTTP grant: {reason}");
            url.wrong(Code::HttpGrant, message, Some(help.to_owned()));
            return None;
        }
    };
    for address in addresses {
        let Some(text) = address.string() else { continue };
        match parse_network(text) {
            Some(network) => grant.addresses.push(network),
            None => address.wrong(
                Code::Address,
                format!("`{text}` is neither an IP address nor a network"),
                Some("write `10.0.0.5` or `10.0.0.0/8`".to_owned()),
            ),
        }
    }
    Some(grant)
}

/// A network, or an address as the network of itself alone.
fn parse_network(text: &str) -> Option<IpNet> {
    match text.parse() {
        Ok(network) => Some(canonical(network)),
        Err(_) => parse_address(text).map(IpNet::from),
    }
}

/// The network as its addresses are compared later: one of IPv4 within IPv6 (`::ffff:a.b.c.d/104`)
/// is of IPv4.
fn canonical(network: IpNet) -> IpNet {
    let short = network.prefix_len().checked_sub(96);
    match (network.addr().to_canonical(), short) {
        (IpAddr::V4(address), Some(short)) if network.addr().is_ipv6() => {
            Ipv4Net::new(address, short).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

/// An address as it is compared later: IPv4 within IPv6 (`::ffff:10.0.0.5`) is IPv4.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

pub(crate) fn parse_url(text: &str) -> Result<HttpGrant, String> {
    if text == "*" {
        let (scheme, port, addresses) = (HttpScheme::Https, 443, Vec::new());
        return Ok(HttpGrant { scheme, host: HostPattern::Any, port, addresses });
    }
    let (scheme, rest) =
        text.split_once("://").ok_or_else(|| format!("`{}` has no scheme", shown(text)))?;
    let (scheme, default_port) = match scheme {
        "http" => (HttpScheme::Http, 80),
        "https" => (HttpScheme::Https, 443),
        _ => return Err(format!("the scheme `{scheme}` is neither `http` nor `https`")),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err("it has a path or query, but a grant covers a whole host".to_owned());
    }
    if authority.contains('@') {
        return Err("it has a user name, but a grant covers every user".to_owned());
    }
    let (host, port) = split_port(authority)?;
    let port = port.unwrap_or(default_port);
    let (host, addresses) = parse_host(host)?;
    Ok(HttpGrant { scheme, host, port, addresses })
}

/// The host, in brackets if it is an address of IPv6, and the port.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let end = rest.find(']').ok_or("the bracket around its host is not closed")? + "[]".len();
        let (host, port) = authority.split_at(end);
        match port.strip_prefix(':') {
            None if !port.is_empty() => {
                return Err(format!("`{port}` follows the bracket without a `:`"));
            }
            port => (host, port),
        }
    } else if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(format!("the address `{authority}` needs brackets: `[{authority}]`"));
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    let Some(text) = port else { return Ok((host, None)) };
    match parse_port(text) {
        Some(port) if port > 0 => Ok((host, Some(port))),
        _ => Err(format!("`{text}` is not a port")),
    }
}

fn parse_host(host: &str) -> Result<(HostPattern, Vec<IpNet>), String> {
    let exact = |address: IpAddr| {
        let address = address.to_canonical();
        (HostPattern::Exact(address.to_string()), vec![IpNet::from(address)])
    };
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address = inner.parse().map(IpAddr::V6);
        return address.map(exact).map_err(|_| format!("`{inner}` is not an IPv6 address"));
    }
    if let Ok(address) = host.parse() {
        return Ok(exact(IpAddr::V4(address)));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let (wildcard, name) =
        host.strip_prefix("*.").map_or((false, host.as_str()), |name| (true, name));
    if !is_host_name(name) {
        return Err(match host.as_str() {
            "" => "it has no host".to_owned(),
            "*" => "every host is just `\"*\"`, without a scheme or port".to_owned(),
            _ if name.contains('*') => {
                format!("`{host}` has a `*` that is not the first part")
            }
            _ if wildcard && is_like_address(name) => {
                format!("`{host}` has a `*` before an address, but only a name can follow it")
            }
            _ => format!("`{host}` is not a host name"),
        });
    }
    if wildcard {
        return Ok((HostPattern::Subdomain(format!(".{name}")), Vec::new()));
    }
    let addresses = if name == "localhost" { LOOPBACK.to_vec() } else { Vec::new() };
    Ok((HostPattern::Exact(host), addresses))
}

/// Whether all parts of `name` are numbers.
fn is_like_address(name: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split('.').all(is_number)
}

fn files(values: &[Value<'_>]) -> Vec<FileGrant> {
    let mut grants: Vec<FileGrant> = Vec::new();
    let mut seen = BTreeSet::new();
    for value in values {
        let Some(grant) = file(value) else { continue };
        if !seen.insert(grant.guest.clone()) {
            let message = format!("two folders are granted as `{}`", grant.guest);
            let help = "give each its own guest path".to_owned();
            value.wrong(Code::GuestPath, message, Some(help));
            continue;
        }
        grants.push(grant);
    }
    grants
}

fn file(value: &Value<'_>) -> Option<FileGrant> {
    let table = value.table()?;
    table.only(&["host", "guest", "access"]);
    // All three are read before a missing one is noticed, so that every problem is reported.
    let host = table.required("host").and_then(|host| Some((host.string()?, host.place())));
    let guest = table.required("guest").and_then(|guest| guest_path(&guest));
    let access = table.get("access").map_or(Some(Access::Read), |value| access(&value));
    let (host, place) = host?;
    Some(FileGrant { host: PathBuf::from(host), guest: guest?, access: access?, place })
}

/// An absolute path without a slash at its end.
fn guest_path(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let inner = text.trim_end_matches('/').strip_prefix('/').unwrap_or_default();
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if !text.starts_with('/') || !(inner.is_empty() || inner.split('/').all(is_plain)) {
        let message = format!("`{text}` is not a valid guest path");
        let help = "a guest path begins with `/` and has no empty part, `.` or `..`".to_owned();
        value.wrong(Code::GuestPath, message, Some(help));
        return None;
    }
    Some(format!("/{inner}"))
}

fn access(value: &Value<'_>) -> Option<Access> {
    let wrong = |error: &AccessError| {
        let help = "write `read` or `read-write`".to_owned();
        value.wrong(Code::Access, error.to_string(), Some(help));
    };
    value.string()?.parse().inspect_err(wrong).ok()
}

fn socket(value: &Value<'_>) -> Option<SocketGrant> {
    let (value, direction) = match value.as_table() {
        None if value.as_str().is_some() => (value.clone(), SocketDirection::Connect),
        None => return value.neither("an address with a port, or a table with `listen`"),
        Some(table) => {
            table.only(&["listen"]);
            (table.required("listen")?, SocketDirection::Listen)
        }
    };
    let text = value.string()?;
    let Some((network, port)) = parse_socket(text) else {
        let message = format!("`{text}` is not an address with a port");
        let help = "write an address or network and a port, such as `10.0.0.5:5432`, \
                    `10.0.0.0/8:*`, `[::1]:53` or `*:443`";
        value.wrong(Code::SocketGrant, message, Some(help.to_owned()));
        return None;
    };
    if port == Some(0) {
        let (what, help) = match direction {
            SocketDirection::Connect => {
                ("nothing listens on port 0", "name the port, or write `*` for all")
            }
            SocketDirection::Listen => (
                "port 0 means any free port",
                "name the port, or write `*` for all ports, including a free one",
            ),
        };
        let message = format!("`{text}` names no port: {what}");
        value.wrong(Code::SocketGrant, message, Some(help.to_owned()));
        return None;
    }
    Some(SocketGrant { network, port, direction })
}

/// `address:port`, where a network of IPv6 may do without the brackets that its addresses need:
/// nothing after its `/` can be taken for a port.
fn parse_socket(text: &str) -> Option<(Option<IpNet>, Option<u16>)> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some((Some(IpNet::from(address.ip().to_canonical())), Some(address.port())));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = if port == "*" { None } else { Some(parse_port(port)?) };
    if host == "*" {
        return Some((None, port));
    }
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let needs_brackets = host.parse::<Ipv6Addr>().is_ok();
    let is_v4_in_brackets = inner.is_some_and(|inner| !inner.contains(':'));
    if needs_brackets || is_v4_in_brackets {
        return None;
    }
    Some((Some(parse_network(inner.unwrap_or(host))?), port))
}

#[cfg(test)]
mod test;
