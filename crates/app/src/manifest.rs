//! The manifest, `keyway.toml`: from text to a checked [`App`].

mod backend;
mod check;
mod component;
mod draft;
pub(crate) mod grant;
mod host;
mod limit;
mod link;
mod name;
pub(crate) mod server;
pub(crate) mod table;
pub(crate) mod trigger;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use keyway_word::Capability;
use toml_edit::Document;

use crate::{
    Code,
    app::{App, Component},
    backend::Backends,
    place::{Placed, Problem, Text},
    trigger::{ChangeTrigger, HttpTrigger, MessageTrigger},
};
pub use draft::{Doubts, Draft};
use table::{Reader, Table};
pub use trigger::HEALTH;

/// What may stand at the top, beside the sections of capabilities.
const KEYS: [&str; 3] = ["app", "component", "trigger"];

/// All that links may lead to, whether it could be read or not.
struct Targets {
    components: BTreeSet<String>,
    backends: BTreeMap<Capability, BTreeSet<String>>,
}

impl Targets {
    /// The names of the backends of a capability.
    fn backends(&self, capability: Capability) -> &BTreeSet<String> {
        const NONE: &BTreeSet<String> = &BTreeSet::new();
        self.backends.get(&capability).unwrap_or(NONE)
    }
}

/// A manifest whose parts were read one by one. Whether they hold together is still to be
/// [checked](Manifest::check).
#[derive(Debug)]
pub struct Manifest {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) idle: Option<Duration>,
    pub(crate) components: Vec<Component>,
    /// Every name of a component, also of those that could not be read.
    pub(crate) declared: BTreeSet<String>,
    pub(crate) backends: Backends,
    /// The routes, at their places.
    pub(crate) routes: Vec<Placed<HttpTrigger>>,
    pub(crate) messages: Vec<MessageTrigger>,
    pub(crate) changes: Vec<ChangeTrigger>,
    /// What may be missing, or may have been meant in another way.
    pub(crate) doubts: Doubts,
    pub(crate) text: Arc<Text>,
    pub(crate) problems: Vec<Problem>,
}

impl Manifest {
    /// Reads the TOML in `text`; `name` is shown in problems, usually the file's path.
    ///
    /// # Errors
    /// If the text is not TOML. All other problems are reported by [`check`](Self::check), together
    /// with its own.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let place = Arc::new(Text { name: name.to_owned(), text: text.to_owned() });
        let reader = Reader::new(Arc::clone(&place));
        let document = Document::parse(text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let message = format!("this is not TOML: {message}");
            vec![reader.problem(Code::Syntax, message, error.span())]
        })?;
        let mut manifest = Self {
            name: None,
            version: None,
            idle: None,
            components: Vec::new(),
            declared: BTreeSet::new(),
            backends: Backends::new(),
            routes: Vec::new(),
            messages: Vec::new(),
            changes: Vec::new(),
            doubts: Doubts::default(),
            text: place,
            problems: Vec::new(),
        };
        manifest.read(&reader, &reader.root(document.as_table()));
        manifest.problems = reader.into_problems();
        Ok(manifest)
    }

    fn read(&mut self, reader: &Reader, root: &Table<'_>) {
        let sections = Capability::ALL.iter().map(|capability| capability.row().section);
        let mut keys: Vec<_> = KEYS.into_iter().chain(sections).collect();
        keys.sort_unstable();
        root.only(&keys);
        if let Some(app) = root.table("app") {
            app.only(&["name", "version", "idle"]);
            self.name = app.required("name").and_then(|name| name.string()).map(str::to_owned);
            self.version = app.get("version").and_then(|v| v.string()).map(str::to_owned);
            self.idle = app.get("idle").and_then(|idle| limit::time(&idle));
        } else if root.get("app").is_none() {
            let message = "the manifest has no `[app]` with a `name`".to_owned();
            let help = Some("start it with `[app]` and `name = \"…\"`".to_owned());
            reader
                .report(Problem { help, ..reader.problem(Code::MissingKey, message, Some(0..0)) });
        }
        let told = reader.told();
        let components = root.table("component");
        self.doubts.uses = reader.told() > told
            || ["component", "trigger"].iter().any(|key| root.misspells(key, &keys));
        self.declared = components.iter().flat_map(Table::values).map(|(name, _)| name).collect();
        let targets = self.read_backends(reader, root);
        for (name, table) in components.iter().flat_map(Table::tables) {
            self.add(component::read(reader, &name, &table, &targets));
        }
        let told = reader.told();
        if let Some(triggers) = root.table("trigger") {
            triggers.only(&["http", "messaging", "keyvalue"]);
            let of = |kind: &str| triggers.get(kind).map(|all| all.tables()).unwrap_or_default();
            let message = |table: &Table<'_>| trigger::message(table, &targets);
            self.messages = of("messaging").iter().filter_map(message).collect();
            self.changes = of("keyvalue").iter().filter_map(trigger::change).collect();
            self.routes = of("http").iter().filter_map(trigger::route).collect();
        }
        self.doubts.uses |= reader.told() > told;
    }

    /// Reads the sections of all capabilities, and returns what links may lead to.
    fn read_backends(&mut self, reader: &Reader, root: &Table<'_>) -> Targets {
        let mut backends = BTreeMap::new();
        for &capability in Capability::ALL {
            let Some(section) = root.table(capability.row().section) else { continue };
            let names = section.values().into_iter().map(|(name, _)| name).collect();
            backends.insert(capability, names);
            backend::read_all(reader, capability, &section, &mut self.backends);
        }
        Targets { components: self.declared.clone(), backends }
    }

    fn add(&mut self, component: Option<component::Understood>) {
        let Some(component::Understood { component, links_in_doubt, limit_in_doubt }) = component
        else {
            // What it is linked to is not known.
            self.doubts.uses = true;
            return;
        };
        if links_in_doubt {
            self.doubts.uses = true;
            self.doubts.links.insert(component.name.clone());
        }
        if limit_in_doubt {
            self.doubts.limits.insert(component.name.clone());
        }
        self.components.push(component);
    }

    /// Checks that all parts hold together.
    ///
    /// # Errors
    /// All that is wrong with the manifest, in the order of its text.
    pub fn check(self, folder: &Path) -> Result<App, Vec<Problem>> {
        self.draft(folder).map_err(|draft| draft.problems)
    }

    /// The same, with what could be understood, to look for further problems.
    ///
    /// # Errors
    /// A draft with all that is wrong with the manifest.
    pub fn draft(self, folder: &Path) -> Result<App, Box<Draft>> {
        check::check(self, folder, Stage::Finished)
    }

    /// The same, without complaining about unused parts, for building an app step by step.
    ///
    /// # Errors
    /// All else that is wrong with the manifest, in the order of its text.
    pub fn check_unfinished(self, folder: &Path) -> Result<App, Vec<Problem>> {
        check::check(self, folder, Stage::Unfinished).map_err(|draft| draft.problems)
    }
}

/// What a manifest is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There may be parts that nothing uses yet.
    Unfinished,
    /// It is all that there is to be.
    Finished,
}

impl App {
    /// Reads and checks a manifest; relative paths in it start from `folder`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn from_toml(name: &str, text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        Manifest::parse(name, text)?.check(folder)
    }
}
