//! `cargo xtask swap`: requests that all count in one store, while the component that counts is
//! swapped every second and the store's backend goes round all that there are.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use keyway_testing::server::{Nats, Postgres, Redis};
use serde::Serialize;

use super::{
    measure::{Load, Running, Server, load},
    report::machine,
};
use crate::guest;

/// Requests that `wrk` leaves behind unanswered at its end: one for each connection.
const LEFT_BEHIND: u64 = 32;

/// Between the swap of one backend and that of the next.
const PAUSE: Duration = Duration::from_secs(2);

/// How long.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Seconds of load while swapping; half as many without.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Measure this program instead of building a release first.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    machine: String,
    /// Of load while swapping.
    seconds: u32,
    requests: u64,
    counted: u64,
    components_swapped: u32,
    backends_swapped: u32,
    /// Without swaps, on the same backends one after the other.
    calm: Vec<Calm>,
    p99_microseconds: f64,
}

/// A backend that is not swapped.
#[derive(Serialize)]
struct Calm {
    backend: String,
    p99_microseconds: f64,
}

/// What an app is asked by, beside the load on it.
struct Admin<'a> {
    program: &'a Path,
    running: &'a Running,
}

impl Admin<'_> {
    fn swap(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(self.program)
            .arg("swap")
            .args(arguments)
            .env("XDG_RUNTIME_DIR", self.running.run.path())
            .output()?;
        if !output.status.success() {
            bail!("`swap {arguments:?}` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

/// Measures, prints a table, writes it under `bench/results/`, and fails if anything was lost.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    keyway_build::install(&["wrk"])?;
    crate::server::install()?;
    guest::build_tests(root)?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let folder = tempfile::tempdir()?;
    let store = crate::command::target(root).join("guest/component/store.wasm");
    let other = variant(&store, &folder.path().join("other.wasm"))?;
    let app = folder.path().join("keyway.toml");
    fs::write(
        &app,
        format!(
            "[app]\nname = \"counting\"\n\
             [component.store]\nsource = {store:?}\nlink.\"wasi:keyvalue/store\" = \"cache\"\n\
             [keyvalue.cache]\nbackend = \"memory\"\n\
             [[trigger.http]]\nroute = \"/\"\ncomponent = \"store\"\n"
        ),
    )?;
    let (redis, postgres, nats) = (Redis::start(), Postgres::start(), Nats::start());
    let file = folder.path().join("cache.db");
    let file = file.to_str().context("a path that is text")?;
    let backends: [&[&str]; 5] = [
        &["sqlite", "--path", file],
        &["redis", "--url", &redis.url()],
        &["postgres", "--url", &postgres.url()],
        &["nats", "--url", &nats.url()],
        &["memory"],
    ];
    let running = Running::start(&Server::Keyway { program: program.clone(), path: app })?;
    let admin = Admin { program: &program, running: &running };

    let mut calm = Vec::new();
    for backend in backends {
        swap_backend(&admin, backend)?;
        let seconds = (arguments.seconds / 2 / backends.len() as u32).max(1);
        calm.push(load(running.address, "/increment/n/1", seconds)?);
    }
    let (busy, components, swapped) =
        load_while_swapping(&admin, &backends, [&other, &store], arguments.seconds)?;

    let counted = keyway_testing::get(running.address, "/get/n").body;
    let counted: u64 = counted.parse().with_context(|| format!("the count is {counted}"))?;
    let requests = calm.iter().map(|load| load.requests).sum::<u64>() + busy.requests;
    let report = Report {
        machine: machine(),
        seconds: arguments.seconds,
        requests,
        counted,
        components_swapped: components,
        backends_swapped: swapped,
        calm: backends
            .iter()
            .zip(&calm)
            .map(|(backend, load)| Calm {
                backend: backend[0].to_owned(),
                p99_microseconds: load.p99_microseconds,
            })
            .collect(),
        p99_microseconds: busy.p99_microseconds,
    };
    write(&root.join("bench/results"), &report)?;
    let left_behind = LEFT_BEHIND * (calm.len() as u64 + 1);
    if !(requests..=requests + left_behind).contains(&counted) {
        bail!("{requests} requests were answered, and {counted} are counted");
    }
    Ok(())
}

fn swap_backend(admin: &Admin<'_>, backend: &[&str]) -> Result<()> {
    let head = ["backend", "cache", "--delete-existing", "--to"];
    admin.swap(&[&head[..], backend].concat())
}

/// Loads the app for so long while its parts are swapped; also says how often they were.
fn load_while_swapping(
    admin: &Admin<'_>,
    backends: &[&[&str]],
    components: [&PathBuf; 2],
    seconds: u32,
) -> Result<(Load, u32, u32)> {
    let over = AtomicBool::new(false);
    let over = &over;
    thread::scope(|scope| {
        let of_components = scope.spawn(move || -> Result<u32> {
            let mut count = 0;
            for file in components.iter().cycle() {
                let next = Instant::now() + Duration::from_secs(1);
                if over.load(Relaxed) {
                    break;
                }
                let file = file.to_str().context("a path that is text")?;
                admin.swap(&["component", "store", file])?;
                count += 1;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            Ok(count)
        });
        let of_backends = scope.spawn(move || -> Result<u32> {
            let mut count = 0;
            for backend in backends.iter().cycle() {
                if over.load(Relaxed) {
                    break;
                }
                swap_backend(admin, backend)?;
                count += 1;
                thread::sleep(PAUSE);
            }
            Ok(count)
        });
        let load = load(admin.running.address, "/increment/n/1", seconds);
        over.store(true, Relaxed);
        let ended = |thread: thread::ScopedJoinHandle<'_, Result<u32>>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        Ok((load?, ended(of_components)?, ended(of_backends)?))
    })
}

/// A component that does the same and is another file: with a custom section of no meaning.
fn variant(component: &Path, to: &Path) -> Result<PathBuf> {
    let mut bytes = fs::read(component)?;
    // Section 0, of 6 bytes: a name of 5.
    bytes.extend_from_slice(b"\0\x06\x05other");
    fs::write(to, bytes)?;
    Ok(to.to_owned())
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    let Report { machine, requests, counted, .. } = report;
    let mut text = String::new();
    writeln!(text, "# Swapping parts under load\n")?;
    writeln!(
        text,
        "{machine}. Each request increments a counter in one store. Load comes from wrk (1 thread, 32\n\
         connections) on the same machine. For {} s the component is swapped every second, and the\n\
         backend cycles through SQLite, Redis, PostgreSQL, NATS and memory, with its data, {} s after each\n\
         swap. If a request fails, the run ends without a report.\n",
        report.seconds,
        PAUSE.as_secs()
    )?;
    writeln!(text, "| | |\n| --- | ---: |")?;
    writeln!(text, "| requests answered | {requests} |")?;
    writeln!(text, "| requests that failed | 0 |")?;
    writeln!(text, "| counted (some responses are in flight when wrk ends) | {counted} |")?;
    writeln!(text, "| components swapped | {} |", report.components_swapped)?;
    writeln!(text, "| backends swapped | {} |", report.backends_swapped)?;
    writeln!(text, "| p99 while swapping (us) | {:.0} |", report.p99_microseconds)?;
    for Calm { backend, p99_microseconds } in &report.calm {
        writeln!(text, "| p99 without swaps, on {backend} (us) | {p99_microseconds:.0} |")?;
    }
    println!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("swap.md"), &text)?;
    fs::write(folder.join("swap.json"), serde_json::to_string_pretty(report)? + "\n")?;
    Ok(())
}
