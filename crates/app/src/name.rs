//! The names of a manifest: of components, of their imports and of backends.

use std::fmt;

/// How to write the name of a component or a backend.
pub(crate) const NAME_HELP: &str = "use lower case, with `-` between words";

/// The name of a component in its app: kebab-case, as it is written in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentName(String);

/// Why a text is no [`ComponentName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a valid component name: use words of lower-case letters and digits, each \
     beginning with a letter, joined by `-`, at most 64 characters"
)]
pub struct ComponentNameError(String);

impl ComponentName {
    /// A name in kebab case, as WIT has it for labels.
    ///
    /// # Errors
    /// If `text` is none.
    pub fn new(text: &str) -> Result<Self, ComponentNameError> {
        if is_kebab(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ComponentNameError(text.to_owned()))
        }
    }

    /// The name of the component in a file of this name: its words, or `component`.
    pub fn of_file(name: &str) -> Self {
        let words = name.to_lowercase();
        let words = words.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words
            .filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()))
            .collect();
        Self::new(&words.join("-")).unwrap_or_else(|_| Self("component".to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words of lower-case letters and digits, each beginning with a letter, with `-` between them.
fn is_kebab(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.len() <= 64 && text.split('-').all(word)
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an import as the manifest gives it: `namespace:package/interface`, with or without
/// `@version`, or a plain name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportName(String);

/// Why a text is no [`ImportName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a valid import: write `namespace:package/interface`, optionally with `@version`, \
     or a plain name"
)]
pub struct ImportNameError(String);

impl ImportName {
    /// The name of an interface, or a plain name.
    ///
    /// # Errors
    /// If `text` is neither.
    pub fn new(text: &str) -> Result<Self, ImportNameError> {
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let (path, version) = text.split_once('@').map_or((text, None), |(p, v)| (p, Some(v)));
        let is_version = version.is_none_or(|version| {
            !version.is_empty()
                && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".-+".contains(&b))
        });
        let is_path = match path.split_once('/') {
            None => word(path),
            Some((package, interface)) => {
                package.split_once(':').is_some_and(|(n, p)| word(n) && p.split(':').all(word))
                    && word(interface)
            }
        };
        let is_name = is_version && is_path;
        if is_name { Ok(Self(text.to_owned())) } else { Err(ImportNameError(text.to_owned())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a backend in its app, such as that of a store: kebab-case, as it is written in the
/// manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendName(String);

/// Why a text is no [`BackendName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a valid backend name: use words of lower-case letters and digits, each beginning \
     with a letter, joined by `-`, at most 64 characters"
)]
pub struct BackendNameError(String);

impl BackendName {
    /// A name in kebab case.
    ///
    /// # Errors
    /// If `text` is none.
    pub fn new(text: &str) -> Result<Self, BackendNameError> {
        if is_kebab(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BackendNameError(text.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_components_name_is_kebab_case() {
        for name in ["a", "log-gateway", "v2", "a1-b2", &"a".repeat(64)] {
            assert!(ComponentName::new(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "-", "a-", "-a", "a--b", "A", "a_b", "2a", "a-2", "é", "a b", &long] {
            assert!(ComponentName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_imports_name_is_an_interface_or_a_plain_name() {
        for name in ["shop:cart/store", "shop:cart/store@1.2.3-rc.1+5", "a:b:c/d", "store"] {
            assert!(ImportName::new(name).is_ok(), "{name}");
        }
        for name in ["", "shop/store", "shop:cart", "shop:cart/", "shop:cart/a/b", "store@", ":/"] {
            assert!(ImportName::new(name).is_err(), "{name}");
        }
    }
}
