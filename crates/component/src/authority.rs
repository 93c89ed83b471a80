//! The capability audit's table: what an imported WASI interface gives to a component.
//!
//! It fails closed. An interface that is not in the table, or whose version is on none of its
//! tracks, is [`Authority::Unknown`] and must be denied.

mod foreign;

use std::fmt;

use serde::Serialize;

use crate::interface::{InterfaceName, version_track};

/// What a component can reach through an imported interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// Sending HTTP requests.
    Http,
    /// Folders and files.
    Files,
    /// Environment variables, arguments, and the initial folder's name.
    Environment,
    /// TCP, UDP and name lookup.
    Sockets,
    /// Standard input.
    Stdin,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Reading clocks and waiting for them.
    Clocks,
    /// Random numbers.
    Random,
    /// Stores of keys and values.
    KeyValue,
    /// Containers of objects.
    Blobstore,
    /// Sending messages, and waiting for answers to them.
    Messaging,
    /// Configuration.
    Config,
    /// SQL databases.
    Sql,
    /// Servers of Redis.
    Redis,
    /// Encrypted connections over sockets.
    Tls,
    /// Ending the instance.
    Exit,
    /// Nothing: types and what can be done with a handle, for which another interface has to be
    /// asked first.
    Shared,
    /// Unknown: an interface, or a version of one, that is not in the table.
    Unknown,
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "outgoing HTTP",
            Self::Files => "files",
            Self::Environment => "environment and arguments",
            Self::Sockets => "sockets",
            Self::Stdin => "standard input",
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
            Self::Clocks => "clocks",
            Self::Random => "random numbers",
            Self::KeyValue => "key-value stores",
            Self::Blobstore => "object containers",
            Self::Messaging => "messages",
            Self::Config => "configuration",
            Self::Sql => "SQL databases",
            Self::Redis => "Redis",
            Self::Tls => "TLS",
            Self::Exit => "exit",
            Self::Shared => "nothing",
            Self::Unknown => "unknown",
        })
    }
}

/// WASI 0.2: nothing can be done with a `wasi:io`, `wasi:http/types`, `wasi:filesystem/types` or
/// socket interface without a handle from elsewhere.
const WASI_0_2: &[(&str, &str, Authority)] = &[
    ("cli", "environment", Authority::Environment),
    ("cli", "exit", Authority::Exit),
    ("cli", "stdin", Authority::Stdin),
    ("cli", "stdout", Authority::Stdout),
    ("cli", "stderr", Authority::Stderr),
    ("cli", "terminal-input", Authority::Shared),
    ("cli", "terminal-output", Authority::Shared),
    ("cli", "terminal-stdin", Authority::Stdin),
    ("cli", "terminal-stdout", Authority::Stdout),
    ("cli", "terminal-stderr", Authority::Stderr),
    ("clocks", "monotonic-clock", Authority::Clocks),
    ("clocks", "wall-clock", Authority::Clocks),
    ("clocks", "timezone", Authority::Clocks),
    ("filesystem", "types", Authority::Shared),
    ("filesystem", "preopens", Authority::Files),
    ("http", "types", Authority::Shared),
    ("http", "outgoing-handler", Authority::Http),
    ("io", "error", Authority::Shared),
    ("io", "poll", Authority::Shared),
    ("io", "streams", Authority::Shared),
    ("random", "random", Authority::Random),
    ("random", "insecure", Authority::Random),
    ("random", "insecure-seed", Authority::Random),
    ("sockets", "network", Authority::Shared),
    ("sockets", "tcp", Authority::Shared),
    ("sockets", "udp", Authority::Shared),
    ("sockets", "instance-network", Authority::Sockets),
    ("sockets", "ip-name-lookup", Authority::Sockets),
    ("sockets", "tcp-create-socket", Authority::Sockets),
    ("sockets", "udp-create-socket", Authority::Sockets),
];

/// WASI 0.3: `wasi:sockets/types` has static functions that create sockets, so unlike in 0.2 it
/// gives authority itself.
const WASI_0_3: &[(&str, &str, Authority)] = &[
    ("cli", "environment", Authority::Environment),
    ("cli", "exit", Authority::Exit),
    ("cli", "types", Authority::Shared),
    ("cli", "stdin", Authority::Stdin),
    ("cli", "stdout", Authority::Stdout),
    ("cli", "stderr", Authority::Stderr),
    ("cli", "terminal-input", Authority::Shared),
    ("cli", "terminal-output", Authority::Shared),
    ("cli", "terminal-stdin", Authority::Stdin),
    ("cli", "terminal-stdout", Authority::Stdout),
    ("cli", "terminal-stderr", Authority::Stderr),
    ("clocks", "types", Authority::Shared),
    ("clocks", "monotonic-clock", Authority::Clocks),
    ("clocks", "system-clock", Authority::Clocks),
    ("clocks", "timezone", Authority::Clocks),
    ("filesystem", "types", Authority::Shared),
    ("filesystem", "preopens", Authority::Files),
    ("http", "types", Authority::Shared),
    ("http", "client", Authority::Http),
    ("random", "random", Authority::Random),
    ("random", "insecure", Authority::Random),
    ("random", "insecure-seed", Authority::Random),
    ("sockets", "types", Authority::Sockets),
    ("sockets", "ip-name-lookup", Authority::Sockets),
];

/// Drafts, of which each version is an interface of its own. A bucket can only be had of
/// `wasi:keyvalue/store`, but it is bound to its owner, and so is all that works on it.
const DRAFTS: &[(&str, &str, &[&str], Authority)] = &[
    ("keyvalue", "store", KEYVALUE, Authority::KeyValue),
    ("keyvalue", "atomics", KEYVALUE, Authority::KeyValue),
    ("keyvalue", "batch", KEYVALUE, Authority::KeyValue),
    ("blobstore", "blobstore", &["0.2.0-draft"], Authority::Blobstore),
    ("blobstore", "container", &["0.2.0-draft"], Authority::Blobstore),
    ("blobstore", "types", &["0.2.0-draft"], Authority::Blobstore),
    ("messaging", "types", &["0.2.0-draft"], Authority::Messaging),
    ("messaging", "producer", &["0.2.0-draft"], Authority::Messaging),
    ("messaging", "request-reply", &["0.2.0-draft"], Authority::Messaging),
    ("config", "store", CONFIG, Authority::Config),
    ("config", "runtime", &["0.2.0-draft"], Authority::Config),
    ("tls", "types", &["0.2.0-draft"], Authority::Tls),
    ("logging", "logging", &["", "0.1.0-draft"], Authority::Stderr),
];

const KEYVALUE: &[&str] = &["0.2.0-draft", "0.2.0-draft2"];

const CONFIG: &[&str] = &["0.2.0-draft", "0.2.0-draft-2024-09-27", "0.2.0-rc.1"];

/// The newest patch release of WASI 0.2 that the host provides.
pub const NEWEST_0_2: u64 = 12;

/// Published, but not stable, and not provided.
const MISSING: &[(&str, &str)] = &[("clocks", "timezone")];

/// The newest patch release of WASI 0.3 that the host provides. Up to it, the WIT is that of 0.3.0.
pub const NEWEST_0_3: u64 = 2;

/// What a component exports to be called from outside. When one imports such an interface it asks
/// for another component, never for the host.
const ENTRY_POINTS: &[(&str, &str)] = &[
    ("cli", "run"),
    ("http", "incoming-handler"),
    ("http", "handler"),
    ("messaging", "incoming-handler"),
    ("keyvalue", "watcher"),
];

/// What the interface of this name, version included, gives to its importer.
///
/// Any patch release on a known track gives the same, so that it stays apart from what other
/// components import. Whether the host has that release is for [`is_provided`] to say.
/// Pre-releases are on no track.
pub fn authority(interface: &str) -> Authority {
    InterfaceName::parse(interface).as_ref().and_then(find).unwrap_or(Authority::Unknown)
}

/// Whether the interface of this name is one of Spin's, of any version.
pub fn is_of_spin(interface: &str) -> bool {
    InterfaceName::parse(interface).as_ref().is_some_and(foreign::is_of_spin)
}

/// Whether the host provides the interface of this name, version included. What it does not is
/// denied, also if its authority is known.
pub fn is_provided(interface: &str) -> bool {
    let Some(name) = InterfaceName::parse(interface) else { return false };
    if name.namespace != "wasi" {
        return foreign::find(&name).is_some();
    }
    // Of drafts, only those are known that are provided.
    let is_missing = MISSING.contains(&(name.package.as_str(), name.interface.as_str()));
    let is_too_new = name.version.as_ref().is_some_and(|version| {
        let newest = if version.minor == 2 { NEWEST_0_2 } else { NEWEST_0_3 };
        // Of drafts, only those are known that are provided.
        version.pre.is_empty() && version.patch > newest
    });
    find(&name).is_some() && !is_missing && !is_too_new
}

fn find(name: &InterfaceName) -> Option<Authority> {
    if name.namespace != "wasi" {
        return foreign::find(name);
    }
    let version = name.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let draft = DRAFTS.iter().find(|(package, interface, versions, _)| {
        (*package, *interface) == (&name.package, &name.interface)
            && versions.contains(&version.as_str())
    });
    if let Some((.., authority)) = draft {
        return Some(*authority);
    }
    let version = name.version.as_ref()?;
    if !version.pre.is_empty() {
        return None;
    }
    let table = match version_track(version)? {
        (0, 2) => WASI_0_2,
        (0, 3) => WASI_0_3,
        _ => return None,
    };
    table
        .iter()
        .find(|(package, interface, _)| (*package, *interface) == (&name.package, &name.interface))
        .map(|(_, _, authority)| *authority)
}

/// Whether the interface is one that only a component can provide, not the host.
pub(crate) fn is_entry_point(name: &InterfaceName) -> bool {
    match name.namespace.as_str() {
        "wasi" => ENTRY_POINTS.contains(&(name.package.as_str(), name.interface.as_str())),
        _ => foreign::is_entry_point(name),
    }
}

/// Whether the host answers for an import of this interface, if only to deny it: any in WASI's
/// namespace or in another's whose components Keyway runs, also one or a version of one that is
/// not known, but not what only components can provide.
pub(crate) fn is_of_host(name: &InterfaceName) -> bool {
    (name.namespace == "wasi" || foreign::is_of_host(name)) && !is_entry_point(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All interfaces of the WIT of WASI 0.2 and of 0.3, by package.
    const PUBLISHED: &[(&str, &str, &[&str])] = &[
        ("0.2", "io", &["error", "poll", "streams"]),
        ("0.2", "clocks", &["monotonic-clock", "wall-clock", "timezone"]),
        ("0.2", "random", &["random", "insecure", "insecure-seed"]),
        ("0.2", "filesystem", &["types", "preopens"]),
        (
            "0.2",
            "sockets",
            &[
                "network",
                "instance-network",
                "ip-name-lookup",
                "tcp",
                "tcp-create-socket",
                "udp",
                "udp-create-socket",
            ],
        ),
        (
            "0.2",
            "cli",
            &[
                "environment",
                "exit",
                "run",
                "stdin",
                "stdout",
                "stderr",
                "terminal-input",
                "terminal-output",
                "terminal-stdin",
                "terminal-stdout",
                "terminal-stderr",
            ],
        ),
        ("0.2", "http", &["types", "incoming-handler", "outgoing-handler"]),
        ("0.3", "clocks", &["types", "monotonic-clock", "system-clock", "timezone"]),
        ("0.3", "random", &["random", "insecure", "insecure-seed"]),
        ("0.3", "filesystem", &["types", "preopens"]),
        ("0.3", "sockets", &["types", "ip-name-lookup"]),
        (
            "0.3",
            "cli",
            &[
                "environment",
                "exit",
                "run",
                "types",
                "stdin",
                "stdout",
                "stderr",
                "terminal-input",
                "terminal-output",
                "terminal-stdin",
                "terminal-stdout",
                "terminal-stderr",
            ],
        ),
        ("0.3", "http", &["types", "handler", "client"]),
    ];

    #[test]
    fn every_published_interface_is_classified() {
        let mut classified = 0;
        for (track, package, interfaces) in PUBLISHED {
            for (interface, patch) in
                interfaces.iter().flat_map(|interface| (0..=12).map(move |p| (interface, p)))
            {
                let name = format!("wasi:{package}/{interface}@{track}.{patch}");
                let parsed = InterfaceName::parse(&name).expect("the name is valid");
                let known = authority(&name) != Authority::Unknown;
                assert_ne!(known, is_entry_point(&parsed), "{name}");
                classified += usize::from(known && patch == 0);
            }
        }
        assert_eq!(classified, WASI_0_2.len() + WASI_0_3.len(), "the table has no other lines");
    }

    #[test]
    fn what_nobody_has_heard_of_is_unknown() {
        for name in [
            "wasi:http/outgoing-handler",
            "wasi:http/outgoing-handler@0.2.0-rc-2023-11-10",
            "wasi:http/client@0.2.0",
            "wasi:http/outgoing-handler@0.3.0",
            "wasi:http/types@0.4.0",
            "wasi:http/types@1.0.0",
            "wasi:io/streams@0.3.0",
            "wasi:io/teleport@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft3",
            "wasi:keyvalue/store@0.2.0",
            "wasi:keyvalue/teleport@0.2.0-draft",
            "acme:http/types@0.2.0",
            "stdout",
            "",
        ] {
            assert_eq!(authority(name), Authority::Unknown, "{name}");
        }
    }

    #[test]
    fn drafts_are_known_by_their_exact_versions() {
        for interface in ["store", "atomics", "batch"] {
            for version in ["0.2.0-draft", "0.2.0-draft2"] {
                let name = format!("wasi:keyvalue/{interface}@{version}");
                assert_eq!(authority(&name), Authority::KeyValue, "{name}");
            }
        }
        for interface in ["blobstore", "container", "types"] {
            let name = format!("wasi:blobstore/{interface}@0.2.0-draft");
            assert_eq!(authority(&name), Authority::Blobstore, "{name}");
        }
        for interface in ["types", "producer", "request-reply"] {
            let name = format!("wasi:messaging/{interface}@0.2.0-draft");
            assert_eq!(authority(&name), Authority::Messaging, "{name}");
        }
        assert_eq!(authority("wasi:config/store@0.2.0-rc.1"), Authority::Config);
        assert_eq!(authority("wasi:config/store@0.2.0-draft-2024-09-27"), Authority::Config);
        assert_eq!(authority("wasi:config/store@0.2.0-rc.2"), Authority::Unknown);
        assert_eq!(authority("wasi:config/store"), Authority::Unknown);
        assert_eq!(authority("wasi:logging/logging"), Authority::Stderr);
    }

    #[test]
    fn releases_to_come_are_not_provided() {
        for name in ["wasi:io/poll@0.2.0", "wasi:io/poll@0.2.12", "wasi:http/client@0.3.2"] {
            assert!(is_provided(name), "{name}");
        }
        assert!(is_provided("wasi:keyvalue/store@0.2.0-draft2"));
        for name in
            ["wasi:io/poll@0.2.13", "wasi:http/client@0.3.3", "wasi:clocks/timezone@0.2.1", "x"]
        {
            assert!(!is_provided(name), "{name}");
        }
    }

    #[test]
    fn socket_types_give_authority_from_0_3_on() {
        assert_eq!(authority("wasi:sockets/tcp@0.2.6"), Authority::Shared);
        assert_eq!(authority("wasi:sockets/types@0.3.0"), Authority::Sockets);
    }
}
