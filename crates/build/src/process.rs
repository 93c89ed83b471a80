//! Runs compilers, and keeps what they say.

use std::{
    env,
    ffi::OsStr,
    io,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{BuildError, Project};

/// Runs `command` in the project's folder to its end, and returns all that it wrote, standard
/// output last. `tool` is how a user knows it.
pub(crate) fn compile(
    tool: &str,
    project: &Project,
    command: &mut Command,
) -> Result<String, BuildError> {
    let output = run(command.current_dir(&project.folder))?;
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stdout));
    if output.status.success() {
        return Ok(said);
    }
    if said.trim().is_empty() {
        said = format!("it ended with {} and says nothing", output.status);
    }
    let output = said.trim_end().to_owned();
    Err(BuildError::Compiler { tool: tool.to_owned(), project: project.name.clone(), output })
}

/// Runs `command` to its end. It has nothing to read.
pub(crate) fn run(command: &mut Command) -> Result<std::process::Output, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    output.map_err(|error| BuildError::Start { program, error })
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
