//! `cargo xtask fairness`: how apps of one host share its processors and its memory, and whether what the
//! host says that each has used is what they have used.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{
    density::{client::ask_for, fleet::with_name, median},
    group::Group,
    measure::{Place, Running, Server, load_host},
    report::{load_average, machine},
};
use crate::guest;

/// What a request computes: some 30 ms.
const COMPUTE: &str = "/compute?rounds=20000000";

/// Takes all the memory that it gets, and keeps it for a while.
const HOARD: &str = "/hoard?ms=200";

/// The connections of an app that many call.
const MANY: usize = 200;

/// The connections of the app that takes all memory.
const HOARDERS: usize = 20;

/// The clients that ask other apps meanwhile.
const CLIENTS: usize = 8;

/// What the control group may take, so that there is an end to memory.
const LIMIT_BYTES: u64 = 1 << 30;

/// The apps: one that a server is asked for when it starts, two that compute, one that hoards, one that is
/// called now and then.
const APPS: &[&str] = &["bench", "one", "many", "hoard", "quiet"];

/// How long.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Number of rounds.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Number of requests to others beside the app that takes all memory.
    #[arg(long, default_value_t = 10_000)]
    requests: u64,
    /// Measure this program instead of building a release first.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    machine: String,
    load_average: String,
    /// In which control group, or why in none.
    place: String,
    /// The part that an app with one connection has of the processors, where another has 200.
    share_of_one: f64,
    /// What the apps have computed as the host says, to what its process has.
    accounted: f64,
    quiet_alone_p99_microseconds: f64,
    quiet_beside_p99_microseconds: f64,
    /// The median of the rounds.
    quiet_ratio: f64,
    /// Beside an app that takes all the memory that it gets.
    requests: u64,
    failed: u64,
    /// Of the app that takes the memory.
    hoards: u64,
}

/// Measures, prints a table and writes it under `bench/results/`.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    keyway_build::install(&["wrk"])?;
    guest::build_tests(root)?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let folder = tempfile::tempdir()?;
    let apps = folder.path().join("apps");
    make(&apps, &crate::command::target(root).join("guest/component"))?;
    let load_average = load_average();
    let group = Group::new(LIMIT_BYTES);
    let server = Server::Host { program: program.clone(), apps, data: folder.path().join("data") };
    let place = Place { group: group.as_ref().ok(), cache: None };
    let running = Running::start_in(&server, place)?;
    let host = Host { program: &program, running: &running };
    let (share_of_one, accounted) = host.shares(arguments)?;
    let quiet = host.quiet(arguments)?;
    let memory = host.beside_hoarder(arguments.requests)?;
    let report = Report {
        machine: machine(),
        load_average,
        place: match &group {
            Ok(group) => format!("in {group}"),
            Err(error) => format!("without a limit of memory: no control group is made ({error})"),
        },
        share_of_one,
        accounted,
        quiet_alone_p99_microseconds: median(quiet.iter().map(|(alone, _)| *alone).collect()),
        quiet_beside_p99_microseconds: median(quiet.iter().map(|(_, beside)| *beside).collect()),
        quiet_ratio: median(quiet.iter().map(|(alone, beside)| beside / alone).collect()),
        requests: arguments.requests,
        failed: memory.failed,
        hoards: memory.hoards,
    };
    // The group is removed once nothing is in it.
    drop(running);
    write(&root.join("bench/results"), &report)
}

fn make(folder: &Path, components: &Path) -> Result<()> {
    let named = fs::read(components.join("named.wasm"))?;
    for name in APPS {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("named.wasm"), with_name(&named, name)?)?;
        let manifest = format!(
            "[app]\nname = {name:?}\n\
             [[trigger.http]]\nhost = {name:?}\nroute = \"/\"\ncomponent = \"web\"\n\
             [component.web]\nsource = \"named.wasm\"\n\
             limit.memory = \"1GiB\"\nlimit.time = \"60s\"\n"
        );
        fs::write(folder.join("keyway.toml"), manifest)?;
    }
    Ok(())
}

/// A host that is measured.
struct Host<'a> {
    program: &'a Path,
    running: &'a Running,
}

/// An app, as the host tells of it.
#[derive(Deserialize)]
struct AppSummary {
    name: String,
    computed_ms: u64,
}

impl Host<'_> {
    /// What each app has computed, as the host says.
    fn computed(&self) -> Result<BTreeMap<String, Duration>> {
        let output = Command::new(self.program)
            .args(["apps", "--json"])
            .env("XDG_RUNTIME_DIR", self.running.run.path())
            .output()?;
        let apps: Vec<AppSummary> = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let computed = |app: AppSummary| (app.name, Duration::from_millis(app.computed_ms));
        Ok(apps.into_iter().map(computed).collect())
    }

    /// The part of the processors that an app with one connection has beside another with many; and what
    /// both have by the host's account, to what its process has.
    fn shares(&self, arguments: &Arguments) -> Result<(f64, f64)> {
        let address = self.running.address;
        let _one = Busy::start(address, "one", COMPUTE, 1);
        let _many = Busy::start(address, "many", COMPUTE, MANY);
        // Both are awake then, and their requests under way.
        thread::sleep(Duration::from_secs(1));
        let (before, process_before) = (self.computed()?, self.running.computed()?);
        thread::sleep(Duration::from_secs((arguments.seconds * arguments.rounds).into()));
        let (after, process_after) = (self.computed()?, self.running.computed()?);
        let of = |name: &str| {
            let computed = |all: &BTreeMap<String, Duration>| all.get(name).copied();
            let (before, after) = (computed(&before), computed(&after));
            after.unwrap_or_default().saturating_sub(before.unwrap_or_default()).as_secs_f64()
        };
        let (one, many) = (of("one"), of("many"));
        let process = process_after.saturating_sub(process_before).as_secs_f64();
        Ok((one / (one + many), (one + many) / process))
    }

    /// The p99 of an app that is called now and then, alone and beside one with many requests that compute,
    /// in each round.
    fn quiet(&self, arguments: &Arguments) -> Result<Vec<(f64, f64)>> {
        let address = self.running.address;
        let measure = || load_host(address, "quiet", "/", arguments.seconds);
        measure()?;
        let rounds = (1..=arguments.rounds).map(|round| {
            eprintln!("round {round} of {}", arguments.rounds);
            let alone = measure()?.p99_microseconds;
            let _busy = Busy::start(address, "many", COMPUTE, MANY);
            thread::sleep(Duration::from_secs(1));
            Ok((alone, measure()?.p99_microseconds))
        });
        rounds.collect()
    }

    /// Asks an app while another takes all the memory that it gets.
    fn beside_hoarder(&self, requests: u64) -> Result<BesideHoarder> {
        let address = self.running.address;
        let hoarders = Busy::start(address, "hoard", HOARD, HOARDERS);
        let began = Instant::now();
        while hoarders.answers() == 0 {
            ensure!(began.elapsed() < Duration::from_secs(120), "no request for memory ends");
            thread::sleep(Duration::from_millis(10));
        }
        let failed = AtomicU64::new(0);
        let left = AtomicU64::new(requests);
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let take = |left: u64| left.checked_sub(1);
                    while left.fetch_update(Relaxed, Relaxed, take).is_ok() {
                        if !is_answered(address, "quiet", "/") {
                            failed.fetch_add(1, Relaxed);
                        }
                    }
                });
            }
        });
        Ok(BesideHoarder { failed: failed.into_inner(), hoards: hoarders.answers() })
    }
}

struct BesideHoarder {
    failed: u64,
    hoards: u64,
}

/// Connections to an app, each of which asks again when it is answered, until this is dropped.
struct Busy {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    answers: AtomicU64,
}

impl Busy {
    fn start(
        address: SocketAddr,
        app: &'static str,
        path: &'static str,
        connections: usize,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let client = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                while !shared.is_over.load(Relaxed) {
                    // What comes of it does not matter: it is here to be in the way.
                    is_answered(address, app, path);
                    shared.answers.fetch_add(1, Relaxed);
                }
            })
        };
        Self { clients: (0..connections).map(client).collect(), shared }
    }

    /// How many requests have ended, well or not.
    fn answers(&self) -> u64 {
        self.shared.answers.load(Relaxed)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Relaxed);
        for client in self.clients.drain(..) {
            // One that panicked has said so.
            let _ = client.join();
        }
    }
}

/// Whether an app answers a request with its name.
fn is_answered(address: SocketAddr, app: &str, path: &str) -> bool {
    let mut answer = String::new();
    let answered = ask_for(address, app, path)
        .and_then(|mut stream| Ok(stream.read_to_string(&mut answer)?))
        .is_ok();
    answered && answer.ends_with(&format!("\r\n\r\n{app}"))
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    let Report { machine, place, load_average, requests, hoards, .. } = report;
    let mut text = format!(
        "# Fairness: apps of one `keyway host`\n\n\
         {machine}; {place}. Load average before: {load_average}.\n\
         Apps compute for some 30 ms in a request; one takes all the memory that it gets, {hoards} times\n\
         meanwhile, up to 1 GiB in each.\n\n\
         | what | figure | asked |\n| --- | ---: | ---: |\n"
    );
    let (alone, beside) =
        (report.quiet_alone_p99_microseconds, report.quiet_beside_p99_microseconds);
    for (what, figure, asked) in [
        (
            "part of the processors of an app with 1 connection, beside one with 200",
            format!("{:.2}", report.share_of_one),
            "0.4 to 0.6",
        ),
        (
            "what apps have computed by the host's account, to the CPU time of its process",
            format!("{:.3}", report.accounted),
            "0.95 to 1.05",
        ),
        ("p99 of a quiet app, alone (us)", format!("{alone:.0}"), ""),
        ("the same, beside 200 connections that compute (us)", format!("{beside:.0}"), ""),
        ("beside to alone", format!("{:.2}", report.quiet_ratio), "at most 2"),
        (
            "failed requests beside an app that takes all memory",
            format!("{} of {requests}", report.failed),
            "0",
        ),
    ] {
        writeln!(text, "| {what} | {figure} | {asked} |")?;
    }
    print!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("fairness.md"), text)?;
    Ok(fs::write(folder.join("fairness.json"), serde_json::to_string_pretty(report)? + "\n")?)
}
