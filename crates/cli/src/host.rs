//! Finds the running host that a command is for, and sends it requests.

use std::{future::Future, path::PathBuf, process::ExitCode, time::Duration};

use keyway_host::{
    HostError, ProblemReport,
    admin::{Client, api::Status, running_sockets, which_host},
    in_words,
};
use tokio::time::timeout;

use crate::report;

/// How long a host may take to report its status. A stopped process never does.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which of the running hosts to use.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// Name of the running app.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Admin socket, as given to `keyway up --admin-socket`.
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

    /// All hosts that may be meant, with their status.
    pub(crate) async fn hosts(&self) -> Result<Vec<(Client, Status)>, Problems> {
        let sockets = match &self.socket {
            Some(socket) => vec![socket.clone()],
            None => running_sockets().map_err(reports)?,
        };
        let mut hosts = Vec::new();
        for socket in sockets {
            let client = Client::new(socket);
            let Ok(answer) = timeout(PATIENCE, client.status()).await else {
                let socket = client.socket().display();
                report::tell(&format!("warning: the host at {socket} does not answer\n"));
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

fn reports(error: HostError) -> Problems {
    error.into_problems().iter().map(ProblemReport::from).collect()
}

/// Runs a command that asks a host, and prints any problems.
pub(crate) fn ask(command: impl Future<Output = Result<(), Problems>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            report::tell(&format!("error: cannot start the async runtime: {}\n", in_words(&error)));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => report::print_reports(&problems),
    }
}
