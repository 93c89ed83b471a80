//! `keyway up`: serves an app until it is stopped.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use keyway_host::{HostError, ServeOptions, log::Log};

use crate::{build, grants::Grants, listen::Listen, narrator::ToTerminal, report};

/// The arguments of `keyway up`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// App folder, manifest, or component file.
    #[arg(default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    grants: Grants,
    /// Build what has changed first, like `keyway build`.
    #[arg(long)]
    build: bool,
    /// Reload when files change; build components when their sources change.
    #[arg(long)]
    watch: bool,
}

pub(crate) fn run(arguments: &Arguments, log: &Log) -> ExitCode {
    if arguments.build && !build::build_at(&arguments.path, &Default::default(), false) {
        return ExitCode::FAILURE;
    }
    match serve(arguments, log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::print_error(error),
    }
}

fn serve(arguments: &Arguments, log: &Log) -> Result<(), HostError> {
    let options = ServeOptions {
        granted: arguments.grants.of_component(&arguments.path)?,
        watch: arguments.watch,
        ..arguments.listen.options()
    };
    keyway_host::serve(&arguments.path, &options, log, Arc::new(ToTerminal))
}
