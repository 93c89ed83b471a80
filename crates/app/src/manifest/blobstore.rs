//! The links of imports of `wasi:blobstore`.

use super::{
    Targets,
    keyvalue::{Declared, StoreLinks, Target, leads_to_component, rights},
    table::Value,
};
use crate::{ImportName, Placed, blobstore::DEFAULT};

/// Reads the link of an import of `wasi:blobstore`: a place for containers, a table with `to` and
/// rights, or a table of several places by the containers that the component uses.
pub(super) fn link(import: &ImportName, value: &Value<'_>, targets: &Targets) -> Target {
    let places =
        Declared { names: &targets.blobs, what: "place for containers", section: "blobstore" };
    let links = match value.as_table() {
        Some(table) if table.get("to").is_none() => {
            let links = table.values().into_iter().filter_map(|(container, value)| {
                Some((container, Placed { value: rights(&value, &places)?, place: value.place() }))
            });
            links.collect()
        }
        _ if leads_to_component(value, &places, targets) => return Target::Component,
        _ => match rights(value, &places) {
            Some(link) => {
                let link = Placed { value: link, place: value.place() };
                StoreLinks::from([(DEFAULT.to_owned(), link)])
            }
            None => return Target::Nowhere,
        },
    };
    if import.as_str().split('@').next() == Some("wasi:blobstore/blobstore") {
        return Target::Stores(links);
    }
    let message = format!("`{import}` works on the containers of `wasi:blobstore/blobstore`");
    let help = "link `wasi:blobstore/blobstore`: that counts for this interface too";
    value.wrong_key("store-link", message, Some(help.to_owned()));
    Target::Nowhere
}
