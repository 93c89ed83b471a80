//! `keyway run`: runs a command to its end.

use std::{
    ffi::{OsStr, OsString},
    io::Write,
    path::Path,
    process::ExitCode,
};

use keyway_app::{Code, Problem};
use keyway_host::{Outcome, RunOptions, Stdio};

use crate::{
    grants::{Grants, as_flags, quoted},
    report,
};

/// The exit code of a program that a signal ended: 128 and SIGABRT.
const TRAPPED: u8 = 134;

/// Longer than any command takes.
const UNLIMITED: &str = "365d";

/// The arguments of `keyway run`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "keyway run [OPTIONS] [--] <FILE> [ARGUMENTS]...")]
pub(crate) struct Arguments {
    #[command(flatten)]
    grants: Grants,
    /// Source of its standard input.
    #[arg(long, value_name = "inherit|null|FILE", default_value = "inherit")]
    stdin: Stdio,
    /// Destination of its standard output.
    #[arg(long, value_name = "inherit|null|FILE", default_value = "inherit")]
    stdout: Stdio,
    /// Destination of its standard error.
    #[arg(long, value_name = "inherit|null|FILE", default_value = "inherit")]
    stderr: Stdio,
    /// Limit its computing: about one unit per instruction.
    #[arg(long, value_name = "UNITS")]
    fuel: Option<u64>,
    /// Command to run (a component or a preview 1 module), then its arguments.
    // One list: everything after the file is the command's, even if it looks like a flag of ours.
    #[arg(
        value_name = "FILE",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    program: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let outcome = manifest(arguments).and_then(|manifest| {
        let options = RunOptions {
            stdin: arguments.stdin.clone(),
            stdout: arguments.stdout.clone(),
            stderr: arguments.stderr.clone(),
            fuel: arguments.fuel,
            timed: arguments.grants.has_time(),
        };
        let run = keyway_host::run(&manifest, file(arguments), &options);
        run.map_err(|error| as_flags(error.into_problems()))
    });
    match outcome {
        // The system takes the lowest byte; a failure must not look like success for that.
        Ok(Outcome::Exit(code)) => ExitCode::from(match code.to_le_bytes()[0] {
            0 if code != 0 => 1,
            byte => byte,
        }),
        Ok(Outcome::Failed(reason)) => {
            // If nobody reads it, the exit code still says so.
            let _ = writeln!(std::io::stderr().lock(), "error: {reason}");
            ExitCode::from(TRAPPED)
        }
        Err(problems) => report::print(&problems),
    }
}

fn file(arguments: &Arguments) -> &Path {
    // It is required.
    arguments.program.first().map_or(Path::new(""), Path::new)
}

/// An app of this one command, as a manifest would have it.
fn manifest(arguments: &Arguments) -> Result<String, Vec<Problem>> {
    let file = file(arguments);
    if file.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return Err(vec![unknown_flag(&file.display().to_string())]);
    }
    // A program is called by its name and not by its path, as other hosts have it. A name need not be
    // text to be run.
    let name = file.file_name().unwrap_or(file.as_os_str());
    let mut texts = vec![quoted(&name.to_string_lossy())];
    for argument in arguments.program.iter().skip(1) {
        let text = argument.to_str().ok_or_else(|| vec![no_text(argument)])?;
        texts.push(quoted(text));
    }
    // A command has the process to itself, and with it what the process may have.
    let more = format!(
        "grant.args = [{}]\n\
         limit.cpu = {UNLIMITED:?}\nlimit.tables = 10000000\nlimit.core-instances = 10000\n\
         limit.concurrency = 1\n{}{}",
        texts.join(", "),
        arguments.grants.unless_memory("limit.memory = \"4GiB\"\n"),
        arguments.grants.unless_time(&format!("limit.time = {UNLIMITED:?}\n")),
    );
    let component = arguments.grants.to_toml(file, &more)?;
    Ok(format!("[app]\nname = \"run\"\n[component.command]\n{component}"))
}

/// The word in place of the file, which the parser takes for one.
fn unknown_flag(flag: &str) -> Problem {
    let help = format!(
        "`keyway run --help` lists the flags, which stand before the file; \
         a file of this name is `./{flag}`"
    );
    Problem {
        code: Code::UnknownFlag,
        message: format!("unexpected argument '{flag}'"),
        label: None,
        help: Some(help),
        place: None,
    }
}

fn no_text(argument: &OsStr) -> Problem {
    let message = format!("the argument {} is not text in UTF-8", argument.display());
    let help = Some("a component's arguments are texts".to_owned());
    Problem { code: Code::Argument, message, label: None, help, place: None }
}
