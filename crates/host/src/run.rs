//! Runs a command to its end.

use std::{
    convert::Infallible,
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use keyway_app::{App, Code, Component, Problem, Source};
use keyway_component::EntryPoint;
use keyway_runtime::{
    Command, Engines, InputFile, OutputFile, Principal, Printer, Purpose, Remedy, Room, Stream,
    Streams, UnitSpec,
};
use tokio::runtime::Builder;

use crate::{
    assembly::prepare::{Prepared, PreparedUnit, Workshop},
    error::{HostError, ProcessError},
    problem::problem,
};

/// How to run a command.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Where its input comes from.
    pub stdin: Stdio,
    /// Where its output goes.
    pub stdout: Stdio,
    /// Where its errors go.
    pub stderr: Stdio,
    /// How much it may compute, about a unit for each instruction; without bound if none.
    pub fuel: Option<u64>,
    /// Whether `limit.time` is one that the user set. Without one, code need not stop to look at
    /// the clock.
    pub timed: bool,
}

/// Where a stream comes from or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdio {
    /// This process's own.
    Inherit,
    /// Nowhere.
    Null,
    /// A file.
    File(PathBuf),
}

impl FromStr for Stdio {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "inherit" => Self::Inherit,
            "null" => Self::Null,
            path => Self::File(path.into()),
        })
    }
}

impl Stdio {
    fn open_input(&self) -> Result<Stream<InputFile>, ProcessError> {
        Ok(match self {
            Self::Inherit => Stream::Inherit,
            Self::Null => Stream::Null,
            Self::File(path) => File::open(path).map_err(|error| no_file(path, error))?.into(),
        })
    }

    fn open_output(&self) -> Result<Output, ProcessError> {
        Ok(match self {
            Self::Inherit => Output { stream: Stream::Inherit, file: None },
            Self::Null => Output { stream: Stream::Null, file: None },
            Self::File(path) => {
                let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
                let both = file.and_then(|file| Ok((file.try_clone()?, file)));
                let (stream, file) = both.map_err(|error| no_file(path, error))?;
                Output { stream: stream.into(), file: Some((file, path.clone())) }
            }
        })
    }
}

/// An output that keeps what is in its file until the command is about to run.
struct Output {
    stream: Stream<OutputFile>,
    file: Option<(File, PathBuf)>,
}

impl Output {
    fn empty(self) -> Result<(), ProcessError> {
        let Some((file, path)) = self.file else { return Ok(()) };
        let emptied = file.metadata().and_then(|meta| match meta.is_file() {
            true => file.set_len(0),
            // Devices and pipes hold nothing.
            false => Ok(()),
        });
        emptied.map_err(|error| no_file(&path, error))
    }
}

fn no_file(path: &Path, error: io::Error) -> ProcessError {
    ProcessError::Stdio { path: path.to_owned(), error }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With this code.
    Exit(i32),
    /// It did not come to its own end.
    Failed(String),
}

/// Runs the one component of `manifest`, whose paths are seen from the current folder. It is in `file`,
/// whatever the manifest calls that: a path need not be text. The process is to end after that: what
/// ran keeps its memory.
///
/// # Errors
/// Everything that is wrong with the manifest and the component.
pub fn run(manifest: &str, file: &Path, options: &RunOptions) -> Result<Outcome, HostError> {
    let mut app = App::from_toml("the command line", manifest, Path::new("."))?;
    for component in app.components.values_mut() {
        component.source.value = Source::Path(file.to_owned());
    }
    let purpose = Purpose::Command { timed: options.timed, fuel: options.fuel.is_some() };
    let prepared = Workshop::open(purpose)?.prepare(app)?;
    let (unit, component) = find(&prepared)?;
    let stdin = options.stdin.open_input()?;
    let stdout = options.stdout.open_output()?;
    let stderr = match options.stderr == options.stdout {
        // Opened twice, one would write over what the other has written.
        true => Output { stream: stdout.stream.clone(), file: None },
        false => options.stderr.open_output()?,
    };
    let streams = Streams { stdin, stdout: stdout.stream.clone(), stderr: stderr.stream.clone() };
    let command = command(unit, component, streams, options.fuel)?;
    stdout.empty()?;
    stderr.empty()?;
    drop(prepared);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ProcessError::Runtime)?;
    let ended = runtime.block_on(command.run());
    // What waits for input on a thread of its own would wait for ever.
    runtime.shutdown_background();
    // The process ends, and gives back at once what this would give back piece by piece.
    std::mem::forget(command);
    Ok(match ended {
        Ok(code) => Outcome::Exit(code),
        Err(failure) => Outcome::Failed(Remedy::Flags.tell(&failure)),
    })
}

/// The one component, with what it was compiled to, if it is a command.
fn find(prepared: &Prepared) -> Result<(&PreparedUnit, &Component), Problem> {
    let (Some(unit), Some(component)) =
        (prepared.units.first(), prepared.app.components.values().next())
    else {
        return Err(problem(Code::NoComponent, "there is nothing to run".to_owned(), None));
    };
    let is_run = |export: &String| EntryPoint::of(export) == Some(EntryPoint::Command);
    if !unit.exports.iter().any(is_run) {
        return Err(no_command(&unit.exports));
    }
    Ok((unit, component))
}

fn command(
    unit: &PreparedUnit,
    component: &Component,
    streams: Streams,
    fuel: Option<u64>,
) -> Result<Command, HostError> {
    let room = Room { compiled: &unit.compiled, limit: &component.limit };
    let pools = Engines::new().make_room(&[room]).map_err(ProcessError::Engine)?;
    let spec = UnitSpec {
        name: unit.root.to_string(),
        printer: Printer::default(),
        account: Arc::default(),
        principals: vec![Principal {
            name: unit.root.to_string(),
            grant: component.grant.clone(),
            links: std::collections::BTreeMap::new(),
            streams: Some(streams),
            remedy: Remedy::Flags,
        }],
        imports: unit.imports.clone(),
        limit: component.limit.clone(),
    };
    Command::new(&pools, &unit.compiled, spec, fuel)
        .map_err(|error| problem(Code::Unit, error.to_string(), None).into())
}

/// A component of another world, with what it is for.
fn no_command(exports: &[String]) -> Problem {
    let answers = |export: &String| {
        matches!(EntryPoint::of(export), Some(EntryPoint::Http0_2 | EntryPoint::Http0_3))
    };
    let of_another_version = exports.iter().find_map(|export| {
        let (entry, wanted) = EntryPoint::of_another_version(export)?;
        (entry == EntryPoint::Command).then(|| format!("build it for `{wanted}`"))
    });
    let (exports, help) = match (exports, &of_another_version) {
        ([], _) => ("nothing".to_owned(), "a command exports `wasi:cli/run`"),
        (all, Some(help)) => (all.join(", "), help.as_str()),
        (all, None) if all.iter().any(answers) => {
            (all.join(", "), "it answers HTTP: serve it with `keyway up`")
        }
        (all, None) => (
            all.join(", "),
            "it is a library: link a component to it; `keyway inspect` shows what it exports",
        ),
    };
    let message = format!("this component is not a command: it exports {exports}");
    problem(Code::NoCommand, message, Some(help))
}
