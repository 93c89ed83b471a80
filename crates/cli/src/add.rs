//! `keyway add`: adds a component to an app.

use std::{fmt::Write, path::PathBuf, process::ExitCode};

use crate::report;

/// The arguments of `keyway add`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Component file, project folder, or OCI reference.
    source: String,
    /// Component's name in the app; by default the name of the source.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Route to the component, such as /parse.
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// App folder or manifest.
    #[arg(long, value_name = "PATH", default_value = ".")]
    app_path: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { source, name, route, app_path } = arguments;
    match keyway_host::add(app_path, source, name.as_deref(), route.as_deref()) {
        Ok(added) => {
            let mut text = format!("Added component `{}`.\n", added.name);
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
