//! The settings of a backend: from where the manifest says that they are.

use std::{collections::BTreeMap, env, fs, path::Path};

use keyway_app::{
    Placed, Problem,
    backend::{Backend, Part, Secret, Setting},
};
use keyway_capability::SettingsError;

use crate::problem::problem;

/// Settings that name a file, seen from the manifest.
const PATHS: [&str; 1] = ["path"];

/// The settings of `declared` as texts. `what` is what it is the backend of.
///
/// # Errors
/// If one comes from a variable or a file that is not there.
pub(crate) fn read_all(
    folder: &Path,
    what: &str,
    declared: &Backend,
) -> Result<BTreeMap<String, String>, Problem> {
    let read = |(key, Placed { value, place }): (&String, &Placed<Setting>)| {
        let value = read(folder, value).map_err(|reason| Problem {
            place: place.clone(),
            ..problem("setting", format!("{what}: its `{key}` {reason}"), None)
        })?;
        let value = if PATHS.contains(&key.as_str()) {
            folder.join(value).to_string_lossy().into_owned()
        } else {
            value
        };
        Ok((key.clone(), value))
    };
    declared.settings.iter().map(read).collect()
}

/// The problem of settings that are no backend's, at the one that is wrong.
pub(crate) fn wrong(what: &str, declared: &Backend, error: &SettingsError) -> Problem {
    let setting = error.setting().and_then(|key| declared.settings.get(key));
    let place = match (error, setting) {
        (SettingsError::UnknownKind { .. }, _) => &declared.kind.place,
        (_, Some(setting)) => &setting.place,
        (_, None) => &declared.place,
    };
    Problem { place: place.clone(), ..problem("setting", format!("{what}: {error}"), None) }
}

/// The text of a setting, from where the manifest says that it is.
fn read(folder: &Path, setting: &Setting) -> Result<String, String> {
    match setting {
        Setting::Text(text) => Ok(text.0.clone()),
        Setting::Env(variable) => variable_of_host(variable, None),
        Setting::Template(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Ok(text.0.clone()),
                Part::Variable { name, default } => variable_of_host(name, default.as_ref()),
            })
            .collect(),
        Setting::File(file) => {
            let file = folder.join(file);
            let text = fs::read_to_string(&file)
                .map_err(|error| format!("comes from {}: {error}", file.display()))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
    }
}

fn variable_of_host(name: &str, default: Option<&Secret>) -> Result<String, String> {
    match (env::var(name), default) {
        (Ok(value), _) => Ok(value),
        (Err(env::VarError::NotPresent), Some(default)) => Ok(default.0.clone()),
        (Err(env::VarError::NotPresent), None) => {
            Err(format!("comes from the variable `{name}`, which is not set"))
        }
        (Err(env::VarError::NotUnicode(_)), _) => {
            Err(format!("comes from the variable `{name}`, which is not text"))
        }
    }
}
