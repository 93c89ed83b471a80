//! `cargo xtask commands`: whole runs of commands with `keyway run` and `wasmtime run`, taking
//! turns, measured by hyperfine.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{
    PEER_VERSION, peer,
    report::{machine, spread},
};
use crate::{command::run as run_command, guest};

/// Far beyond what the commands need, so that limits are there and end nothing.
const LIMITS: &[&str] = &["--memory", "2GiB", "--time", "10m"];

/// How often.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of rounds; in each, a command runs once if it computes, ten times if it only starts.
    #[arg(long, default_value_t = 10)]
    runs: u32,
    /// Measure this program instead of building a release first.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    machine: String,
    peer: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    command: &'static str,
    peer_milliseconds: f64,
    milliseconds: f64,
    /// With limits of memory and time.
    limited_milliseconds: f64,
    /// With computing counted as well.
    fuel_milliseconds: f64,
}

/// What is measured: a guest with its arguments.
struct Subject {
    title: &'static str,
    guest: &'static str,
    arguments: &'static [&'static str],
    /// In each round.
    runs: u32,
}

const SUBJECTS: &[Subject] = &[
    Subject { title: "hello", guest: "compute", arguments: &["hello", "1"], runs: 10 },
    Subject {
        title: "SHA-256 of 256 MiB",
        guest: "compute",
        arguments: &["sha256", "256"],
        runs: 1,
    },
    Subject {
        title: "a sort of 10 million numbers",
        guest: "compute",
        arguments: &["sort", "10000000"],
        runs: 1,
    },
];

/// Measures, prints a table and writes it under `bench/results/`.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    keyway_build::install(&["hyperfine"])?;
    guest::build_tests(root)?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let peer = peer()?;
    let folder = tempfile::tempdir()?;
    let mut rows = Vec::new();
    for subject in SUBJECTS {
        let component =
            crate::command::target(root).join(format!("guest/component/{}.wasm", subject.guest));
        let compiled = folder.path().join(format!("{}.cwasm", subject.guest));
        run_command(Command::new(&peer).arg("compile").arg(&component).arg("-o").arg(&compiled))?;
        let ours =
            |flags: &[&str]| line(&program, &[&["run"], flags].concat(), &component, subject);
        let fuel = [LIMITS, &["--fuel", "1000000000000000"]].concat();
        let lines = [
            line(&peer, &["run", "--allow-precompiled"], &compiled, subject),
            ours(&[]),
            ours(LIMITS),
            ours(&fuel),
        ];
        let lines: Vec<String> = lines.into_iter().collect::<Result<_>>()?;
        let times = measure(&lines, subject.runs, arguments.runs, folder.path())?;
        let [peer_milliseconds, milliseconds, limited_milliseconds, fuel_milliseconds] = times[..]
        else {
            bail!("hyperfine measured {} commands, and not 4", times.len());
        };
        rows.push(Row {
            command: subject.title,
            peer_milliseconds,
            milliseconds,
            limited_milliseconds,
            fuel_milliseconds,
        });
    }
    let peer = format!("wasmtime {PEER_VERSION}");
    write(&root.join("bench/results"), &Report { machine: machine(), peer, rows })
}

/// A command's line, as hyperfine takes it without a shell.
fn line(program: &Path, flags: &[&str], file: &Path, subject: &Subject) -> Result<String> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path that is text");
    let mut words = vec![text(program)?];
    words.extend(flags.iter().map(ToString::to_string));
    words.push(text(file)?);
    words.extend(subject.arguments.iter().map(ToString::to_string));
    Ok(words.join(" "))
}

#[derive(Deserialize)]
struct Measured {
    results: Vec<MeasuredCommand>,
}

#[derive(Deserialize)]
struct MeasuredCommand {
    /// In seconds.
    times: Vec<f64>,
}

/// The median times of whole runs, in milliseconds. The commands take turns: the speed of a shared
/// machine varies.
fn measure(lines: &[String], runs: u32, rounds: u32, folder: &Path) -> Result<Vec<f64>> {
    let results = folder.join("results.json");
    let mut times = vec![Vec::new(); lines.len()];
    for _ in 0..rounds {
        run_command(
            Command::new("hyperfine")
                .args(["--shell=none", "--warmup=1", "--style=basic"])
                .arg(format!("--runs={runs}"))
                .arg("--export-json")
                .arg(&results)
                .args(lines),
        )?;
        let measured: Measured = serde_json::from_slice(&fs::read(&results)?)?;
        for (times, measured) in times.iter_mut().zip(measured.results) {
            times.extend(measured.times);
        }
    }
    Ok(times.iter().map(|times| spread(times).1 * 1000.0).collect())
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    let mut text = String::new();
    writeln!(text, "# Commands\n")?;
    writeln!(
        text,
        "{}. Whole processes from start to end, measured by hyperfine, medians in ms. `{} run` gets the\n\
         command compiled ahead of time; `keyway run` has it in its cache. Limited: with `{}`;\n\
         counted: with `--fuel` as well.\n",
        report.machine,
        report.peer,
        LIMITS.join(" ")
    )?;
    writeln!(
        text,
        "| command | {} | keyway | limited | counted | ratio | cost of limits |",
        report.peer
    )?;
    writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")?;
    for row in &report.rows {
        writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:+.1} % |",
            row.command,
            row.peer_milliseconds,
            row.milliseconds,
            row.limited_milliseconds,
            row.fuel_milliseconds,
            row.milliseconds / row.peer_milliseconds,
            (row.limited_milliseconds / row.milliseconds - 1.0) * 100.0,
        )?;
    }
    println!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("commands.md"), &text)?;
    fs::write(folder.join("commands.json"), serde_json::to_string_pretty(report)? + "\n")?;
    Ok(())
}
