//! `keyway compose`: writes an app as one component.

use std::{path::PathBuf, process::ExitCode};

use crate::report;

/// The arguments of `keyway compose`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A folder with a `keyway.toml`, or a manifest.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The component to begin with, if the app has triggers for several.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Leaves out names of functions, line tables, and all else that does not run.
    #[arg(long)]
    strip: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { path, output, component, strip } = arguments;
    match keyway_host::compose(path, output, component.as_deref(), *strip) {
        Ok(composed) => {
            report::print_text(&format!(
                "{} is {} ({}). Grants stay in the manifest: who runs it gives it its own.\n",
                output.display(),
                composed.components.join(" + "),
                report::size(composed.bytes.len()),
            ));
            ExitCode::SUCCESS
        }
        Err(problems) => report::print(&problems),
    }
}
