//! A backend's settings as words, as they stand in a configuration or on a command line.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use thiserror::Error;

use super::{Backend, nats, postgres, redis, sqlite};
use crate::Address;

/// The kinds of backends, as [`Backend::from_settings`] takes them.
pub const KINDS: [&str; 5] = ["memory", "sqlite", "redis", "postgres", "nats"];

/// Why settings are no backend's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// There is no such backend.
    #[error("there is no backend `{kind}` for keys and values; {}", hint(.nearest, &KINDS))]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// The backend has no such setting.
    #[error("the backend `{kind}` has no setting `{name}`; {}", hint(.nearest, .known))]
    UnknownSetting {
        /// The backend.
        kind: &'static str,
        /// The setting.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
        /// All settings that it has.
        known: &'static [&'static str],
    },
    /// A setting that the backend cannot do without.
    #[error("the backend `{kind}` needs the setting `{name}`, such as `{name} = \"{example}\"`")]
    Missing {
        /// The backend.
        kind: &'static str,
        /// The setting.
        name: &'static str,
        /// A value that is right.
        example: &'static str,
    },
    /// A setting's value is wrong.
    #[error(
        "`{value}` is wrong for the setting `{name}` of the backend `{kind}`: write {expected}"
    )]
    Wrong {
        /// The backend.
        kind: &'static str,
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What a value looks like.
        expected: &'static str,
    },
}

impl SettingsError {
    /// The setting that is wrong, if it is one that was given.
    pub fn setting(&self) -> Option<&str> {
        match self {
            Self::UnknownSetting { name, .. } => Some(name),
            Self::Wrong { name, .. } => Some(name),
            Self::UnknownKind { .. } | Self::Missing { .. } => None,
        }
    }
}

impl Backend {
    /// A backend of one of the [`KINDS`] with settings by name. What is not set is as in the
    /// `Options` of the backend.
    ///
    /// | kind | settings |
    /// | --- | --- |
    /// | `memory` | |
    /// | `sqlite` | `path`, `table`, `timeout` |
    /// | `redis` | `url`, `prefix`, `timeout`, `connections` |
    /// | `postgres` | `url`, `table`, `create`, `timeout`, `connections` |
    /// | `nats` | `url`, `bucket`, `create`, `replicas`, `timeout` |
    ///
    /// # Errors
    /// If there is no such backend, or a setting is missing, unknown or wrong.
    pub fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        match kind {
            "memory" => {
                Settings::new("memory", settings, &[])?;
                Ok(Self::Memory)
            }
            "sqlite" => sqlite_options(settings).map(Self::Sqlite),
            "redis" => redis_options(settings).map(Self::Redis),
            "postgres" => postgres_options(settings).map(Self::Postgres),
            "nats" => nats_options(settings).map(Self::Nats),
            kind => Err(SettingsError::UnknownKind {
                kind: kind.to_owned(),
                nearest: match kind.to_ascii_lowercase().as_str() {
                    "valkey" => Some("redis"),
                    "postgresql" | "pg" => Some("postgres"),
                    "jetstream" => Some("nats"),
                    kind => nearest(kind, &KINDS),
                },
            }),
        }
    }
}

fn sqlite_options(settings: &BTreeMap<String, String>) -> Result<sqlite::Options, SettingsError> {
    let settings = Settings::new("sqlite", settings, &["path", "table", "timeout"])?;
    let mut options = sqlite::Options::new(settings.needed("path", "data/store.db")?);
    settings.text("table", &mut options.table);
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}

fn redis_options(settings: &BTreeMap<String, String>) -> Result<redis::Options, SettingsError> {
    let known = &["url", "prefix", "timeout", "connections"];
    let settings = Settings::new("redis", settings, known)?;
    let url = settings.needed("url", "redis://127.0.0.1:6379")?;
    let mut options = redis::Options::new(Address::from(url));
    settings.text("prefix", &mut options.prefix);
    settings.duration("timeout", &mut options.timeout)?;
    settings.count("connections", &mut options.connections)?;
    Ok(options)
}

fn postgres_options(
    settings: &BTreeMap<String, String>,
) -> Result<postgres::Options, SettingsError> {
    let known = &["url", "table", "create", "timeout", "connections"];
    let settings = Settings::new("postgres", settings, known)?;
    let url = settings.needed("url", "postgres://user:password@127.0.0.1:5432/database")?;
    let mut options = postgres::Options::new(Address::from(url));
    settings.text("table", &mut options.table);
    settings.parsed("create", "true or false", &mut options.create)?;
    settings.duration("timeout", &mut options.timeout)?;
    settings.count("connections", &mut options.connections)?;
    Ok(options)
}

fn nats_options(settings: &BTreeMap<String, String>) -> Result<nats::Options, SettingsError> {
    let known = &["url", "bucket", "create", "replicas", "timeout"];
    let settings = Settings::new("nats", settings, known)?;
    let url = settings.needed("url", "nats://127.0.0.1:4222")?;
    let mut options = nats::Options::new(Address::from(url));
    settings.text("bucket", &mut options.bucket);
    settings.parsed("create", "true or false", &mut options.create)?;
    settings.count("replicas", &mut options.replicas)?;
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}

/// The settings of one backend, all of which it has.
struct Settings<'a> {
    kind: &'static str,
    given: &'a BTreeMap<String, String>,
}

impl<'a> Settings<'a> {
    fn new(
        kind: &'static str,
        given: &'a BTreeMap<String, String>,
        known: &'static [&'static str],
    ) -> Result<Self, SettingsError> {
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let nearest = nearest(name, known);
                Err(SettingsError::UnknownSetting { kind, name: name.clone(), nearest, known })
            }
            None => Ok(Self { kind, given }),
        }
    }

    fn needed(&self, name: &'static str, example: &'static str) -> Result<&'a str, SettingsError> {
        let value = self.given.get(name).map(String::as_str);
        value.ok_or(SettingsError::Missing { kind: self.kind, name, example })
    }

    fn text(&self, name: &str, option: &mut String) {
        if let Some(value) = self.given.get(name) {
            option.clone_from(value);
        }
    }

    fn count(&self, name: &'static str, option: &mut usize) -> Result<(), SettingsError> {
        let expected = "a whole number above 0";
        self.parsed(name, expected, option)?;
        if *option == 0 { Err(self.wrong(name, expected)) } else { Ok(()) }
    }

    fn duration(&self, name: &'static str, option: &mut Duration) -> Result<(), SettingsError> {
        let Some(value) = self.given.get(name) else { return Ok(()) };
        let parsed = humantime::parse_duration(value).ok().filter(|time| !time.is_zero());
        *option = parsed.ok_or_else(|| self.wrong(name, "a time above 0, such as \"500ms\""))?;
        Ok(())
    }

    fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        expected: &'static str,
        option: &mut T,
    ) -> Result<(), SettingsError> {
        let Some(value) = self.given.get(name) else { return Ok(()) };
        *option = value.parse().map_err(|_| self.wrong(name, expected))?;
        Ok(())
    }

    fn wrong(&self, name: &'static str, expected: &'static str) -> SettingsError {
        let value = self.given.get(name).cloned().unwrap_or_default();
        SettingsError::Wrong { kind: self.kind, name, value, expected }
    }
}

/// What was probably meant.
fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(word, known), *known));
    let (distance, known) = near.min()?;
    (distance <= (known.len().max(word.len()) / 3).max(1)).then_some(known)
}

/// What to write instead: the nearest word, or any that is known.
fn hint(nearest: &Option<&str>, known: &[&str]) -> String {
    match (nearest, known) {
        (Some(nearest), _) => format!("did you mean `{nearest}`?"),
        (None, []) => "it has none".to_owned(),
        (None, known) => format!("write one of `{}`", known.join("`, `")),
    }
}
