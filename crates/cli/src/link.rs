//! `keyway link`: links a component of an app to another one.

use std::{path::PathBuf, process::ExitCode};

use crate::report;

/// The arguments of `keyway link`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Component that imports.
    from: String,
    /// Component that exports.
    to: String,
    /// Import to link; by default every one that fits.
    #[arg(long, value_name = "INTERFACE")]
    import: Option<String>,
    /// App folder or manifest.
    #[arg(long, value_name = "PATH", default_value = ".")]
    app_path: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Arguments { from, to, import, app_path } = arguments;
    match keyway_host::link(app_path, from, to, import.as_deref()) {
        Ok(linked) => {
            for link in linked {
                let before = match link.before {
                    Some(before) if before.as_str() == to => ", unchanged".to_owned(),
                    Some(before) => format!(", replacing {before}"),
                    None => String::new(),
                };
                report::print_text(&format!("{from}: {} <- {to}{before}\n", link.import));
            }
            ExitCode::SUCCESS
        }
        Err(problems) => report::print(&problems),
    }
}
