//! `keyway compose`: writes an app as one component.

use std::{path::PathBuf, process::ExitCode};

use keyway_component::Unmet;

use crate::report;

/// The arguments of `keyway compose`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// App folder or manifest.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Component to start from, if triggers start several.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Remove function names, line tables and other debug information.
    #[arg(long)]
    strip: bool,
    /// Leave imports open that nothing in the app satisfies, so that the file can be linked later.
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { path, output, component, strip, open } = arguments;
    let unmet = if *open { Unmet::Open } else { Unmet::Refused };
    match keyway_host::compose(path, output, component.as_deref(), *strip, unmet) {
        Ok(composed) => {
            report::print_text(&format!(
                "{} is {} ({}). Grants stay in the manifest: grant them again where you run the file.\n",
                output.display(),
                composed.components.join(" + "),
                report::size(composed.bytes.len()),
            ));
            ExitCode::SUCCESS
        }
        Err(problems) => report::print(&problems),
    }
}
