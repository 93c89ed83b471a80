//! Names of interfaces, and which of their versions are interchangeable.

use std::fmt;

use semver::Version;
use serde::{Serialize, Serializer};

/// The name of an interface, `namespace:package/interface`, with its version if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InterfaceName {
    /// The part before the colon, such as `wasi`.
    pub namespace: String,
    /// The part between colon and slash, such as `http`.
    pub package: String,
    /// The part after the slash, such as `outgoing-handler`.
    pub interface: String,
    /// The version after the `@`.
    pub version: Option<Version>,
}

impl InterfaceName {
    /// Parses `namespace:package/interface` with or without `@version`; none for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(Version::parse(version).ok()?)),
            None => (text, None),
        };
        let (namespace, path) = path.split_once(':')?;
        let (package, interface) = path.split_once('/')?;
        let is_word = |word: &str| !word.is_empty() && !word.contains([':', '/']);
        [namespace, package, interface].into_iter().all(is_word).then(|| Self {
            namespace: namespace.to_owned(),
            package: package.to_owned(),
            interface: interface.to_owned(),
            version,
        })
    }

    /// Whether both name the same interface, whatever the version.
    pub fn is_same_interface(&self, other: &Self) -> bool {
        (&self.namespace, &self.package, &self.interface)
            == (&other.namespace, &other.package, &other.interface)
    }

    /// Whether an interface of this name can stand in for `other`, by name: the same interface and
    /// the same version, or versions on the same [track](version_track).
    pub fn is_compatible(&self, other: &Self) -> bool {
        self.is_same_interface(other)
            && match (&self.version, &other.version) {
                (Some(ours), Some(theirs)) => {
                    ours == theirs
                        || version_track(ours)
                            .is_some_and(|track| Some(track) == version_track(theirs))
                }
                (None, None) => true,
                _ => false,
            }
    }
}

/// The numbers that versions must share to be compatible, as the component model has it: the
/// major number, or for `0.x` the minor one too. Pre-releases and `0.0.x` are compatible with
/// nothing but themselves.
pub(crate) fn version_track(version: &Version) -> Option<(u64, u64)> {
    match (version.pre.is_empty(), version.major, version.minor) {
        (false, _, _) | (true, 0, 0) => None,
        (true, 0, minor) => Some((0, minor)),
        (true, major, _) => Some((major, 0)),
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.namespace, self.package, self.interface)?;
        self.version.iter().try_for_each(|version| write!(f, "@{version}"))
    }
}

impl Serialize for InterfaceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> InterfaceName {
        InterfaceName::parse(text).expect("the test gives a valid name")
    }

    #[test]
    fn a_name_prints_as_it_was_parsed() {
        for text in ["a:b/c", "wasi:http/types@0.2.6", "a:b/c@1.0.0-rc.1+build"] {
            assert_eq!(name(text).to_string(), text);
        }
        for text in ["", "plain", "a:b", "a/b", "a:b/c@x", ":b/c", "a:/c", "a:b/", "a:b:c/d"] {
            assert_eq!(InterfaceName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn versions_on_one_track_are_compatible() {
        for (ours, theirs, expected) in [
            ("a:b/c@1.0.0", "a:b/c@1.9.2", true),
            ("a:b/c@0.2.0", "a:b/c@0.2.6", true),
            ("a:b/c@0.2.0", "a:b/c@0.3.0", false),
            ("a:b/c@1.0.0", "a:b/c@2.0.0", false),
            ("a:b/c@0.0.1", "a:b/c@0.0.2", false),
            ("a:b/c@0.0.1", "a:b/c@0.0.1", true),
            ("a:b/c@0.2.0-rc.1", "a:b/c@0.2.0", false),
            ("a:b/c", "a:b/c", true),
            ("a:b/c", "a:b/c@1.0.0", false),
            ("a:b/c", "a:b/d", false),
        ] {
            assert_eq!(name(ours).is_compatible(&name(theirs)), expected, "{ours} {theirs}");
        }
    }
}
