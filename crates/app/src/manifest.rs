//! The manifest, `keyway.toml`: from text to a checked [`App`].

mod backend;
mod blobstore;
mod check;
mod component;
mod config;
mod draft;
pub(crate) mod grant;
mod keyvalue;
mod limit;
mod messaging;
pub(crate) mod server;
mod sql;
pub(crate) mod table;
pub(crate) mod trigger;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use toml_edit::Document;

use crate::{
    App, Component, HttpTrigger, Placed, Problem, Text,
    backend::{Backend, BackendName},
    keyvalue::ChangeTrigger,
    messaging::MessageTrigger,
};
pub use draft::{Doubts, Draft};
use table::{Reader, Table};
pub use trigger::HEALTH;

/// What may stand at the top.
const KEYS: &[&str] =
    &["app", "blobstore", "component", "config", "keyvalue", "messaging", "sql", "trigger"];

/// All that links may lead to, whether it could be read or not.
struct Targets {
    components: BTreeSet<String>,
    stores: BTreeSet<String>,
    blobs: BTreeSet<String>,
    brokers: BTreeSet<String>,
    configs: BTreeSet<String>,
    databases: BTreeSet<String>,
}

/// A manifest whose parts were read one by one. Whether they hold together is still to be
/// [checked](Manifest::check).
#[derive(Debug)]
pub struct Manifest {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) components: Vec<Component>,
    /// Every name of a component, also of those that could not be read.
    pub(crate) declared: BTreeSet<String>,
    pub(crate) stores: BTreeMap<BackendName, Backend>,
    pub(crate) blobs: BTreeMap<BackendName, Backend>,
    pub(crate) brokers: BTreeMap<BackendName, Backend>,
    pub(crate) configs: BTreeMap<BackendName, Backend>,
    pub(crate) databases: BTreeMap<BackendName, Backend>,
    /// The triggers, at the places of their routes.
    pub(crate) triggers: Vec<Placed<HttpTrigger>>,
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
    /// If the text is no TOML. All other problems are told by [`check`](Self::check), together
    /// with its own.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let place = Arc::new(Text { name: name.to_owned(), text: text.to_owned() });
        let reader = Reader::new(Arc::clone(&place));
        let document = Document::parse(text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let message = format!("this is not TOML: {message}");
            vec![reader.problem("syntax", message, error.span())]
        })?;
        let mut manifest = Self {
            name: None,
            version: None,
            components: Vec::new(),
            declared: BTreeSet::new(),
            stores: BTreeMap::new(),
            blobs: BTreeMap::new(),
            brokers: BTreeMap::new(),
            configs: BTreeMap::new(),
            databases: BTreeMap::new(),
            triggers: Vec::new(),
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
        root.only(KEYS);
        if let Some(app) = root.table("app") {
            app.only(&["name", "version"]);
            self.name = app.required("name").and_then(|name| name.string()).map(str::to_owned);
            self.version = app.get("version").and_then(|v| v.string()).map(str::to_owned);
        } else if root.get("app").is_none() {
            let message = "the manifest has no `[app]` with a `name`".to_owned();
            let help = Some("begin it with `[app]` and `name = \"…\"`".to_owned());
            reader.report(Problem { help, ..reader.problem("missing-key", message, Some(0..0)) });
        }
        let told = reader.told();
        let components = root.table("component");
        self.doubts.uses = reader.told() > told
            || ["component", "trigger"].iter().any(|key| root.misspells(key, KEYS));
        self.declared = components.iter().flat_map(Table::values).map(|(name, _)| name).collect();
        let (stores, configs) = (root.table("keyvalue"), root.table("config"));
        let (blobs, databases) = (root.table("blobstore"), root.table("sql"));
        let brokers = root.table("messaging");
        let names = |table: &Option<Table<'_>>| -> BTreeSet<String> {
            table.iter().flat_map(Table::values).map(|(name, _)| name).collect()
        };
        let targets = Targets {
            components: self.declared.clone(),
            stores: names(&stores),
            blobs: names(&blobs),
            brokers: names(&brokers),
            configs: names(&configs),
            databases: names(&databases),
        };
        let backends = |table: Option<Table<'_>>| {
            table.map(|table| backend::read_all(reader, &table)).unwrap_or_default()
        };
        self.stores = backends(stores);
        self.blobs = backends(blobs);
        self.brokers = backends(brokers);
        self.configs = backends(configs);
        self.databases = backends(databases);
        for (name, table) in components.iter().flat_map(Table::tables) {
            self.add(component::read(reader, &name, &table, &targets));
        }
        let told = reader.told();
        if let Some(triggers) = root.table("trigger") {
            triggers.only(&["http", "messaging", "keyvalue"]);
            let tables = triggers.get("messaging").map(|table| table.tables()).unwrap_or_default();
            let read = |table: &Table<'_>| messaging::trigger(table, &targets);
            self.messages = tables.iter().filter_map(read).collect();
            let tables = triggers.get("keyvalue").map(|table| table.tables()).unwrap_or_default();
            self.changes = tables.iter().filter_map(keyvalue::trigger).collect();
            let tables = triggers.get("http").map(|http| http.tables()).unwrap_or_default();
            self.triggers = tables.iter().filter_map(trigger::read).collect();
        }
        self.doubts.uses |= reader.told() > told;
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

    /// The same, with what was understood all the same: for who looks for what else is wrong.
    ///
    /// # Errors
    /// A draft with all that is wrong with the manifest.
    pub fn draft(self, folder: &Path) -> Result<App, Box<Draft>> {
        check::check(self, folder, Stage::Finished)
    }

    /// The same, but for parts that nothing uses yet: for who builds an app up.
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
