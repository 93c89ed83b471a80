//! `keyway status`: shows the running apps.

use std::{process::ExitCode, time::Duration};

use comfy_table::{Table, presets};
use keyway_host::admin::api::{AppState, AppSummary, Status, Used};
use serde::Serialize;

use crate::{apps, host, report};

/// The arguments of `keyway status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    host: host::Target,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    host::ask(async {
        let mut all = Vec::new();
        for (client, app) in arguments.host.apps().await? {
            // To ask an app that is asleep would wake it.
            if app.state == AppState::Awake {
                all.push(Shown::Status(Box::new(client.status().await?)));
            } else {
                all.push(Shown::App(app));
            }
        }
        if arguments.json {
            report::print_json(&all);
            return Ok(());
        }
        if all.is_empty() {
            return Err(arguments.host.none());
        }
        let shown: Vec<_> = all.iter().map(Shown::text).collect();
        report::print_text(&shown.join("\n"));
        Ok(())
    })
}

/// What is known of an app.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    Status(Box<Status>),
    App(AppSummary),
}

impl Shown {
    fn text(&self) -> String {
        match self {
            Self::Status(status) => show(status),
            Self::App(app) => format!("{} ({})\n", app.name, apps::state(app)),
        }
    }
}

fn show(status: &Status) -> String {
    let up = humantime::format_duration(Duration::from_secs(status.uptime_ms / 1000));
    let mut text = format!(
        "{} on {} (process {}, up for {up}, from {})\n",
        status.app, status.url, status.pid, status.path
    );
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for unit in &status.units {
        table.add_row([
            format!("  {}", unit.starts.join(", ")),
            format!("-> {}", unit.components.join(" + ")),
            format!("{} requests, {} errors", unit.requests, unit.errors),
        ]);
    }
    for component in &status.components {
        let hash = component.hash.get(..12).unwrap_or_default();
        table.add_row([
            format!("  {}", component.name),
            component.source.clone(),
            hash.to_owned(),
            used(&component.used),
        ]);
    }
    for store in &status.stores {
        let swap = store.swap.as_ref().map(|swap| {
            format!("{}: {} keys copied, {} compared", swap.phase, swap.copied, swap.compared)
        });
        let swap = swap.unwrap_or_default();
        table.add_row([format!("  {}", store.name), store.backend.clone(), swap]);
    }
    text += &table.trim_fmt();
    text.push('\n');
    if let Some(trial) = &status.trial {
        let left = humantime::format_duration(Duration::from_millis(trial.left_ms));
        text += &format!(
            "  canary with {} % of the requests, {left} left: {} requests, {} errors\n",
            trial.percent, trial.requests, trial.errors
        );
    }
    text
}

/// What a component has used, in words.
fn used(used: &Used) -> String {
    let Used { computed_ms, instances, denials, in_bytes, out_bytes } = *used;
    let mut text = format!(
        "{instances} instances, {:.1} s of CPU, {} in, {} out",
        computed_ms as f64 / 1e3,
        apps::bytes(in_bytes),
        apps::bytes(out_bytes)
    );
    if denials > 0 {
        text += &format!(", {denials} calls denied");
    }
    text
}
