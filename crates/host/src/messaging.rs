//! The brokers of an app: from the words of its manifest to brokers that are open, and to what each
//! component may connect to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use keyway_app::{
    App, Component, Placed, Problem,
    backend::{Backend, BackendName},
};
use keyway_capability::messaging::{self, Broker, OpenError, Pattern};

use crate::{
    backends::{Opened, OpenedByName, open_all},
    problem::problem,
    setting::{self, Resolved},
};

/// Brokers that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Brokers(OpenedByName<Resolved, Arc<dyn Broker>>);

impl Brokers {
    /// Opens the brokers that `app` declares. Those that `before` has open with the same settings
    /// stay, with the messages that wait in memory.
    ///
    /// # Errors
    /// All settings that are wrong.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let open = |name: &BackendName, declared: &Backend, settings: &Resolved| {
            let backend = backend(name, declared, settings)?;
            messaging::open(&backend).map_err(|error| cannot_open(name, declared, &error))
        };
        open_all(&app.brokers, &before.0, |name, of| resolve(app, name, of), open).map(Self)
    }

    /// The open broker of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<dyn Broker>> {
        self.0.get(name).map(|opened| &opened.open)
    }

    /// What `component` may connect to, by the names that it gives.
    pub(crate) fn of(&self, component: &Component) -> BTreeMap<String, Arc<dyn Broker>> {
        let links = component.brokers.iter();
        let brokers = links.filter_map(|(name, Placed { value: to, .. })| {
            Some((name.clone(), Arc::clone(self.get(to)?)))
        });
        brokers.collect()
    }

    /// Looks at every broker, so that one that is not there, or that refuses, is told when the host
    /// starts and not by the first message.
    pub(crate) async fn look_at(self) {
        let looks = self.0.into_iter().map(|(name, Opened { open: broker, .. })| async move {
            if let Err(error) = broker.look_at().await {
                tracing::warn!("the broker `{name}` does not answer: {error}");
            }
        });
        futures::future::join_all(looks).await;
    }
}

/// All that is wrong with the settings of the brokers of `app`, and with the topics of its triggers.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let wrong = |(name, declared): (&BackendName, &Backend)| {
        let settings = resolve(app, name, declared);
        let checked = settings.and_then(|settings| {
            let backend = backend(name, declared, &settings)?;
            messaging::check(&backend).map_err(|error| cannot_open(name, declared, &error))
        });
        checked.err()
    };
    let mut problems: Vec<_> = app.brokers.iter().filter_map(wrong).collect();
    let mut seen = BTreeSet::new();
    for trigger in &app.messages {
        let told = match trigger.topic.parse::<Pattern>() {
            Err(error) => problem("topic", error.to_string(), None),
            Ok(_) if !seen.insert((&trigger.from, &trigger.topic, &trigger.group)) => problem(
                "duplicate-topic",
                format!(
                    "the group `{}` takes messages on `{}` already",
                    trigger.group, trigger.topic
                ),
                Some("of a group one gets each message: give this trigger another `group`"),
            ),
            Ok(_) => continue,
        };
        problems.push(Problem { place: trigger.place.clone(), ..told });
    }
    problems
}

fn named(name: &BackendName) -> String {
    format!("the broker `{name}`")
}

/// A problem of opening, at the setting that it is about.
fn cannot_open(name: &BackendName, declared: &Backend, error: &OpenError) -> Problem {
    let key = match error {
        OpenError::Address(_) => "url",
        OpenError::Stream { .. } => "stream",
    };
    let setting = declared.settings.get(key);
    let place = setting.map_or(&declared.place, |setting| &setting.place);
    let message = format!("{}: {error}", named(name));
    Problem { place: place.clone(), ..problem("messaging", message, None) }
}

fn resolve(app: &App, name: &BackendName, declared: &Backend) -> Result<Resolved, Problem> {
    setting::resolve(&app.folder, &named(name), declared)
}

/// A backend as its own crate understands it.
fn backend(
    name: &BackendName,
    declared: &Backend,
    Resolved { kind, settings }: &Resolved,
) -> Result<messaging::Backend, Problem> {
    messaging::Backend::from_settings(kind, settings)
        .map_err(|error| setting::wrong(&named(name), declared, &error))
}
