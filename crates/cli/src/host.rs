//! Finds the running host that a command is for, and sends it requests.

use std::{
    future::Future,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use keyway_host::{
    HostError, ProblemReport,
    admin::{Client, api::AppSummary, running_sockets, which_app, which_host},
    in_words,
};
use tokio::time::timeout;

use crate::report;

/// How long a host may take to report its status. A stopped process never does.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which of the running apps to use.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// Name of the running app.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Admin socket, as given to `keyway up --admin-socket`.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

type Problems = Vec<ProblemReport>;

impl Target {
    /// The one app that is meant, on its host.
    pub(crate) async fn client(&self) -> Result<Client, Problems> {
        let mut apps = self.apps().await?;
        match (apps.pop(), apps.len()) {
            (Some((client, _)), 0) => Ok(client),
            (None, _) => Err(self.none()),
            (Some(_), others) => Err(vec![ProblemReport::from(&which_app(others + 1))]),
        }
    }

    /// All apps that may be meant, each on its host.
    pub(crate) async fn apps(&self) -> Result<Vec<(Client, AppSummary)>, Problems> {
        let is_meant = |app: &AppSummary| self.app.as_ref().is_none_or(|name| *name == app.name);
        let mut all = Vec::new();
        for client in clients(self.socket.as_deref())? {
            let apps = within(client.apps(), &client, self.socket.is_some()).await?;
            let apps = apps.into_iter().flatten().filter(is_meant);
            all.extend(apps.map(|app| (client.about(&app.name), app)));
        }
        Ok(all)
    }

    /// The problem of no app that is meant.
    pub(crate) fn none(&self) -> Problems {
        vec![ProblemReport::from(&which_app(0))]
    }
}

/// Which of the running hosts that take apps to use.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetHost {
    /// Admin socket, as given to `keyway host --admin-socket`.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

impl TargetHost {
    /// The one host that is meant.
    pub(crate) async fn client(&self) -> Result<Client, Problems> {
        let mut hosts = Vec::new();
        for client in clients(self.socket.as_deref())? {
            let status = within(client.host(), &client, self.socket.is_some()).await?;
            // One that is named says itself that it takes none.
            if self.socket.is_some() || status.is_some_and(|status| status.takes_apps) {
                hosts.push(client);
            }
        }
        match (hosts.pop(), hosts.len()) {
            (Some(client), 0) => Ok(client),
            (None, _) => Err(vec![ProblemReport::from(&which_host(0))]),
            (Some(_), others) => Err(vec![ProblemReport::from(&which_host(others + 1))]),
        }
    }
}

/// The running hosts, or the one that is named.
fn clients(socket: Option<&Path>) -> Result<Vec<Client>, Problems> {
    let sockets = match socket {
        Some(socket) => vec![socket.to_owned()],
        None => running_sockets().map_err(reports)?,
    };
    Ok(sockets.into_iter().map(Client::new).collect())
}

/// What a host answers, if it does in time. One that was not named may have ended since it was found.
async fn within<T>(
    answer: impl Future<Output = Result<T, Problems>>,
    client: &Client,
    is_named: bool,
) -> Result<Option<T>, Problems> {
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(Some(answer)),
        Ok(Err(problems)) if is_named => Err(problems),
        Ok(Err(_)) => Ok(None),
        Err(_) => {
            let socket = client.socket().display();
            report::tell(&format!("warning: the host at {socket} does not answer\n"));
            Ok(None)
        }
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
