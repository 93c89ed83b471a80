//! The configurations of an app, opened.

use std::{env, sync::Arc};

use keyway_app::{
    App, Component, Problem,
    backend::{Backend, BackendName},
};
use keyway_capability::config::{self, Config};

use super::{OpenedByName, open_all, setting};
use crate::problem::problem;

/// Configurations that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Configs(OpenedByName<config::Backend, Arc<dyn Config>>);

impl Configs {
    /// Opens the configurations that `app` declares. Those that `before` has open as they are now
    /// stay.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be read.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let open = |name: &BackendName, declared: &Backend, backend: &config::Backend| {
            config::open(backend).map_err(|error| Problem {
                place: declared.place.clone(),
                ..problem("config", format!("{}: {error}", named(name)), None)
            })
        };
        open_all(&app.configs, &before.0, |name, of| backend(app, name, of), open).map(Self)
    }

    /// What `component` reads.
    pub(crate) fn of(&self, component: &Component) -> Option<Arc<dyn Config>> {
        let opened = self.0.get(&component.config.as_ref()?.value)?;
        Some(Arc::clone(&opened.open))
    }
}

/// All that is wrong with the settings of the configurations of `app`.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let configs = app.configs.iter();
    configs.filter_map(|(name, declared)| backend(app, name, declared).err()).collect()
}

fn named(name: &BackendName) -> String {
    format!("the configuration `{name}`")
}

/// A backend as its own crate understands it, which knows nothing of the environment.
fn backend(app: &App, name: &BackendName, declared: &Backend) -> Result<config::Backend, Problem> {
    let what = named(name);
    let mut settings = setting::read_all(&app.folder, &what, declared)?;
    let kind = match declared.kind.value.as_str() {
        "env" => {
            let prefix = settings.remove("prefix").unwrap_or_default();
            if let Some(key) = settings.keys().next() {
                let place = declared.settings.get(key).and_then(|setting| setting.place.clone());
                let message =
                    format!("{what}: the backend `env` has no setting `{key}`; write `prefix`");
                return Err(Problem { place, ..problem("setting", message, None) });
            }
            settings = env::vars_os()
                .filter_map(|(key, value)| {
                    let key = key.to_str()?.strip_prefix(&prefix)?.to_owned();
                    Some((key, value.into_string().ok()?))
                })
                .collect();
            "values"
        }
        kind => kind,
    };
    config::Backend::from_settings(kind, &settings)
        .map_err(|error| setting::wrong(&what, declared, &error))
}
