//! What a component may reach. Everything not named is denied, except clocks and randomness, which
//! are granted unless set to `false`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;
use keyway_word::Access;

/// The grants of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Where it may send HTTP requests.
    pub http: Vec<HttpGrant>,
    /// The folders that it sees.
    pub files: Vec<FileGrant>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Its arguments, the first being the program's name by custom.
    pub args: Vec<String>,
    /// Where it may connect to, or listen, by TCP.
    pub tcp: Vec<SocketGrant>,
    /// Where it may send, or listen, by UDP.
    pub udp: Vec<SocketGrant>,
    /// The servers of PostgreSQL that it may name by addresses of its own.
    pub postgres: Vec<ServerGrant>,
    /// The servers of Redis that it may name.
    pub redis: Vec<ServerGrant>,
    /// Whether what it writes to standard output is shown.
    pub stdout: bool,
    /// Whether what it writes to standard error is shown.
    pub stderr: bool,
    /// Whether it may read clocks and wait.
    pub clocks: bool,
    /// Whether it may draw random numbers.
    pub random: bool,
}

impl Default for Grant {
    fn default() -> Self {
        Self {
            http: Vec::new(),
            files: Vec::new(),
            env: BTreeMap::new(),
            args: Vec::new(),
            tcp: Vec::new(),
            udp: Vec::new(),
            postgres: Vec::new(),
            redis: Vec::new(),
            stdout: false,
            stderr: false,
            clocks: true,
            random: true,
        }
    }
}

/// `grant.http = ["https://api.example.com", "https://*.example.com:8443"]`; the long form
/// `{ url = "https://db.internal", addresses = ["10.0.0.0/8"] }` also names the private addresses
/// that the name may resolve to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpGrant {
    /// The scheme.
    pub scheme: HttpScheme,
    /// Which hosts.
    pub host: HostPattern,
    /// The port; the scheme's own where the manifest has none.
    pub port: u16,
    /// Addresses that are not public (loopback, link-local, private, …) which the host may
    /// resolve to. Holds the host itself where that is an address, and the loopback networks
    /// where it is `localhost`.
    pub addresses: Vec<IpNet>,
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpScheme {
    /// Cleartext.
    Http,
    /// Over TLS.
    Https,
}

impl HttpScheme {
    /// The port of a URL that names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Which hosts a grant names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Exactly this host name (lower case) or address (without brackets).
    Exact(String),
    /// `*.example.com`: every name that ends in `.example.com`, whatever its depth, but not
    /// `example.com` itself. Holds `.example.com`.
    Subdomain(String),
    /// `*`: every host, by every scheme and port, at every address.
    Any,
}

/// `{ host = "assets", guest = "/assets", access = "read" }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrant {
    /// The folder on the host, absolute or from the manifest's folder on.
    pub host: PathBuf,
    /// Where the component sees it.
    pub guest: String,
    /// What it may do there.
    pub access: Access,
    /// The place in the manifest, for a folder that turns out not to exist.
    pub place: Option<crate::place::Place>,
}

/// `"10.0.0.5:5432"`, `"10.0.0.0/8:*"`, `"[::1]:53"`, `"*:443"`: an address or a network, and a
/// port or all of them. `{ listen = "127.0.0.1:9000" }` is for binding and accepting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketGrant {
    /// Which addresses; all if none.
    pub network: Option<IpNet>,
    /// Which port; all if none.
    pub port: Option<u16>,
    /// Whether it is for connecting (or sending), or for listening.
    pub direction: SocketDirection,
}

/// The port of PostgreSQL that an address without one means.
pub const POSTGRES_PORT: u16 = 5432;

/// The port of Redis that an address without one means.
pub const REDIS_PORT: u16 = 6379;

/// `"db.internal:5432"`, `"localhost:*"`, `"*"`: a server that a component connects to by the host,
/// at whatever address that has. Of this machine and of private networks too: it is named for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerGrant {
    /// Its name in lower case, or its address without brackets; any if none.
    pub host: Option<String>,
    /// Its port; any if none.
    pub port: Option<u16>,
}

impl ServerGrant {
    /// Whether the server may be connected to. An address of IPv6 may stand in brackets.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_named =
            |name: &String| host.eq_ignore_ascii_case(name) || is_same_address(host, name);
        self.port.is_none_or(|own| own == port) && self.host.as_ref().is_none_or(is_named)
    }
}

/// Which way a socket grant goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketDirection {
    /// Connect or send to a remote address.
    Connect,
    /// Bind to a local address, listen and accept.
    Listen,
}

impl HttpGrant {
    /// Whether a request for this scheme, host and port is granted. The host is as it stands in a
    /// URI: in any case, an IPv6 address in brackets, possibly with the trailing dot of a full
    /// name.
    pub fn allows(&self, scheme: HttpScheme, host: &str, port: u16) -> bool {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        let named = match &self.host {
            HostPattern::Exact(name) => {
                host.eq_ignore_ascii_case(name) || is_same_address(host, name)
            }
            HostPattern::Subdomain(suffix) => {
                let start = host.len().checked_sub(suffix.len());
                start.is_some_and(|start| {
                    // The part before the suffix has to be a valid name.
                    start > 0
                        && host.is_char_boundary(start)
                        && host[start..].eq_ignore_ascii_case(suffix)
                })
            }
            HostPattern::Any => return true,
        };
        self.scheme == scheme && self.port == port && named
    }

    /// Whether the host may be reached at this address: public addresses always, any other if
    /// named.
    pub fn allows_address(&self, address: IpAddr) -> bool {
        if self.host == HostPattern::Any {
            return true;
        }
        let address = address.to_canonical();
        is_public(address) || self.addresses.iter().any(|network| network.contains(&address))
    }
}

fn is_same_address(host: &str, name: &str) -> bool {
    match (host.parse::<IpAddr>(), name.parse::<IpAddr>()) {
        (Ok(host), Ok(name)) => host.to_canonical() == name.to_canonical(),
        _ => false,
    }
}

impl SocketGrant {
    /// Whether `address` may be used in this direction. When a socket that connects is bound to a
    /// port that the system picks, that is for the caller to let through.
    pub fn allows(&self, address: SocketAddr, direction: SocketDirection) -> bool {
        let ip = address.ip().to_canonical();
        self.direction == direction
            && self.port.is_none_or(|port| port == address.port())
            && self.network.is_none_or(|network| network.contains(&ip))
    }
}

/// Whether an address is one of the open internet: not of this machine, its networks, or special
/// use (the IANA special-purpose address registries). An IPv6 address that carries an IPv4
/// address is as public as that.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_unspecified()
        || a == 0
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        // Shared address space (RFC 6598), benchmarking (RFC 2544), protocol assignments
        // (RFC 6890), relays of 6to4 (RFC 7526), and what is reserved for the future.
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // IPv4-compatible (deprecated), which includes the unspecified and loopback addresses.
        [0, 0, 0, 0, 0, 0, ..] => false,
        // NAT64 (RFC 6052) and its local-use prefix (RFC 8215).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x64, 0xff9b, ..] => false,
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments (RFC 2928), with Teredo, benchmarking and ORCHID; the few anycast
        // addresses in there that are global serve no HTTP.
        [0x2001, second, ..] if second < 0x200 => false,
        // Documentation (RFC 3849, RFC 9637).
        [0x2001, 0xdb8, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Only 2000::/3 is given out as global unicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod test;
