//! The capabilities that a host provides, one row for each.

/// Declares [`Capability`]: each line is a capability's name and its row.
macro_rules! capabilities {
    ($(#[$about:meta])* pub enum Capability {
        $($(#[$what:meta])+ $name:ident = $row:ident,)+
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Capability {
            $($(#[$what])+ $name,)+
        }

        impl Capability {
            /// Every capability, in the order of a manifest's documents.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// All about it.
            pub fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => &$row,)+
                }
            }
        }
    };
}

capabilities! {
    /// What a host provides to components by a backend.
    pub enum Capability {
        /// Stores of keys and values.
        Keyvalue = KEYVALUE,
        /// Containers of objects.
        Blobstore = BLOBSTORE,
        /// Brokers of messages.
        Messaging = MESSAGING,
        /// Configuration.
        Config = CONFIG,
        /// SQL databases.
        Sql = SQL,
    }
}

/// All that a manifest and a message have to know of a capability.
#[derive(Debug)]
pub struct Row {
    /// The table of a manifest that declares its backends: `[keyvalue.NAME]`.
    pub section: &'static str,
    /// What one that is declared is called: "store".
    pub noun: &'static str,
    /// What a component opens there: "container".
    pub opens: &'static str,
    /// What its interface gives, and the others of its package work on: "buckets".
    pub handles: &'static str,
    /// What stands for its name where that is not known: `STORE`.
    pub placeholder: &'static str,
    /// What its backends hold: "keys and values".
    pub holds: &'static str,
    /// Its backends, as the manifest names them.
    pub backends: &'static [&'static str],
    /// Names that a user may write for some of them, in lower case, and what they mean.
    pub misnomers: &'static [(&'static str, &'static str)],
    /// The interfaces whose links lead to backends. A link of one of them counts for all that a
    /// component opens. The first is the one that is suggested.
    pub interfaces: &'static [&'static str],
    /// A package whose interfaces are all of the capability: they work on what those gave.
    pub package: Option<&'static str>,
    /// Whether a link may stand at every interface of the package, each of which asks for it.
    pub links_any_of_package: bool,
    /// The rights that a link may have, as the manifest names them.
    pub rights: &'static [&'static str],
    /// What a link without names is for.
    pub names: Names,
}

/// Which names a link is for that gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `default`, and the backend's own.
    DefaultAndOwn,
    /// All: a link that gives a name is for that one alone.
    All,
    /// There are no names: a component has one link at most.
    None,
}

/// What a component opens that asks for nothing in particular; the empty name is the same.
pub const DEFAULT: &str = "default";

const KEYVALUE: Row = Row {
    section: "keyvalue",
    noun: "store",
    opens: "store",
    handles: "buckets",
    placeholder: "STORE",
    holds: "keys and values",
    backends: &["memory", "sqlite", "redis", "postgres", "nats"],
    misnomers: &[
        ("valkey", "redis"),
        ("postgresql", "postgres"),
        ("pg", "postgres"),
        ("jetstream", "nats"),
    ],
    interfaces: &["wasi:keyvalue/store", "fermyon:spin/key-value", "spin:key-value/key-value"],
    package: Some("wasi:keyvalue/"),
    links_any_of_package: false,
    rights: &["access", "prefix", "quota"],
    names: Names::DefaultAndOwn,
};

const BLOBSTORE: Row = Row {
    section: "blobstore",
    noun: "blobstore",
    opens: "container",
    handles: "containers",
    placeholder: "PLACE",
    holds: "containers",
    backends: &["folder", "memory", "s3", "nats"],
    misnomers: &[
        ("file", "folder"),
        ("files", "folder"),
        ("fs", "folder"),
        ("filesystem", "folder"),
        ("directory", "folder"),
        ("aws", "s3"),
        ("minio", "s3"),
        ("r2", "s3"),
        ("amazon", "s3"),
        ("jetstream", "nats"),
    ],
    interfaces: &["wasi:blobstore/blobstore"],
    package: Some("wasi:blobstore/"),
    links_any_of_package: false,
    rights: &["access", "prefix", "quota"],
    names: Names::All,
};

const MESSAGING: Row = Row {
    section: "messaging",
    noun: "broker",
    opens: "broker",
    handles: "clients",
    placeholder: "BROKER",
    holds: "messages",
    backends: &["memory", "nats", "jetstream", "redis", "redis-streams"],
    misnomers: &[
        ("valkey", "redis"),
        ("streams", "redis-streams"),
        ("redis-stream", "redis-streams"),
    ],
    interfaces: &["wasi:messaging/producer"],
    package: Some("wasi:messaging/"),
    links_any_of_package: true,
    rights: &[],
    names: Names::DefaultAndOwn,
};

const CONFIG: Row = Row {
    section: "config",
    noun: "configuration",
    opens: "configuration",
    handles: "values",
    placeholder: "CONFIG",
    holds: "a configuration",
    backends: &["values", "env", "file", "nats"],
    misnomers: &[],
    // `store` in the drafts of WASI, `runtime` in the first of them, and Spin's.
    interfaces: &[
        "wasi:config/store",
        "wasi:config/runtime",
        "fermyon:spin/variables",
        "fermyon:spin/config",
        "spin:variables/variables",
    ],
    package: None,
    links_any_of_package: false,
    rights: &[],
    names: Names::None,
};

const SQL: Row = Row {
    section: "sql",
    noun: "database",
    opens: "database",
    handles: "connections",
    placeholder: "DATABASE",
    holds: "SQL",
    backends: &["sqlite", "postgres"],
    misnomers: &[("postgresql", "postgres"), ("pg", "postgres")],
    interfaces: &[
        "spin:sqlite/sqlite",
        "fermyon:spin/sqlite",
        "spin:postgres/postgres",
        "fermyon:spin/postgres",
        "wasmcloud:postgres/query",
    ],
    package: None,
    links_any_of_package: false,
    rights: &["access"],
    names: Names::DefaultAndOwn,
};

impl Capability {
    /// The capability that an import is of, whose links may lead to a backend.
    pub fn of_import(import: &str) -> Option<Self> {
        let interface = import.split('@').next().unwrap_or(import);
        let is_of = |capability: &Self| {
            let Row { interfaces, package, .. } = capability.row();
            interfaces.contains(&interface)
                || package.is_some_and(|package| interface.starts_with(package))
        };
        Self::ALL.iter().copied().find(is_of)
    }

    /// Whether the link of an import of it may lead to a backend, or only one of another of its
    /// interfaces.
    pub fn is_opened_by(self, import: &str) -> bool {
        let interface = import.split('@').next().unwrap_or(import);
        let Row { interfaces, links_any_of_package, .. } = self.row();
        *links_any_of_package || interfaces.contains(&interface)
    }

    /// Whether a component with this import has a use for its links to backends.
    pub fn is_used_by(self, import: &str) -> bool {
        Self::of_import(import) == Some(self) && self.is_opened_by(import)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_of_one_capability() {
        for (import, capability, opens) in [
            ("wasi:keyvalue/store@0.2.0-draft", Some(Capability::Keyvalue), true),
            ("wasi:keyvalue/atomics@0.2.0-draft", Some(Capability::Keyvalue), false),
            ("spin:key-value/key-value", Some(Capability::Keyvalue), true),
            ("wasi:blobstore/types", Some(Capability::Blobstore), false),
            ("wasi:messaging/types@0.2.0-draft", Some(Capability::Messaging), true),
            ("fermyon:spin/postgres@2.0.0", Some(Capability::Sql), true),
            ("wasi:http/types@0.2.0", None, false),
        ] {
            assert_eq!(Capability::of_import(import), capability, "{import}");
            if let Some(capability) = capability {
                assert_eq!(capability.is_used_by(import), opens, "{import}");
            }
        }
    }
}
