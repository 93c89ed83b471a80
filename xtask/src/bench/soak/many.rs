//! The soak over many apps of one host, which are deployed, replaced, removed and swapped meanwhile.

use std::{
    fmt::Write as _,
    fs,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use serde::Serialize;

use super::{Arguments, MAX_GROWTH, SAMPLES};
use crate::{
    bench::{
        density::{
            client::{ask_all, ask_for, script},
            fleet::{Fleet, Kind, name, with_name},
        },
        measure::{Running, Server, load_by},
        report::{load_average, machine},
    },
    guest,
};

/// Apps whose component is swapped again and again.
const SWAPPED: usize = 10;

/// The app that is replaced again and again while it is asked.
const STAYING: &str = "staying";

/// The app that comes and goes.
const PASSING: &str = "passing";

/// Between two changes.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Serialize)]
struct Report {
    machine: String,
    load_average: String,
    apps: usize,
    warm_up_requests: u64,
    requests: u64,
    /// Any that failed ends the measurement.
    failed: u64,
    changes: Changes,
    /// The memory after the last request over that after the warm-up, less one.
    memory_growth: f64,
    samples: Vec<Sample>,
}

/// What was done to apps meanwhile.
#[derive(Clone, Copy, Default, Serialize)]
struct Changes {
    deployed: u64,
    replaced: u64,
    removed: u64,
    swapped: u64,
}

#[derive(Clone, Copy, Serialize)]
struct Sample {
    /// All that were served since the warm-up.
    requests: u64,
    requests_per_second: f64,
    resident_megabytes: f64,
}

/// Serves, sends, changes, prints a table, writes it under `bench/results/`, and fails if a request does
/// or memory grew.
pub(super) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    guest::build_tests(root)?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let folder = tempfile::tempdir()?;
    let components = crate::command::target(root).join("guest/component");
    let load_average = load_average();
    eprintln!("making and compiling {} apps", arguments.apps);
    let apps = folder.path().join("apps");
    let fleet = Fleet::make(apps.clone(), Kind::Distinct, arguments.apps, &components)?;
    let data = folder.path().join("data");
    let running = Running::start(&Server::Host { program: program.clone(), apps, data })?;
    ask_all(running.address, fleet.apps)?;
    let changer = Changer::new(&program, &running, folder.path(), &components)?;
    let all = script(folder.path(), "all", |drawn| drawn % fleet.apps)?;
    let (is_over, others) = (AtomicBool::new(false), AtomicU64::new(0));
    // The host compiles what it has not seen, for which it takes memory: until then nothing is counted.
    let is_warm = || changer.rounds.load(Relaxed) > 2 * SWAPPED as u64;
    let (samples, before, warm_up_requests, changes) = thread::scope(|scope| {
        let changing = scope.spawn(|| changer.change(&is_over));
        let asking = scope.spawn(|| changer.ask(&is_over, &others));
        let is_warm = || is_warm() || changing.is_finished();
        let measured = measure(&running, &all, arguments, is_warm);
        is_over.store(true, Relaxed);
        let changes = changing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        asking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let (samples, before, warm_up) = measured?;
        Ok::<_, anyhow::Error>((samples, before, warm_up, changes))
    })?;
    let after = samples.last().map_or(before, |last| last.resident_megabytes);
    let report = Report {
        machine: machine(),
        load_average,
        apps: fleet.apps,
        warm_up_requests,
        requests: samples.last().map_or(0, |last| last.requests) + others.into_inner(),
        failed: 0,
        changes,
        memory_growth: after / before - 1.0,
        samples,
    };
    write(&root.join("bench/results"), &report, before)?;
    if report.memory_growth > MAX_GROWTH {
        bail!("the memory of the process grew from {before:.1} MB to {after:.1} MB");
    }
    Ok(())
}

/// The samples, the memory after the warm-up, and how many requests that had.
fn measure(
    running: &Running,
    script: &Path,
    arguments: &Arguments,
    is_warm: impl Fn() -> bool,
) -> Result<(Vec<Sample>, f64, u64)> {
    let mut warm_up = 0;
    while warm_up < arguments.warm_up || !is_warm() {
        warm_up += load_by(running.address, script, 1)?.requests;
    }
    let before = running.resident_bytes()? / 1e6;
    let mut samples = Vec::new();
    let mut served = 0;
    for tenth in 1..=SAMPLES {
        let mut rates = Vec::new();
        while served < arguments.requests * tenth / SAMPLES {
            let load = load_by(running.address, script, 1)?;
            served += load.requests;
            rates.push(load.requests_per_second);
        }
        if rates.is_empty() {
            continue;
        }
        samples.push(Sample {
            requests: served,
            requests_per_second: rates.iter().sum::<f64>() / rates.len() as f64,
            resident_megabytes: running.resident_bytes()? / 1e6,
        });
    }
    Ok((samples, before, warm_up))
}

/// Changes apps while they serve.
struct Changer<'a> {
    program: &'a Path,
    address: SocketAddr,
    run: &'a Path,
    /// For each app that is changed, two components that answer alike and are not the same.
    variants: Vec<(String, [PathBuf; 2])>,
    /// How often it has changed an app in each way.
    rounds: AtomicU64,
}

impl<'a> Changer<'a> {
    fn new(
        program: &'a Path,
        running: &'a Running,
        folder: &Path,
        components: &Path,
    ) -> Result<Self> {
        let named = fs::read(components.join("named.wasm"))?;
        let names = (1..=SWAPPED).map(name).chain([STAYING.to_owned(), PASSING.to_owned()]);
        let variant = |name: String| {
            let files =
                ["first", "second"].map(|which| folder.join(format!("{name}-{which}.wasm")));
            for (number, file) in (0..).zip(&files) {
                let mut component = with_name(&named, &name)?;
                // A custom section called `v`, with one byte.
                component.extend([0, 3, 1, b'v', number]);
                fs::write(file, component)?;
            }
            Ok((name, files))
        };
        let variants = names.map(variant).collect::<Result<_>>()?;
        let (address, run) = (running.address, running.run.path());
        let changer = Self { program, address, run, variants, rounds: AtomicU64::new(0) };
        changer.deploy(STAYING, 0)?;
        Ok(changer)
    }

    /// Changes one app after the other until it is over.
    fn change(&self, is_over: &AtomicBool) -> Result<Changes> {
        let mut changes = Changes::default();
        for round in 0.. {
            let version = round / SWAPPED % 2;
            let app = name(round % SWAPPED + 1);
            let file = self.file(&app, version).display().to_string();
            self.keyway(&["swap", "component", "--app", &app, "web", &file])?;
            changes.swapped += 1;
            self.deploy(STAYING, round % 2)?;
            changes.replaced += 1;
            self.deploy(PASSING, round % 2)?;
            changes.deployed += 1;
            self.answered(PASSING)?;
            self.keyway(&["undeploy", PASSING])?;
            changes.removed += 1;
            self.rounds.fetch_add(1, Relaxed);
            if is_over.load(Relaxed) {
                break;
            }
            thread::sleep(PAUSE);
        }
        Ok(changes)
    }

    /// Asks the app that is replaced until it is over.
    fn ask(&self, is_over: &AtomicBool, asked: &AtomicU64) -> Result<()> {
        while !is_over.load(Relaxed) {
            self.answered(STAYING)?;
            asked.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn answered(&self, app: &str) -> Result<()> {
        let mut answer = String::new();
        ask_for(self.address, app, "/")?.read_to_string(&mut answer)?;
        ensure!(answer.ends_with(&format!("\r\n\r\n{app}")), "{app} answers {answer:?}");
        Ok(())
    }

    fn deploy(&self, app: &str, version: usize) -> Result<()> {
        let file = self.file(app, version).display().to_string();
        self.keyway(&["deploy", &file, "--name", app, "--route", &format!("{app}/")])
    }

    fn file(&self, app: &str, version: usize) -> &Path {
        let found = self.variants.iter().find(|(name, _)| name == app);
        found.map_or(Path::new(""), |(_, files)| &files[version])
    }

    fn keyway(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.program);
        let output = command.args(arguments).env("XDG_RUNTIME_DIR", self.run).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`keyway {}` failed:\n{said}", arguments.join(" "));
        Ok(())
    }
}

fn write(folder: &Path, report: &Report, before: f64) -> Result<()> {
    let Report { machine, load_average, apps, warm_up_requests, requests, .. } = report;
    let Changes { deployed, replaced, removed, swapped } = report.changes;
    let mut text = format!(
        "# Long-running load: `keyway host` with {apps} apps\n\n\
         {machine}. Load average before: {load_average}. {requests} requests after a warm-up of\n\
         {warm_up_requests}, with wrk on the same machine; each app has a component of its own, and a\n\
         fresh instance for each request. Meanwhile, {deployed} apps were deployed and {removed} removed,\n\
         and {replaced} were replaced and {swapped} components swapped under load. {} requests failed.\n\
         Between the first and the last request, memory changed by {:+.1} %.\n\n\
         | requests served | requests/s | memory (MB) |\n| ---: | ---: | ---: |\n\
         | 0 | | {before:.1} |\n",
        report.failed,
        report.memory_growth * 100.0
    );
    for Sample { requests, requests_per_second, resident_megabytes } in &report.samples {
        writeln!(text, "| {requests} | {requests_per_second:.0} | {resident_megabytes:.1} |")?;
    }
    print!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("soak-apps.md"), text)?;
    Ok(fs::write(folder.join("soak-apps.json"), serde_json::to_string_pretty(report)? + "\n")?)
}
