//! The brokers of an app: from the words of its manifest to brokers that are open, and to what each
//! component may connect to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use keyway_app::{App, Component, Placed, Problem, backend::BackendName};
use keyway_capability::{
    SettingsError,
    messaging::{self, Broker, OpenError, Pattern},
};

use super::kind::{self, Kind, OpenOf};
use crate::problem::problem;

/// Brokers that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Brokers(OpenOf<Messaging>);

/// The kind of backend that they have.
#[derive(Debug)]
struct Messaging;

impl Kind for Messaging {
    type Backend = messaging::Backend;
    type Error = OpenError;
    type Open = Arc<dyn Broker>;

    const CODE: &'static str = "messaging";
    const WHAT: &'static str = "the broker";

    fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<messaging::Backend, SettingsError> {
        messaging::Backend::from_settings(kind, settings)
    }

    fn open(backend: &messaging::Backend) -> Result<Arc<dyn Broker>, OpenError> {
        messaging::open(backend)
    }

    fn check(backend: &messaging::Backend) -> Result<(), OpenError> {
        messaging::check(backend)
    }

    fn setting(error: &OpenError) -> &'static str {
        match error {
            OpenError::Address(_) => "url",
            OpenError::Stream { .. } => "stream",
        }
    }

    async fn ask(broker: Arc<dyn Broker>) -> Result<(), String> {
        broker.look_at().await.map_err(|error| error.to_string())
    }
}

impl Brokers {
    /// Opens the brokers that `app` declares. Those that `before` has open with the same settings
    /// stay, with the messages that wait in memory.
    ///
    /// # Errors
    /// All settings that are wrong.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        kind::open::<Messaging>(app, &app.brokers, &before.0).map(Self)
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
        kind::look_at::<Messaging>(self.0).await;
    }
}

/// All that is wrong with the settings of the brokers of `app`, and with the topics of its triggers.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let mut problems = kind::check::<Messaging>(app, &app.brokers);
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
