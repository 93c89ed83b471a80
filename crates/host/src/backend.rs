//! All that stands behind the capabilities of an app, open.

mod blobstore;
mod config;
mod database;
mod kind;
mod link;
mod messaging;
mod setting;
pub(crate) mod store;

use std::collections::BTreeMap;

use keyway_app::{
    App, Problem,
    backend::{Backend, BackendName},
};

use self::{
    blobstore::Places, config::Configs, database::Databases, messaging::Brokers, store::Stores,
};

/// The backends of an app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backends {
    /// Its stores of keys and values.
    pub(crate) stores: Stores,
    /// Its places for containers of objects.
    pub(crate) places: Places,
    /// Its brokers of messages.
    pub(crate) brokers: Brokers,
    /// Its configurations.
    pub(crate) configs: Configs,
    /// Its databases.
    pub(crate) databases: Databases,
}

impl Backends {
    /// Opens the backends that `app` declares. Those that `before` has open as they are declared
    /// stay.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be used.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let stores = Stores::open(app, &before.stores);
        let places = Places::open(app, &before.places);
        let brokers = Brokers::open(app, &before.brokers);
        let configs = Configs::open(app, &before.configs);
        let databases = Databases::open(app, &before.databases);
        match (stores, places, brokers, configs, databases) {
            (Ok(stores), Ok(places), Ok(brokers), Ok(configs), Ok(databases)) => {
                Ok(Self { stores, places, brokers, configs, databases })
            }
            (stores, places, brokers, configs, databases) => {
                let problems =
                    [stores.err(), places.err(), brokers.err(), configs.err(), databases.err()];
                Err(problems.into_iter().flatten().flatten().collect())
            }
        }
    }

    /// Asks for something wherever a server may not be there or refuse, so that this is told at the
    /// start and not by the first request.
    pub(crate) async fn look_at(self) {
        tokio::join!(
            self.stores.look_at(),
            self.places.look_at(),
            self.brokers.look_at(),
            self.databases.look_at()
        );
    }
}

/// What is open behind a name of the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Opened<S, T> {
    /// What was declared, with what its settings came to then: a secret may be another one since.
    pub(crate) settings: S,
    pub(crate) open: T,
}

/// What is open, by its names in the manifest.
pub(crate) type OpenedByName<S, T> = BTreeMap<BackendName, Opened<S, T>>;

/// Opens all that is `declared`. What `before` has open with the same settings stays.
///
/// # Errors
/// All settings that are wrong, and all that cannot be opened.
pub(crate) fn open_all<S: PartialEq, T: Clone>(
    declared: &BTreeMap<BackendName, Backend>,
    before: &OpenedByName<S, T>,
    resolve: impl Fn(&BackendName, &Backend) -> Result<S, Problem>,
    open: impl Fn(&BackendName, &Backend, &S) -> Result<T, Problem>,
) -> Result<OpenedByName<S, T>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut opened = BTreeMap::new();
    for (name, declared) in declared {
        let one = resolve(name, declared).and_then(|settings| {
            let kept = before.get(name).filter(|before| before.settings == settings);
            let open = match kept {
                Some(kept) => kept.open.clone(),
                None => open(name, declared, &settings)?,
            };
            Ok(Opened { settings, open })
        });
        match one {
            Ok(one) => {
                opened.insert(name.clone(), one);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(opened) } else { Err(problems) }
}

/// All that is wrong with the settings of the backends of `app`.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let mut problems = store::check(app);
    problems.extend(blobstore::check(app));
    problems.extend(messaging::check(app));
    problems.extend(config::check(app));
    problems.extend(database::check(app));
    problems
}
