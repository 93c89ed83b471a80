//! What stands behind the capabilities of an app: opened by the words of its manifest, kept while it is
//! declared, and given to the components that are linked to it.
//!
//! It treats all capabilities alike. Only stores can be swapped, which [`store`] knows.

mod link;
mod setting;
pub(crate) mod store;
mod topic;

use std::{any::Any, collections::BTreeMap, sync::Arc};

use keyway_app::{
    App, BackendName, Capability, Code, Component, Problem, Rights, backend::Backend,
};
use keyway_capability::{Linked, Open, ProvideError, provider};

pub(crate) use self::setting::setting_files;
use self::{
    link::Links,
    setting::{Resolved, resolve},
    store::Stores,
};
use crate::problem::problem;

/// The backends of an app that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backends(BTreeMap<(Capability, BackendName), Opened>);

/// What is open behind a name of the manifest. All generations of the app share it.
#[derive(Debug, Clone)]
struct Opened {
    /// What was declared, with what its settings came to then: a secret may be another one since.
    declared: Resolved,
    open: Arc<dyn Open>,
    links: Arc<Links>,
}

impl Backends {
    /// Opens the backends that `app` declares. Those that `before` has open as they are declared
    /// stay, with what is in memory, and so do those that can be moved to where they are declared.
    ///
    /// # Errors
    /// All settings that are wrong, and files that cannot be used.
    pub(crate) fn open(app: &App, before: &Self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut opened = BTreeMap::new();
        for (key, declared) in &app.backends {
            match open(app, key, declared, before.0.get(key)) {
                Ok(one) => drop(opened.insert(key.clone(), one)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(opened)) } else { Err(problems) }
    }

    /// What the links of `component` to backends lead to, by what it opens.
    pub(crate) fn of(&self, component: &Component) -> BTreeMap<(Capability, String), Linked> {
        let links = component.links.backends().filter_map(|link| {
            let Opened { open, links, .. } = self.0.get(&(link.capability, link.to.clone()))?;
            let linked = links.get(&component.name, link.rights, || open.link(link.rights));
            Some(((link.capability, link.name.to_owned()), linked))
        });
        links.collect()
    }

    /// The backend itself, which is open, as its capability's type.
    pub(crate) fn get<T: Any + Clone>(&self, of: Capability, name: &BackendName) -> Option<T> {
        self.0.get(&(of, name.clone()))?.open.link(&Rights::default()).get().cloned()
    }

    /// Tells what is open from all else that is open at the same time.
    pub(crate) fn address(&self, capability: Capability, name: &BackendName) -> Option<usize> {
        let opened = self.0.get(&(capability, name.clone()))?;
        Some(Arc::as_ptr(&opened.open).cast::<()>() as usize)
    }

    /// Whether one of them keeps in memory what nobody else has.
    pub(crate) fn are_in_memory(&self) -> bool {
        self.0.values().any(|opened| opened.declared.kind == "memory")
    }

    /// The stores among them, which can be swapped.
    pub(crate) fn stores(&self) -> Stores<'_> {
        Stores(self)
    }

    /// The same backends, with the stores as they are in `now`, as far as they are there.
    pub(crate) fn with_stores_of(mut self, now: &Self) -> Self {
        for (key, opened) in &mut self.0 {
            if let (Capability::Keyvalue, Some(now)) = (key.0, now.0.get(key)) {
                opened.clone_from(now);
            }
        }
        self
    }

    /// Asks each for something, so that one that is not there, or that refuses, is logged when the
    /// host starts and not by the first request.
    pub(crate) async fn probe(self) {
        let probes = self.0.into_iter().map(|(key, Opened { open, .. })| async move {
            if let Err(error) = open.probe().await {
                tracing::warn!("{} does not answer: {error}", named(&key));
            }
        });
        futures::future::join_all(probes).await;
    }
}

/// All that is wrong with the backends of `app`, and with the topics of its triggers.
pub(crate) fn check(app: &App) -> Vec<Problem> {
    let checked = app.backends.iter().filter_map(|(key, declared)| {
        let resolved = resolve(app, key.0, &named(key), declared);
        let checked = resolved.and_then(|Resolved { kind, settings }| {
            let checked = provider(key.0).check(&kind, &settings);
            checked.map_err(|error| wrong(key, declared, &error))
        });
        checked.err()
    });
    checked.chain(topic::check(app)).collect()
}

fn open(
    app: &App,
    key: &(Capability, BackendName),
    backend: &Backend,
    before: Option<&Opened>,
) -> Result<Opened, Problem> {
    let declared = resolve(app, key.0, &named(key), backend)?;
    let Resolved { kind, settings } = &declared;
    let goes_on =
        |before: &&Opened| before.declared == declared || before.open.goes_on(kind, settings);
    if let Some(Opened { open, links, .. }) = before.filter(goes_on) {
        let (open, links) = (Arc::clone(open), Arc::clone(links));
        return Ok(Opened { declared, open, links });
    }
    let opened = provider(key.0).open(kind, settings);
    let open = opened.map_err(|error| wrong(key, backend, &error))?;
    Ok(Opened { declared, open, links: Arc::default() })
}

/// A backend in words: "the store `cache`".
fn named((capability, name): &(Capability, BackendName)) -> String {
    format!("the {} `{name}`", capability.row().noun)
}

/// A problem of opening, at the setting that it is about.
fn wrong(key: &(Capability, BackendName), declared: &Backend, error: &ProvideError) -> Problem {
    let error = match error {
        ProvideError::Settings(error) => return setting::wrong(&named(key), declared, error),
        ProvideError::Open(error) => error,
    };
    let setting = declared.settings.get(error.setting());
    let place = setting.map_or(&declared.place, |setting| &setting.place).clone();
    Problem { place, ..problem(Code::Backend, format!("{}: {error}", named(key)), None) }
}
