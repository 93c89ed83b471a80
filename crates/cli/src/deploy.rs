//! `keyway deploy`: copies an app to a running host.

use std::{path::PathBuf, process::ExitCode};

use keyway_app::{ComponentName, Problem};
use keyway_host::{ProblemReport, admin::api::DeployApp, manifest_of_component, open};

use crate::{apps::route, grants::Grants, host, report};

/// The arguments of `keyway deploy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// App folder, manifest, or component file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Name on the host; by default that of the manifest or file.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Route of a component file: a path, with a host name before it or not. May be repeated.
    #[arg(long, value_name = "[HOST]/PATH")]
    route: Vec<String>,
    #[command(flatten)]
    grants: Grants,
    #[command(flatten)]
    host: host::TargetHost,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    host::ask(async {
        let (name, request) = request(arguments).map_err(reports)?;
        let deployed = arguments.host.client().await?.deploy(&name, &request).await?;
        let routes: Vec<_> = deployed.routes.iter().map(route).collect();
        let on =
            if routes.is_empty() { String::new() } else { format!(" on {}", routes.join(" ")) };
        report::print_text(&format!("Deployed {}{on}.\n", deployed.name));
        Ok(())
    })
}

/// What is asked of the host, and the name it is to have there.
fn request(arguments: &Arguments) -> Result<(String, DeployApp), Vec<Problem>> {
    let Arguments { path, name, route, grants, .. } = arguments;
    // What is wrong is found here too, with its place in the file.
    let app = open(path)?;
    let name = name.clone().unwrap_or_else(|| ComponentName::of_file(&app.name).to_string());
    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let manifest = if route.is_empty() && grants.are_none() {
        None
    } else {
        let component = grants.with_whole_paths().to_toml(&path, "")?;
        Some(manifest_of_component(&path, &name, &component, route)?)
    };
    Ok((name, DeployApp { path: path.display().to_string(), manifest }))
}

fn reports(problems: Vec<Problem>) -> Vec<ProblemReport> {
    problems.iter().map(ProblemReport::from).collect()
}
