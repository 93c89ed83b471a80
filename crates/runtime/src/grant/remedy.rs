//! How a user grants what a component lacks: by lines of a manifest, or by flags if there is none.

use keyway_app::lack::Lack;
use keyway_call::Failure;

/// Where the grants and limits of a component come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remedy {
    /// Its table in a manifest.
    #[default]
    Manifest,
    /// The flags of `keyway run` and of `keyway up FILE`.
    Flags,
}

impl Remedy {
    /// What to do so that `component` gets what it lacks.
    pub(crate) fn grant(self, component: &str, lack: &Lack<'_>) -> String {
        let line = lack.line(component);
        match (self, lack.flag()) {
            (Self::Manifest, _) => format!("add to the manifest: {line}"),
            (Self::Flags, Some(flag)) => format!("add the flag: {flag}"),
            (Self::Flags, None) => {
                format!("no flag can do this; write a manifest with: {line}")
            }
        }
    }

    /// The failure with the settings that it names as they are called here.
    pub fn tell(self, failure: &Failure) -> String {
        let text = failure.to_string();
        match self {
            Self::Manifest => text,
            Self::Flags => {
                text.replace("`limit.time`", "`--time`").replace("`limit.memory`", "`--memory`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyway_app::{grant::HttpScheme, lack::FlagGrant};

    use super::*;

    #[test]
    fn what_is_lacking_is_given_by_a_line_or_by_a_flag() {
        let http = Lack::Http { scheme: HttpScheme::Http, host: "b.c", port: 80 };
        let line = "add to the manifest: component.a.grant.http = [\"http://b.c\"]";
        assert_eq!(Remedy::Manifest.grant("a", &http), line);
        assert_eq!(Remedy::Flags.grant("a", &http), "add the flag: --http http://b.c");
        let stdout = Remedy::Flags.grant("a", &Lack::Flag(FlagGrant::Stdout));
        assert!(stdout.ends_with("with: component.a.grant.stdout = true"), "{stdout}");
    }

    #[test]
    fn limits_are_called_as_they_are_set() {
        let late = Failure::TimedOut(Duration::from_secs(1));
        assert!(Remedy::Flags.tell(&late).contains("`--time` sets"));
        assert!(Remedy::Flags.tell(&Failure::Memory(1)).contains("`--memory` sets"));
        assert_eq!(Remedy::Manifest.tell(&late), late.to_string());
    }
}
