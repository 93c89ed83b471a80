//! The program `keyway`: arguments in; words, tables and exit codes out.

mod check;
mod inspect;
mod report;
mod up;

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
    /// Serves an app, or a single component, over HTTP.
    Up(up::Arguments),
    /// Says everything that is wrong with an app, and serves nothing.
    Check(check::Arguments),
    /// Shows what a component or an app is made of, and what it would need.
    Inspect(inspect::Arguments),
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
    match arguments.command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
    }
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
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
