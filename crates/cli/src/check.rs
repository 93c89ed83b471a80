//! `keyway check`: everything that is wrong with an app, at once.

use std::{path::PathBuf, process::ExitCode};

use keyway_host::ProblemReport;
use serde::Serialize;

use crate::report;

/// The arguments of `keyway check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A folder with a `keyway.toml`, a manifest, or a component file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Writes the problems to standard output as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Checked {
    ok: bool,
    problems: Vec<ProblemReport>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let problems = match keyway_host::open(&arguments.path).and_then(keyway_host::assemble) {
        Ok(assembly) => {
            if !arguments.json {
                report::print_text(&(summary(&assembly) + "\n"));
            }
            Vec::new()
        }
        Err(problems) => problems,
    };
    if arguments.json {
        let problems: Vec<_> = problems.iter().map(ProblemReport::from).collect();
        report::print_json(&Checked { ok: problems.is_empty(), problems });
    } else if !problems.is_empty() {
        report::print(&problems);
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn summary(assembly: &keyway_host::Assembly) -> String {
    let counted = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    };
    format!(
        "{} is in order: {}, {}, {}",
        assembly.app.name,
        counted(assembly.components.len(), "component"),
        counted(assembly.units.len(), "unit"),
        counted(assembly.app.starts().len(), "trigger"),
    )
}
