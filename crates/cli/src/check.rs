//! `keyway check`: everything that is wrong with an app, at once.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyway_host::{Checked, ComponentPurpose};

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
    match keyway_host::check(&arguments.path) {
        Err(problems) if arguments.json => report::print_as_json(&problems),
        Err(problems) => report::print(&problems),
        Ok(_) if arguments.json => report::print_as_json(&[]),
        Ok(checked) => {
            report::print_text(&(summary(&arguments.path, &checked) + "\n"));
            ExitCode::SUCCESS
        }
    }
}

fn summary(path: &Path, checked: &Checked) -> String {
    let assembly = match checked {
        Checked::App(assembly) => assembly,
        Checked::Component { name, purpose, unlinked } => {
            let path = path.display();
            let what = match purpose {
                ComponentPurpose::Command => format!("a command: keyway run {path}"),
                ComponentPurpose::Messages => {
                    "it handles messages, for a [[trigger.messaging]] of an app".to_owned()
                }
                ComponentPurpose::Changes => {
                    "it watches a store, for a [[trigger.keyvalue]] of an app".to_owned()
                }
                ComponentPurpose::Library => format!("a library: keyway call {path}"),
            };
            let links = unlinked.iter().map(|import| format!("\nIt needs a link for {import}."));
            return format!("{name} is valid: {what}{}", links.collect::<String>());
        }
    };
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
