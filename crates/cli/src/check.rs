//! `keyway check`: everything that is wrong with an app, at once.

use std::{path::PathBuf, process::ExitCode};

use crate::report;

/// The arguments of `keyway check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// App folder, manifest, or component file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match keyway_host::open(&arguments.path).and_then(keyway_host::assemble) {
        Err(problems) if arguments.json => report::print_as_json(&problems),
        Err(problems) => report::print(&problems),
        Ok(_) if arguments.json => report::print_as_json(&[]),
        Ok(assembly) => {
            report::print_text(&(summary(&assembly) + "\n"));
            ExitCode::SUCCESS
        }
    }
}

fn summary(assembly: &keyway_host::Assembly) -> String {
    let counted = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    };
    format!(
        "{} is valid: {}, {}, {}",
        assembly.app.name,
        counted(assembly.components.len(), "component"),
        counted(assembly.units.len(), "unit"),
        counted(assembly.app.starts().len(), "trigger"),
    )
}
