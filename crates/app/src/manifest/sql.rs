//! The links of imports that open databases.

use std::collections::BTreeMap;

use super::{Targets, backend, keyvalue::access, table::Value};
use crate::{
    Placed,
    keyvalue::{DEFAULT, StoreAccess},
    sql::DatabaseLink,
};

/// The databases that a component may open, by the names that it opens.
pub(super) type DatabaseLinks = BTreeMap<String, Placed<DatabaseLink>>;

/// Where such a link leads.
pub(super) enum Target {
    /// To databases.
    Databases(DatabaseLinks),
    /// To a component that exports the interface.
    Component,
    /// Nowhere; a problem was reported.
    Nowhere,
}

/// Reads a link: a database, a table with `to` and `access`, or a table of several databases by the
/// names that the component opens.
pub(super) fn link(value: &Value<'_>, targets: &Targets) -> Target {
    if let Some(table) = value.as_table()
        && table.get("to").is_none()
    {
        let links = table.values().into_iter().filter_map(|(identifier, value)| {
            Some((identifier, Placed { value: one(&value, targets)?, place: value.place() }))
        });
        return Target::Databases(links.collect());
    }
    let name = value.as_str().map(str::to_owned);
    let name = name.or_else(|| value.as_table()?.get("to")?.as_str().map(str::to_owned));
    if name.is_some_and(|to| targets.components.contains(&to) && !targets.databases.contains(&to)) {
        return Target::Component;
    }
    let Some(link) = one(value, targets) else { return Target::Nowhere };
    let link = Placed { value: link, place: value.place() };
    let own = link.value.to.as_str().to_owned();
    Target::Databases(BTreeMap::from([(DEFAULT.to_owned(), link.clone()), (own, link)]))
}

/// One database with the rights to it.
fn one(value: &Value<'_>, targets: &Targets) -> Option<DatabaseLink> {
    let target = |value: &Value<'_>| backend::target(value, &targets.databases, "database", "sql");
    let Some(table) = value.as_table() else {
        return match value.as_str() {
            Some(_) => Some(DatabaseLink { to: target(value)?, access: StoreAccess::ReadWrite }),
            None => value.neither("a database's name, or a table with `to`"),
        };
    };
    table.only(&["to", "access"]);
    let to = target(&table.required("to")?)?;
    let access =
        table.get("access").map_or(Some(StoreAccess::ReadWrite), |value| access(&value))?;
    Some(DatabaseLink { to, access })
}
