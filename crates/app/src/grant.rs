//! What a component may reach. Everything is denied that is not named, but for clocks and
//! randomness, which are given unless they are taken away.

use std::{collections::BTreeMap, path::PathBuf};

use ipnet::IpNet;

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

/// Which hosts a grant names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Exactly this host name (lower case) or address (without brackets).
    Exact(String),
    /// `*.example.com`: every name that ends in `.example.com`, whatever its depth, but not
    /// `example.com` itself. Holds `.example.com`.
    Subdomain(String),
}

/// `{ host = "assets", guest = "/assets", access = "read" }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrant {
    /// The folder on the host, absolute or from the manifest's folder on.
    pub host: PathBuf,
    /// Where the component sees it.
    pub guest: String,
    /// What it may do there.
    pub access: FileAccess,
    /// The place in the manifest, for a folder that turns out not to exist.
    pub place: Option<crate::place::Place>,
}

/// What a component may do in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Look and read.
    Read,
    /// Also write, make and remove.
    ReadWrite,
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

/// Which way a socket grant goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketDirection {
    /// Connect or send to a remote address.
    Connect,
    /// Bind to a local address, listen and accept.
    Listen,
}
