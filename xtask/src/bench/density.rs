//! `cargo xtask density`: one host with thousands of apps, asleep and awake, in a control group of fixed
//! size; then other ways to have many services, in the same group.

pub(super) mod client;
pub(super) mod fleet;
mod peer;
mod report;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    group::Group,
    measure::{Place, Running, Server, load_by},
    peer as build_peer,
    report::{load_average, machine},
};
use crate::guest;
use client::{ask_all, burst, one_by_one, script, zipf};
use fleet::{Fleet, Kind, forget};
use report::{FleetReport, Report};

/// Apps that wake one after the other, and as many again at once.
const WOKEN: usize = 1_000;

/// How many apps.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of apps of one component.
    #[arg(long, default_value_t = 10_000)]
    apps: usize,
    /// Number of apps that have a component of their own each; 0 leaves them out.
    #[arg(long, default_value_t = 10_000)]
    distinct: usize,
    /// What the control group may take, in MiB.
    #[arg(long, default_value_t = 1024)]
    limit: u64,
    /// At most so many services of each peer; 0 leaves them out.
    #[arg(long, default_value_t = 2_000)]
    peers: usize,
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// Number of rounds; one app and all apps get a turn in each.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Measure this program instead of building a release first.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// What all measurements share.
struct Bench<'a> {
    program: PathBuf,
    components: PathBuf,
    folder: &'a Path,
    group: Option<&'a Group>,
    seconds: u32,
    rounds: u32,
}

/// Measures, prints a table and writes it under `bench/results/`.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let &Arguments { apps, distinct, seconds, rounds, ref program, .. } = arguments;
    let is_few = |apps: usize| apps != 0 && apps <= 2 * WOKEN;
    ensure!(!is_few(apps) && !is_few(distinct), "there have to be more than {} apps", 2 * WOKEN);
    keyway_build::install(&["wrk"])?;
    guest::build_tests(root)?;
    let program = match program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let folder = tempfile::tempdir()?;
    let group = Group::new(arguments.limit << 20);
    let bench = Bench {
        program,
        components: crate::command::target(root).join("guest/component"),
        folder: folder.path(),
        group: group.as_ref().ok(),
        seconds,
        rounds,
    };
    let mut report = Report {
        machine: machine(),
        place: match &group {
            Ok(group) => format!("in {group}"),
            Err(error) => format!("without a limit of memory: no control group is made ({error})"),
        },
        fleets: Vec::new(),
        peers: Vec::new(),
        missing: Vec::new(),
    };
    for (kind, apps) in [(Kind::Same, apps), (Kind::Distinct, distinct)] {
        if apps > 0 {
            report.fleets.push(bench.measure(kind, apps)?);
        }
    }
    report.missing.push(
        "Spin: crates.io has no more than its name, and npm and Debian do not have it".to_owned(),
    );
    if arguments.peers > 0 {
        bench.measure_peers(arguments.peers, &mut report)?;
    }
    report::write(&root.join("bench/results"), &report)
}

impl Bench<'_> {
    fn measure(&self, kind: Kind, apps: usize) -> Result<FleetReport> {
        let title = kind.title();
        eprintln!("{title}: making {apps} apps");
        let place = |name: &str| self.folder.join(format!("{kind:?}-{name}").to_lowercase());
        let fleet = Fleet::make(place("all"), kind, apps, &self.components)?;
        let single = Fleet::make(place("single"), kind, 1, &self.components)?;
        let cache = place("cache");
        let host = |fleet: &Fleet, name: &str, group| {
            let (apps, data) = (fleet.folder.clone(), place(name));
            let server = Server::Host { program: self.program.clone(), apps, data };
            Running::start_in(&server, Place { group, cache: Some(&cache) })
        };
        eprintln!("{title}: compiling");
        let compiled = ask_all(host(&fleet, "data", None)?.address, apps)?;
        let alone = host(&single, "data-of-one", self.group)?.memory()?;

        // Nothing is in memory but what the group has read itself.
        fleet.forget()?;
        forget(&cache.join("keyway/compiled"))?;
        let from_disk = host(&fleet, "data", self.group)?;
        eprintln!("{title}: waking from the disk");
        let load_of_waking = load_average();
        let wake_from_disk = one_by_one(from_disk.address, 1..=WOKEN)?;
        let burst_from_disk = burst(from_disk.address, WOKEN + 1..=2 * WOKEN)?;
        drop(from_disk);

        let running = host(&fleet, "data", self.group)?;
        eprintln!("{title}: waking");
        let asleep = running.memory()?;
        let wake = one_by_one(running.address, 1..=WOKEN)?;
        let burst = burst(running.address, WOKEN + 1..=2 * WOKEN)?;
        let awake = running.memory()?;
        let warm_up = ask_all(running.address, apps)?;
        let (one, many) = self.load(&running, kind, apps)?;
        let (maps, descriptors) = running.maps_and_descriptors()?;
        let ratios: Vec<f64> = one.iter().zip(&many).map(|(one, many)| many / one).collect();
        let per_app = |bytes: f64, apps: usize| bytes / apps as f64;
        Ok(FleetReport {
            title,
            apps,
            load_average: load_of_waking,
            compile_milliseconds_per_app: milliseconds(compiled) / apps as f64,
            start_milliseconds: milliseconds(running.start),
            asleep,
            asleep_bytes_per_app: per_app(asleep.resident_bytes - alone.resident_bytes, apps),
            wake_milliseconds: wake,
            wake_from_disk_milliseconds: wake_from_disk,
            burst_seconds: burst.as_secs_f64(),
            burst_from_disk_seconds: burst_from_disk.as_secs_f64(),
            awake_bytes_per_app: per_app(awake.resident_bytes - asleep.resident_bytes, 2 * WOKEN),
            warm_up_seconds: warm_up.as_secs_f64(),
            all: running.memory()?,
            group_bytes: self.group.map(Group::used_bytes).transpose()?,
            maps,
            descriptors,
            one_app_requests_per_second: median(one),
            all_apps_requests_per_second: median(many),
            ratio: median(ratios),
        })
    }

    /// Requests per second of one app and of all, in each round.
    fn load(&self, running: &Running, kind: Kind, apps: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let one = script(self.folder, "one", |_| 1)?;
        let many = script(self.folder, "many", |drawn| zipf(apps, drawn))?;
        let rate = |script: &Path| {
            let load = load_by(running.address, script, self.seconds)?;
            Ok::<_, anyhow::Error>(load.requests_per_second)
        };
        // What was asked for once is not yet what is asked for often.
        rate(&many)?;
        let mut rates = (Vec::new(), Vec::new());
        for round in 1..=self.rounds {
            eprintln!("{}: round {round} of {}", kind.title(), self.rounds);
            rates.0.push(rate(&one)?);
            rates.1.push(rate(&many)?);
        }
        Ok(rates)
    }

    fn measure_peers(&self, at_most: usize, report: &mut Report) -> Result<()> {
        let Some(group) = self.group else {
            report.missing.push("other ways: they would take all of the machine".to_owned());
            return Ok(());
        };
        let containers = peer::containers(&self.folder.join("containers"), group, at_most);
        let wasmtime = build_peer().and_then(|program| {
            peer::wasmtime(&program, &self.components.join("hello.wasm"), group, at_most)
        });
        let peers = [("wasmtime serve", wasmtime), ("runc", containers)];
        for (name, peer) in peers {
            match peer.with_context(|| name.to_owned()) {
                Ok(peer) => report.peers.push(peer),
                Err(error) => report.missing.push(format!("{error:#}")),
            }
        }
        Ok(())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The one in the middle.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
