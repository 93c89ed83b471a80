//! `[keyvalue.NAME]`: stores of keys and values; and the links that lead to them.

use std::collections::BTreeMap;

use super::{
    Targets, backend,
    component::NAME_HELP,
    limit,
    table::{Reader, Table, Value, list, nearest},
};
use crate::{
    ImportName, Placed,
    backend::Backend,
    keyvalue::{DEFAULT, StoreAccess, StoreLink, StoreName},
};

/// The stores that a component may open, by the names that it opens.
pub(super) type StoreLinks = BTreeMap<String, Placed<StoreLink>>;

/// A store's name, and what stands behind it.
pub(super) fn read(reader: &Reader, name: &str, table: &Table<'_>) -> Option<(StoreName, Backend)> {
    let checked = StoreName::new(name);
    if let Err(error) = &checked {
        let mut problem = reader.problem("store-name", error.to_string(), None);
        problem.place = table.place();
        problem.help = Some(NAME_HELP.to_owned());
        reader.report(problem);
    }
    let backend = backend::read(table)?;
    Some((checked.ok()?, backend))
}

/// Where a link of `wasi:keyvalue` leads.
pub(super) enum Target {
    /// To stores.
    Stores(StoreLinks),
    /// To a component that exports the interface.
    Component,
    /// Nowhere; a problem was reported.
    Nowhere,
}

/// Reads the link of an import of `wasi:keyvalue`: a store, a table with `to` and rights, or a
/// table of several stores by the names that the component opens.
pub(super) fn link(import: &ImportName, value: &Value<'_>, targets: &Targets) -> Target {
    if let Some(table) = value.as_table()
        && table.get("to").is_none()
    {
        let links = table.values().into_iter().filter_map(|(identifier, value)| {
            Some((identifier, Placed { value: rights(&value, targets)?, place: value.place() }))
        });
        return of_store(import, value, links.collect());
    }
    let name = value.as_str().map(str::to_owned);
    let name = name.or_else(|| value.as_table()?.get("to")?.as_str().map(str::to_owned));
    if name.is_some_and(|to| targets.components.contains(&to) && !targets.stores.contains(&to)) {
        return Target::Component;
    }
    let Some(link) = rights(value, targets) else { return Target::Nowhere };
    let link = Placed { value: link, place: value.place() };
    let own = link.value.to.as_str().to_owned();
    let links = BTreeMap::from([(DEFAULT.to_owned(), link.clone()), (own, link)]);
    of_store(import, value, links)
}

/// A bucket comes from `wasi:keyvalue/store`, and what is done with it follows from there.
fn of_store(import: &ImportName, value: &Value<'_>, links: StoreLinks) -> Target {
    let path = import.as_str().split('@').next();
    if path == Some("wasi:keyvalue/store") {
        return Target::Stores(links);
    }
    let message = format!("`{import}` works on the buckets of `wasi:keyvalue/store`");
    let help = "link `wasi:keyvalue/store` to the store: that counts for this interface too";
    value.wrong_key("store-link", message, Some(help.to_owned()));
    Target::Nowhere
}

/// One store with the rights to it.
fn rights(value: &Value<'_>, targets: &Targets) -> Option<StoreLink> {
    let Some(table) = value.as_table() else {
        return match value.as_str() {
            Some(_) => target(value, targets).map(StoreLink::to),
            None => value.neither("a store's name, or a table with `to`"),
        };
    };
    table.only(&["to", "access", "prefix", "quota"]);
    let mut link = StoreLink::to(target(&table.required("to")?, targets)?);
    if let Some(access) = table.get("access") {
        link.access = match access.string()? {
            "read" => StoreAccess::Read,
            "read-write" => StoreAccess::ReadWrite,
            other => {
                let message = format!("there is no access `{other}`");
                access.wrong("access", message, Some("it is `read` or `read-write`".to_owned()));
                return None;
            }
        };
    }
    if let Some(prefix) = table.get("prefix") {
        link.prefix = prefix.string()?.to_owned();
    }
    link.quota_bytes = table.get("quota").and_then(|value| limit::size(&value, 1, u64::MAX));
    Some(link)
}

fn target(value: &Value<'_>, targets: &Targets) -> Option<StoreName> {
    let name = value.string()?;
    if targets.stores.contains(name) {
        // A wrong name was reported where the store is declared.
        return StoreName::new(name).ok();
    }
    let known: Vec<_> = targets.stores.iter().map(String::as_str).collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("add `[keyvalue.{name}]` with a `backend`"),
        None => format!("the stores are {}", list(&known)),
    };
    let message = format!("there is no store `{name}`");
    value.wrong("unknown-store", message, Some(help));
    None
}
