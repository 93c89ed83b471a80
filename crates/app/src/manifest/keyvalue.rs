//! The links of imports that open stores: of `wasi:keyvalue`, and of Spin's interfaces; and
//! `[[trigger.keyvalue]]`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Targets, backend,
    component::component_name,
    limit,
    table::{Table, Value},
};
use crate::{
    ImportName, Placed,
    backend::BackendName,
    keyvalue::{ChangeTrigger, DEFAULT, StoreAccess, StoreLink, opens_stores},
};

/// The stores that a component may open, by the names that it opens.
pub(super) type StoreLinks = BTreeMap<String, Placed<StoreLink>>;

/// The backends that links may lead to.
pub(super) struct Declared<'a> {
    /// Their names.
    pub(super) names: &'a BTreeSet<String>,
    /// What they are called.
    pub(super) what: &'a str,
    /// The table that has them.
    pub(super) section: &'a str,
}

/// Where a link leads.
pub(super) enum Target {
    /// To stores, or to places for containers.
    Stores(StoreLinks),
    /// To a component that exports the interface.
    Component,
    /// Nowhere; a problem was reported.
    Nowhere,
}

/// Reads the link of an import of `wasi:keyvalue`: a store, a table with `to` and rights, or a
/// table of several stores by the names that the component opens.
pub(super) fn link(import: &ImportName, value: &Value<'_>, targets: &Targets) -> Target {
    let stores = Declared { names: &targets.stores, what: "store", section: "keyvalue" };
    if let Some(table) = value.as_table()
        && table.get("to").is_none()
    {
        let links = table.values().into_iter().filter_map(|(identifier, value)| {
            Some((identifier, Placed { value: rights(&value, &stores)?, place: value.place() }))
        });
        return of_store(import, value, links.collect());
    }
    if leads_to_component(value, &stores, targets) {
        return Target::Component;
    }
    let Some(link) = rights(value, &stores) else { return Target::Nowhere };
    let link = Placed { value: link, place: value.place() };
    let own = link.value.to.as_str().to_owned();
    let links = BTreeMap::from([(DEFAULT.to_owned(), link.clone()), (own, link)]);
    of_store(import, value, links)
}

/// A bucket comes from `wasi:keyvalue/store`, and what is done with it follows from there.
fn of_store(import: &ImportName, value: &Value<'_>, links: StoreLinks) -> Target {
    if opens_stores(import.as_str()) {
        return Target::Stores(links);
    }
    let message = format!("`{import}` works on the buckets of `wasi:keyvalue/store`");
    let help = "link `wasi:keyvalue/store` to the store: that counts for this interface too";
    value.wrong_key("store-link", message, Some(help.to_owned()));
    Target::Nowhere
}

/// Whether a link leads to a component that exports the interface.
pub(super) fn leads_to_component(
    value: &Value<'_>,
    declared: &Declared<'_>,
    targets: &Targets,
) -> bool {
    let name = value.as_str().map(str::to_owned);
    let name = name.or_else(|| value.as_table()?.get("to")?.as_str().map(str::to_owned));
    name.is_some_and(|to| targets.components.contains(&to) && !declared.names.contains(&to))
}

/// One of those that are declared, with the rights to it.
pub(super) fn rights(value: &Value<'_>, declared: &Declared<'_>) -> Option<StoreLink> {
    let Some(table) = value.as_table() else {
        return match value.as_str() {
            Some(_) => target(value, declared).map(StoreLink::to),
            None => value.neither(&format!("a {}'s name, or a table with `to`", declared.what)),
        };
    };
    table.only(&["to", "access", "prefix", "quota"]);
    let mut link = StoreLink::to(target(&table.required("to")?, declared)?);
    if let Some(access) = table.get("access") {
        link.access = self::access(&access)?;
    }
    if let Some(prefix) = table.get("prefix") {
        link.prefix = prefix.string()?.to_owned();
    }
    link.quota_bytes = table.get("quota").and_then(|value| limit::size(&value, 1, u64::MAX));
    Some(link)
}

/// Whether a link may change what it leads to.
pub(super) fn access(value: &Value<'_>) -> Option<StoreAccess> {
    match value.string()? {
        "read" => Some(StoreAccess::Read),
        "read-write" => Some(StoreAccess::ReadWrite),
        other => {
            let message = format!("there is no access `{other}`");
            value.wrong("access", message, Some("it is `read` or `read-write`".to_owned()));
            None
        }
    }
}

fn target(value: &Value<'_>, declared: &Declared<'_>) -> Option<BackendName> {
    backend::target(value, declared.names, declared.what, declared.section)
}

/// Reads a trigger.
pub(super) fn trigger(table: &Table<'_>) -> Option<ChangeTrigger> {
    table.only(&["store", "prefix", "component"]);
    let text = |key: &str| {
        let value = table.get(key);
        value.map_or(Some(String::new()), |value| value.string().map(str::to_owned))
    };
    let component = table.required("component");
    let store = table.get("store");
    let (name, prefix) = (text("store"), text("prefix"));
    Some(ChangeTrigger {
        store: name.map(|name| if name.is_empty() { DEFAULT.to_owned() } else { name })?,
        prefix: prefix?,
        component: component.as_ref().and_then(component_name)?,
        place: store.map_or_else(|| table.place(), |store| store.place()),
        component_place: component.and_then(|value| value.place()),
    })
}
