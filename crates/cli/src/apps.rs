//! `keyway apps`, `keyway undeploy`, `keyway stop` and `keyway start`: the apps of a host.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use keyway_host::admin::api::{AppRoute, AppState, AppSummary};

use crate::{host, report};

/// The arguments of `keyway apps`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: host::Target,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which app of a host.
#[derive(Debug, clap::Args)]
pub(crate) struct OneApp {
    /// Name of the app.
    name: String,
    #[command(flatten)]
    host: host::TargetHost,
}

/// Lists the apps.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    host::ask(async {
        let apps: Vec<_> = arguments.target.apps().await?.into_iter().map(|(_, app)| app).collect();
        if arguments.json {
            report::print_json(&apps);
        } else {
            report::print_text(&table(&apps));
        }
        Ok(())
    })
}

/// Removes an app.
pub(crate) fn undeploy(OneApp { name, host }: &OneApp) -> ExitCode {
    host::ask(async {
        host.client().await?.undeploy(name).await?;
        report::print_text(&format!("Removed {name} and its data.\n"));
        Ok(())
    })
}

/// Stops an app.
pub(crate) fn stop(OneApp { name, host }: &OneApp) -> ExitCode {
    host::ask(async {
        host.client().await?.stop(name).await?;
        report::print_text(&format!("Stopped {name}.\n"));
        Ok(())
    })
}

/// Starts an app that was stopped.
pub(crate) fn start(OneApp { name, host }: &OneApp) -> ExitCode {
    host::ask(async {
        host.client().await?.start(name).await?;
        report::print_text(&format!("Started {name}.\n"));
        Ok(())
    })
}

fn table(apps: &[AppSummary]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "APP",
        "STATE",
        "ROUTES",
        "REQUESTS",
        "ERRORS",
        "DENIALS",
        "INSTANCES",
        "CPU",
        "IN",
        "OUT",
    ]);
    for app in apps {
        let routes: Vec<_> = app.routes.iter().map(route).collect();
        table.add_row([
            app.name.clone(),
            state(app),
            routes.join(" "),
            app.requests.to_string(),
            app.errors.to_string(),
            app.used.denials.to_string(),
            app.used.instances.to_string(),
            format!("{:.1} s", app.used.computed_ms as f64 / 1e3),
            bytes(app.used.in_bytes),
            bytes(app.used.out_bytes),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}

/// How an app is, in words.
pub(crate) fn state(app: &AppSummary) -> String {
    let state = match app.state {
        AppState::Awake => "awake",
        AppState::Asleep => "asleep",
        AppState::Stopped => "stopped",
        AppState::Failed => "failed",
    };
    match &app.problem {
        Some(problem) => format!("{state}: {problem}"),
        None => state.to_owned(),
    }
}

/// A route as a client would write it.
pub(crate) fn route(route: &AppRoute) -> String {
    format!("{}{}", route.host.as_deref().unwrap_or_default(), route.path)
}

/// A number of bytes in the largest unit of which there is one.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(bits, _)| bytes >> bits > 0) {
        Some((bits, unit)) => format!("{:.1} {unit}", bytes as f64 / f64::from(1 << bits)),
        None => format!("{bytes} B"),
    }
}
