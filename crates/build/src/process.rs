//! Runs compilers, and captures their output.

use std::{
    env,
    ffi::OsStr,
    io,
    path::PathBuf,
    process::{Command, ExitStatus, Output, Stdio},
    time::Instant,
};

use crate::{BuildError, Project, SetUpError, task::Task};

/// What a compiler that came to its end has written.
#[derive(Debug)]
pub(crate) struct Written {
    /// For programs.
    pub(crate) output: String,
    /// For people.
    pub(crate) said: String,
}

/// Runs `command` in the project's folder to its end, and returns all that it said, standard output
/// last. `tool` is how a user knows it.
pub(crate) fn compile(
    tool: &str,
    task: &Task<'_>,
    command: &mut Command,
) -> Result<String, BuildError> {
    let output = timed(task, command)?;
    let project = task.project;
    let said = [output.stderr.as_slice(), &output.stdout].concat();
    ended(tool, project, output.status, text(&said))
}

/// The same for a compiler whose standard output is for programs alone.
pub(crate) fn compile_and_read(
    tool: &str,
    task: &Task<'_>,
    command: &mut Command,
) -> Result<Written, BuildError> {
    let output = timed(task, command)?;
    let project = task.project;
    let said = ended(tool, project, output.status, text(&output.stderr))?;
    Ok(Written { output: text(&output.stdout), said })
}

fn timed(task: &Task<'_>, command: &mut Command) -> Result<Output, BuildError> {
    let begun = Instant::now();
    let output = run(command.current_dir(&task.project.folder));
    task.compilers.add(begun.elapsed());
    output
}

fn ended(
    tool: &str,
    project: &Project,
    status: ExitStatus,
    said: String,
) -> Result<String, BuildError> {
    if status.success() {
        return Ok(said);
    }
    let output = match said.trim_end() {
        "" => format!("it ended with {status} and printed nothing"),
        said => said.to_owned(),
    };
    Err(BuildError::Compiler { tool: tool.to_owned(), project: project.name.clone(), output })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `command` to its end. It has nothing to read.
pub(crate) fn run(command: &mut Command) -> Result<Output, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    output.map_err(|error| BuildError::Start { program, error })
}

/// Runs a step of a set-up to its end. Its output is shown if it fails.
pub(crate) fn set_up_by(mut command: Command) -> Result<(), SetUpError> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let step = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| SetUpError::Step {
        step: step.clone(),
        reason: format!("it cannot be started: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let reason = match String::from_utf8_lossy(&output.stderr).trim() {
        "" => format!("it ended with {}", output.status),
        said => said.to_owned(),
    };
    Err(SetUpError::Step { step, reason })
}

/// What a program says on standard output, in one line; none if it is not there or fails.
pub(crate) fn ask(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let command = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = command.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(|line| line.trim().to_owned())
}

/// The first program of this name on the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(is_program)
}

fn is_program(file: &PathBuf) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let about: io::Result<_> = std::fs::metadata(file);
    about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}
