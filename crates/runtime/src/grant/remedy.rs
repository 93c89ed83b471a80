//! How a user gives a component what it lacks: by lines of a manifest, or by flags where there is
//! none.

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
    /// What to do for what `line` of a manifest would grant.
    pub(crate) fn grant(self, line: &str) -> String {
        match self {
            Self::Manifest => format!("add to the manifest: {line}"),
            Self::Flags => match flag(line) {
                Some(flag) => format!("add the flag: {flag}"),
                None => format!("write a manifest, since no flag does it, with: {line}"),
            },
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

/// The flag that grants what a line does, which is as [`keyway_app::grant`] suggests it.
fn flag(line: &str) -> Option<String> {
    let (_component, grant) = line.split_once(".grant.")?;
    let (key, value) = grant.split_once(" = ")?;
    let text = || value.strip_prefix("[\"")?.strip_suffix("\"]");
    let listens = || value.strip_prefix("[{ listen = \"")?.strip_suffix("\" }]");
    match key {
        "http" => Some(format!("--http {}", text()?)),
        // One flag is for both protocols and both directions.
        "tcp" | "udp" => Some(format!("--net {}", text().or_else(listens)?)),
        "files" => {
            let (guest, _) = value.split_once("guest = \"")?.1.split_once('"')?;
            Some(format!("--dir FOLDER::{guest}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyway_app::grant::{self, HttpScheme};

    use super::*;

    #[test]
    fn what_is_suggested_has_a_flag_where_there_is_one() {
        let address = "[::1]:80".parse().expect("an address");
        for (line, expected) in [
            (grant::suggest_http("a", HttpScheme::Http, "b.c", 80), "--http http://b.c"),
            (grant::suggest_tcp("a", address), "--net [::1]:80"),
            (grant::suggest_udp("a", address), "--net [::1]:80"),
            (grant::suggest_tcp_listen("a", address), "--net [::1]:80"),
            (grant::suggest_udp_listen("a", address), "--net [::1]:80"),
            (grant::suggest_lookup("a"), "--net ADDRESS:PORT"),
            (grant::suggest_files("a"), "--dir FOLDER::/FOLDER"),
            (
                grant::suggest_files("a").replace("/FOLDER\"", "/data\", access = \"read-write\""),
                "--dir FOLDER::/data",
            ),
        ] {
            assert_eq!(Remedy::Flags.grant(&line), format!("add the flag: {expected}"));
            assert_eq!(Remedy::Manifest.grant(&line), format!("add to the manifest: {line}"));
        }
        for line in
            [grant::suggest_stdout("a"), grant::suggest_addresses("a", HttpScheme::Http, "b.c", 80)]
        {
            assert!(Remedy::Flags.grant(&line).ends_with(&format!("with: {line}")));
        }
    }

    #[test]
    fn limits_are_called_as_they_are_set() {
        let late = Failure::TimedOut(Duration::from_secs(1));
        assert!(Remedy::Flags.tell(&late).contains("`--time` sets"));
        assert!(Remedy::Flags.tell(&Failure::Memory(1)).contains("`--memory` sets"));
        assert_eq!(Remedy::Manifest.tell(&late), late.to_string());
    }
}
