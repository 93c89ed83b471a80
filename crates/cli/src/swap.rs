//! `keyway swap`: swaps a part of a running app.

use keyway_app::Code;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use keyway_host::{
    ProblemReport,
    admin::api::{Canary, SwapBackend, SwapComponent},
    in_words,
};

use crate::{host, listen::time, report};

/// The arguments of `keyway swap`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Restore what the last change replaced, or end a canary.
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    host: host::Target,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Swap a component, without losing a request.
    Component(Component),
    /// Swap a store's backend, with its data.
    Backend(Backend),
}

#[derive(Debug, clap::Args)]
struct Component {
    /// Component's name in the manifest.
    name: String,
    /// File of the new component.
    file: PathBuf,
    /// Give it this share of the requests first, such as 10%.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    canary: Option<f64>,
    /// How long the canary runs before it gets all requests.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time, requires = "canary")]
    r#for: Duration,
    /// Roll back if more than this share of its requests fail.
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = percent, requires = "canary")]
    max_errors: f64,
    #[command(flatten)]
    host: host::Target,
}

#[derive(Debug, clap::Args)]
struct Backend {
    /// Store's name in the manifest.
    name: String,
    /// New backend: memory, sqlite, redis, postgres or nats.
    #[arg(long, value_name = "KIND")]
    to: String,
    /// URL of its server.
    #[arg(long)]
    url: Option<String>,
    /// Read the URL from a file, or - for standard input, to keep a password out of the arguments.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    url_from: Option<PathBuf>,
    /// Path of its file.
    #[arg(long)]
    path: Option<PathBuf>,
    /// Any other setting, as in the manifest.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Delete what the new backend already holds.
    #[arg(long)]
    delete_existing: bool,
    #[command(flatten)]
    host: host::Target,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let percent = number.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "a share is a number from 0 to 100, such as 10%".to_owned())
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("a setting is a name, `=` and a value, such as table=cache")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.part {
        Some(Part::Component(component)) => host::ask(swap_component(component)),
        Some(Part::Backend(backend)) => host::ask(swap_backend(backend)),
        None if arguments.undo => host::ask(undo(arguments)),
        None => {
            report::tell("error: say what to swap, `component` or `backend`, or `--undo`\n");
            ExitCode::FAILURE
        }
    }
}

async fn swap_component(arguments: &Component) -> Result<(), Vec<ProblemReport>> {
    let client = arguments.host.client().await?;
    let request = SwapComponent {
        path: absolute(&arguments.file)?,
        canary: arguments.canary.map(|percent| Canary {
            percent,
            time_ms: u64::try_from(arguments.r#for.as_millis()).unwrap_or(u64::MAX),
            errors_percent: arguments.max_errors,
        }),
    };
    client.swap_component(&arguments.name, &request).await?;
    report::print_text(&format!(
        "`{}` now runs {}. A restart uses the component in the manifest.\n",
        arguments.name, request.path
    ));
    Ok(())
}

async fn swap_backend(arguments: &Backend) -> Result<(), Vec<ProblemReport>> {
    let client = arguments.host.client().await?;
    let mut settings: BTreeMap<_, _> = arguments.set.iter().cloned().collect();
    let url = arguments.url_from.as_deref().map(read_url).transpose()?;
    settings.extend(url.or(arguments.url.clone()).map(|url| ("url".to_owned(), url)));
    if let Some(path) = &arguments.path {
        settings.insert("path".to_owned(), absolute(path)?);
    }
    let request = SwapBackend {
        backend: arguments.to.clone(),
        settings,
        delete_existing: arguments.delete_existing,
    };
    let swapped = client.swap_backend(&arguments.name, &request).await?;
    report::print_text(&format!(
        "`{}` now lives in {}, with {} keys. A restart uses the backend in the manifest.\n",
        arguments.name, arguments.to, swapped.copied
    ));
    Ok(())
}

fn read_url(file: &Path) -> Result<String, Vec<ProblemReport>> {
    let text = match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| {
        refused(format!("the URL cannot be read from {}: {error}", file.display()))
    })?;
    // As a setting of the manifest that comes from a file.
    Ok(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).to_owned())
}

fn refused(message: String) -> Vec<ProblemReport> {
    let (code, label, help, place) = (Code::Arguments.as_str().to_owned(), None, None, None);
    vec![ProblemReport { code, message: in_words(&message), label, help, place }]
}

async fn undo(arguments: &Arguments) -> Result<(), Vec<ProblemReport>> {
    arguments.host.client().await?.undo().await?;
    report::print_text("The previous version is back in service.\n");
    Ok(())
}

/// The host may run in another folder.
fn absolute(path: &PathBuf) -> Result<String, Vec<ProblemReport>> {
    let absolute = std::path::absolute(path)
        .map_err(|error| refused(format!("the path {} is not valid: {error}", path.display())))?;
    absolute
        .into_os_string()
        .into_string()
        .map_err(|path| refused(format!("the path {} is not text", path.display())))
}
