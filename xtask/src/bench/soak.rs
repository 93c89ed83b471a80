//! `cargo xtask soak`: whether the server's memory or time grows with the number of requests
//! served, by one app or by many that change meanwhile.

mod many;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use serde::Serialize;

use super::{
    measure::{Running, Server, load},
    report::machine,
};
use crate::guest;

/// How much more memory the process may hold at the end than after the warm-up.
const MAX_GROWTH: f64 = 0.05;

/// How many samples are taken after the warm-up.
const SAMPLES: u64 = 10;

/// How many requests.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of requests to count; the last stretch of load may send more.
    #[arg(long, default_value_t = 500_000)]
    requests: u64,
    /// Number of requests before the first sample.
    #[arg(long, default_value_t = 50_000)]
    warm_up: u64,
    /// Number of apps; if there are several, some of them are deployed, removed and swapped meanwhile.
    #[arg(long, default_value_t = 1)]
    apps: usize,
    /// Measure this program instead of building a release first.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    machine: String,
    warm_up_requests: u64,
    requests: u64,
    /// The memory after the last request over that after the warm-up, less one.
    memory_growth: f64,
    /// The throughput of the last sample over that of the first, less one.
    throughput_growth: f64,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, Serialize)]
struct Sample {
    /// All that were served since the warm-up.
    requests: u64,
    requests_per_second: f64,
    /// The worst of the seconds that the sample is of.
    p99_microseconds: f64,
    resident_megabytes: f64,
}

/// Serves, sends, prints a table, writes it under `bench/results/`, and fails if memory grew.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    keyway_build::install(&["wrk"])?;
    if arguments.apps > 1 {
        return many::run(root, arguments);
    }
    guest::build_tests(root)?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let path = crate::command::target(root).join("guest/component/hello.wasm");
    let running = Running::start(&Server::Keyway { program, path })?;
    let mut warm_up_requests = 0;
    while warm_up_requests < arguments.warm_up {
        warm_up_requests += load(running.address, "/", 1)?.requests;
    }
    let before = running.resident_bytes()? / 1e6;
    let samples = sample(&running, arguments.requests)?;
    let after = samples.last().map_or(before, |last| last.resident_megabytes);
    let report = Report {
        machine: machine(),
        warm_up_requests,
        requests: samples.last().map_or(0, |last| last.requests),
        memory_growth: after / before - 1.0,
        throughput_growth: match (samples.first(), samples.last()) {
            (Some(first), Some(last)) => last.requests_per_second / first.requests_per_second - 1.0,
            _ => 0.0,
        },
        samples,
    };
    write(&root.join("bench/results"), &report, before)?;
    if report.memory_growth > MAX_GROWTH {
        bail!("the memory of the process grew from {before:.1} MB to {after:.1} MB");
    }
    Ok(())
}

/// Loads the server until `requests` are served, with a sample at each tenth.
fn sample(running: &Running, requests: u64) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let mut served = 0;
    for tenth in 1..=SAMPLES {
        let mut stretch = Vec::new();
        let mut p99_microseconds = 0.0_f64;
        while served < requests * tenth / SAMPLES {
            let load = load(running.address, "/", 1)?;
            served += load.requests;
            stretch.push(load.requests_per_second);
            p99_microseconds = p99_microseconds.max(load.p99_microseconds);
        }
        if stretch.is_empty() {
            // The stretch before has served this one's requests too.
            continue;
        }
        samples.push(Sample {
            requests: served,
            requests_per_second: stretch.iter().sum::<f64>() / stretch.len() as f64,
            p99_microseconds,
            resident_megabytes: running.resident_bytes()? / 1e6,
        });
    }
    Ok(samples)
}

fn write(folder: &Path, report: &Report, before: f64) -> Result<()> {
    let Report { machine, warm_up_requests, requests, samples, .. } = report;
    let (memory, throughput) = (report.memory_growth * 100.0, report.throughput_growth * 100.0);
    let mut text = String::new();
    writeln!(text, "# Long-running load: `keyway up` with the hello component\n")?;
    writeln!(
        text,
        "{machine}. {requests} requests after a warm-up of {warm_up_requests}, with wrk"
    )?;
    writeln!(
        text,
        "on the same machine; a fresh instance for each request. Between the first and the last request,"
    )?;
    writeln!(text, "memory changed by {memory:+.1} %, and throughput by {throughput:+.1} %.\n")?;
    writeln!(text, "| requests served | requests/s | p99 (us) | memory (MB) |")?;
    writeln!(text, "| ---: | ---: | ---: | ---: |")?;
    writeln!(text, "| 0 | | | {before:.1} |")?;
    for sample in samples {
        let Sample { requests, requests_per_second, p99_microseconds, resident_megabytes } = sample;
        writeln!(
            text,
            "| {requests} | {requests_per_second:.0} | {p99_microseconds:.0} | {resident_megabytes:.1} |"
        )?;
    }
    println!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("soak.md"), &text)?;
    fs::write(folder.join("soak.json"), serde_json::to_string_pretty(report)? + "\n")?;
    Ok(())
}
