//! A backend's settings as text, from a configuration or a command line.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use keyway_word::{Capability, nearest, shown};
use thiserror::Error;

/// Why settings do not describe a backend.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// There is no such backend.
    #[error("there is no backend `{kind}` for {of}; {}", hint(.nearest, .known))]
    UnknownKind {
        /// What it was to be for: "keys and values".
        of: &'static str,
        /// What was asked for, without a password: it may be a URL.
        kind: String,
        /// All backends that there are.
        known: &'static [&'static str],
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
        "`{value}` is not valid for the setting `{name}` of the backend `{kind}`: write {expected}"
    )]
    Wrong {
        /// The backend.
        kind: &'static str,
        /// The setting.
        name: &'static str,
        /// Its value, without a password: it may be that of another setting, such as a URL.
        value: String,
        /// What a value looks like.
        expected: &'static str,
    },
}

impl SettingsError {
    /// Says that a capability has no backend `kind`, and which one was probably meant.
    pub(crate) fn no_backend(capability: Capability, kind: &str) -> Self {
        let row = capability.row();
        let lower = kind.to_ascii_lowercase();
        let misnomer = row.misnomers.iter().find(|(name, _)| *name == lower);
        let meant = misnomer.map(|(_, meant)| *meant);
        Self::UnknownKind {
            of: row.holds,
            // It may be a URL with a password.
            kind: shown(kind),
            known: row.backends,
            nearest: meant.or_else(|| nearest(&lower, row.backends.iter().copied())),
        }
    }

    /// The setting that is wrong, if it is one that was given.
    pub fn setting(&self) -> Option<&str> {
        match self {
            Self::UnknownSetting { name, .. } => Some(name),
            Self::Wrong { name, .. } => Some(name),
            Self::UnknownKind { .. } | Self::Missing { .. } => None,
        }
    }
}

/// The settings of one backend, all of which it has.
pub(crate) struct Settings<'a> {
    kind: &'static str,
    given: &'a BTreeMap<String, String>,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(
        kind: &'static str,
        given: &'a BTreeMap<String, String>,
        known: &'static [&'static str],
    ) -> Result<Self, SettingsError> {
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let nearest = nearest(name, known.iter().copied());
                Err(SettingsError::UnknownSetting { kind, name: name.clone(), nearest, known })
            }
            None => Ok(Self { kind, given }),
        }
    }

    pub(crate) fn needed(
        &self,
        name: &'static str,
        example: &'static str,
    ) -> Result<&'a str, SettingsError> {
        let value = self.given.get(name).map(String::as_str);
        value.ok_or(SettingsError::Missing { kind: self.kind, name, example })
    }

    pub(crate) fn text(&self, name: &str, option: &mut String) {
        if let Some(value) = self.given.get(name) {
            option.clone_from(value);
        }
    }

    pub(crate) fn count(
        &self,
        name: &'static str,
        option: &mut usize,
    ) -> Result<(), SettingsError> {
        let expected = "a whole number above 0";
        self.parsed(name, expected, option)?;
        if *option == 0 { Err(self.wrong(name, expected)) } else { Ok(()) }
    }

    pub(crate) fn duration(
        &self,
        name: &'static str,
        option: &mut Duration,
    ) -> Result<(), SettingsError> {
        let Some(value) = self.given.get(name) else { return Ok(()) };
        let parsed = humantime::parse_duration(value).ok().filter(|time| !time.is_zero());
        *option = parsed.ok_or_else(|| self.wrong(name, "a time above 0, such as \"500ms\""))?;
        Ok(())
    }

    pub(crate) fn parsed<T: FromStr>(
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
        let value = self.given.get(name).map(|value| shown(value)).unwrap_or_default();
        SettingsError::Wrong { kind: self.kind, name, value, expected }
    }
}

/// What to write instead: the nearest word, or any that is known.
fn hint(nearest: &Option<&str>, known: &[&str]) -> String {
    match (nearest, known) {
        (Some(nearest), _) => format!("did you mean `{nearest}`?"),
        (None, []) => "it has none".to_owned(),
        (None, known) => format!("write one of `{}`", known.join("`, `")),
    }
}
