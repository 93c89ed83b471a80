//! Names that two things of a world get in bindings, where nothing can be called otherwise.

use std::collections::BTreeMap;

use wit_parser::TypeDefKind;

use crate::Language;

/// What is declared in one scope.
pub(super) struct Scope {
    language: Language,
    /// What each name is of, in the words of the WIT.
    names: BTreeMap<String, String>,
}

impl Scope {
    pub(super) fn new(language: Language) -> Self {
        Self { language, names: BTreeMap::new() }
    }

    /// Adds a name. What is said if something else has it.
    pub(super) fn add(&mut self, name: String, by: &str) -> Option<String> {
        let language = self.language;
        let other = self.names.get(&name).filter(|other| *other != by);
        let said = other.map(|other| {
            format!("{other} and {by} become one name, `{name}`, in the bindings of {language}; rename one")
        });
        self.names.insert(name, by.to_owned());
        said
    }
}

/// What is said of two cases of a type that become one, as `called` calls them.
pub(super) fn cases(
    language: Language,
    kind: &TypeDefKind,
    of: &str,
    called: impl Fn(&str) -> String,
) -> Option<String> {
    let mut scope = Scope::new(language);
    names(kind).into_iter().find_map(|case| scope.add(called(case), &format!("`{case}` of {of}")))
}

/// The cases of a variant or an enum.
pub(super) fn names(kind: &TypeDefKind) -> Vec<&str> {
    match kind {
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| &*case.name).collect(),
        TypeDefKind::Enum(of) => of.cases.iter().map(|case| &*case.name).collect(),
        _ => Vec::new(),
    }
}
