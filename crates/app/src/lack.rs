//! What a component lacks, and how its user gives it: by a line of a manifest, or by a flag where
//! there is no manifest.

use std::{
    borrow::Cow,
    fmt,
    net::{Ipv6Addr, SocketAddr},
};

use keyway_word::{Access, Capability, DEFAULT, Names, is_address, printable, shortened, shown};

use crate::grant::{HttpScheme, SocketDirection};

/// Something that a component tried and may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack<'a> {
    /// HTTP to a host, which is as in [`HttpGrant::allows`](crate::HttpGrant::allows).
    Http {
        /// The scheme.
        scheme: HttpScheme,
        /// The host, as the component names it.
        host: &'a str,
        /// The port.
        port: u16,
    },
    /// HTTP to a granted host at an address that is not public.
    HttpAddress {
        /// The scheme.
        scheme: HttpScheme,
        /// The host.
        host: &'a str,
        /// The port.
        port: u16,
    },
    /// Files in a folder.
    Folder {
        /// Where it is seen, if that is known.
        guest: Option<&'a str>,
        /// What is to be done there.
        access: Access,
    },
    /// A socket.
    Socket {
        /// By which protocol.
        protocol: Protocol,
        /// To which address, or at which, if that is known.
        address: Option<SocketAddr>,
        /// Which way.
        direction: SocketDirection,
    },
    /// A server that the component names itself.
    Server {
        /// What it speaks.
        speaks: ServerKind,
        /// The host.
        host: &'a str,
        /// The port.
        port: u16,
    },
    /// Something that everybody may have or not.
    Flag(FlagGrant),
    /// A link to a backend.
    Link {
        /// Of which capability.
        capability: Capability,
        /// By which interface it was asked for, without a version.
        interface: &'a str,
        /// By which name. A text that is no name but an address is not repeated.
        name: &'a str,
    },
    /// A link that lets it change something and not only read.
    Change {
        /// Of which capability.
        capability: Capability,
        /// By which interface the link is, without a version.
        interface: &'a str,
    },
}

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What a server speaks that a component names itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

/// A grant that is given or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagGrant {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Clocks.
    Clocks,
    /// Randomness.
    Random,
}

impl Lack<'_> {
    /// The line of a manifest that gives it to `component`. What its user has to put in is in
    /// capitals. No text of a guest can end a string early, begin a line, or bring a password in.
    pub fn line(&self, component: &str) -> String {
        format!("component.{component}.{}", self.entry())
    }

    /// The flag of a command line that gives it, if one does.
    pub fn flag(&self) -> Option<String> {
        match *self {
            Self::Http { scheme, host, port } => {
                Some(format!("--http {}", printable(&url(scheme, host, port))))
            }
            // One flag is for both protocols and both directions.
            Self::Socket { address, .. } => Some(format!("--net {}", to(address))),
            Self::Folder { guest, .. } => {
                Some(format!("--dir FOLDER::{}", guest.unwrap_or("/FOLDER")))
            }
            _ => None,
        }
    }

    /// The key and the value in the component's table.
    fn entry(&self) -> String {
        match *self {
            Self::Http { scheme, host, port } => {
                format!("grant.http = [{}]", quoted(&url(scheme, host, port)))
            }
            Self::HttpAddress { scheme, host, port } => {
                let url = quoted(&url(scheme, host, port));
                format!("grant.http = [{{ url = {url}, addresses = [\"ADDRESS\"] }}]")
            }
            Self::Folder { guest, access } => {
                let guest = quoted(guest.unwrap_or("/FOLDER"));
                let access = match access {
                    Access::Read => String::new(),
                    Access::ReadWrite => format!(", access = \"{access}\""),
                };
                format!("grant.files = [{{ host = \"FOLDER\", guest = {guest}{access} }}]")
            }
            Self::Socket { protocol, address, direction } => {
                let address = quoted(&to(address));
                match direction {
                    SocketDirection::Connect => format!("grant.{protocol} = [{address}]"),
                    SocketDirection::Listen => {
                        format!("grant.{protocol} = [{{ listen = {address} }}]")
                    }
                }
            }
            Self::Server { speaks, host, port } => {
                let server = quoted(&format!("{}:{port}", in_brackets(host)));
                format!("grant.{speaks} = [{server}]")
            }
            Self::Flag(flag) => format!("grant.{flag} = true"),
            Self::Link { capability, interface, name } => {
                format!("link.\"{interface}\" = {}", link(capability, name))
            }
            Self::Change { capability, interface } => {
                let to = capability.row().placeholder;
                format!("link.\"{interface}\" = {{ to = \"{to}\", access = \"read-write\" }}")
            }
        }
    }
}

/// The key of a manifest for each of the variants.
macro_rules! keys {
    ($type:ident: $($variant:ident = $key:literal),*) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $key),*
                })
            }
        }
    };
}

keys!(Protocol: Tcp = "tcp", Udp = "udp");
keys!(ServerKind: Postgres = "postgres", Redis = "redis");
keys!(FlagGrant: Stdout = "stdout", Stderr = "stderr", Clocks = "clocks", Random = "random");

/// A name that a component asked for, as it may be repeated: not at any length, and if it can only have
/// been meant as an address, without its secrets.
pub fn asked(name: &str) -> Cow<'_, str> {
    shortened(if is_address(name) { Cow::Owned(shown(name)) } else { Cow::Borrowed(name) })
}

fn link(capability: Capability, name: &str) -> String {
    let placeholder = capability.row().placeholder;
    match capability.row().names {
        Names::None => format!("\"{placeholder}\""),
        _ => {
            let name = match name {
                "" => DEFAULT,
                // It would be written as it is, with its password.
                name if asked(name) != name => "NAME",
                name => name,
            };
            format!("{{ {} = \"{placeholder}\" }}", quoted(name))
        }
    }
}

fn to(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "ADDRESS:PORT".to_owned(), |address| address.to_string())
}

fn url(scheme: HttpScheme, host: &str, port: u16) -> String {
    let name = match scheme {
        HttpScheme::Http => "http",
        HttpScheme::Https => "https",
    };
    let default = port == scheme.default_port();
    let port = if default { String::new() } else { format!(":{port}") };
    format!("{name}://{}{port}", in_brackets(host))
}

/// The host as a URL has it: an IPv6 address in brackets.
fn in_brackets(host: &str) -> Cow<'_, str> {
    match host.parse::<Ipv6Addr>() {
        Ok(_) => Cow::Owned(format!("[{host}]")),
        Err(_) => Cow::Borrowed(host),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod test;
