//! The settings of a backend, read from where the manifest says.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use age::{Decryptor, Identity, IdentityFile, armor::ArmoredReader};
use etcetera::BaseStrategy;
use keyway_app::{
    App, Capability, Code, Placed, Problem,
    backend::{Backend, Part, Secret, Setting},
};
use keyway_capability::SettingsError;

use crate::problem::problem;

/// Names the file with the keys that decrypt settings, as `age-keygen` writes it.
const KEYS: &str = "KEYWAY_AGE_KEYS";

/// Settings that name a file, seen from the manifest.
const PATHS: [&str; 1] = ["path"];

/// A backend as its table says, with what its settings have come to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) kind: String,
    pub(crate) settings: BTreeMap<String, String>,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A setting may be a secret.
        f.debug_struct("Resolved").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The files that settings of the backends of `app` come from, most of which are secrets.
pub(crate) fn setting_files(app: &App) -> impl Iterator<Item = PathBuf> {
    let settings = app.backends.values().flat_map(|backend| backend.settings.values());
    settings.filter_map(|setting| match &setting.value {
        Setting::File(file) | Setting::Age(file) => Some(app.folder.join(file)),
        Setting::Text(_) | Setting::Env(_) | Setting::Template(_) => None,
    })
}

/// What `declared` has come to. `what` is what it is called.
///
/// # Errors
/// If a setting comes from a variable or a file that is not there.
pub(crate) fn resolve(
    app: &App,
    capability: Capability,
    what: &str,
    declared: &Backend,
) -> Result<Resolved, Problem> {
    let settings = read_all(app, capability, what, declared)?;
    let kind = declared.kind.value.clone();
    match (capability, kind.as_str()) {
        (Capability::Config, "env") => environment(settings, what, declared),
        _ => Ok(Resolved { kind, settings }),
    }
}

/// The host's environment as a configuration of values, which knows nothing of it.
fn environment(
    mut settings: BTreeMap<String, String>,
    what: &str,
    declared: &Backend,
) -> Result<Resolved, Problem> {
    let prefix = settings.remove("prefix").unwrap_or_default();
    if let Some(key) = settings.keys().next() {
        let place = declared.settings.get(key).and_then(|setting| setting.place.clone());
        let message = format!("{what}: the backend `env` has no setting `{key}`; write `prefix`");
        return Err(Problem { place, ..problem(Code::Setting, message, None) });
    }
    let values = env::vars_os().filter_map(|(key, value)| {
        let key = key.to_str()?.strip_prefix(&prefix)?.to_owned();
        Some((key, value.into_string().ok()?))
    });
    Ok(Resolved { kind: "values".to_owned(), settings: values.collect() })
}

/// The settings of `declared` as texts. `what` is what it is called.
///
/// # Errors
/// If one comes from a variable or a file that is not there.
fn read_all(
    app: &App,
    capability: Capability,
    what: &str,
    declared: &Backend,
) -> Result<BTreeMap<String, String>, Problem> {
    let read = |(key, Placed { value, place }): (&String, &Placed<Setting>)| {
        let value =
            read(&app.folder, value).and_then(|value| match PATHS.contains(&key.as_str()) {
                true => {
                    // What configures an app comes with it; all else is its data.
                    let folder = match capability {
                        Capability::Config => app.base(Path::new(&value)),
                        _ => app.data.as_path(),
                    };
                    in_full(&folder.join(value)).ok_or_else(|| {
                        // As text it would be another path, and its data would lie there.
                        format!("lies in {}, and that path is not text in UTF-8", folder.display())
                    })
                }
                false => Ok(value),
            });
        let value = value.map_err(|reason| Problem {
            place: place.clone(),
            ..problem(Code::Setting, format!("{what}: its `{key}` {reason}"), None)
        })?;
        Ok((key.clone(), value))
    };
    declared.settings.iter().map(read).collect()
}

/// A path from the root on, as text: what is named in two ways is the same. If it is text only as it
/// is given, it stays so; none if it is not text at all.
pub(crate) fn in_full(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).ok();
    let text = absolute.as_deref().and_then(Path::to_str).or_else(|| path.to_str());
    text.map(str::to_owned)
}

/// The problem of settings that do not describe a backend, at the wrong one.
pub(crate) fn wrong(what: &str, declared: &Backend, error: &SettingsError) -> Problem {
    let setting = error.setting().and_then(|key| declared.settings.get(key));
    let place = match (error, setting) {
        (SettingsError::UnknownKind { .. }, _) => &declared.kind.place,
        (_, Some(setting)) => &setting.place,
        (_, None) => &declared.place,
    };
    Problem { place: place.clone(), ..problem(Code::Setting, format!("{what}: {error}"), None) }
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
            Ok(bare(&text))
        }
        Setting::Age(file) => {
            let file = folder.join(file);
            let text = decrypt(&file)
                .map_err(|error| format!("comes from {}: {error}", file.display()))?;
            Ok(bare(&text))
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

/// The text of a file without what editors put around it: a byte order mark and the ends of lines.
fn bare(text: &str) -> String {
    text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).to_owned()
}

/// Decrypts a file with the first of the host's keys that fits.
fn decrypt(file: &Path) -> Result<String, String> {
    let encrypted = fs::read(file).map_err(|error| error.to_string())?;
    let keys = keys()?;
    let of_keys = |error: &dyn fmt::Display| format!("the keys in {}: {error}", keys.display());
    let identities = IdentityFile::from_file(keys.to_string_lossy().into_owned())
        .map_err(|error| of_keys(&error))?;
    let identities = identities.into_identities().map_err(|error| of_keys(&error))?;
    let mut text = String::new();
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(encrypted.as_slice()));
    let decrypted = decryptor.and_then(|decryptor| {
        decryptor.decrypt(identities.iter().map(|one| &**one as &dyn Identity))
    });
    decrypted
        .map_err(|error| {
            format!("it cannot be decrypted with the keys in {}: {error}", keys.display())
        })?
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

/// The file with the host's keys.
fn keys() -> Result<PathBuf, String> {
    if let Some(file) = env::var_os(KEYS) {
        return Ok(file.into());
    }
    let base = etcetera::choose_base_strategy();
    let base = base.map_err(|_| format!("set {KEYS} to the file with the keys to decrypt it"))?;
    Ok(base.config_dir().join("keyway").join("age.txt"))
}
