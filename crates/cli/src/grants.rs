//! Grants as flags: what they say is written as a manifest says it, and read by the same code.

use std::{collections::BTreeMap, fmt::Write, net::Ipv6Addr, path::Path};

use keyway_app::{Code, Problem};
use keyway_host::Granted;

/// What a single component may reach, and use.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Grants {
    /// Grant a folder: its path here, its path for the component, and `:ro` for reading only.
    #[arg(long, value_name = "HOST::GUEST[:ro]")]
    dir: Vec<String>,
    /// Set an environment variable; without a value, pass on the one set here.
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Grant connecting, sending and listening by TCP and UDP.
    #[arg(long, value_name = "ADDR[:PORT]|any")]
    net: Vec<String>,
    /// Grant outgoing HTTP to a host, to a URL of scheme, host and port, or to any.
    #[arg(long, value_name = "HOST|URL|any")]
    http: Vec<String>,
    /// Limit the memory of an instance, such as 64MiB.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Limit how long it may take, such as 30s.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
}

impl Grants {
    /// The flags as the table of a component in a manifest, with further lines of its own.
    ///
    /// # Errors
    /// All that is wrong with them, each flag by its name.
    pub(crate) fn to_toml(&self, source: &Path, more: &str) -> Result<String, Vec<Problem>> {
        let mut toml = format!("source = {}\n{more}", quoted(&source.display().to_string()));
        let mut problems = Vec::new();
        let sockets = list("net", "grant.tcp", &self.net, sockets, &mut problems);
        for (key, values) in [
            ("grant.files", list("dir", "grant.files", &self.dir, folder, &mut problems)),
            ("grant.http", list("http", "grant.http", &self.http, hosts, &mut problems)),
            ("grant.tcp", sockets.clone()),
            ("grant.udp", sockets),
        ] {
            if !values.is_empty() {
                line(&mut toml, key, &format!("[{}]", values.join(", ")));
            }
        }
        for (name, value) in self.variables(&mut problems) {
            line(&mut toml, &variable_key(name), &quoted(&value));
        }
        for (flag, key, value) in
            [("memory", "limit.memory", &self.memory), ("time", "limit.time", &self.time)]
        {
            let Some(value) = value else { continue };
            match check(flag, value, key, &quoted(value)) {
                Ok(()) => line(&mut toml, key, &quoted(value)),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // What is wrong with several together, such as two folders at one place.
        Granted::from_toml(&toml).map_err(as_flags)?;
        Ok(toml)
    }

    /// What the flags grant to the component that is served from `file`; nothing if there are none.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(crate) fn of_component(&self, file: &Path) -> Result<Option<Granted>, Vec<Problem>> {
        if self.are_none() {
            return Ok(None);
        }
        Granted::from_toml(&self.to_toml(file, "")?).map(Some)
    }

    /// The same, with folders by their whole paths, for a host that runs elsewhere.
    pub(crate) fn with_whole_paths(&self) -> Self {
        let whole = |flag: &String| match flag.split_once("::") {
            Some((host, rest)) => {
                let host = std::path::absolute(host).unwrap_or_else(|_| host.into());
                format!("{}::{rest}", host.display())
            }
            None => flag.clone(),
        };
        Self { dir: self.dir.iter().map(whole).collect(), ..self.clone() }
    }

    /// Whether no flag is given.
    pub(crate) fn are_none(&self) -> bool {
        let Self { dir, env, net, http, memory, time } = self;
        let none = [dir, env, net, http].iter().all(|flags| flags.is_empty());
        none && memory.is_none() && time.is_none()
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

    /// The environment. Of a variable that is given twice, the last counts.
    fn variables(&self, problems: &mut Vec<Problem>) -> BTreeMap<&str, String> {
        let mut variables = BTreeMap::new();
        for variable in &self.env {
            let (name, value) = match variable.split_once('=') {
                Some((name, value)) => (name, Ok(value.to_owned())),
                None => (variable.as_str(), inherited(variable)),
            };
            let checked = value.and_then(|value| {
                // The value may be a secret.
                check("env", name, &variable_key(name), &quoted(&value)).map(|()| value)
            });
            match checked {
                Ok(value) => drop(variables.insert(name, value)),
                Err(problem) => problems.push(problem),
            }
        }
        variables
    }
}

/// Says what is wrong with an app that flags describe without a manifest that the user never wrote.
pub(crate) fn as_flags(problems: Vec<Problem>) -> Vec<Problem> {
    let text = |text: String| {
        text.replace("`limit.memory`", "`--memory`").replace("`limit.time`", "`--time`")
    };
    let as_flags = |problem: Problem| Problem {
        code: problem.code,
        message: text(problem.message),
        label: None,
        help: problem.help.map(text),
        place: None,
    };
    problems.into_iter().map(as_flags).collect()
}

/// The values that a flag was given, as those of a list in a manifest. Each is read by itself, so
/// that each problem is reported once.
fn list(
    flag: &str,
    key: &str,
    given: &[String],
    values: fn(&str) -> Result<Vec<String>, Problem>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut all = Vec::new();
    for value in given {
        let read = values(value).and_then(|values| {
            check(flag, value, key, &format!("[{}]", values.join(", "))).map(|()| values)
        });
        match read {
            Ok(values) => all.extend(values),
            Err(problem) => problems.push(problem),
        }
    }
    all
}

/// Reads `toml` as a manifest's `key` of a component, and tells what is wrong of the flag.
fn check(flag: &str, value: &str, key: &str, toml: &str) -> Result<(), Problem> {
    let read = Granted::from_toml(&format!("source = \"flags.wasm\"\n{key} = {toml}\n"));
    let Err(problems) = read else { return Ok(()) };
    // A value may stand for several of a manifest, with all of which the same is wrong.
    let Some(wrong) = problems.into_iter().next() else { return Ok(()) };
    let given = format!("`--{flag} {value}`");
    let (message, help) = match flag {
        "net" => {
            let help = "write `--net 10.0.0.5:5432`, `--net 10.0.0.0/8`, `--net [::1]:53` or \
                        `--net any`; a name is not an address";
            (format!("{given} is neither an address nor a network"), Some(help.to_owned()))
        }
        "http" => {
            let help = "write a host, `--http api.example.com`, a URL of a scheme, a host and \
                        perhaps a port, `--http http://localhost:8080`, or `--http any`";
            (format!("{given}: {}", wrong.message), Some(help.to_owned()))
        }
        _ => {
            let path = format!("`component.flags.{key}`");
            let message = match wrong.message.strip_prefix(&path) {
                Some(rest) => format!("{given}{rest}"),
                None => format!("{given}: {}", wrong.message),
            };
            (message, wrong.help)
        }
    };
    Err(Problem { code: wrong.code, message, label: None, help, place: None })
}

/// For connecting and for listening.
fn sockets(net: &str) -> Result<Vec<String>, Problem> {
    let address = match net {
        "any" => "*:*".to_owned(),
        net if has_port(net) => net.to_owned(),
        net if net.contains(':') && !net.starts_with('[') && !net.contains('/') => {
            if let Some((host, port)) = ambiguous(net) {
                let help = format!(
                    "write `--net [{host}]:{port}` for the port {port} of `{host}`, or \
                     `--net [{net}]` for all ports of `{net}`"
                );
                let message =
                    format!("`--net {net}` may end in a port, or in a part of an address");
                return Err(Problem { help: Some(help), ..problem(Code::Net, message) });
            }
            format!("[{net}]:*")
        }
        net => format!("{net}:*"),
    };
    Ok(vec![quoted(&address), format!("{{ listen = {} }}", quoted(&address))])
}

/// Whether an address or a network ends in a port. Those of IPv6 have colons of their own, and
/// brackets where a port follows.
fn has_port(net: &str) -> bool {
    match net.rsplit_once(':') {
        None => false,
        Some((host, _)) => !host.contains(':') || host.ends_with(']'),
    }
}

/// The address and the port that an address of IPv6 without brackets may have been meant as.
fn ambiguous(net: &str) -> Option<(Ipv6Addr, u16)> {
    let (host, port) = net.rsplit_once(':')?;
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    Some((host.parse().ok()?, port.parse().ok().filter(|_| is_number)?))
}

fn hosts(http: &str) -> Result<Vec<String>, Problem> {
    Ok(match http {
        "any" => vec![quoted("*")],
        url if url.contains("://") => vec![quoted(url)],
        host => vec![quoted(&format!("https://{host}")), quoted(&format!("http://{host}"))],
    })
}

fn folder(dir: &str) -> Result<Vec<String>, Problem> {
    let refused = |message: String, help: &str| Problem {
        help: Some(help.to_owned()),
        ..problem(Code::Dir, message)
    };
    let (host, guest) = dir.split_once("::").ok_or_else(|| {
        refused(
            format!("`{dir}` does not say where to mount it"),
            "write `--dir HOST::GUEST`, such as `--dir data::/data:ro`",
        )
    })?;
    if host.is_empty() {
        // It would be the current folder, which `$UNSET::/data` certainly does not mean.
        return Err(refused(
            format!("`--dir {dir}` names no folder on this machine"),
            "write a folder before the `::`; the current one is `.`",
        ));
    }
    let (guest, access) = match guest.strip_suffix(":ro") {
        Some(guest) => (guest, "read"),
        None => (guest, "read-write"),
    };
    let (host, guest) = (quoted(host), quoted(guest));
    Ok(vec![format!("{{ host = {host}, guest = {guest}, access = \"{access}\" }}")])
}

fn inherited(name: &str) -> Result<String, Problem> {
    std::env::var(name).map_err(|error| Problem {
        help: Some(format!("set it, or give its value: `--env {name}=VALUE`")),
        ..problem(Code::Env, format!("the variable `{name}` cannot be passed on: {error}"))
    })
}

fn problem(code: Code, message: String) -> Problem {
    Problem { code, message, label: None, help: None, place: None }
}

/// A TOML string with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn variable_key(name: &str) -> String {
    format!("grant.env.{}", quoted(name))
}

fn line(toml: &mut String, key: &str, value: &str) {
    // A string takes all that is written.
    let _ = writeln!(toml, "{key} = {value}");
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

    fn wrong(grants: &Grants) -> Vec<String> {
        let problems = grants.to_toml(Path::new("a.wasm"), "").expect_err("something is wrong");
        let text = |problem: Problem| {
            assert_eq!((problem.label, problem.place), (None, None));
            format!("{}\n{}", problem.message, problem.help.unwrap_or_default())
        };
        problems.into_iter().map(text).collect()
    }

    #[test]
    fn a_folder_needs_two_places() {
        for (dir, expected) in [
            ("data", "--dir data::/data:ro"),
            ("::/a", "names no folder on this machine"),
            ("::", "names no folder on this machine"),
            ("data::a", "`--dir data::a`: `a` is not a valid guest path"),
        ] {
            let said = wrong(&Grants { dir: vec![dir.to_owned()], ..Grants::default() });
            assert!(said.len() == 1 && said[0].contains(expected), "{dir}: {said:?}");
        }
        let twice = ["a::/x", "b::/x/"].map(str::to_owned).to_vec();
        let said = wrong(&Grants { dir: twice, ..Grants::default() });
        assert!(said.len() == 1 && said[0].contains("two folders are granted as `/x`"), "{said:?}");
    }

    #[test]
    fn what_is_wrong_is_told_once_and_of_the_flag() {
        let some = |text: &str| vec![text.to_owned()];
        let said = wrong(&Grants {
            net: some("localhost:80"),
            http: some("example.com/x"),
            env: some("=x"),
            memory: Some("much".to_owned()),
            time: Some("2years".to_owned()),
            ..Grants::default()
        });
        let expected = [
            "`--net localhost:80` is neither an address nor a network\n",
            "`--http example.com/x`: this is not a valid HTTP grant: it has a path or query",
            "`--env `: `` is not a valid variable name\n",
            "`--memory much` is not a valid size\n",
            "`--time 2years` is longer than a year\n",
        ];
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn an_address_that_may_end_in_a_port_needs_brackets() {
        for net in ["::1:80", "fe80::1:443"] {
            let said = wrong(&Grants { net: vec![net.to_owned()], ..Grants::default() });
            assert!(said.len() == 1 && said[0].contains("write `--net ["), "{net}: {said:?}");
        }
        for net in ["::1", "[::1:80]", "[::1]:80", "::1:ab", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.5"] {
            let grants = Grants { net: vec![net.to_owned()], ..Grants::default() };
            assert!(grants.to_toml(Path::new("a.wasm"), "").is_ok(), "{net}");
        }
    }
}
