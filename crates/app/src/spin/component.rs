//! A component of Spin's manifest: where it comes from, and what it may reach.

use std::path::PathBuf;

use keyway_word::{Access, Capability, DEFAULT, Rights};

use super::{Reader, Reading, Table, Value, host, unsupported, variable};
use crate::{
    Code,
    app::{Component, Source},
    backend::{Backend, Secret, Setting},
    grant::{FileGrant, Grant},
    link::{Links, Mode},
    name::{BackendName, ComponentName, ImportName},
    place::Placed,
};

/// All that Spin has for a component.
const KEYS: &[&str] = &[
    "source",
    "description",
    "variables",
    "environment",
    "files",
    "exclude_files",
    "allowed_http_hosts",
    "allowed_outbound_hosts",
    "key_value_stores",
    "sqlite_databases",
    "ai_models",
    "targets",
    "build",
    "tool",
    "profile",
    "dependencies",
    "dependencies_inherit_configuration",
];

/// Where what a component keeps is kept, seen from the manifest.
const STORES_FILE: &str = ".keyway/key-value.db";

impl Reading {
    pub(super) fn read_component(&mut self, reader: &Reader, name: &str, table: &Table<'_>) {
        table.only(KEYS);
        let checked = ComponentName::new(name);
        if let Err(error) = &checked {
            let mut problem = reader.problem(Code::ComponentName, error.to_string(), None);
            problem.place = table.place();
            reader.report(problem);
        }
        let source = table.required("source").and_then(|value| source(&value));
        refuse_all(table);
        let mut grant = Grant { stdout: true, stderr: true, ..Grant::default() };
        for key in ["allowed_outbound_hosts", "allowed_http_hosts"] {
            table
                .get(key)
                .iter()
                .flat_map(Value::list)
                .for_each(|one| host::read(&one, &mut grant));
        }
        grant.files = files(table);
        for (key, value) in table.table("environment").iter().flat_map(Table::values) {
            if let Some(text) = value.string() {
                grant.env.insert(key, text.to_owned());
            }
        }
        let mut links = Links::default();
        self.stores(table, &mut links);
        self.databases(table, &mut links);
        if let Ok(name) = &checked {
            self.variables(name, table, &mut links);
        }
        self.dependencies(name, table, &mut links);
        let (Ok(name), Some(source)) = (checked, source) else { return };
        let component = Component::new(name, source, table.place());
        self.components.push(Component { links, grant, ..component });
    }

    /// Each store is a table of one file of SQLite.
    fn stores(&mut self, table: &Table<'_>, links: &mut Links) {
        for value in table.get("key_value_stores").iter().flat_map(Value::list) {
            let Some((label, name)) = label(&value) else { continue };
            let kept_in = format!("store_{}", name.as_str().replace('-', "_"));
            let settings = [("path", STORES_FILE.to_owned()), ("table", kept_in)];
            self.link(Capability::Keyvalue, &label, name, links, || sqlite(&value, settings));
        }
    }

    /// Each database is a file of SQLite.
    fn databases(&mut self, table: &Table<'_>, links: &mut Links) {
        for value in table.get("sqlite_databases").iter().flat_map(Value::list) {
            let Some((label, name)) = label(&value) else { continue };
            let settings = [("path", format!(".keyway/sqlite-{name}.db"))];
            self.link(Capability::Sql, &label, name, links, || sqlite(&value, settings));
        }
    }

    /// The variables of a component are a configuration of its own.
    fn variables(&mut self, name: &ComponentName, table: &Table<'_>, links: &mut Links) {
        let Some(variables) = table.get("variables") else { return };
        let given = variables.table();
        let given = given.iter().flat_map(Table::values);
        let settings = given.filter_map(|(key, value)| {
            variable::check_name(&key, &value);
            let template = self.variables.template(&value)?;
            Some((key, Placed { value: template, place: value.place() }))
        });
        let settings = settings.collect();
        let kind = Placed { value: "values".to_owned(), place: variables.place() };
        let backend = Backend { kind, settings, place: variables.place() };
        // Both kinds of names have the same form.
        if let Ok(config) = BackendName::new(name.as_str()) {
            self.link(Capability::Config, DEFAULT, config, links, || backend);
        }
    }

    /// Links what a component calls `label` to the backend `name`, which is declared by being used.
    /// Nobody wrote the link, so that it has no place.
    fn link(
        &mut self,
        capability: Capability,
        label: &str,
        name: BackendName,
        links: &mut Links,
        backend: impl FnOnce() -> Backend,
    ) {
        self.backends.entry((capability, name.clone())).or_insert_with(backend);
        links.to_backend(capability, label, name, Rights::default(), None);
    }

    /// Dependencies that lie beside the manifest are components without rights, linked to.
    fn dependencies(&mut self, owner: &str, table: &Table<'_>, links: &mut Links) {
        let dependencies = table.table("dependencies");
        let dependencies = dependencies.iter().flat_map(Table::values).enumerate();
        for (index, (import, value)) in dependencies {
            let path = value.as_table().and_then(|table| table.get("path"));
            let Some(path) = path else {
                let help = "write `{ path = \"dependency.wasm\" }`, with the component next to it";
                unsupported(&value, "a dependency from a registry or on another component", help);
                continue;
            };
            value.table().iter().for_each(|table| table.only(&["path"]));
            let checked = ImportName::new(&import).ok().filter(|_| import.contains('/'));
            let Some(checked) = checked else {
                let help = "name the interface, such as `acme:tools/parse`";
                unsupported(&value, "a dependency on a whole package", help);
                continue;
            };
            let name = format!("{owner}-dependency-n{}", index + 1);
            let (Some(path), Ok(to)) = (path.string(), ComponentName::new(&name)) else { continue };
            let source = Placed { value: Source::Path(PathBuf::from(path)), place: value.place() };
            self.declared.insert(name);
            self.components.push(Component::new(to.clone(), source, value.place()));
            links.to_component(checked, to, Mode::Fused, value.key_place());
        }
    }
}

/// What Keyway does not have at all.
fn refuse_all(table: &Table<'_>) {
    let refuse = |key: &str, what: &str, help: &str| {
        if let Some(value) = table.get(key)
            && !value.list().is_empty()
        {
            unsupported(&value, what, help);
        }
    };
    let help = "remove it; a component that calls a model gets an error";
    refuse("ai_models", "language models", help);
    let help = "put the files it needs into a folder, and grant that";
    refuse("exclude_files", "excluding files from a grant", help);
    if let Some(inherit) = table.get("dependencies_inherit_configuration")
        && inherit.boolean() == Some(true)
    {
        let help = "each component has rights of its own; grant them in a `keyway.toml`";
        unsupported(&inherit, "dependencies that inherit the rights of their user", help);
    }
}

fn source(value: &Value<'_>) -> Option<Placed<Source>> {
    if let Some(table) = value.as_table() {
        let help = "download the file, check it, and give its path";
        let what = if table.get("url").is_some() {
            "a component from a URL"
        } else {
            "a component from a registry"
        };
        unsupported(value, what, help);
        return None;
    }
    let path = value.string()?;
    if path.is_empty() {
        value.wrong(Code::Source, "the source is empty".to_owned(), None);
        return None;
    }
    Some(Placed { value: Source::Path(PathBuf::from(path)), place: value.place() })
}

/// A label of Spin's, and the name that its backend has with Keyway.
fn label(value: &Value<'_>) -> Option<(String, BackendName)> {
    let label = value.string()?;
    match BackendName::new(&label.to_ascii_lowercase().replace('_', "-")) {
        Ok(name) => Some((label.to_owned(), name)),
        Err(error) => {
            value.wrong(Code::BackendName, error.to_string(), None);
            None
        }
    }
}

fn sqlite<const N: usize>(value: &Value<'_>, settings: [(&str, String); N]) -> Backend {
    let place = value.place();
    let setting = |(key, text): (&str, String)| {
        (key.to_owned(), Placed { value: Setting::Text(Secret(text)), place: place.clone() })
    };
    Backend {
        kind: Placed { value: "sqlite".to_owned(), place: place.clone() },
        settings: settings.into_iter().map(setting).collect(),
        place: place.clone(),
    }
}

/// Folders that the component reads.
fn files(table: &Table<'_>) -> Vec<FileGrant> {
    let mut grants: Vec<FileGrant> = Vec::new();
    for value in table.get("files").iter().flat_map(Value::list) {
        let Some((host, guest)) = folder(&value) else { continue };
        let guest = format!("/{}", guest.trim_matches('/'));
        if grants.iter().any(|grant| grant.guest == guest) {
            let message = format!("two folders are mounted at `{guest}`");
            value.wrong(Code::GuestPath, message, Some("combine them into one folder".to_owned()));
            continue;
        }
        let host = PathBuf::from(host);
        grants.push(FileGrant { host, guest, access: Access::Read, place: value.place() });
    }
    grants
}

/// A folder, and where it is seen.
fn folder(value: &Value<'_>) -> Option<(String, String)> {
    if let Some(table) = value.as_table() {
        table.only(&["source", "destination"]);
        let source = table.required("source").and_then(|value| value.string());
        let guest = table.required("destination").and_then(|value| value.string());
        return Some((source?.to_owned(), guest?.to_owned()));
    }
    let pattern = value.string()?;
    let folder = pattern.strip_suffix("/**/*").or(pattern.strip_suffix("/**"));
    let is_plain = |folder: &&str| {
        let is_plain = |part: &str| !matches!(part, "" | "." | "..");
        !folder.contains(['*', '?', '[', '{']) && folder.split('/').all(is_plain)
    };
    match folder.filter(is_plain) {
        Some(folder) => Some((folder.to_owned(), folder.to_owned())),
        None => {
            let help = "grant the folder: `{ source = \"assets\", destination = \"/assets\" }`, or \
                        `\"assets/**/*\"`";
            unsupported(value, "files picked one by one", help);
            None
        }
    }
}
