//! What encloses each line of a header in C++, as the generator of bindings writes it: a brace ends the
//! line that opens a scope.

/// What braces enclose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A namespace of this name.
    Namespace(String),
    /// A class of this name.
    Class(String),
    /// Something else.
    Other,
}

impl Scope {
    fn of(opening: &str) -> Self {
        if let Some(name) = opening.strip_prefix("namespace ") {
            return Self::Namespace(name.trim().to_owned());
        }
        match opening.strip_prefix("class ") {
            Some(class) => Self::Class(class.split([' ', ':']).next().unwrap_or(class).to_owned()),
            None => Self::Other,
        }
    }
}

/// A line without its indent, and what encloses it, from the outside.
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) scopes: Vec<Scope>,
}

impl Line<'_> {
    /// The namespaces that enclose it, if nothing else does.
    pub(crate) fn namespaces(&self) -> Option<Vec<&str>> {
        let names = self.scopes.iter().map(|scope| match scope {
            Scope::Namespace(name) => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }

    /// Whether it is part of what the component exports.
    pub(crate) fn is_export(&self) -> bool {
        let Some(Scope::Namespace(first)) = self.scopes.first() else { return false };
        first.split("::").next() == Some("exports")
    }
}

/// The lines of a header.
pub(crate) fn lines(header: &str) -> Vec<Line<'_>> {
    let mut scopes: Vec<Scope> = Vec::new();
    let mut lines = Vec::new();
    for text in header.lines().map(str::trim) {
        lines.push(Line { text, scopes: scopes.clone() });
        if text.starts_with("//") {
            continue;
        }
        let opened = text.strip_suffix('{').map_or(Scope::Other, |text| Scope::of(text.trim()));
        for brace in text.chars() {
            match brace {
                '{' => scopes.push(opened.clone()),
                '}' => drop(scopes.pop()),
                _ => {}
            }
        }
    }
    lines
}
