//! Which unstable parts of WIT a project takes: those behind `@unstable(feature = …)`.

use std::{collections::BTreeSet, fs, path::Path};

use serde::Deserialize;

/// The file in a project's folder that names its features.
pub(crate) const SETTINGS: &str = "keyway-build.toml";

/// The features of WIT that are on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Features {
    /// Whether all are.
    #[serde(default, rename = "all-features")]
    pub all: bool,
    /// Those that are named.
    #[serde(default, rename = "features")]
    pub names: BTreeSet<String>,
}

impl Features {
    /// These, and those that the settings of the project in `folder` name.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub(crate) fn and_those_of(&self, folder: &Path) -> Result<Self, String> {
        let own = Self::read(&folder.join(SETTINGS))
            .map_err(|reason| format!("has a {SETTINGS} that cannot be read: {reason}"))?;
        let Some(own) = own else { return Ok(self.clone()) };
        let names = self.names.union(&own.names).cloned().collect();
        Ok(Self { all: self.all || own.all, names })
    }

    fn read(path: &Path) -> Result<Option<Self>, String> {
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        toml_edit::de::from_str(&text).map(Some).map_err(|error| error.to_string())
    }

    /// What a project's settings say of them; none if there is nothing to say.
    pub(crate) fn settings(&self) -> Option<String> {
        let setting = if self.all {
            "all-features = true".to_owned()
        } else if self.names.is_empty() {
            return None;
        } else {
            let names: Vec<_> = self.names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("features = [{}]", names.join(", "))
        };
        Some(format!(
            "# What `keyway build` takes of the WIT behind `@unstable(feature = …)`.\n{setting}\n"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(SETTINGS);
        assert_eq!(Features::read(&path), Ok(None));
        let named = Features { all: false, names: BTreeSet::from(["a-b".to_owned()]) };
        let all = Features { all: true, names: BTreeSet::new() };
        for features in [named, all] {
            let settings = features.settings().expect("there is something to say");
            fs::write(&path, settings).expect("written");
            assert_eq!(Features::read(&path), Ok(Some(features)));
        }
        assert_eq!(Features::default().settings(), None);
        fs::write(&path, "feature = []").expect("written");
        assert!(Features::read(&path).is_err_and(|reason| reason.contains("unknown field")));
    }
}
