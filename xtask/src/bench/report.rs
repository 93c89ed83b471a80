//! The table, for people and machines.

use std::{fmt::Write, fs, path::Path, process::Command};

use anyhow::Result;
use serde::Serialize;

use super::{PEER_VERSION, measure::Setting};

#[derive(Serialize)]
struct Report {
    machine: String,
    peer: String,
    rounds: u32,
    seconds: u32,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    workload: &'static str,
    server: &'static str,
    metric: &'static str,
    min: f64,
    median: f64,
    max: f64,
    /// To the peer with the same workload in the same round; the median of the rounds.
    ratio: Option<f64>,
}

/// Prints the table and writes it as Markdown and JSON into `folder`.
pub(super) fn write(folder: &Path, settings: &[Setting], seconds: u32, rounds: u32) -> Result<()> {
    type Metric = (&'static str, fn(&Setting) -> &[f64]);
    let metrics: [Metric; 4] = [
        ("requests/s", |setting| &setting.requests_per_second),
        ("p99 (us)", |setting| &setting.p99_microseconds),
        ("start to first answer (ms)", |setting| &setting.start_milliseconds),
        ("idle memory (MB)", |setting| &setting.idle_megabytes),
    ];
    let mut rows = Vec::new();
    for (metric, values) in metrics {
        for setting in settings {
            let peer = settings
                .iter()
                .find(|peer| peer.workload == setting.workload && peer.name() == "wasmtime serve");
            let (min, median, max) = spread(values(setting));
            let ratio = peer
                .filter(|peer| peer.name() != setting.name())
                .map(|peer| median_ratio(values(setting), values(peer)));
            rows.push(Row {
                workload: setting.workload,
                server: setting.name(),
                metric,
                min,
                median,
                max,
                ratio,
            });
        }
    }
    let report = Report {
        machine: machine(),
        peer: format!("wasmtime {PEER_VERSION}"),
        rounds,
        seconds,
        rows,
    };
    let text = markdown(&report)?;
    println!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("serve.md"), &text)?;
    fs::write(folder.join("serve.json"), serde_json::to_string_pretty(&report)? + "\n")?;
    Ok(())
}

/// The least, the one in the middle, and the most.
pub(super) fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(values.len() / 2), at(values.len().saturating_sub(1)))
}

/// What both had in one round was measured just after each other, when the machine was as fast.
fn median_ratio(values: &[f64], peer: &[f64]) -> f64 {
    let ratios: Vec<f64> = values.iter().zip(peer).map(|(value, peer)| value / peer).collect();
    spread(&ratios).1
}

fn markdown(report: &Report) -> Result<String> {
    let Report { machine, peer, rounds, seconds, rows } = report;
    let mut text = String::new();
    writeln!(text, "# Serving HTTP, compared with `wasmtime serve`\n")?;
    writeln!(
        text,
        "{machine}. {rounds} rounds of {seconds} s each, with the servers taking turns. Load comes from wrk"
    )?;
    writeln!(
        text,
        "(1 thread, 32 connections) on the same machine. {peer}; a fresh instance for each request."
    )?;
    writeln!(text, "The ratio to `wasmtime serve` is the median of the ratios of all rounds.\n")?;
    writeln!(text, "| metric | workload | server | min | median | max | ratio |")?;
    writeln!(text, "| --- | --- | --- | ---: | ---: | ---: | ---: |")?;
    for row in rows {
        let Row { workload, server, metric, min, median, max, ratio } = row;
        let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        writeln!(
            text,
            "| {metric} | {workload} | {server} | {min:.1} | {median:.1} | {max:.1} | {ratio} |"
        )?;
    }
    Ok(text)
}

/// What it was measured on.
pub(super) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = Command::new("uname").arg("-sr").output();
    let kernel = kernel.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!("{model}, {cores} cores, {}", kernel.unwrap_or_default())
}

/// How busy the machine is beside what is measured: the mean number of running processes of the last
/// minute.
pub(super) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
