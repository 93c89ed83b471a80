//! What a host calls of what components export.

use crate::InterfaceName;

/// A way into a component that the host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPoint {
    /// `wasi:cli/run`, of WASI 0.2 or 0.3.
    Command,
    /// `wasi:http/incoming-handler@0.2`, to which an instance answers one request at a time.
    Http0_2,
    /// `wasi:http/handler@0.3`.
    Http0_3,
    /// `wasi:messaging/incoming-handler`.
    Messages,
    /// `wasi:keyvalue/watcher`.
    Changes,
}

/// By the names of which the host calls them.
const CALLED: &[(&str, EntryPoint)] = &[
    ("wasi:cli/run@0.2.0", EntryPoint::Command),
    ("wasi:cli/run@0.3.0", EntryPoint::Command),
    ("wasi:http/incoming-handler@0.2.0", EntryPoint::Http0_2),
    ("wasi:http/handler@0.3.0", EntryPoint::Http0_3),
    ("wasi:messaging/incoming-handler@0.2.0-draft", EntryPoint::Messages),
    ("wasi:keyvalue/watcher@0.2.0-draft", EntryPoint::Changes),
    ("wasi:keyvalue/watcher@0.2.0-draft2", EntryPoint::Changes),
];

impl EntryPoint {
    /// What the export of this name is to the host, version included.
    pub fn of(export: &str) -> Option<Self> {
        let export = InterfaceName::parse(export)?;
        let is_it = |(name, _): &&(&str, Self)| {
            InterfaceName::parse(name).is_some_and(|name| export.is_compatible(&name))
        };
        CALLED.iter().find(is_it).map(|(_, entry)| *entry)
    }

    /// What the export of this name would be to the host if it were of another version, and the name with
    /// the version that is wanted.
    pub fn of_another_version(export: &str) -> Option<(Self, &'static str)> {
        if Self::of(export).is_some() {
            return None;
        }
        let export = InterfaceName::parse(export)?;
        let numbers = |name: &InterfaceName| name.version.as_ref().map(|v| (v.major, v.minor));
        let others = CALLED.iter().filter_map(|(name, entry)| {
            let parsed = InterfaceName::parse(name)?;
            let is_near = numbers(&parsed) == numbers(&export);
            parsed.is_same_interface(&export).then_some((is_near, (*entry, *name)))
        });
        others.max_by_key(|(is_near, _)| *is_near).map(|(_, other)| other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_point_is_of_a_version_that_the_host_calls() {
        for (export, expected) in [
            ("wasi:http/incoming-handler@0.2.12", Some(EntryPoint::Http0_2)),
            ("wasi:http/handler@0.3.2", Some(EntryPoint::Http0_3)),
            ("wasi:http/handler@0.3.0-rc-2026-01-06", None),
            ("wasi:http/handler@0.4.0", None),
            ("wasi:http/handler", None),
            ("wasi:cli/run@0.2.3", Some(EntryPoint::Command)),
            ("wasi:cli/run@0.2.0-rc-2023-12-05", None),
            ("wasi:keyvalue/watcher@0.2.0-draft2", Some(EntryPoint::Changes)),
            ("wasi:keyvalue/watcher@0.2.0-draft3", None),
            ("wasi:messaging/incoming-handler@0.2.0-draft", Some(EntryPoint::Messages)),
            ("run", None),
        ] {
            assert_eq!(EntryPoint::of(export), expected, "{export}");
            let is_other = EntryPoint::of_another_version(export).is_some();
            assert_eq!(is_other, expected.is_none() && export.contains(':'), "{export}");
        }
        let wanted = EntryPoint::of_another_version("wasi:cli/run@0.3.0-rc-2026-01-06");
        assert_eq!(wanted, Some((EntryPoint::Command, "wasi:cli/run@0.3.0")));
    }
}
