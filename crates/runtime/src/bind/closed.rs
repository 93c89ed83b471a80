//! A component without grants reaches nothing, whatever it calls: every function of every interface
//! of WASI, in every version, is called with every handle that can be obtained.
//!
//! The result of each call is in `wasi-0.2.txt` and `wasi-0.3.txt`, for people to read: this is all
//! that a component can do without a grant. A server checks that no connection came in.

mod explore;
mod probe;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    net::{SocketAddr, SocketAddrV4, TcpListener, UdpSocket},
    sync::Arc,
};

use keyway_app::{Grant, Limit};
use keyway_component::{Part, fuse};
use tokio::task::JoinSet;

use crate::{
    Cache, Compiler, Engines, Principal, Printer, Purpose, Remedy, Room,
    grant::plan::{Member, Plan},
};
use explore::{Explorer, Outcome, Outcomes};
use probe::Probe;

const WASI_0_2: [&str; 7] = [
    include_str!("../../../../wit/wasi-0.2/cli.wit"),
    include_str!("../../../../wit/wasi-0.2/clocks.wit"),
    include_str!("../../../../wit/wasi-0.2/filesystem.wit"),
    include_str!("../../../../wit/wasi-0.2/http.wit"),
    include_str!("../../../../wit/wasi-0.2/io.wit"),
    include_str!("../../../../wit/wasi-0.2/random.wit"),
    include_str!("../../../../wit/wasi-0.2/sockets.wit"),
];

const WASI_0_3: [&str; 6] = [
    include_str!("../../../../wit/wasi-0.3/cli.wit"),
    include_str!("../../../../wit/wasi-0.3/clocks.wit"),
    include_str!("../../../../wit/wasi-0.3/filesystem.wit"),
    include_str!("../../../../wit/wasi-0.3/http.wit"),
    include_str!("../../../../wit/wasi-0.3/random.wit"),
    include_str!("../../../../wit/wasi-0.3/sockets.wit"),
];

/// The packages as another version has them. Which of their parts are newer than that does not
/// matter: a component may ask for more than its version has.
fn in_version(packages: &[&str], from: &str, to: &str) -> Vec<String> {
    let rename = |text: &&str| {
        let lines = text.lines().filter(|line| !line.trim().starts_with("@since"));
        let lines = lines.filter(|line| !line.trim().starts_with("@deprecated"));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        text.replace(&format!("@{from}"), &format!("@{to}"))
    };
    packages.iter().map(rename).collect()
}

/// A server whose clients can be counted.
struct Witness {
    tcp: TcpListener,
    udp: UdpSocket,
    address: SocketAddrV4,
}

impl Witness {
    fn new() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = tcp.local_addr().expect("an address");
        let udp = UdpSocket::bind(address).expect("the same port");
        tcp.set_nonblocking(true).expect("it need not wait");
        udp.set_nonblocking(true).expect("it need not wait");
        let SocketAddr::V4(address) = address else { panic!("the address is as it was given") };
        Self { tcp, udp, address }
    }

    fn assert_alone(&self) {
        assert!(self.tcp.accept().is_err(), "nobody connects");
        assert!(self.udp.recv_from(&mut [0; 64]).is_err(), "nobody sends");
    }
}

/// Calls all that a component with this grant can.
async fn explore(probe: &Probe, grant: Grant, witness: SocketAddrV4) -> Outcomes {
    let part = Part { name: "probe", bytes: &probe.bytes, links: Vec::new() };
    let unit = fuse("probe", &[part]).expect("the host answers for all imports");
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path().join("cache")).expect("a cache");
    let compiler = Compiler::new(cache, Purpose::Requests).expect("a compiler");
    let compiled = compiler.compile(&unit.bytes).expect("the probe is compiled");
    let limit = Limit::default();
    let pools = Engines::new().make_room(&[Room { compiled: &compiled, limit: &limit }]);
    let pools = pools.expect("an engine");
    let engine = pools.of(&compiled).expect("its engine");
    let component = compiled.code.component(&engine.inner).expect("it is loaded");
    let principal = Principal {
        name: "probe".to_owned(),
        grant,
        links: BTreeMap::new(),
        streams: None,
        remedy: Remedy::default(),
    };
    let (printer, account) = (Printer::default(), Arc::default());
    let member = Member::new(principal, &account, &printer).expect("it has no folders");
    let plan = Arc::new(Plan::new("root", [member], limit, printer, account));
    let shape = super::Shape::of(&unit.imports, &plan);
    let linker = super::bind(&engine.inner, &component, &shape).expect("it is bound");
    let explorer = Explorer { component: &component, linker: &linker, plan: &plan, probe, witness };
    explorer.explore().await
}

/// What each function of WASI 0.2 comes to without a grant.
const OUTCOMES_0_2: &str = include_str!("closed/wasi-0.2.txt");

/// How often that is looked for.
const ATTEMPTS: usize = 5;

/// One line for each function and outcome, without versions.
fn table(probe: &Probe, outcomes: &Outcomes, witness: SocketAddrV4) -> String {
    let mut lines = Vec::new();
    for (index, call) in probe.calls.iter().enumerate() {
        let (interface, function) = call.split_once('#').expect("an interface and a function");
        let path = interface.split('@').next().unwrap_or(interface);
        let mut line = format!("{path} {function}:");
        match outcomes.get(&index) {
            None => line.push_str(" cannot be called, for want of a handle"),
            // What streams come to is a matter of time, and of their source.
            Some(_) if path.starts_with("wasi:io/") => line.push_str(" works on what others gave"),
            Some(outcomes) => {
                // When what is waited for comes is a matter of time.
                let not_yet = Outcome::Gives("none".to_owned());
                let told = outcomes.iter().filter(|it| outcomes.len() == 1 || **it != not_yet);
                for (index, outcome) in told.enumerate() {
                    line.push_str(if index > 0 { ", or " } else { " " });
                    let _ = match outcome {
                        Outcome::Gives(what) => write!(line, "gives {what}"),
                        Outcome::Refuses(why) => write!(line, "refuses with {why}"),
                        Outcome::Traps(why) => write!(line, "traps: {why}"),
                        Outcome::Waits => write!(line, "waits for ever"),
                    };
                }
            }
        }
        lines.push(line.replace(interface, path));
    }
    lines.sort();
    lines.join("\n").replace(&witness.to_string(), "ADDRESS") + "\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn without_grants_every_release_of_wasi_0_2_reaches_nothing() {
    let witness = Witness::new();
    let address = witness.address;
    let mut releases = JoinSet::new();
    for patch in 0..=12 {
        releases.spawn(async move {
            let probe = probe::build(&in_version(&WASI_0_2, "0.2.12", &format!("0.2.{patch}")));
            let mut found = String::new();
            // What is waited for may not come in time on a machine that does much else.
            for _ in 0..ATTEMPTS {
                let outcomes = explore(&probe, Grant::default(), address).await;
                found = table(&probe, &outcomes, address);
                if found == OUTCOMES_0_2 {
                    break;
                }
            }
            (patch, found)
        });
    }
    while let Some(release) = releases.join_next().await {
        let (patch, found) = release.expect("it is explored");
        assert_eq!(found, OUTCOMES_0_2, "0.2.{patch}");
    }
    witness.assert_alone();
}

#[tokio::test]
async fn without_grants_wasi_0_3_reaches_nothing() {
    let witness = Witness::new();
    let probe = probe::build(&in_version(&WASI_0_3, "0.3.0", "0.3.0"));
    let outcomes = explore(&probe, Grant::default(), witness.address).await;
    let table = table(&probe, &outcomes, witness.address);
    assert_eq!(table, include_str!("closed/wasi-0.3.txt"));
    witness.assert_alone();
}

/// Whether the call was refused because it is not granted, or could not even be made.
fn is_denied(outcomes: Option<&BTreeSet<Outcome>>) -> bool {
    outcomes.into_iter().flatten().all(|outcome| match outcome {
        Outcome::Traps(why) => why.ends_with("which is not granted"),
        Outcome::Refuses(_) => true,
        Outcome::Gives(_) | Outcome::Waits => false,
    })
}

#[tokio::test]
async fn versions_and_interfaces_that_nobody_has_heard_of_are_denied() {
    let witness = Witness::new();
    let teleport = "package wasi:teleport@0.2.0;\ninterface beam {\n\
        resource pad {\n constructor();\n open: static func(to: string) -> result<pad>;\n }\n\
        up: func(what: list<u8>) -> result<u32, string>;\n}";
    let unknown = [
        in_version(&WASI_0_2, "0.2.12", "0.2.13"),
        in_version(&WASI_0_2, "0.2.12", "0.2.99"),
        in_version(&WASI_0_2, "0.2.12", "0.2.0-rc-2023-11-10"),
        in_version(&WASI_0_2, "0.2.12", "0.4.0"),
        in_version(&WASI_0_2, "0.2.12", "1.0.0"),
        in_version(&WASI_0_3, "0.3.0", "0.3.7"),
        in_version(&WASI_0_3, "0.3.0", "0.3.0-rc-2026-03-15"),
        in_version(&WASI_0_3, "0.3.0", "0.4.0"),
        vec![teleport.to_owned()],
    ];
    for packages in unknown {
        let probe = probe::build(&packages);
        let outcomes = explore(&probe, Grant::default(), witness.address).await;
        assert!(!outcomes.is_empty(), "something can be called");
        for (index, call) in probe.calls.iter().enumerate() {
            assert!(is_denied(outcomes.get(&index)), "{call}: {:?}", outcomes.get(&index));
        }
    }
    witness.assert_alone();
}

/// Interfaces that the host does not have, each with what its functions come to: their own error.
const WITH_ERRORS: &[(&str, &[&str])] = &[
    (
        "package fermyon:spin@2.0.0;\ninterface mqtt {\n\
         variant error { invalid-address, too-many-connections, connection-failed(string), other(string) }\n\
         enum qos { at-most-once, at-least-once, exactly-once }\n\
         resource connection {\n\
         open: static func(address: string, user: string, password: string, keep-alive: u64) -> \
         result<connection, error>;\n\
         publish: func(topic: string, payload: list<u8>, qos: qos) -> result<_, error>;\n}\n}",
        &["connection-failed"],
    ),
    (
        "package spin:mqtt@3.0.0;\ninterface mqtt {\n\
         variant error { invalid-address, too-many-connections, connection-failed(string), other(string) }\n\
         resource connection {\n\
         open: static async func(address: string) -> result<connection, error>;\n}\n}",
        &["connection-failed"],
    ),
    (
        "package fermyon:spin@2.0.0;\ninterface mysql {\n\
         variant error { connection-failed(string), bad-parameter(string), other(string) }\n\
         resource connection {\n\
         open: static func(address: string) -> result<connection, error>;\n}\n}",
        &["connection-failed"],
    ),
    (
        "package fermyon:spin@2.0.0;\ninterface llm {\n\
         variant error { model-not-supported, runtime-error(string), invalid-input(string) }\n\
         infer: func(model: string, prompt: string) -> result<string, error>;\n}",
        &["model-not-supported"],
    ),
    (
        "package fermyon:spin;\ninterface http {\n\
         enum http-error { success, destination-not-allowed, invalid-url, request-error }\n\
         send-request: func(url: string) -> result<u16, http-error>;\n}",
        &["destination-not-allowed"],
    ),
    (
        "package wasi:keyvalue@0.2.0-draft3;\ninterface store {\n\
         variant error { no-such-store, access-denied, other(string) }\n\
         resource bucket {\n}\n\
         open: func(identifier: string) -> result<bucket, error>;\n}",
        &["access-denied"],
    ),
    (
        "package wasi:config@0.2.0-rc.9;\ninterface store {\n\
         variant error { upstream(string), io(string) }\n\
         get: func(key: string) -> result<option<string>, error>;\n}",
        &["upstream"],
    ),
    (
        "package wasi:blobstore@0.3.0-draft;\ninterface blobstore {\n\
         exists: func(name: string) -> result<bool, string>;\n}",
        &["exists is not granted"],
    ),
];

#[tokio::test]
async fn an_interface_with_an_error_of_its_own_is_denied_by_that() {
    let witness = Witness::new();
    for (package, errors) in WITH_ERRORS {
        let probe = probe::build(&[(*package).to_owned()]);
        let outcomes = explore(&probe, Grant::default(), witness.address).await;
        let found: Vec<_> = outcomes.values().flatten().collect();
        assert_eq!(found.len(), errors.len(), "{package}: {found:?}");
        for (outcome, error) in found.iter().zip(*errors) {
            let is_own = matches!(outcome, Outcome::Refuses(why) if why.contains(error));
            assert!(is_own, "{package}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn clocks_and_randomness_are_denied_when_they_are_taken_away() {
    let witness = Witness::new();
    let taken = ["wasi:clocks/", "wasi:random/"];
    let grant = Grant { clocks: false, random: false, ..Grant::default() };
    for packages in
        [in_version(&WASI_0_2, "0.2.12", "0.2.6"), in_version(&WASI_0_3, "0.3.0", "0.3.0")]
    {
        let probe = probe::build(&packages);
        let outcomes = explore(&probe, grant.clone(), witness.address).await;
        let calls = probe.calls.iter().enumerate();
        let calls = calls.filter(|(_, call)| taken.iter().any(|name| call.starts_with(name)));
        let denied = calls.map(|(index, call)| {
            assert!(outcomes.contains_key(&index), "{call} can be called");
            assert!(is_denied(outcomes.get(&index)), "{call}: {:?}", outcomes.get(&index));
        });
        assert!(denied.count() >= 9, "these interfaces have functions");
    }
}
