//! The program `keyway`: arguments in; words, tables and exit codes out.

mod add;
mod apps;
mod build;
mod call;
mod check;
mod compose;
mod deploy;
mod doctor;
mod feature;
mod grants;
mod host;
mod hosting;
mod inspect;
mod link;
mod listen;
mod logs;
mod narrator;
mod new;
mod reload;
mod report;
mod run;
mod status;
mod swap;
mod up;
mod wit;

use std::{
    io::{ErrorKind, IsTerminal},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use keyway_host::log::Log;

/// Most of a request's memory is small, short-lived and freed on the thread that took it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Run services built from WebAssembly components.
#[derive(Debug, Parser)]
// Without a text of its own, `about` would be the description of the package.
#[command(name = "keyway", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a component project or an app.
    New(new::Arguments),
    /// Build components that have changed.
    Build(build::Arguments),
    /// Show which compilers are installed or missing.
    Doctor(doctor::Arguments),
    /// Serve an app or component over HTTP.
    Up(up::Arguments),
    /// Serve many apps, each loaded when it is called.
    Host(hosting::Arguments),
    /// Copy an app to a running host and serve it there.
    Deploy(deploy::Arguments),
    /// List the apps of running hosts.
    Apps(apps::Arguments),
    /// Remove an app from a host, with its data.
    Undeploy(apps::OneApp),
    /// Stop an app of a host until it is started again.
    Stop(apps::OneApp),
    /// Start an app of a host that was stopped.
    Start(apps::OneApp),
    /// Run a WASI command to its end.
    Run(run::Arguments),
    /// Call a component's function and print its result.
    Call(call::Arguments),
    /// Check an app and report every problem.
    Check(check::Arguments),
    /// Show imports, exports and grants needed.
    Inspect(inspect::Arguments),
    /// Add a component to an app.
    Add(add::Arguments),
    /// Link one component to another.
    Link(link::Arguments),
    /// Write an app as one component.
    Compose(compose::Arguments),
    /// Print a component's WIT.
    Wit(wit::Arguments),
    /// Show running apps.
    Status(status::Arguments),
    /// Swap a component or backend in a running app.
    Swap(swap::Arguments),
    /// Reload a running app's manifest and components.
    Reload(reload::Arguments),
    /// Show a running app's log.
    Logs(logs::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` end here too, and are not errors.
            if error.use_stderr() {
                // What was typed may hold a password, and standard error may be a log.
                let text = error.render();
                let is_terminal = std::io::stderr().is_terminal();
                let text = if is_terminal { text.ansi().to_string() } else { text.to_string() };
                report::tell(&keyway_word::hide(&text));
                return ExitCode::FAILURE;
            }
            return match error.print() {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
                _ => ExitCode::SUCCESS,
            };
        }
    };
    let log = Log::new();
    log_to_stderr(log.clone());
    let code = match arguments.command {
        Command::New(arguments) => new::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Up(arguments) => up::run(&arguments, &log),
        Command::Host(arguments) => hosting::run(&arguments, &log),
        Command::Deploy(arguments) => deploy::run(&arguments),
        Command::Apps(arguments) => apps::run(&arguments),
        Command::Undeploy(app) => apps::undeploy(&app),
        Command::Stop(app) => apps::stop(&app),
        Command::Start(app) => apps::start(&app),
        Command::Run(arguments) => run::run(&arguments),
        Command::Call(arguments) => call::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Add(arguments) => add::run(&arguments),
        Command::Link(arguments) => link::run(&arguments),
        Command::Compose(arguments) => compose::run(&arguments),
        Command::Wit(arguments) => wit::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Swap(arguments) => swap::run(&arguments),
        Command::Reload(arguments) => reload::run(&arguments),
        Command::Logs(arguments) => logs::run(&arguments),
    };
    log.flush();
    if report::is_incomplete() { ExitCode::FAILURE } else { code }
}

/// `KEYWAY_LOG` sets what is logged, in the form of `tracing`'s filters, such as
/// `keyway_trigger=debug`. Warnings are shown unless it says otherwise.
fn log_to_stderr(log: Log) {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .with_env_var("KEYWAY_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || log.clone())
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // Its own report of a log that cannot be written ends the thread that tries.
        .log_internal_errors(false)
        .init();
}
