//! Grants as flags: what they say is written as a manifest says it, and read by the same code.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use keyway_app::Problem;
use keyway_host::Granted;

/// What a single component may reach, and use.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Grants {
    /// A folder of this machine, where the component sees it, and `:ro` if it may only read.
    #[arg(long, value_name = "HOST::GUEST[:ro]")]
    dir: Vec<String>,
    /// A variable of its environment; without a value, the one that is set here.
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Where it may connect, send and listen by TCP and UDP.
    #[arg(long, value_name = "ADDR[:PORT]|any")]
    net: Vec<String>,
    /// Where it may send HTTP requests: a host, a URL with scheme and port, or any.
    #[arg(long, value_name = "HOST|URL|any")]
    http: Vec<String>,
    /// Memory that an instance may have, such as 64MiB.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// How long it may take, such as 30s.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
}

impl Grants {
    /// The flags as the table of a component in a manifest, with further lines of its own.
    ///
    /// # Errors
    /// If a flag is not in its form.
    pub(crate) fn to_toml(&self, source: &Path, more: &str) -> Result<String, Problem> {
        let mut toml = format!("source = {}\n{more}", quoted(&source.display().to_string()));
        let lists = [
            ("grant.files", self.dir.iter().map(|dir| folder(dir)).collect::<Result<_, _>>()?),
            ("grant.http", self.http.iter().flat_map(|http| hosts(http)).collect()),
            ("grant.tcp", self.sockets()),
            ("grant.udp", self.sockets()),
        ];
        for (key, values) in lists {
            let values: Vec<String> = values;
            if !values.is_empty() {
                line(&mut toml, &format!("{key} = [{}]", values.join(", ")));
            }
        }
        // Of one that is given twice, the last counts.
        let mut variables = BTreeMap::new();
        for variable in &self.env {
            let (name, value) = match variable.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => (variable.as_str(), inherited(variable)?),
            };
            variables.insert(name, value);
        }
        for (name, value) in variables {
            line(&mut toml, &format!("grant.env.{} = {}", quoted(name), quoted(&value)));
        }
        for (key, value) in [("memory", &self.memory), ("time", &self.time)] {
            if let Some(value) = value {
                line(&mut toml, &format!("limit.{key} = {}", quoted(value)));
            }
        }
        Ok(toml)
    }

    /// What the flags grant to the component that is served from `file`; nothing if there are none.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(crate) fn of_component(&self, file: &Path) -> Result<Option<Granted>, Vec<Problem>> {
        let Self { dir, env, net, http, memory, time } = self;
        let none = [dir, env, net, http].iter().all(|flags| flags.is_empty());
        if none && memory.is_none() && time.is_none() {
            return Ok(None);
        }
        let component = self.to_toml(file, "").map_err(|problem| vec![problem])?;
        Granted::from_toml(&component).map(Some)
    }

    /// Whether its time is limited.
    pub(crate) fn has_time(&self) -> bool {
        self.time.is_some()
    }

    /// `line`, if no flag says how much memory it may have.
    pub(crate) fn unless_memory<'a>(&self, line: &'a str) -> &'a str {
        if self.memory.is_some() { "" } else { line }
    }

    /// `line`, if no flag says how long it may take.
    pub(crate) fn unless_time<'a>(&self, line: &'a str) -> &'a str {
        if self.time.is_some() { "" } else { line }
    }

    /// For connecting and for listening.
    fn sockets(&self) -> Vec<String> {
        let forms = |net: &String| {
            let address = match net.as_str() {
                "any" => "*:*".to_owned(),
                net if has_port(net) => net.to_owned(),
                net if net.contains(':') && !net.starts_with('[') && !net.contains('/') => {
                    format!("[{net}]:*")
                }
                net => format!("{net}:*"),
            };
            [quoted(&address), format!("{{ listen = {} }}", quoted(&address))]
        };
        self.net.iter().flat_map(forms).collect()
    }
}

/// Whether an address or a network ends in a port. Those of IPv6 have colons of their own, and
/// brackets where a port follows.
fn has_port(net: &str) -> bool {
    match net.rsplit_once(':') {
        None => false,
        Some((host, _)) => !host.contains(':') || host.ends_with(']'),
    }
}

fn hosts(http: &str) -> Vec<String> {
    match http {
        "any" => vec![quoted("*")],
        url if url.contains("://") => vec![quoted(url)],
        host => vec![quoted(&format!("https://{host}")), quoted(&format!("http://{host}"))],
    }
}

fn folder(dir: &str) -> Result<String, Problem> {
    let refused = || Problem {
        help: Some("write `--dir HOST::GUEST`, such as `--dir data::/data:ro`".to_owned()),
        ..problem("dir", format!("`{dir}` does not say where the component sees it"))
    };
    let (host, guest) = dir.split_once("::").ok_or_else(refused)?;
    let (guest, access) = match guest.strip_suffix(":ro") {
        Some(guest) => (guest, "read"),
        None => (guest, "read-write"),
    };
    let (host, guest) = (quoted(host), quoted(guest));
    Ok(format!("{{ host = {host}, guest = {guest}, access = \"{access}\" }}"))
}

fn inherited(name: &str) -> Result<String, Problem> {
    std::env::var(name).map_err(|error| Problem {
        help: Some(format!("set it, or give its value: `--env {name}=VALUE`")),
        ..problem("env", format!("the variable `{name}` cannot be passed on: {error}"))
    })
}

fn problem(code: &'static str, message: String) -> Problem {
    Problem { code, message, label: None, help: None, place: None }
}

/// A TOML string with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn line(toml: &mut String, text: &str) {
    // A string takes all that is written.
    let _ = writeln!(toml, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_written_as_a_manifest_says_it() {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let grants = Grants {
            dir: list(&["data::/data:ro", "/tmp/x::/"]),
            env: list(&["A=1=\"2\""]),
            net: list(&["127.0.0.1:80", "::1", "[::1]:53", "10.0.0.0/8", "fd00::/8"]),
            http: list(&["example.com", "http://localhost:8080", "any"]),
            memory: Some("1GiB".to_owned()),
            time: None,
        };
        let toml = grants.to_toml(Path::new("a b.wasm"), "").unwrap();
        for expected in [
            "source = \"a b.wasm\"",
            "{ host = \"data\", guest = \"/data\", access = \"read\" }",
            "{ host = \"/tmp/x\", guest = \"/\", access = \"read-write\" }",
            "grant.env.\"A\" = '1=\"2\"'",
            "grant.tcp = [\"127.0.0.1:80\", { listen = \"127.0.0.1:80\" }, \"[::1]:*\"",
            "\"[::1]:53\"",
            "\"10.0.0.0/8:*\"",
            "\"fd00::/8:*\"",
            "[\"https://example.com\", \"http://example.com\", \"http://localhost:8080\", \"*\"]",
            "limit.memory = \"1GiB\"",
        ] {
            assert!(toml.contains(expected), "{expected}\n{toml}");
        }
        assert!(!toml.contains("limit.time"));
    }

    #[test]
    fn a_folder_needs_a_place() {
        let grants = Grants { dir: vec!["data".to_owned()], ..Grants::default() };
        let problem = grants.to_toml(Path::new("a.wasm"), "").unwrap_err();
        assert!(problem.help.is_some_and(|help| help.contains("--dir data::/data:ro")));
    }
}
