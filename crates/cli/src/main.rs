//! The program `keyway`: arguments in; words, tables and exit codes out.

mod add;
mod build;
mod call;
mod check;
mod compose;
mod doctor;
mod grants;
mod host;
mod inspect;
mod link;
mod logs;
mod new;
mod reload;
mod report;
mod run;
mod status;
mod swap;
mod up;
mod wit;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Most of a request's memory is small, short-lived and freed on the thread that took it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs services that are made of WebAssembly components.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a component's project, or an app.
    New(new::Arguments),
    /// Builds the components of an app, or of one project, that have changed.
    Build(build::Arguments),
    /// Says what this machine has to build each language with, and what is missing.
    Doctor(doctor::Arguments),
    /// Serves an app, or a single component, over HTTP.
    Up(up::Arguments),
    /// Runs a command to its end, with nothing that is not granted.
    Run(run::Arguments),
    /// Calls a function of a component, and shows what it returns.
    Call(call::Arguments),
    /// Says everything that is wrong with an app, and serves nothing.
    Check(check::Arguments),
    /// Shows what a component or an app is made of, and what it would need.
    Inspect(inspect::Arguments),
    /// Adds a component to an app.
    Add(add::Arguments),
    /// Links a component of an app to another one, once their types are compared.
    Link(link::Arguments),
    /// Writes an app as one component, which any host can run.
    Compose(compose::Arguments),
    /// Prints the WIT of a component, or of an app's components.
    Wit(wit::Arguments),
    /// Shows how the running apps are.
    Status(status::Arguments),
    /// Exchanges a component or a backend of a running app.
    Swap(swap::Arguments),
    /// Has a running app take in what has changed in its files.
    Reload(reload::Arguments),
    /// Shows what a running app and its host have to say.
    Logs(logs::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Also what is not wrong ends here: `--help` and `--version`.
            let failed = error.use_stderr();
            return match error.print() {
                Ok(()) if !failed => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            };
        }
    };
    log_to_stderr();
    let code = match arguments.command {
        Command::New(arguments) => new::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Up(arguments) => up::run(&arguments),
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
    keyway_host::log::flush();
    code
}

/// `KEYWAY_LOG` sets what is logged, in the form of `tracing`'s filters, such as
/// `keyway_trigger=debug`. Warnings are shown unless it says otherwise.
fn log_to_stderr() {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .with_env_var("KEYWAY_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| keyway_host::log::Remembered)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // Its own way of telling that the log cannot be written ends the thread that tries.
        .log_internal_errors(false)
        .init();
}
