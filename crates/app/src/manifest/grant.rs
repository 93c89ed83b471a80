//! `grant` of a component.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use ipnet::IpNet;

use crate::{
    FileAccess, FileGrant, Grant, HostPattern, HttpGrant, HttpScheme, SocketDirection, SocketGrant,
    manifest::table::{Table, Value},
};

const KEYS: &[&str] =
    &["http", "files", "env", "args", "tcp", "udp", "stdout", "stderr", "clocks", "random"];

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
    if let Some(env) = table.table("env") {
        for (name, value) in env.values() {
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = format!("`{name}` cannot be the name of a variable");
                let help = "a name is not empty and has neither `=` nor NUL in it";
                value.wrong_key("env-name", message, Some(help.to_owned()));
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
        let help = "neither arguments nor variables can hold one; take it out";
        let message = format!("`{}` has a NUL character in it", value.path);
        value.wrong("nul", message, Some(help.to_owned()));
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
            let help = "a grant of HTTP is a scheme, a host and perhaps a port, such as \
                        `https://api.example.com` or `http://*.example.com:8080`";
            let message = format!("this grants no HTTP: {reason}");
            url.wrong("http-grant", message, Some(help.to_owned()));
            return None;
        }
    };
    for address in addresses {
        let text = address.string()?;
        match network(text) {
            Some(network) => grant.addresses.push(network),
            None => address.wrong(
                "address",
                format!("`{text}` is neither an IP address nor a network"),
                Some("write `10.0.0.5` or `10.0.0.0/8`".to_owned()),
            ),
        }
    }
    Some(grant)
}

fn network(text: &str) -> Option<IpNet> {
    IpNet::from_str(text).ok().or_else(|| parse_address(text).map(IpNet::from))
}

/// An address as it is compared later: IPv4 within IPv6 (`::ffff:10.0.0.5`) is IPv4.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn parse_url(text: &str) -> Result<HttpGrant, String> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| format!("`{text}` has no scheme"))?;
    let (scheme, default_port) = match scheme {
        "http" => (HttpScheme::Http, 80),
        "https" => (HttpScheme::Https, 443),
        _ => return Err(format!("the scheme `{scheme}` is neither `http` nor `https`")),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err("it has a path or query, and a grant is for a whole host".to_owned());
    }
    if authority.contains('@') {
        return Err("it has a user name, and a grant is for all".to_owned());
    }
    let (host, port) = split_port(authority)?;
    let port = port.unwrap_or(default_port);
    let (host, addresses) = parse_host(host)?;
    Ok(HttpGrant { scheme, host, port, addresses })
}

/// The host, without the brackets of IPv6, and the port.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or("the bracket of its host is not closed")?;
        match port.strip_prefix(':') {
            None if !port.is_empty() => {
                return Err(format!("`{port}` stands after its bracket without a `:`"));
            }
            port => (host, port),
        }
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    match port.map(str::parse::<u16>) {
        None => Ok((host, None)),
        Some(Ok(port)) if port > 0 => Ok((host, Some(port))),
        Some(_) => Err(format!("`{}` is no port", port.unwrap_or_default())),
    }
}

fn parse_host(host: &str) -> Result<(HostPattern, Vec<IpNet>), String> {
    if let Some(address) = parse_address(host) {
        return Ok((HostPattern::Exact(address.to_string()), vec![IpNet::from(address)]));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let (wildcard, name) =
        host.strip_prefix("*.").map_or((false, host.as_str()), |name| (true, name));
    if !is_host_name(name) {
        return Err(match host.as_str() {
            "" => "it has no host".to_owned(),
            "*" => "`*` would be every host; name them".to_owned(),
            _ if host.contains('*') => {
                format!("`{host}` has a `*` that is not its first part")
            }
            _ => format!("`{host}` is no host name"),
        });
    }
    if wildcard {
        return Ok((HostPattern::Subdomain(format!(".{name}")), Vec::new()));
    }
    let loopback =
        || vec![IpNet::from(IpAddr::from([127, 0, 0, 0])).with_prefix(8), ipv6_loopback()];
    let addresses = if name == "localhost" { loopback() } else { Vec::new() };
    Ok((HostPattern::Exact(host), addresses))
}

trait WithPrefix {
    fn with_prefix(self, bits: u8) -> Self;
}

impl WithPrefix for IpNet {
    fn with_prefix(self, bits: u8) -> Self {
        Self::new(self.addr(), bits).unwrap_or(self)
    }
}

fn ipv6_loopback() -> IpNet {
    IpNet::from(IpAddr::from(std::net::Ipv6Addr::LOCALHOST))
}

/// Whether `name` can be a host's name (RFC 1123, section 2.1); its last part is no number, since
/// that would be an address to some.
pub(super) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit())
}

fn files(values: &[Value<'_>]) -> Vec<FileGrant> {
    let mut grants: Vec<FileGrant> = Vec::new();
    let mut seen = BTreeSet::new();
    for value in values {
        let Some(grant) = file(value) else { continue };
        if !seen.insert(grant.guest.clone()) {
            let message = format!("two folders are granted as `{}`", grant.guest);
            let help = "give each a guest path of its own".to_owned();
            value.wrong("guest-path", message, Some(help));
            continue;
        }
        grants.push(grant);
    }
    grants
}

fn file(value: &Value<'_>) -> Option<FileGrant> {
    let table = value.table()?;
    table.only(&["host", "guest", "access"]);
    let host = table.required("host");
    let guest = table.required("guest");
    let access = match table.get("access").map(|access| (access.string(), access)) {
        None | Some((Some("read"), _)) => FileAccess::Read,
        Some((Some("read-write"), _)) => FileAccess::ReadWrite,
        Some((None, _)) => return None,
        Some((Some(text), access)) => {
            let message = format!("there is no access `{text}`");
            let help = "access is `read` or `read-write`".to_owned();
            access.wrong("access", message, Some(help));
            return None;
        }
    };
    let (host, guest) = (host?, guest?);
    let path = PathBuf::from(host.string()?);
    let name = guest.string()?;
    let proper = name.starts_with('/')
        && !name.contains('\0')
        && !name.split('/').any(|part| part == "." || part == "..");
    if !proper {
        let message = format!("`{name}` is no place for a component to see a folder at");
        let help = "a guest path begins with `/` and has no `.` or `..`".to_owned();
        guest.wrong("guest-path", message, Some(help));
        return None;
    }
    let trimmed = name.trim_end_matches('/');
    let guest = if trimmed.is_empty() { "/" } else { trimmed }.to_owned();
    Some(FileGrant { host: path, guest, access, place: host.place() })
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
        let message = format!("`{text}` is no address with a port");
        let help = "write an address or network and a port, such as `10.0.0.5:5432`, \
                    `10.0.0.0/8:*`, `[::1]:53` or `*:443`";
        value.wrong("socket-grant", message, Some(help.to_owned()));
        return None;
    };
    Some(SocketGrant { network, port, direction })
}

fn parse_socket(text: &str) -> Option<(Option<IpNet>, Option<u16>)> {
    if let Ok(address) = SocketAddr::from_str(text) {
        return Some((Some(IpNet::from(address.ip().to_canonical())), Some(address.port())));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = if port == "*" { None } else { Some(port.parse().ok()?) };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let network = if host == "*" { None } else { Some(network(host)?) };
    Some((network, port))
}
