//! The tables of density, for people and machines.

use std::{fmt::Write, fs, path::Path};

use anyhow::Result;
use serde::Serialize;

use super::{client::Percentiles, peer::PeerReport};
use crate::bench::measure::Memory;

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) machine: String,
    /// In which control group, or why in none.
    pub(super) place: String,
    pub(super) fleets: Vec<FleetReport>,
    pub(super) peers: Vec<PeerReport>,
    /// What could not be measured, and why.
    pub(super) missing: Vec<String>,
}

/// What a host with many apps came to.
#[derive(Serialize)]
pub(super) struct FleetReport {
    pub(super) title: &'static str,
    pub(super) apps: usize,
    /// Of the machine, just before.
    pub(super) load_average: String,
    /// From no compiled code to the first answers of all.
    pub(super) compile_milliseconds_per_app: f64,
    /// From the start of the process to the first answer, all manifests read.
    pub(super) start_milliseconds: f64,
    /// Of the process with all apps asleep.
    pub(super) asleep: Memory,
    /// The same, less that of a process with a single app, for each.
    pub(super) asleep_bytes_per_app: f64,
    /// The first request of an app that sleeps, whose files are in the page cache.
    pub(super) wake_milliseconds: Percentiles,
    /// The same; its files are on the disk.
    pub(super) wake_from_disk_milliseconds: Percentiles,
    /// As many first requests at once, until all are answered.
    pub(super) burst_seconds: f64,
    pub(super) burst_from_disk_seconds: f64,
    pub(super) awake_bytes_per_app: f64,
    /// Until all apps have answered once more, before the load.
    pub(super) warm_up_seconds: f64,
    /// Of the process after load on all apps.
    pub(super) all: Memory,
    /// What the group takes then, with the kernel's part and what was read of files.
    pub(super) group_bytes: Option<f64>,
    pub(super) maps: usize,
    pub(super) descriptors: usize,
    pub(super) one_app_requests_per_second: f64,
    pub(super) all_apps_requests_per_second: f64,
    /// All apps, to one; the median of the rounds.
    pub(super) ratio: f64,
}

/// Prints the tables and writes them as Markdown and JSON into `folder`.
pub(super) fn write(folder: &Path, report: &Report) -> Result<()> {
    let text = markdown(report)?;
    print!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("density.md"), text)?;
    Ok(fs::write(folder.join("density.json"), serde_json::to_string_pretty(report)? + "\n")?)
}

/// A row of the table: what, and how a figure of a fleet is written.
type Row = (&'static str, fn(&FleetReport) -> String);

const ROWS: &[Row] = &[
    ("apps", |fleet| fleet.apps.to_string()),
    ("load average before", |fleet| fleet.load_average.clone()),
    ("compiling, once, for each app (ms)", |fleet| number(fleet.compile_milliseconds_per_app, 0)),
    ("start to first answer (ms)", |fleet| number(fleet.start_milliseconds, 0)),
    ("memory, all asleep (MB)", |fleet| megabytes(fleet.asleep.resident_bytes)),
    ("memory of an app that sleeps (KiB)", |fleet| kibibytes(fleet.asleep_bytes_per_app)),
    ("memory of an app that is awake (KiB)", |fleet| kibibytes(fleet.awake_bytes_per_app)),
    ("first request of a sleeping app, p50 (ms)", |fleet| number(fleet.wake_milliseconds.p50, 2)),
    ("first request of a sleeping app, p99 (ms)", |fleet| number(fleet.wake_milliseconds.p99, 2)),
    ("the same, files on the disk, p50 (ms)", |fleet| {
        number(fleet.wake_from_disk_milliseconds.p50, 2)
    }),
    ("the same, files on the disk, p99 (ms)", |fleet| {
        number(fleet.wake_from_disk_milliseconds.p99, 2)
    }),
    ("1,000 sleeping apps at once, all answered (s)", |fleet| number(fleet.burst_seconds, 2)),
    ("the same, files on the disk (s)", |fleet| number(fleet.burst_from_disk_seconds, 2)),
    ("all apps answer once (s)", |fleet| number(fleet.warm_up_seconds, 2)),
    ("memory after load on all (MB)", |fleet| megabytes(fleet.all.resident_bytes)),
    ("the whole group, with page cache (MB)", |fleet| {
        fleet.group_bytes.map(megabytes).unwrap_or_default()
    }),
    ("memory mappings", |fleet| fleet.maps.to_string()),
    ("file descriptors", |fleet| fleet.descriptors.to_string()),
    ("requests/s, one app", |fleet| number(fleet.one_app_requests_per_second, 0)),
    ("requests/s, over all apps by Zipf", |fleet| number(fleet.all_apps_requests_per_second, 0)),
    ("all apps to one", |fleet| number(fleet.ratio, 2)),
];

fn markdown(report: &Report) -> Result<String> {
    let Report { machine, place, fleets, peers, missing } = report;
    let mut text = format!(
        "# Density: `keyway host` with many apps\n\n\
         {machine}; {place}.\n\
         Apps answer with their own names, which they have from their settings if all have one\n\
         component, and from their code if each has its own. Load comes from wrk on the same machine,\n\
         after all apps have answered once; a fresh instance for each request.\n\n| what |"
    );
    for fleet in fleets {
        write!(text, " {} |", fleet.title)?;
    }
    writeln!(text, "\n| --- |{}", " ---: |".repeat(fleets.len()))?;
    for (what, figure) in ROWS {
        write!(text, "| {what} |")?;
        for fleet in fleets {
            write!(text, " {} |", figure(fleet))?;
        }
        writeln!(text)?;
    }
    writeln!(text, "\n## A service's share of memory\n")?;
    writeln!(
        text,
        "Each way was given the same group, and as many services as it holds. RSS and PSS are of\n\
         processes; the group counts the kernel's part and the page cache too. KiB for each service.\n"
    )?;
    writeln!(text, "| way | services | RSS | PSS | page tables | group | ended by |")?;
    writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: | --- |")?;
    for fleet in fleets {
        let group = fleet.group_bytes;
        for (state, memory, group) in
            [("asleep", fleet.asleep, None), ("after load", fleet.all, group)]
        {
            let each = |bytes: f64| kibibytes(bytes / fleet.apps as f64);
            writeln!(
                text,
                "| keyway host, {}, {state} | {} | {} | {} | {} | {} | nothing |",
                fleet.title,
                fleet.apps,
                each(memory.resident_bytes),
                each(memory.proportional_bytes),
                each(memory.page_table_bytes),
                group.map(each).unwrap_or_default(),
            )?;
        }
    }
    for PeerReport { name, services, end, memory, group_bytes } in peers {
        writeln!(
            text,
            "| {name} | {services} | {} | {} | {} | {} | {end} |",
            kibibytes(memory.resident_bytes),
            kibibytes(memory.proportional_bytes),
            kibibytes(memory.page_table_bytes),
            kibibytes(*group_bytes),
        )?;
    }
    if !missing.is_empty() {
        writeln!(text, "\nNot measured: {}.", missing.join("; "))?;
    }
    Ok(text)
}

fn number(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

fn megabytes(bytes: f64) -> String {
    number(bytes / 1e6, 1)
}

fn kibibytes(bytes: f64) -> String {
    number(bytes / 1024.0, 1)
}
