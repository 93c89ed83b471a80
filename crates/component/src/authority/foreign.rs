//! Interfaces from outside WASI that existing components use: those of Spin and of wasmCloud. Each
//! version is an interface of its own.

use super::Authority;
use crate::interface::InterfaceName;

/// By namespace, package, interface and versions; the empty version is none.
const KNOWN: &[(&str, &str, &str, &[&str], Authority)] = &[
    ("fermyon", "spin", "key-value", &["", "2.0.0"], Authority::KeyValue),
    ("fermyon", "spin", "config", &[""], Authority::Config),
    ("fermyon", "spin", "variables", &["2.0.0"], Authority::Config),
    ("fermyon", "spin", "sqlite", &["2.0.0"], Authority::Sql),
    ("fermyon", "spin", "postgres", &["2.0.0"], Authority::Sql),
    ("fermyon", "spin", "rdbms-types", &["2.0.0"], Authority::Shared),
    ("fermyon", "spin", "redis", &["2.0.0"], Authority::Redis),
    ("spin", "key-value", "key-value", &["3.0.0"], Authority::KeyValue),
    ("spin", "variables", "variables", &["3.0.0"], Authority::Config),
    ("spin", "sqlite", "sqlite", &["3.0.0", "3.1.0"], Authority::Sql),
    ("spin", "postgres", "postgres", &["3.0.0", "4.0.0", "4.1.0", "4.2.0"], Authority::Sql),
    ("spin", "redis", "redis", &["3.0.0"], Authority::Redis),
    ("wasmcloud", "postgres", "types", &["0.1.1-draft"], Authority::Shared),
    ("wasmcloud", "postgres", "query", &["0.1.1-draft"], Authority::Sql),
];

/// What such an interface gives; none if it is not known.
pub(super) fn find(name: &InterfaceName) -> Option<Authority> {
    let version = name.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let known = KNOWN.iter().find(|(namespace, package, interface, versions, _)| {
        (*namespace, *package, *interface) == (&name.namespace, &name.package, &name.interface)
            && versions.contains(&version.as_str())
    });
    known.map(|(.., authority)| *authority)
}

/// Whether a component exports it to be called from outside.
pub(super) fn is_entry_point(name: &InterfaceName) -> bool {
    name.interface.starts_with("inbound-")
}

/// Whether the interface is one of a host. Spin's libraries for some languages have a component
/// import all of them, whatever it uses.
pub(super) fn is_of_host(name: &InterfaceName) -> bool {
    is_of_spin(name) || find(name).is_some()
}

/// Whether the interface is one of Spin's.
pub(super) fn is_of_spin(name: &InterfaceName) -> bool {
    matches!((name.namespace.as_str(), name.package.as_str()), ("fermyon", "spin") | ("spin", _))
}

#[cfg(test)]
mod tests {
    use super::super::{Authority, authority, is_of_host, is_provided};
    use crate::InterfaceName;

    fn of_host(name: &str) -> bool {
        is_of_host(&InterfaceName::parse(name).expect("the name is valid"))
    }

    #[test]
    fn what_spin_serves_is_known_by_its_exact_versions() {
        for (name, gives) in [
            ("fermyon:spin/key-value", Authority::KeyValue),
            ("fermyon:spin/key-value@2.0.0", Authority::KeyValue),
            ("spin:variables/variables@3.0.0", Authority::Config),
            ("spin:sqlite/sqlite@3.1.0", Authority::Sql),
            ("fermyon:spin/rdbms-types@2.0.0", Authority::Shared),
            ("wasmcloud:postgres/query@0.1.1-draft", Authority::Sql),
        ] {
            assert_eq!(authority(name), gives, "{name}");
            assert!(is_provided(name) && of_host(name), "{name}");
        }
    }

    #[test]
    fn what_is_not_known_of_spin_is_met_by_denying() {
        for name in ["fermyon:spin/llm@2.0.0", "spin:mqtt/mqtt@3.0.0", "spin:sqlite/sqlite@3.2.0"] {
            assert_eq!(authority(name), Authority::Unknown, "{name}");
            assert!(!is_provided(name) && of_host(name), "{name}");
        }
    }

    #[test]
    fn what_a_component_is_called_by_is_not_of_the_host() {
        for name in ["fermyon:spin/inbound-http", "spin:redis/inbound-redis@3.0.0", "a:b/c"] {
            assert!(!of_host(name), "{name}");
        }
    }
}
