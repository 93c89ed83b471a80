//! `keyway reload`: reloads a running app's manifest and components.

use std::process::ExitCode;

use crate::{host, report};

/// The arguments of `keyway reload`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    host: host::Target,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    host::ask(async {
        let reloaded = arguments.host.client().await?.reload().await?;
        report::print_text(if reloaded.changed { "Reloaded.\n" } else { "Nothing has changed.\n" });
        Ok(())
    })
}
