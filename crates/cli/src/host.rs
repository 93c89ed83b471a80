//! Which running host a command is for, and how it is asked.

use std::{future::Future, path::PathBuf, process::ExitCode, time::Duration};

use keyway_host::{
    ProblemReport,
    admin::{Client, api::Status, running_sockets, which_host},
    in_words,
};
use tokio::time::timeout;

use crate::report;

/// How long a host may take to say how it is. One that is stopped says nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which of the running hosts to use.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The name of the app that it serves.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Its admin socket, as `keyway up --admin-socket` made it.
    #[arg(long, value_name = "PATH", conflicts_with = "app")]
    socket: Option<PathBuf>,
}

type Problems = Vec<ProblemReport>;

impl Target {
    /// The one host that is meant.
    pub(crate) async fn client(&self) -> Result<Client, Problems> {
        if let Some(socket) = &self.socket {
            return Ok(Client::new(socket));
        }
        let mut hosts = self.hosts().await?;
        match (hosts.pop(), hosts.len()) {
            (Some((client, _)), 0) => Ok(client),
            (None, _) => Err(vec![ProblemReport::from(&which_host(0))]),
            (Some(_), others) => Err(vec![ProblemReport::from(&which_host(others + 1))]),
        }
    }

    /// All hosts that may be meant, with how they are.
    pub(crate) async fn hosts(&self) -> Result<Vec<(Client, Status)>, Problems> {
        let sockets = match &self.socket {
            Some(socket) => vec![socket.clone()],
            None => running_sockets().map_err(|problem| vec![ProblemReport::from(&problem)])?,
        };
        let mut hosts = Vec::new();
        for socket in sockets {
            let client = Client::new(socket);
            let Ok(answer) = timeout(PATIENCE, client.status()).await else {
                eprintln!("warning: the host at {} does not answer", client.socket().display());
                continue;
            };
            match answer {
                Ok(status) if self.app.as_ref().is_none_or(|app| *app == status.app) => {
                    hosts.push((client, status));
                }
                Ok(_) => {}
                Err(problems) if self.socket.is_some() => return Err(problems),
                // It ended since it was found.
                Err(_) => {}
            }
        }
        Ok(hosts)
    }
}

/// Runs a command that asks a host, and prints what stands in its way.
pub(crate) fn ask(command: impl Future<Output = Result<(), Problems>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime can be made: {}", in_words(&error));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => report::print_reports(&problems),
    }
}
