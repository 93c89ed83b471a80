//! `keyway logs`: shows the log of a running app and its host.

use std::{process::ExitCode, time::Duration};

use keyway_host::admin::api::LogLine;

use crate::{host, report};

/// The arguments of `keyway logs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    host: host::Target,
    /// Keep printing new lines.
    #[arg(short, long)]
    follow: bool,
    /// Print only this component's lines.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Print each line as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    host::ask(async {
        let client = arguments.host.client().await?;
        let each = |line: LogLine| {
            let wanted = &arguments.component;
            if wanted.is_some() && *wanted != line.component {
                return true;
            }
            let text = if arguments.json { json(&line) } else { Ok(show(&line)) };
            text.is_ok_and(|text| report::print_text(&(text + "\n")))
        };
        client.logs(arguments.follow, each).await
    })
}

fn json(line: &LogLine) -> serde_json::Result<String> {
    serde_json::to_string(line)
}

fn show(line: &LogLine) -> String {
    let time = std::time::UNIX_EPOCH + Duration::from_millis(line.time_ms);
    let time = humantime::format_rfc3339_millis(time);
    match &line.component {
        Some(component) => format!("{time} {component}: {}", line.text),
        // The host's own lines begin with their time.
        None => line.text.clone(),
    }
}
