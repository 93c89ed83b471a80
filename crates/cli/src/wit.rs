//! `keyway wit`: prints what a component imports and exports, as WIT.

use std::{path::PathBuf, process::ExitCode};

use crate::report;

/// The arguments of `keyway wit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Component file, app folder or manifest.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Component of the app; by default all of them.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match keyway_host::wit(&arguments.path, arguments.component.as_deref()) {
        Ok(components) => {
            let is_one = components.len() == 1;
            for (name, text) in components {
                let heading = if is_one { String::new() } else { format!("// {name}\n") };
                report::print_text(&format!("{heading}{text}\n"));
            }
            ExitCode::SUCCESS
        }
        Err(problems) => report::print(&problems),
    }
}
