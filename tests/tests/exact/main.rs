//! Whether the host does what the WIT files say: components assert every outcome that these
//! document, behind `keyway run` and `keyway up`, and `docs/wasi.md` counts what they assert.

mod answer;
mod handler;
mod origin;
mod page;
mod trap;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, symlink},
        net::UnixListener,
    },
    path::Path,
    process::Command,
};

use keyway_testing::{Keyway, finish, guest, server::Port};

/// An assertion, `wasi:random/random@0.3.0#get-random-u64: another each time`.
#[derive(Debug)]
struct Assertion {
    name: String,
    /// What there was instead, if it does not hold.
    failed: Option<String>,
}

/// What does not hold, and is known not to, with the reason: `NAME = REASON` on each line.
const DEVIATIONS: &str = include_str!("deviation.txt");

fn deviations() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = DEVIATIONS.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.split_once(" = ").expect("a deviation has a reason"))
}

/// All components that assert.
const GUESTS: [&str; 8] = [
    "exact-files",
    "exact-files-p3",
    "exact-http",
    "exact-http-p3",
    "exact-sockets",
    "exact-sockets-p3",
    "exact-system",
    "exact-system-p3",
];

/// What a component is given: folders, an environment, and the network that it needs.
struct Surroundings {
    folder: tempfile::TempDir,
    flags: Vec<String>,
    /// Where nobody listens: one that it is granted, and one that it is not.
    _ports: [Port; 2],
}

impl Surroundings {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ports = [(); 2].map(|()| Port::take());
        let flags = match name {
            _ if name.contains("files") => folders(folder.path()),
            _ if name.contains("sockets") => {
                ["--net", "127.0.0.0/8", "--net", "[::1]", "--net", "0.0.0.0"]
                    .map(str::to_owned)
                    .to_vec()
            }
            _ if name.contains("http") => network(&ports),
            _ => ["--env", "ORDER=1", "--env", "EMPTY="].map(str::to_owned).to_vec(),
        };
        Self { folder, flags, _ports: ports }
    }

    /// Asserts what a component cannot: what the system has of what it did.
    fn inspect(&self, name: &str) {
        if name == "exact-files-p3" {
            // A mistake in both directions would look right from inside.
            let early = fs::metadata(self.folder.path().join("data/early")).expect("it is there");
            assert_eq!((early.mtime(), early.mtime_nsec()), (-1, 999_999_999));
        }
    }

    fn flags(&self) -> Vec<&str> {
        self.flags.iter().map(String::as_str).collect()
    }
}

fn folders(folder: &Path) -> Vec<String> {
    let (data, fixed) = (folder.join("data"), folder.join("fixed"));
    fs::create_dir_all(data.join("odd")).expect("a folder");
    fs::create_dir_all(fixed.join("folder")).expect("a folder");
    symlink("/etc/passwd", data.join("absolute")).expect("a link");
    symlink("../..", data.join("outside")).expect("a link");
    let odd = [&b"a"[..], b"\xff", b"z"];
    for file in odd.map(|name| data.join("odd").join(OsStr::from_bytes(name))) {
        fs::write(file, "text").expect("written");
    }
    fs::create_dir(data.join("kinds")).expect("a folder");
    let socket = UnixListener::bind(data.join("kinds/socket"));
    drop(socket.expect("a socket, which stays where it was bound"));
    let made = Command::new("mkfifo").arg(data.join("kinds/fifo")).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe is made");
    fs::write(fixed.join("file"), "text").expect("written");
    let folder = |path: &Path, rest: &str| format!("{}::{rest}", path.display());
    vec![
        "--dir".to_owned(),
        folder(&data, "/data"),
        "--dir".to_owned(),
        folder(&fixed, "/fixed:ro"),
    ]
}

fn network(ports: &[Port; 2]) -> Vec<String> {
    let origin = origin::start().to_string();
    let [refused, denied] = ports.each_ref().map(|port| format!("127.0.0.1:{port}"));
    let mut flags: Vec<_> = [("ORIGIN", &origin), ("REFUSED", &refused), ("DENIED", &denied)]
        .into_iter()
        .flat_map(|(name, address)| ["--env".to_owned(), format!("{name}={address}")])
        .collect();
    for host in [
        format!("http://{origin}"),
        format!("http://{refused}"),
        "does-not-exist.invalid".to_owned(),
    ] {
        flags.extend(["--http".to_owned(), host]);
    }
    flags
}

/// What a component asserts as a command.
fn on_run(name: &str) -> Vec<Assertion> {
    let surroundings = Surroundings::of(name);
    let file = guest(name);
    let file = file.to_str().expect("text");
    let flags = surroundings.flags();
    let finished = finish([&["run", "--stdin", "null"], &flags[..], &[file]].concat());
    assert_eq!(finished.code, Some(0), "{name} did not end well: {}", finished.stderr);
    surroundings.inspect(name);
    assertions(&finished.stdout)
}

/// What a command that ends by itself cannot assert: the code that it ends with.
fn exits() -> Vec<Assertion> {
    let mut all = Vec::new();
    for (name, version) in [("command", "0.2.12"), ("command-p3", "0.3.0")] {
        let file = guest(name);
        let file = file.to_str().expect("text");
        let mut ends = |what: &str, arguments: &[&str], expected: i32| {
            let got = finish([&["run", file], arguments].concat()).code;
            let failed = (got != Some(expected)).then(|| format!("{got:?}, expected {expected}"));
            let (interface, what) = what.split_once(' ').expect("an interface, and what it does");
            all.push(Assertion { name: format!("wasi:cli/{interface}@{version}#{what}"), failed });
        };
        ends("run run: a success is 0", &["arguments"], 0);
        ends("run run: a failure is 1", &["fail"], 1);
        ends("exit exit: a success is 0", &["exit-well"], 0);
        ends("exit exit: a failure is 1", &["exit-badly"], 1);
        for code in ["0", "1", "7", "255"] {
            let expected = code.parse().expect("a number");
            ends(
                &format!("exit exit-with-code: {code} is {code}"),
                &["exit-with-code", code],
                expected,
            );
        }
    }
    all
}

/// What a component asserts as a service.
fn on_up(name: &str) -> Vec<Assertion> {
    let surroundings = Surroundings::of(name);
    let keyway = Keyway::up_with(guest(name), &surroundings.flags());
    let answer = keyway.get("/");
    assert_eq!(answer.status, 200, "{name} did not answer: {}", keyway.stderr());
    assertions(&answer.body)
}

/// What a handler asserts of the request that it is given, which a command has none of.
fn handled() -> Vec<Assertion> {
    let all = ["exact-system", "exact-system-p3"].into_iter().flat_map(on_up);
    let of_http = all.filter(|one| one.name.starts_with("wasi:http/"));
    of_http.chain(handler::all()).collect()
}

fn assertions(text: &str) -> Vec<Assertion> {
    let assertion = |line: &str| match line.strip_prefix("FAILED ") {
        Some(rest) => {
            let (name, got) = rest.split_once(": got ").expect("a failure says what there was");
            Assertion { name: name.to_owned(), failed: Some(got.to_owned()) }
        }
        None => {
            let name = line.strip_prefix("ok ").expect("each line is an assertion");
            Assertion { name: name.to_owned(), failed: None }
        }
    };
    text.lines().map(assertion).collect()
}

/// Fails for each assertion that does not hold and is not known, or holds and is said not to.
fn judge(where_: &str, all: &[Assertion]) {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for Assertion { name, failed } in all {
        if !seen.insert(name) {
            wrong.push(format!("{name}: is asserted twice"));
        }
        let known = deviations().any(|(known, _)| known == name);
        match failed {
            Some(got) if !known => wrong.push(format!("{name}: got {got}")),
            None if known => wrong.push(format!("{name}: holds, and is said not to")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{where_}:\n{}", wrong.join("\n"));
}

#[track_caller]
fn holds(name: &str) {
    for (how, all) in [("run", on_run(name)), ("up", on_up(name))] {
        let where_ = format!("{name} on keyway {how}");
        assert!(all.len() >= 20, "{where_}: there are {} assertions", all.len());
        judge(&where_, &all);
    }
}

#[test]
fn files_of_0_2_are_as_written() {
    holds("exact-files");
}

#[test]
fn sockets_of_0_2_are_as_written() {
    holds("exact-sockets");
}

#[test]
fn http_of_0_2_is_as_written() {
    holds("exact-http");
}

#[test]
fn the_rest_of_0_2_is_as_written() {
    holds("exact-system");
}

#[test]
fn files_of_0_3_are_as_written() {
    holds("exact-files-p3");
}

#[test]
fn sockets_of_0_3_are_as_written() {
    holds("exact-sockets-p3");
}

#[test]
fn http_of_0_3_is_as_written() {
    holds("exact-http-p3");
}

#[test]
fn the_rest_of_0_3_is_as_written() {
    holds("exact-system-p3");
}

#[test]
fn commands_end_as_written() {
    judge("commands that end", &exits());
}

#[test]
fn what_traps_is_as_written() {
    judge("commands that trap", &trap::all());
}

#[test]
fn handlers_of_0_2_answer_as_written() {
    judge("a handler from outside", &handler::all());
}

#[test]
fn the_page_says_what_is_asserted() {
    let all = GUESTS.iter().flat_map(|name| on_run(name));
    let all: Vec<_> = all.chain(exits()).chain(trap::all()).chain(handled()).collect();
    assert!(all.len() >= 300, "there are {} assertions", all.len());
    for (known, _) in deviations() {
        assert!(all.iter().any(|one| one.name == known), "nothing asserts `{known}`");
    }
    page::compare(&page::write(&all));
}
