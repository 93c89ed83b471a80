//! `[component.NAME]`: where it comes from, its links, grants and limit.

use std::{net::Ipv4Addr, path::PathBuf};

use keyway_word::hide;

use super::{
    Targets, grant,
    host::{is_host_name, parse_port},
    limit, link,
    table::{Reader, Table, Value},
};
use crate::{
    Code,
    app::{Component, Source},
    grant::Grant,
    limit::Limit,
    name::{ComponentName, NAME_HELP},
    place::Placed,
};

const KEYS: &[&str] = &["source", "build", "link", "grant", "limit", "instances"];

/// A component, and what of it may have been meant in another way.
pub(super) struct Understood {
    pub(super) component: Component,
    /// Whether a link may be missing, as something is wrong with them.
    pub(super) links_in_doubt: bool,
    /// Whether its limits or its `instances` may have been meant differently.
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
        let mut problem = reader.problem(Code::ComponentName, error.to_string(), None);
        problem.place = table.place();
        problem.help = Some(NAME_HELP.to_owned());
        reader.report(problem);
    }
    let source = table.required("source").and_then(|value| source(&value));
    let told = reader.told();
    let links = table.table("link").map(|links| link::read(&links, targets)).unwrap_or_default();
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
    let component = Component {
        links,
        grant,
        limit,
        limit_place,
        reuse_place,
        world,
        ..Component::new(checked.ok()?, source?, table.place())
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
    let help = "a source is a path relative to the manifest, or `oci://registry/repository:tag`";
    let source = if text.starts_with("oci://") {
        if let Err(reason) = check_reference(text) {
            let help = "a reference is `oci://registry/repository:tag` or \
                        `oci://registry/repository@sha256:digest`";
            let message = format!("`{}` is not an OCI reference: {reason}", hide(text));
            value.wrong(Code::Reference, message, Some(help.to_owned()));
            return None;
        }
        Source::Oci(text.to_owned())
    } else if let Some((scheme, _)) = text.split_once("://") {
        let message = format!("Keyway cannot read components by `{scheme}`");
        value.wrong(Code::Reference, message, Some(help.to_owned()));
        return None;
    } else if text.is_empty() {
        value.wrong(Code::Source, "the source is empty".to_owned(), Some(help.to_owned()));
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
    if registry.contains('@') {
        return Err("it has a user name, but a reference cannot contain a login".to_owned());
    }
    let (host, port) = registry.split_once(':').map_or((registry, None), |(h, p)| (h, Some(p)));
    let is_name = is_host_name(host) && !host.contains('_');
    if !is_name && host.parse::<Ipv4Addr>().is_err() {
        return Err(format!("`{host}` is not a registry's host name"));
    }
    if let Some(port) = port.filter(|port| parse_port(port).is_none_or(|port| port == 0)) {
        return Err(format!("`{port}` is not a port"));
    }
    let (path, digest) = path.split_once('@').map_or((path, None), |(p, d)| (p, Some(d)));
    let (repository, tag) = path.split_once(':').map_or((path, None), |(p, t)| (p, Some(t)));
    if !repository.split('/').all(is_repository_part) {
        return Err(format!(
            "`{repository}` is not a repository: use words of lower-case letters and digits, \
             joined by `.`, `_`, `-` or `/`"
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
            _ => format!("`{tag}` is not a tag"),
        });
    }
    let is_digest = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    };
    match digest {
        Some(digest) if !is_digest(digest) => Err(format!("`{digest}` is not a SHA-256 digest")),
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
