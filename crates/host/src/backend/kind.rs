//! What databases, places for containers and brokers have in common: a backend that the manifest
//! declares by its settings, and that is opened once for all components.

use std::{collections::BTreeMap, fmt::Display, future::Future};

use keyway_app::{
    App, Problem,
    backend::{Backend, BackendName},
};
use keyway_capability::SettingsError;

use super::{
    OpenedByName, open_all,
    setting::{self, Resolved},
};
use crate::problem::problem;

/// A kind of thing that has a backend.
pub(crate) trait Kind {
    /// A backend as its own crate understands it.
    type Backend;
    /// Why one cannot be opened.
    type Error: Display;
    /// What is open.
    type Open: Clone + Send + Sync;

    /// The code of its problems.
    const CODE: &'static str;
    /// What it is called in them, before its name.
    const WHAT: &'static str;

    fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self::Backend, SettingsError>;

    fn open(backend: &Self::Backend) -> Result<Self::Open, Self::Error>;

    /// What [`open`](Self::open) would say, with nothing opened.
    fn check(backend: &Self::Backend) -> Result<(), Self::Error>;

    /// The setting that an error is about.
    fn setting(error: &Self::Error) -> &'static str;

    /// Asks for something, to know whether the backend answers.
    fn ask(open: Self::Open) -> impl Future<Output = Result<(), String>> + Send;
}

/// What is open of a kind, by its names in the manifest.
pub(crate) type OpenOf<K> = OpenedByName<Resolved, <K as Kind>::Open>;

/// Opens all that is `declared` in `app`. What `before` has open with the same settings stays.
///
/// # Errors
/// All settings that are wrong, and all that cannot be opened.
pub(crate) fn open<K: Kind>(
    app: &App,
    declared: &BTreeMap<BackendName, Backend>,
    before: &OpenOf<K>,
) -> Result<OpenOf<K>, Vec<Problem>> {
    let open = |name: &BackendName, declared: &Backend, settings: &Resolved| {
        let backend = backend::<K>(name, declared, settings)?;
        K::open(&backend).map_err(|error| cannot_open::<K>(name, declared, &error))
    };
    open_all(declared, before, |name, of| resolve::<K>(app, name, of), open)
}

/// All that is wrong with the settings of what is `declared` in `app`.
pub(crate) fn check<K: Kind>(app: &App, declared: &BTreeMap<BackendName, Backend>) -> Vec<Problem> {
    let wrong = |(name, declared): (&BackendName, &Backend)| {
        let checked = resolve::<K>(app, name, declared).and_then(|settings| {
            let backend = backend::<K>(name, declared, &settings)?;
            K::check(&backend).map_err(|error| cannot_open::<K>(name, declared, &error))
        });
        checked.err()
    };
    declared.iter().filter_map(wrong).collect()
}

/// Asks all for something, so that one that is not there, or that refuses, is told when the host
/// starts and not by the first request.
pub(crate) async fn look_at<K: Kind>(all: OpenOf<K>) {
    let looks = all.into_iter().map(|(name, opened)| async move {
        if let Err(error) = K::ask(opened.open).await {
            tracing::warn!("{} does not answer: {error}", named::<K>(&name));
        }
    });
    futures::future::join_all(looks).await;
}

fn named<K: Kind>(name: &BackendName) -> String {
    format!("{} `{name}`", K::WHAT)
}

fn resolve<K: Kind>(
    app: &App,
    name: &BackendName,
    declared: &Backend,
) -> Result<Resolved, Problem> {
    setting::resolve(&app.folder, &named::<K>(name), declared)
}

fn backend<K: Kind>(
    name: &BackendName,
    declared: &Backend,
    Resolved { kind, settings }: &Resolved,
) -> Result<K::Backend, Problem> {
    K::from_settings(kind, settings)
        .map_err(|error| setting::wrong(&named::<K>(name), declared, &error))
}

/// A problem of opening, at the setting that it is about.
fn cannot_open<K: Kind>(name: &BackendName, declared: &Backend, error: &K::Error) -> Problem {
    let setting = declared.settings.get(K::setting(error));
    let place = setting.map_or(&declared.place, |setting| &setting.place).clone();
    Problem { place, ..problem(K::CODE, format!("{}: {error}", named::<K>(name)), None) }
}
