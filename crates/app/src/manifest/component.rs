//! `[component.NAME]`: where it comes from, its links, grants and limit.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf};

use crate::{
    Component, ComponentName, Grant, ImportName, Limit, Link, Placed, Source,
    backend::{BackendName, reads_config},
    blobstore::is_blobstore,
    keyvalue::is_keyvalue,
    manifest::{
        Targets, blobstore, config, grant,
        keyvalue::{self, StoreLinks, Target},
        limit,
        messaging::{self, BrokerLinks},
        sql,
        table::{Reader, Table, Value},
    },
    messaging::is_messaging,
    sql::opens_databases,
};

/// How to write a component's name.
pub(super) const NAME_HELP: &str = "write it in lower case, with `-` between words";

/// The name of a component that is led to.
pub(super) fn component_name(value: &Value<'_>) -> Option<ComponentName> {
    let checked = ComponentName::new(value.string()?);
    let tell = |error: &crate::ComponentNameError| {
        value.wrong("component-name", error.to_string(), Some(NAME_HELP.to_owned()));
    };
    checked.inspect_err(tell).ok()
}

const KEYS: &[&str] = &["source", "build", "link", "grant", "limit", "instances"];

/// A component, and what of it may have been meant in another way.
pub(super) struct Understood {
    pub(super) component: Component,
    /// Whether a link may be missing, as something is wrong with them.
    pub(super) links_in_doubt: bool,
    /// Whether its limits or its `instances` may be others.
    pub(super) limit_in_doubt: bool,
}

/// The component, if its name and its source can be read.
pub(super) fn read(
    reader: &Reader,
    name: &str,
    table: &Table<'_>,
    targets: &Targets,
) -> Option<Understood> {
    table.only(KEYS);
    let checked = ComponentName::new(name);
    if let Err(error) = &checked {
        let mut problem = reader.problem("component-name", error.to_string(), None);
        problem.place = table.place();
        problem.help = Some(NAME_HELP.to_owned());
        reader.report(problem);
    }
    let source = table.required("source").and_then(|value| source(&value));
    let told = reader.told();
    let links = table.table("link").map(|links| Links::read(&links, targets)).unwrap_or_default();
    let links_in_doubt = reader.told() > told || table.misspells("link", KEYS);
    let grant = table.table("grant").map_or_else(Grant::default, |table| grant::read(&table));
    let world = table.table("build").and_then(|table| world(&table));
    let told = reader.told();
    let limit_table = table.table("limit");
    let mut limit = limit_table.as_ref().map_or_else(Limit::default, limit::read);
    let instances = table.table("instances");
    limit.reuse = instances.as_ref().map(limit::read_reuse).unwrap_or_default();
    let limit_in_doubt =
        reader.told() > told || ["limit", "instances"].iter().any(|key| table.misspells(key, KEYS));
    let reuse_place = instances.as_ref().and_then(Table::place);
    let limit_place = limit_table.or(instances).and_then(|table| table.place());
    let Links { components: links, stores, blobs, brokers, config, databases } = links;
    let component = Component {
        name: checked.ok()?,
        source: source?,
        links,
        stores,
        blobs,
        brokers,
        config,
        databases,
        grant,
        limit,
        limit_place,
        reuse_place,
        world,
        place: table.place(),
    };
    Some(Understood { component, links_in_doubt, limit_in_doubt })
}

/// How it is built.
fn world(table: &Table<'_>) -> Option<String> {
    table.only(&["world"]);
    table.get("world")?.string().map(str::to_owned)
}

fn source(value: &Value<'_>) -> Option<Placed<Source>> {
    let text = value.string()?;
    let help = "a source is a path from the manifest on, or `oci://registry/repository:tag`";
    let source = if text.starts_with("oci://") {
        if let Err(reason) = check_reference(text) {
            let help = "a reference is `oci://registry/repository:tag` or \
                        `oci://registry/repository@sha256:digest`";
            let message = format!("`{text}` is not an OCI reference: {reason}");
            value.wrong("reference", message, Some(help.to_owned()));
            return None;
        }
        Source::Oci(text.to_owned())
    } else if let Some((scheme, _)) = text.split_once("://") {
        let message = format!("Keyway reads no components by `{scheme}`");
        value.wrong("reference", message, Some(help.to_owned()));
        return None;
    } else if text.is_empty() {
        value.wrong("source", "the source is empty".to_owned(), Some(help.to_owned()));
        return None;
    } else {
        Source::Path(PathBuf::from(text))
    };
    Some(Placed { value: source, place: value.place() })
}

/// The grammar of references in the OCI distribution specification, 1.1, under "Pulling
/// manifests".
fn check_reference(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("oci://").unwrap_or(text);
    let (registry, path) = rest.split_once('/').ok_or("it has no repository")?;
    let (host, port) = registry.split_once(':').map_or((registry, None), |(h, p)| (h, Some(p)));
    let is_name = grant::is_host_name(host) && !host.contains('_');
    if !is_name && host.parse::<Ipv4Addr>().is_err() {
        return Err(format!("`{host}` is no registry's host name"));
    }
    if let Some(port) = port.filter(|port| grant::parse_port(port).is_none_or(|port| port == 0)) {
        return Err(format!("`{port}` is no port"));
    }
    let (path, digest) = path.split_once('@').map_or((path, None), |(p, d)| (p, Some(d)));
    let (repository, tag) = path.split_once(':').map_or((path, None), |(p, t)| (p, Some(t)));
    if !repository.split('/').all(is_repository_part) {
        return Err(format!(
            "`{repository}` is no repository: it is words of lower-case letters and digits, with \
             `.`, `_`, `-` or `/` between them"
        ));
    }
    if let Some(tag) = tag
        && (tag.is_empty()
            || tag.len() > 128
            || tag.starts_with(['.', '-'])
            || !tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)))
    {
        return Err(match tag {
            "" => "its tag is empty".to_owned(),
            _ => format!("`{tag}` is no tag"),
        });
    }
    let is_digest = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    };
    match digest {
        Some(digest) if !is_digest(digest) => Err(format!("`{digest}` is no SHA-256 digest")),
        _ => Ok(()),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_repository_part(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|b| b == b'-');
    part.starts_with(is_word) && part.ends_with(is_word) && part.split(is_word).all(is_separator)
}

/// The links of one component, by what they lead to.
#[derive(Default)]
struct Links {
    components: BTreeMap<ImportName, Placed<Link>>,
    stores: StoreLinks,
    blobs: StoreLinks,
    brokers: BrokerLinks,
    config: Option<Placed<BackendName>>,
    databases: sql::DatabaseLinks,
}

impl Links {
    fn read(table: &Table<'_>, targets: &Targets) -> Self {
        let mut links = Self::default();
        for (import, value) in table.values() {
            match ImportName::new(&import) {
                Ok(name) => links.add(name, &value, targets),
                Err(error) => {
                    let help = "write `link.\"namespace:package/interface\" = \"component\"`";
                    value.wrong_key("import-name", error.to_string(), Some(help.to_owned()));
                }
            }
        }
        links
    }

    fn add(&mut self, import: ImportName, value: &Value<'_>, targets: &Targets) {
        if is_keyvalue(import.as_str()) {
            match keyvalue::link(&import, value, targets) {
                Target::Stores(found) => return self.stores.extend(found),
                Target::Nowhere => return,
                Target::Component => {}
            }
        }
        if is_blobstore(import.as_str()) {
            match blobstore::link(&import, value, targets) {
                Target::Stores(found) => return self.blobs.extend(found),
                Target::Nowhere => return,
                Target::Component => {}
            }
        }
        if is_messaging(import.as_str()) {
            match messaging::link(value, targets) {
                messaging::Target::Brokers(found) => return self.brokers.extend(found),
                messaging::Target::Nowhere => return,
                messaging::Target::Component => {}
            }
        }
        if reads_config(import.as_str()) {
            match config::link(value, targets) {
                config::Target::Config(found) => return self.config = Some(found),
                config::Target::Nowhere => return,
                config::Target::Component => {}
            }
        }
        if opens_databases(import.as_str()) {
            match sql::link(value, targets) {
                sql::Target::Databases(found) => return self.databases.extend(found),
                sql::Target::Nowhere => return,
                sql::Target::Component => {}
            }
        }
        if let Some(link) = link(value) {
            self.components.insert(import, Placed { value: link, place: value.key_place() });
        }
    }
}

fn link(value: &Value<'_>) -> Option<Link> {
    let target = match value.as_table() {
        None if value.as_str().is_some() => value.clone(),
        None => return value.neither("a component's name or a table with `to`"),
        Some(table) => {
            table.only(&["to", "mode"]);
            if let Some(mode) = table.get("mode")
                && let Some(text) = mode.string()
                && text != "fused"
            {
                let message = format!("there is no link mode `{text}`");
                let help = "the one mode is `fused`: both components become one unit";
                mode.wrong("link-mode", message, Some(help.to_owned()));
            }
            table.required("to")?
        }
    };
    match ComponentName::new(target.string()?) {
        Ok(to) => Some(Link { to }),
        Err(error) => {
            target.wrong("component-name", error.to_string(), Some(NAME_HELP.to_owned()));
            None
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn references_follow_the_grammar_of_registries() {
        let digest = format!("oci://ghcr.io/a/b@sha256:{}", "0f".repeat(32));
        let both = format!("oci://ghcr.io/a/b:1@sha256:{}", "0f".repeat(32));
        let right = [
            "oci://ghcr.io/a",
            "oci://localhost:5000/a/b-c/d__e.f---g:1.2.3",
            "oci://10.0.0.5:5000/a:_tag",
            &digest,
            &both,
        ];
        for reference in right {
            assert_eq!(check_reference(reference), Ok(()), "{reference}");
        }
        let wrong = [
            "oci://",
            "oci:///a",
            "oci://ghcr.io/",
            "oci://ghcr..io/a",
            "oci://-/a",
            "oci://ghcr.io:/a",
            "oci://ghcr.io:0/a",
            "oci://ghcr.io:+80/a",
            "oci://ghcr.io:80:80/a",
            "oci://ghcr.io/a//b",
            "oci://ghcr.io/a..b",
            "oci://ghcr.io/a___b",
            "oci://ghcr.io/a._b",
            "oci://ghcr.io/-a",
            "oci://ghcr.io/a:.1",
            "oci://ghcr.io/a@sha256:",
            &digest.to_uppercase().replacen("OCI", "oci", 1),
        ];
        for reference in wrong {
            assert!(check_reference(reference).is_err(), "{reference}");
        }
    }
}
