//! `keyway host`: serves many apps.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use keyway_host::{HostError, KeepOptions, data_folder, log::Log};

use crate::{
    listen::{Listen, time},
    narrator::ToTerminal,
    report,
};

/// The arguments of `keyway host`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Folder of apps to serve as they are there, and as they change.
    #[arg(long, value_name = "DIR")]
    apps: Option<PathBuf>,
    /// Folder for deployed apps and their data; by default in the user's own folder for data.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How long an app that nobody calls stays loaded, unless its manifest says.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = time)]
    idle: Duration,
    #[command(flatten)]
    listen: Listen,
}

pub(crate) fn run(arguments: &Arguments, log: &Log) -> ExitCode {
    match serve(arguments, log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::print_error(error),
    }
}

fn serve(arguments: &Arguments, log: &Log) -> Result<(), HostError> {
    let data = arguments.data.clone().map_or_else(data_folder, Ok)?;
    let keep = KeepOptions { data, apps: arguments.apps.clone(), idle: arguments.idle };
    keyway_host::host(&keep, &arguments.listen.options(), log, Arc::new(ToTerminal))
}
