//! Edits a manifest's text as a person would: everything else stays as written.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TableLike, TomlError, value};

use crate::name::{ComponentName, ImportName};

/// What some editors write before a text in UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why a manifest was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is not TOML.
    #[error("this is not TOML: {0}")]
    Toml(String),
    /// A name is something other than a table there.
    #[error("`{0}` is not a table in the manifest")]
    NoTable(String),
    /// There is a component of this name.
    #[error("the app already has a component `{0}`")]
    Taken(ComponentName),
    /// There is no component of this name.
    #[error("the app has no component `{0}`")]
    Unknown(ComponentName),
}

impl From<TomlError> for EditError {
    fn from(error: TomlError) -> Self {
        Self::Toml(error.message().to_owned())
    }
}

/// The manifest of an app without components.
pub fn empty(name: &str) -> String {
    let mut document = DocumentMut::new();
    let mut app = Table::new();
    app.insert("name", value(name));
    app.insert("version", value("0.1.0"));
    document.insert("app", Item::Table(app));
    document.to_string()
}

/// The manifest with another component, and with a route to it if `route` is one.
///
/// # Errors
/// If the text is not a manifest, or has a component of this name.
pub fn add_component(
    text: &str,
    name: &ComponentName,
    source: &str,
    route: Option<&str>,
) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let components = table(document.as_table_mut(), "component", Table::set_implicit)?;
    if components.contains_key(name.as_str()) {
        return Err(EditError::Taken(name.clone()));
    }
    let mut component = Table::new();
    component.decor_mut().set_prefix("\n");
    component.insert("source", value(source));
    components.insert(name.as_str(), Item::Table(component));
    if let Some(route) = route {
        push_route(&mut document, name, None, route)?;
    }
    Ok(written_like(text, &document))
}

/// The manifest with a route to a component, for the requests of `host` or of any.
///
/// # Errors
/// If the text is not a manifest.
pub fn add_route(
    text: &str,
    component: &ComponentName,
    host: Option<&str>,
    route: &str,
) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    push_route(&mut document, component, host, route)?;
    Ok(document.to_string())
}

fn push_route(
    document: &mut DocumentMut,
    component: &ComponentName,
    host: Option<&str>,
    route: &str,
) -> Result<(), EditError> {
    let triggers = table(document.as_table_mut(), "trigger", Table::set_implicit)?;
    let http = triggers.entry("http").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let http = http
        .as_array_of_tables_mut()
        .ok_or_else(|| EditError::NoTable("trigger.http".to_owned()))?;
    let mut trigger = Table::new();
    trigger.decor_mut().set_prefix("\n");
    if let Some(host) = host {
        trigger.insert("host", value(host));
    }
    trigger.insert("route", value(route));
    trigger.insert("component", value(component.as_str()));
    http.push(trigger);
    Ok(())
}

/// The manifest with a link from the import of a component to another component, replacing any
/// earlier one.
///
/// # Errors
/// If the text is not a manifest, or does not have the component.
pub fn set_link(
    text: &str,
    component: &ComponentName,
    import: &ImportName,
    to: &ComponentName,
) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let components = table(document.as_table_mut(), "component", Table::set_implicit)?;
    let unknown = || EditError::Unknown(component.clone());
    let found = components.get_mut(component.as_str()).ok_or_else(unknown)?;
    let found = found.as_table_like_mut().ok_or_else(unknown)?;
    let links = table(found, "link", Table::set_dotted)?;
    match links.get_mut(import.as_str()).and_then(Item::as_value_mut) {
        // A comment behind it is about the import as much as about what it is linked to.
        Some(link) => {
            let decor = link.decor().clone();
            *link = to.as_str().into();
            *link.decor_mut() = decor;
        }
        None => {
            links.insert(import.as_str(), value(to.as_str()));
            // In `{ … }` a comma would stand behind the space that was there before.
            if let Some(inline) = found.get_mut("link").and_then(Item::as_inline_table_mut) {
                inline.fmt();
            }
        }
    }
    Ok(written_like(text, &document))
}

/// The text of `document` with the byte order mark and the line ends of the text that it was read
/// from, both of which `toml_edit` drops. Where there are several kinds of line ends, the first one
/// decides.
fn written_like(before: &str, document: &DocumentMut) -> String {
    let mut text = document.to_string();
    let first_line = before.split_once('\n').map_or("", |(line, _)| line);
    if first_line.ends_with('\r') {
        text = text.replace('\n', "\r\n");
    }
    let mark = if before.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { "" };
    format!("{mark}{text}")
}

/// The manifest with each of these components at another source, also where it is one of Spin.
///
/// # Errors
/// If the text is not a manifest, or does not have one of the components.
pub fn set_sources<'a>(
    text: &str,
    sources: impl IntoIterator<Item = (&'a ComponentName, &'a str)>,
) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    for (component, source) in sources {
        let name = component.as_str();
        let found = match document.get_mut("component") {
            // As Spin's first manifests have it.
            Some(Item::ArrayOfTables(tables)) => {
                let is_named =
                    |table: &&mut Table| table.get("id").and_then(Item::as_str) == Some(name);
                tables.iter_mut().find(is_named).map(|table| table as &mut dyn TableLike)
            }
            Some(item) => {
                let component = item.as_table_like_mut().and_then(|table| table.get_mut(name));
                component.and_then(Item::as_table_like_mut)
            }
            None => None,
        };
        let found = found.ok_or_else(|| EditError::Unknown(component.clone()))?;
        found.insert("source", value(source));
    }
    Ok(document.to_string())
}

/// The table `name` in `parent`; if it is not there, one that is written as `mark` says.
fn table<'a>(
    parent: &'a mut dyn TableLike,
    name: &str,
    mark: fn(&mut Table, bool),
) -> Result<&'a mut dyn TableLike, EditError> {
    let item = parent.entry(name).or_insert_with(|| {
        let mut table = Table::new();
        mark(&mut table, true);
        Item::Table(table)
    });
    item.as_table_like_mut().ok_or_else(|| EditError::NoTable(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{App, Manifest};

    fn name(text: &str) -> ComponentName {
        ComponentName::new(text).unwrap()
    }

    fn checked(text: &str) -> App {
        let manifest = Manifest::parse("keyway.toml", text).expect(text);
        manifest.check_unfinished(Path::new(".")).expect(text)
    }

    #[test]
    fn components_are_found_elsewhere_in_manifests_of_either_kind() {
        let web = name("web");
        let set = |text: &str| set_sources(text, [(&web, "components/1.wasm")]).expect(text);
        let (old, new) = ("source = \"web.wasm\"\n", "source = \"components/1.wasm\"\n");
        for before in [
            format!("[component.web]  # mine\n{old}grant.clocks = true\n"),
            format!("spin_manifest_version = 2\n[component.web]\n{old}"),
            format!("spin_version = \"1\"\n[[component]]\nid = \"web\"\n{old}"),
        ] {
            assert_eq!(set(&before), before.replace(old, new));
        }
        let other = set_sources("[component.other]\nsource = \"x\"\n", [(&web, "y")]);
        assert_eq!(other, Err(EditError::Unknown(web)));
    }

    #[test]
    fn an_app_grows_from_nothing() {
        let text = empty("log-pipeline");
        let text = add_component(&text, &name("gateway"), "gateway", Some("/")).unwrap();
        let text = add_component(&text, &name("parser"), "a \"b\".wasm", None).unwrap();
        let import = ImportName::new("cyber:systems/parser").unwrap();
        let text = set_link(&text, &name("gateway"), &import, &name("parser")).unwrap();
        assert_eq!(
            text,
            r#"[app]
name = "log-pipeline"
version = "0.1.0"

[component.gateway]
source = "gateway"
link."cyber:systems/parser" = "parser"

[component.parser]
source = 'a "b".wasm'

[[trigger.http]]
route = "/"
component = "gateway"
"#
        );
        let app = checked(&text);
        assert_eq!(app.components.len(), 2);
        let gateway = &app.components[&name("gateway")];
        let links: Vec<_> = gateway.links.components().map(|link| (link.import, link.to)).collect();
        assert_eq!(links, [(&import, &name("parser"))]);
        let again = add_component(&text, &name("parser"), "x", None);
        assert_eq!(again, Err(EditError::Taken(name("parser"))));
        let unknown = set_link(&text, &name("parsr"), &import, &name("parser"));
        assert_eq!(unknown, Err(EditError::Unknown(name("parsr"))));
    }

    #[test]
    fn what_is_not_changed_stays_as_it_is_written() {
        let text = r#"# An app.
[app]
name = "x" # its name

[component.a]
source="a.wasm"
link = { "b:c/d" = "b" } # as a table

[component.b]
source = "b.wasm"
[component.b.link]
"e:f/g" = "c"   # to be changed

[component.c]
source = "c.wasm"

[component.d]
source = "d.wasm"
"#;
        let link = |text: &str, component: &str, import: &str, to: &str| {
            let import = ImportName::new(import).unwrap();
            set_link(text, &name(component), &import, &name(to)).unwrap()
        };
        let linked = link(text, "b", "e:f/g", "d");
        assert_eq!(linked, text.replace("\"c\"   # to", "\"d\"   # to"));
        let linked = link(&linked, "b", "h:i/j", "c");
        assert!(linked.contains("# to be changed\n\"h:i/j\" = \"c\"\n"), "{linked}");
        let linked = link(&linked, "a", "k:l/m", "c");
        assert!(
            linked.contains("link = { \"b:c/d\" = \"b\", \"k:l/m\" = \"c\" } # as a table"),
            "{linked}"
        );
        checked(&linked);
        let added = add_component(text, &name("e"), "e", Some("/e")).unwrap();
        assert!(added.starts_with(text), "{added}");
        checked(&added);
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_stay_as_they_are() {
        let import = ImportName::new("b:c/d").unwrap();
        let edited = |text: &str| {
            let added = add_component(text, &name("b"), "b.wasm", Some("/b")).unwrap();
            set_link(&added, &name("a"), &import, &name("b")).unwrap()
        };
        let plain = "[app]\nname = \"x\"\n\n[component.a]\nsource = \"a.wasm\"\n";
        let lines = edited(plain);
        assert!(!lines.contains(['\r', '\u{feff}']), "{lines}");
        let of_windows = edited(&plain.replace('\n', "\r\n"));
        assert_eq!(of_windows, lines.replace('\n', "\r\n"));
        assert_eq!(edited(&format!("\u{feff}{plain}")), format!("\u{feff}{lines}"));
        checked(&format!("\u{feff}{of_windows}"));
    }

    #[test]
    fn a_text_that_is_no_manifest_is_left_alone() {
        let add = |text: &str| add_component(text, &name("a"), "a", Some("/"));
        assert!(matches!(add("[app"), Err(EditError::Toml(_))));
        assert_eq!(add("component = 1"), Err(EditError::NoTable("component".to_owned())));
        assert_eq!(add("trigger.http = 1"), Err(EditError::NoTable("trigger.http".to_owned())));
    }
}
