//! Finds all functions and types in which an export differs from the import it should satisfy.

use std::collections::HashSet;

use wac_types::{ItemKind, SubtypeChecker, Types};

use crate::{Extern, read::signature::plain_name};

/// A function or type that an import and the export linked to it do not agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What the importer expects, in WIT syntax.
    pub expected: String,
    /// What the exporter has, in WIT syntax; none if it has nothing of that name.
    pub found: Option<String>,
}

/// One end of a link: the composer's view of it, which decides, and the text to show.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) kind: ItemKind,
    pub(super) item: &'a Extern,
}

/// All differences; none if the export can meet the import.
pub(super) fn differences(types: &Types, import: End<'_>, export: End<'_>) -> Vec<Difference> {
    let mut cache = HashSet::new();
    let mut checker = SubtypeChecker::new(&mut cache);
    let (ItemKind::Instance(wanted), ItemKind::Instance(given)) = (import.kind, export.kind) else {
        return match checker.is_subtype(export.kind, types, import.kind, types) {
            Ok(()) => Vec::new(),
            Err(_) => vec![Difference {
                name: import.item.name.clone(),
                expected: whole(import, types),
                found: Some(whole(export, types)),
            }],
        };
    };
    let given = &types[given].exports;
    let mut found = Vec::new();
    for (name, wanted) in &types[wanted].exports {
        let is_met = given
            .get(name)
            .is_some_and(|given| checker.is_subtype(*given, types, *wanted, types).is_ok());
        if !is_met {
            found.push(Difference {
                name: plain_name(name),
                expected: member(import.item, name)
                    .unwrap_or_else(|| wanted.desc(types).to_owned()),
                found: given.get(name).map(|given| {
                    member(export.item, name).unwrap_or_else(|| given.desc(types).to_owned())
                }),
            });
        }
    }
    found
}

/// The text of one function or type of an instance.
fn member(item: &Extern, name: &str) -> Option<String> {
    let function = plain_name(name);
    let functions = item.functions.iter().filter(|known| known.name == function);
    let types = item.types.iter().filter(|known| known.name == name);
    functions
        .map(|known| known.signature.clone())
        .chain(types.map(|known| known.definition.clone()))
        .next()
}

/// The text of something that is not an instance.
fn whole(end: End<'_>, types: &Types) -> String {
    member(end.item, &end.item.name).unwrap_or_else(|| end.kind.desc(types).to_owned())
}
