//! `link` of a component: what satisfies its imports.

use keyway_word::{AccessError, Capability, DEFAULT, Names, Rights, Row};

use super::{
    Targets, backend, limit,
    name::component_name,
    table::{Table, Value},
};
use crate::{
    Code,
    link::{Links, Mode},
    name::{BackendName, ComponentName, ImportName},
    place::Placed,
};

/// Where the link of an import leads that a capability may satisfy.
enum Target {
    /// To backends, each by the name that the component opens.
    Backends(Vec<(String, Placed<Granted>)>),
    /// To a component that exports the interface.
    Component,
    /// Nowhere; a problem was reported.
    Nowhere,
}

/// A backend with the rights to it.
#[derive(Clone)]
struct Granted {
    to: BackendName,
    rights: Rights,
}

pub(super) fn read(table: &Table<'_>, targets: &Targets) -> Links {
    let mut links = Links::default();
    for (import, value) in table.values() {
        match ImportName::new(&import) {
            Ok(import) => add(&mut links, import, &value, targets),
            Err(error) => {
                let help = "write `link.\"namespace:package/interface\" = \"component\"`";
                value.wrong_key(Code::ImportName, error.to_string(), Some(help.to_owned()));
            }
        }
    }
    links
}

fn add(links: &mut Links, import: ImportName, value: &Value<'_>, targets: &Targets) {
    if let Some(capability) = Capability::of_import(import.as_str()) {
        match to_backends(capability, &import, value, targets) {
            Target::Backends(found) => {
                for (name, Placed { value: Granted { to, rights }, place }) in found {
                    links.to_backend(capability, &name, to, rights, place);
                }
                return;
            }
            Target::Nowhere => return,
            Target::Component => {}
        }
    }
    if let Some((to, mode)) = to_component(value) {
        links.to_component(import, to, mode, value.key_place());
    }
}

/// Reads a link to a component: its name, or a table with `to`.
fn to_component(value: &Value<'_>) -> Option<(ComponentName, Mode)> {
    let Some(table) = value.as_table() else {
        return match value.as_str() {
            Some(_) => Some((component_name(value)?, Mode::Fused)),
            None => value.neither("a component's name or a table with `to`"),
        };
    };
    table.only(&["to", "mode"]);
    let mut mode = Mode::Fused;
    if let Some(value) = table.get("mode")
        && let Some(text) = value.string()
    {
        mode = text.parse().unwrap_or_default();
        if text.parse() != Ok(Mode::Fused) {
            let message = format!("there is no link mode `{text}`");
            let help = "the only mode is `fused`: both components become one unit";
            value.wrong(Code::LinkMode, message, Some(help.to_owned()));
        }
    }
    Some((component_name(&table.required("to")?)?, mode))
}

/// Reads a link to a backend: its name, a table with `to` and rights, or a table of several by the
/// names that the component opens.
fn to_backends(
    capability: Capability,
    import: &ImportName,
    value: &Value<'_>,
    targets: &Targets,
) -> Target {
    let names = capability.row().names;
    let several = value.as_table().filter(|table| table.get("to").is_none());
    let found = if let Some(table) = several.filter(|_| names != Names::None) {
        let links = table.values().into_iter().filter_map(|(name, value)| {
            let mut granted = granted(capability, &value, targets)?;
            if names == Names::All && name != DEFAULT {
                granted.rights.container = Some(name.clone());
            }
            Some((name, Placed { value: granted, place: value.place() }))
        });
        links.collect()
    } else {
        let is_nameless = value.as_table().is_some_and(|table| table.get("to").is_none());
        if is_nameless || leads_to_component(capability, value, targets) {
            return Target::Component;
        }
        let Some(granted) = granted(capability, value, targets) else { return Target::Nowhere };
        let own = granted.to.as_str().to_owned();
        let link = Placed { value: granted, place: value.place() };
        match names {
            Names::DefaultAndOwn => vec![(DEFAULT.to_owned(), link.clone()), (own, link)],
            Names::All | Names::None => vec![(DEFAULT.to_owned(), link)],
        }
    };
    if capability.is_opened_by(import.as_str()) {
        return Target::Backends(found);
    }
    let Row { interfaces, handles, noun, .. } = capability.row();
    let opener = interfaces[0];
    let message = format!("`{import}` uses the {handles} of `{opener}`");
    let help =
        format!("link `{opener}` to the {noun} instead: that link covers this interface too");
    value.wrong_key(Code::StoreLink, message, Some(help));
    Target::Nowhere
}

/// Whether a link leads to a component that exports the interface.
fn leads_to_component(capability: Capability, value: &Value<'_>, targets: &Targets) -> bool {
    let name = value.as_str().map(str::to_owned);
    let name = name.or_else(|| value.as_table()?.get("to")?.as_str().map(str::to_owned));
    name.is_some_and(|to| {
        targets.components.contains(&to) && !targets.backends(capability).contains(&to)
    })
}

/// One of the backends that are declared, with the rights to it.
fn granted(capability: Capability, value: &Value<'_>, targets: &Targets) -> Option<Granted> {
    let Row { noun, rights: known, .. } = capability.row();
    let target = |value: &Value<'_>| backend::target(value, capability, targets);
    let Some(table) = value.as_table() else {
        return match value.as_str() {
            Some(_) => Some(Granted { to: target(value)?, rights: Rights::default() }),
            None => value.neither(&format!("a {noun}'s name, or a table with `to`")),
        };
    };
    let keys: Vec<_> = std::iter::once("to").chain(known.iter().copied()).collect();
    table.only(&keys);
    let to = target(&table.required("to")?)?;
    let mut rights = Rights::default();
    // What has no use there was reported as a key that is not known.
    let get = |right: &str| table.get(right).filter(|_| known.contains(&right));
    if let Some(access) = get("access") {
        let wrong = |error: &AccessError| {
            let help = "write `read` or `read-write`".to_owned();
            access.wrong(Code::Access, error.to_string(), Some(help));
        };
        rights.access = access.string()?.parse().inspect_err(wrong).ok()?;
    }
    if let Some(prefix) = get("prefix") {
        prefix.string()?.clone_into(&mut rights.prefix);
    }
    rights.quota_bytes = get("quota").and_then(|value| limit::size(&value, 1, u64::MAX));
    Some(Granted { to, rights })
}
