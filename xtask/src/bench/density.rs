//! `cargo xtask density`: one host with thousands of apps, asleep and awake.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde::Serialize;

use super::{
    measure::{Running, Server, load_by},
    report::machine,
};
use crate::guest;

/// Apps that wake one after the other, and as many again at once.
const WOKEN: usize = 1_000;

/// Hosts that the load of many apps is spread over, each as often as its rank has it.
const DRAWN: usize = 1 << 16;

/// How many apps.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of apps.
    #[arg(long, default_value_t = 10_000)]
    apps: usize,
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

#[derive(Serialize)]
struct Report {
    machine: String,
    apps: usize,
    /// From the start of the process to the first answer, all manifests read.
    start_milliseconds: f64,
    /// Of the process with all apps asleep, less that of one with a single app, for each.
    asleep_kilobytes_per_app: f64,
    resident_megabytes_asleep: f64,
    /// The first request of an app that sleeps.
    wake_milliseconds: Percentiles,
    /// As many first requests at once, until all are answered.
    burst_seconds: f64,
    /// Of the process when those apps are awake.
    awake_kilobytes_per_app: f64,
    maps: usize,
    descriptors: usize,
    one_app_requests_per_second: f64,
    all_apps_requests_per_second: f64,
    /// All apps, to one; the median of the rounds.
    ratio: f64,
}

#[derive(Clone, Copy, Serialize)]
struct Percentiles {
    p50: f64,
    p99: f64,
}

/// Measures, prints a table and writes it under `bench/results/`.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let &Arguments { apps, seconds, rounds, ref program } = arguments;
    ensure!(apps > 2 * WOKEN, "there have to be more than {} apps", 2 * WOKEN);
    keyway_build::install(&["wrk"])?;
    guest::build_tests(root)?;
    let program = match program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let folder = tempfile::tempdir()?;
    let component = crate::command::target(root).join("guest/component/config.wasm");
    let all = folder.path().join("all");
    for number in 0..apps {
        put(&all, number, &component)?;
    }
    let single = folder.path().join("single");
    put(&single, 0, &component)?;
    let host = |apps: &Path, data: &str| {
        let (apps, data) = (apps.to_owned(), folder.path().join(data));
        Running::start(&Server::Host { program: program.clone(), apps, data })
    };
    let alone = host(&single, "data-of-one")?;
    let resident_alone = alone.resident_bytes()?;
    drop(alone);
    let running = host(&all, "data")?;
    let asleep = running.resident_bytes()?;

    let mut waking = Vec::new();
    for number in 1..=WOKEN {
        let began = Instant::now();
        ask_and_read(running.address, number)?;
        waking.push(began.elapsed().as_secs_f64() * 1e3);
    }
    waking.sort_by(f64::total_cmp);
    let burst = burst(running.address, WOKEN + 1..=2 * WOKEN)?;
    let awake = running.resident_bytes()?;
    let (maps, descriptors) = running.maps_and_descriptors()?;

    let one = script(folder.path(), "one", |_| 1)?;
    let many = script(folder.path(), "many", |drawn| zipf(apps, drawn))?;
    let mut loads = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        let one = load_by(running.address, &one, seconds)?.requests_per_second;
        let many = load_by(running.address, &many, seconds)?.requests_per_second;
        loads.push((one, many));
    }
    let median = |value: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = loads.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let per_app = |bytes: f64, apps: usize| bytes / apps as f64 / 1024.0;
    let report = Report {
        machine: machine(),
        apps,
        start_milliseconds: running.start.as_secs_f64() * 1e3,
        asleep_kilobytes_per_app: per_app(asleep - resident_alone, apps),
        resident_megabytes_asleep: asleep / 1e6,
        wake_milliseconds: Percentiles { p50: waking[WOKEN / 2], p99: waking[WOKEN * 99 / 100] },
        burst_seconds: burst.as_secs_f64(),
        awake_kilobytes_per_app: per_app(awake - asleep, 2 * WOKEN),
        maps,
        descriptors,
        one_app_requests_per_second: median(|(one, _)| *one),
        all_apps_requests_per_second: median(|(_, many)| *many),
        ratio: median(|(one, many)| many / one),
    };
    write(&root.join("bench/results"), &report)
}

/// Puts an app there that answers with its own name, to requests of the host of that name. The first is
/// for the host that a server is asked for when it starts.
fn put(folder: &Path, number: usize, component: &Path) -> Result<()> {
    let name = name(number);
    let folder = folder.join(&name);
    fs::create_dir_all(&folder)?;
    let manifest = format!(
        "[app]\nname = {name:?}\n\
         [component.config]\nsource = {component:?}\nlink.\"wasi:config/store\" = \"main\"\n\
         [config.main]\nbackend = \"values\"\nname = {name:?}\n\
         [[trigger.http]]\nhost = {name:?}\nroute = \"/\"\ncomponent = \"config\"\n"
    );
    Ok(fs::write(folder.join("keyway.toml"), manifest)?)
}

fn name(number: usize) -> String {
    if number == 0 { "bench".to_owned() } else { format!("app-n{number}") }
}

/// Asks an app for its name, and waits for the answer.
fn ask_and_read(address: SocketAddr, number: usize) -> Result<()> {
    read(ask(address, number)?, number)
}

fn ask(address: SocketAddr, number: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let host = name(number);
    // Answered without chunks.
    write!(stream, "GET /get/name HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    Ok(stream)
}

fn read(mut stream: TcpStream, number: usize) -> Result<()> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let name = name(number);
    ensure!(answer.ends_with(&format!("\r\n\r\n{name}")), "{name} answers {answer:?}");
    Ok(())
}

/// Asks many apps at once, and waits until all have answered.
fn burst(address: SocketAddr, numbers: impl Iterator<Item = usize>) -> Result<Duration> {
    let began = Instant::now();
    let asked: Result<Vec<_>> = numbers.map(|number| Ok((ask(address, number)?, number))).collect();
    for (stream, number) in asked? {
        read(stream, number)?;
    }
    Ok(began.elapsed())
}

/// The app whose share of the requests has the number `drawn` of [`DRAWN`], where the share of each is
/// inversely proportional to its rank (Zipf's law).
fn zipf(apps: usize, drawn: usize) -> usize {
    // The sum of the first n shares grows as the logarithm of n.
    let whole = (apps as f64).ln();
    let part = (drawn as f64 + 0.5) / DRAWN as f64;
    ((whole * part).exp() as usize).clamp(1, apps - 1)
}

/// What has `wrk` send requests to the apps that `app` says for each number below [`DRAWN`].
fn script(folder: &Path, name: &str, app: impl Fn(usize) -> usize) -> Result<PathBuf> {
    let mut text = "local hosts = {\n".to_owned();
    for drawn in 0..DRAWN {
        writeln!(text, "{:?},", self::name(app(drawn)))?;
    }
    text += "}\nlocal requests = {}\nmath.randomseed(1)\n\
             function init()\n  for i, host in ipairs(hosts) do\n    \
             requests[i] = wrk.format(\"GET\", \"/get/name\", { Host = host })\n  end\nend\n\
             function request()\n  return requests[math.random(#requests)]\nend\n";
    let path = folder.join(format!("{name}.lua"));
    fs::write(&path, text)?;
    Ok(path)
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    let Report { machine, apps, wake_milliseconds: wake, .. } = report;
    let mut text = format!(
        "# Density: `keyway host` with {apps} apps\n\n\
         {machine}. All apps have the same component, which answers with the name that its app\n\
         configures; wrk on the same machine, a fresh instance for each request.\n\n\
         | what | figure |\n| --- | ---: |\n"
    );
    for (what, figure) in [
        ("start to first answer (ms)", format!("{:.0}", report.start_milliseconds)),
        ("memory, all asleep (MB)", format!("{:.1}", report.resident_megabytes_asleep)),
        ("memory of an app that sleeps (KiB)", format!("{:.1}", report.asleep_kilobytes_per_app)),
        ("memory of an app that is awake (KiB)", format!("{:.1}", report.awake_kilobytes_per_app)),
        ("first request of a sleeping app, p50 (ms)", format!("{:.2}", wake.p50)),
        ("first request of a sleeping app, p99 (ms)", format!("{:.2}", wake.p99)),
        ("1,000 sleeping apps at once, all answered (s)", format!("{:.2}", report.burst_seconds)),
        ("memory mappings", report.maps.to_string()),
        ("file descriptors", report.descriptors.to_string()),
        ("requests/s, one app", format!("{:.0}", report.one_app_requests_per_second)),
        (
            "requests/s, over all apps by Zipf",
            format!("{:.0}", report.all_apps_requests_per_second),
        ),
        ("all apps to one", format!("{:.2}", report.ratio)),
    ] {
        writeln!(text, "| {what} | {figure} |")?;
    }
    print!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("density.md"), text)?;
    Ok(fs::write(folder.join("density.json"), serde_json::to_string_pretty(report)? + "\n")?)
}
