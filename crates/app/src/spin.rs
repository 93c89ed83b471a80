//! Reads Spin's manifest, a `spin.toml` of version 2, into the same [`App`] as a `keyway.toml`.
//!
//! Whatever Keyway does not support is a problem at its place and never skipped silently, except
//! keys that do not affect how the app runs: its description, and how it is built.

mod component;
mod host;
mod trigger;
mod variable;

pub use variable::is_variable_name;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use toml_edit::Document;

use crate::{
    Code,
    app::{App, Component},
    backend::Backends,
    manifest::{
        Doubts, Manifest,
        table::{Reader, Table, Value},
    },
    name::ComponentName,
    place::{Placed, Problem, Text},
    trigger::HttpTrigger,
};

/// Whether a manifest is one of Spin's, of any version.
pub fn is_manifest(text: &str) -> bool {
    let says = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim();
        matches!(key, "spin_manifest_version" | "spin_version")
    };
    let text = text.trim_start_matches('\u{feff}');
    text.lines().map_while(|line| (!line.trim_start().starts_with('[')).then_some(line)).any(says)
}

/// Reads a manifest of Spin's; `name` is shown in problems, usually the file's path.
///
/// # Errors
/// If the text is not TOML. All other problems, and everything that Keyway does not support, are
/// reported when it is checked.
pub fn parse(name: &str, text: &str) -> Result<Manifest, Vec<Problem>> {
    let place = Arc::new(Text { name: name.to_owned(), text: text.to_owned() });
    let reader = Reader::new(Arc::clone(&place));
    let document = Document::parse(text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let message = format!("this is not TOML: {message}");
        vec![reader.problem(Code::Syntax, message, error.span())]
    })?;
    let mut app = Reading::default();
    app.read(&reader, &reader.root(document.as_table()));
    // Links and grants are written in many places there.
    app.doubts.uses = reader.told() > 0;
    Ok(Manifest {
        name: app.name,
        version: app.version,
        idle: None,
        declared: app.declared,
        components: app.components,
        backends: app.backends,
        routes: app.routes,
        messages: Vec::new(),
        changes: Vec::new(),
        doubts: app.doubts,
        text: place,
        problems: reader.into_problems(),
    })
}

impl App {
    /// Reads and checks a manifest of Spin's; relative paths in it start from `folder`.
    ///
    /// # Errors
    /// All that is wrong with it, and all that Keyway does not have.
    pub fn from_spin(name: &str, text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        parse(name, text)?.check(folder)
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    name: Option<String>,
    version: Option<String>,
    variables: variable::Variables,
    declared: BTreeSet<String>,
    components: Vec<Component>,
    backends: Backends,
    routes: Vec<Placed<HttpTrigger>>,
    /// What all routes begin with, without a slash at its end.
    base: String,
    doubts: Doubts,
}

impl Reading {
    fn read(&mut self, reader: &Reader, root: &Table<'_>) {
        if !self.is_version_2(root) {
            return;
        }
        root.only(&["spin_manifest_version", "application", "variables", "trigger", "component"]);
        match root.table("application") {
            Some(application) => self.read_application(&application),
            None if root.get("application").is_none() => {
                let message = "the manifest has no `[application]` with a `name`".to_owned();
                reader.report(reader.problem(Code::MissingKey, message, Some(0..0)));
            }
            None => {}
        }
        if let Some(variables) = root.table("variables") {
            self.variables = variable::Variables::read(&variables);
        }
        if let Some(components) = root.table("component") {
            self.declared.extend(components.values().into_iter().map(|(name, _)| name));
            for (name, table) in components.tables() {
                let told = reader.told();
                self.read_component(reader, &name, &table);
                if reader.told() > told {
                    self.doubts.links.extend(ComponentName::new(&name));
                }
            }
        }
        if let Some(triggers) = root.table("trigger") {
            self.read_triggers(reader, &triggers);
        }
    }

    fn is_version_2(&self, root: &Table<'_>) -> bool {
        let Some(version) = root.get("spin_manifest_version").or(root.get("spin_version")) else {
            return true;
        };
        let is_2 = version.path == "spin_manifest_version"
            && (version.as_integer() == Some(2) || version.as_str() == Some("2"));
        if !is_2 {
            let message = "Keyway reads version 2 of Spin's manifest, and this is another version";
            let help = "update it with `spin doctor`, or write a `keyway.toml`";
            version.wrong(Code::SpinVersion, message.to_owned(), Some(help.to_owned()));
        }
        is_2
    }

    fn read_application(&mut self, table: &Table<'_>) {
        table.only(&["name", "version", "description", "authors", "targets", "tool", "trigger"]);
        self.name = table.required("name").and_then(|name| name.string()).map(str::to_owned);
        self.version = table.get("version").and_then(|it| it.string()).map(str::to_owned);
        for (kind, settings) in table.table("trigger").iter().flat_map(Table::values) {
            if kind != "http" {
                let what = format!("settings for all `{kind}` triggers");
                unsupported(&settings, &what, "remove them");
                continue;
            }
            let Some(settings) = settings.table() else { continue };
            settings.only(&["base"]);
            if let Some(base) = settings.get("base").and_then(|base| trigger::base(&base)) {
                self.base = base;
            }
        }
    }
}

/// Reports what Keyway does not have, and the way around it.
fn unsupported(value: &Value<'_>, what: &str, help: &str) {
    let message = format!("Keyway does not support this: {what}");
    value.wrong_key(Code::SpinUnsupported, message, Some(help.to_owned()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_manifest_of_spin_says_so() {
        assert!(is_manifest("# mine\nspin_manifest_version = 2\n[application]"));
        assert!(is_manifest("spin_version = \"1\""));
        assert!(is_manifest("\u{feff}spin_manifest_version = 2\r\n[application]\r\n"));
        assert!(!is_manifest("[app]\nname = \"a\"\n[config.a]\nspin_version = \"1\""));
        assert!(!is_manifest(""));
    }

    proptest! {
        #[test]
        fn no_manifest_is_too_odd(text: String) {
            let _ = App::from_spin("spin.toml", &text, Path::new("."));
        }
    }
}
