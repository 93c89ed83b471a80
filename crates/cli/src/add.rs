//! `keyway add`: adds a component to an app.

use std::{fmt::Write, path::PathBuf, process::ExitCode};

use crate::report;

/// The arguments of `keyway add`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A component file, the folder of a project, or an OCI reference.
    source: String,
    /// The component's name in the app; that of the source, unless given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A route that leads to it, such as /parse.
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// The app: its folder or manifest.
    #[arg(long, value_name = "PATH", default_value = ".")]
    app_path: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { source, name, route, app_path } = arguments;
    match keyway_host::add(app_path, source, name.as_deref(), route.as_deref()) {
        Ok(added) => {
            let mut text = format!("`{}` is a component of the app now.\n", added.name);
            for (import, by) in &added.unmet {
                // A string takes all that is written.
                let _ = write!(text, "It imports {import}");
                for other in by {
                    let _ = write!(text, "; to link it: keyway link {} {other}", added.name);
                }
                text.push('\n');
            }
            report::print_text(&text);
            ExitCode::SUCCESS
        }
        Err(problems) => report::print(&problems),
    }
}
