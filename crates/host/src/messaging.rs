//! The brokers of an app: from the words of its manifest to brokers that are open, and to what each
//! component may connect to.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use keyway_app::{
    App, Component, ComponentName, Placed, Problem,
    backend::{Backend, BackendName},
};
use keyway_capability::messaging::{self, Broker, OpenError, Pattern};

use crate::{problem::problem, setting};

/// Brokers that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Brokers(BTreeMap<BackendName, Opened>);

#[derive(Debug, Clone)]
struct Opened {
    declared: Backend,
    broker: Arc<dyn Broker>,
}

impl Brokers {
    /// Opens the brokers that `app` declares. Those that `before` has open as they are declared
    /// stay, with the messages that wait in memory.
    ///
    /// # Errors
    /// All settings that are wrong.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut brokers = BTreeMap::new();
        for (name, declared) in &app.brokers {
            let kept = before.0.get(name).filter(|opened| opened.declared.is_same(declared));
            let broker = match kept {
                Some(opened) => Ok(Arc::clone(&opened.broker)),
                None => open(&app.folder, name, declared),
            };
            match broker {
                Ok(broker) => {
                    brokers.insert(name.clone(), Opened { declared: declared.clone(), broker });
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(brokers)) } else { Err(problems) }
    }

    /// The open broker of this name.
    pub(crate) fn get(&self, name: &BackendName) -> Option<&Arc<dyn Broker>> {
        self.0.get(name).map(|opened| &opened.broker)
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
        let look = |(name, opened): (BackendName, Opened)| async move {
            if let Err(error) = opened.broker.look_at().await {
                tracing::warn!("the broker `{name}` does not answer: {error}");
            }
        };
        futures::future::join_all(self.0.into_iter().map(look)).await;
    }
}

/// All that is wrong with the settings of the brokers of `app`, and with the topics of its triggers.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let wrong = |(name, declared): (&BackendName, &Backend)| {
        let backend = match backend(&app.folder, name, declared) {
            Ok(backend) => backend,
            Err(problem) => return Some(problem),
        };
        let checked = messaging::check(&backend);
        checked.err().map(|error| cannot_open(name, declared, &error))
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

/// Messages need a component that handles them.
pub(crate) fn without_handler(
    app: &App,
    root: &ComponentName,
    unit: &keyway_component::Unit,
) -> Option<Problem> {
    let trigger = app.messages.iter().find(|trigger| trigger.component == *root)?;
    if unit.exports.iter().any(|export| export.starts_with("wasi:messaging/incoming-handler@")) {
        return None;
    }
    let exports = match unit.exports.as_slice() {
        [] => "nothing".to_owned(),
        exports => exports.join(", "),
    };
    let message = format!(
        "messages on `{}` lead to `{root}`, which does not handle any: it exports {exports}",
        trigger.topic
    );
    let help = "a component that handles messages exports \
                `wasi:messaging/incoming-handler@0.2.0-draft`";
    let told = problem("no-message-handler", message, Some(help));
    Some(Problem { place: trigger.component_place.clone(), ..told })
}

fn open(folder: &Path, name: &BackendName, declared: &Backend) -> Result<Arc<dyn Broker>, Problem> {
    let backend = backend(folder, name, declared)?;
    messaging::open(&backend).map_err(|error| cannot_open(name, declared, &error))
}

/// A problem of opening, at the setting that it is about.
fn cannot_open(name: &BackendName, declared: &Backend, error: &OpenError) -> Problem {
    let key = match error {
        OpenError::Address(_) => "url",
        OpenError::Stream { .. } => "stream",
    };
    let setting = declared.settings.get(key);
    let place = setting.map_or(&declared.place, |setting| &setting.place);
    let message = format!("the broker `{name}`: {error}");
    Problem { place: place.clone(), ..problem("messaging", message, None) }
}

/// A backend as its own crate understands it.
fn backend(
    folder: &Path,
    name: &BackendName,
    declared: &Backend,
) -> Result<messaging::Backend, Problem> {
    let what = format!("the broker `{name}`");
    let settings = setting::read_all(folder, &what, declared)?;
    messaging::Backend::from_settings(&declared.kind.value, &settings)
        .map_err(|error| setting::wrong(&what, declared, &error))
}
