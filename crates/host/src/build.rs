//! Which projects an app's components are built from.

use std::path::{Path, PathBuf};

use keyway_app::{App, Code, Component, Problem, Source};
use keyway_build::{BuildError, Job, Options, Project, Toolbox, component_file};

use crate::{
    assembly::{
        open::{manifest_of, open_unfinished},
        prepare::cache_folder,
        source::seen,
    },
    error::HostError,
    problem::problem,
};

/// The compilers of this machine, with Keyway's own among them.
///
/// # Errors
/// If the user has no cache folder.
pub fn toolbox() -> Result<Toolbox, HostError> {
    Ok(Toolbox::new(cache_folder()?))
}

/// What is to be built at `path`: the folder of one project, or an app, of which it is each
/// component whose source is a folder. A world that the manifest names goes before that of
/// `options`.
///
/// # Errors
/// If there is no app and no project.
pub fn jobs(path: &Path, options: &Options) -> Result<Vec<Job>, Vec<Problem>> {
    if path.is_dir() && !manifest_of(path).exists() {
        let project = Project::open(path).map_err(|error| {
            let help = "name the folder of an app or of a component's project";
            vec![problem(Code::NoProject, error.to_string(), Some(help))]
        })?;
        return Ok(vec![Job { project, options: options.clone() }]);
    }
    jobs_of(&open_unfinished(path, None)?, options)
}

/// What `path` means for commands that inspect components: the component of a project's folder
/// without a manifest, or `path` itself.
///
/// # Errors
/// If the project is not built.
pub(crate) fn built(path: &Path) -> Result<PathBuf, Vec<Problem>> {
    if !path.is_dir() || manifest_of(path).exists() {
        return Ok(path.to_owned());
    }
    let component = component_file(path);
    if component.is_file() {
        return Ok(component);
    }
    if Project::open(path).is_err() {
        return Ok(path.to_owned());
    }
    let message = format!(
        "the project in {} is not built: there is no {}",
        path.display(),
        component.display()
    );
    let help = format!("run `keyway build {}`", path.display());
    Err(vec![problem(Code::NotBuilt, message, Some(&help))])
}

/// The same as [`jobs`] of an app that is open.
pub(crate) fn jobs_of(app: &App, options: &Options) -> Result<Vec<Job>, Vec<Problem>> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut problems = Vec::new();
    for component in app.components.values() {
        match job(app, component, options) {
            Ok(Some(job)) => {
                let same = jobs.iter().find(|known| known.project.folder == job.project.folder);
                match same {
                    None => jobs.push(job),
                    // Two components may be made of the same folder.
                    Some(known) if known.options == job.options => {}
                    Some(known) => problems.push(two_worlds(component, known, &job)),
                }
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(jobs) } else { Err(problems) }
}

/// None for a component that is a file, or is in a folder without a project.
fn job(app: &App, component: &Component, options: &Options) -> Result<Option<Job>, Problem> {
    let Source::Path(path) = &component.source.value else { return Ok(None) };
    let folder = seen(&app.folder, path);
    if folder.is_file() || folder.extension().is_some_and(|ending| ending == "wasm") {
        return Ok(None);
    }
    let project = match Project::open(&folder) {
        Ok(project) => project,
        Err(_) if component_file(&folder).is_file() => return Ok(None),
        Err(error) => {
            return Err(Problem {
                place: component.source.place.clone(),
                ..problem(Code::NoProject, format!("`{}`: {error}", component.name), None)
            });
        }
    };
    let world = component.world.clone().or_else(|| options.world.clone());
    Ok(Some(Job { project, options: Options { world, ..options.clone() } }))
}

/// One folder is built into one file.
fn two_worlds(component: &Component, known: &Job, job: &Job) -> Problem {
    let world = |job: &Job| match &job.options.world {
        Some(world) => format!("the world `{world}`"),
        None => "the only world".to_owned(),
    };
    let message = format!(
        "`{}` is built from a folder that already builds another component, from {} and not from {}",
        component.name,
        world(known),
        world(job)
    );
    let help = "give each world a folder of its own, or both components the same `build.world`";
    Problem {
        place: component.source.place.clone(),
        ..problem(Code::TwoWorlds, message, Some(help))
    }
}

/// A build's error as a problem, without what a compiler said.
pub fn problem_of(error: &BuildError) -> Problem {
    problem(code(error), error.to_string(), error.help().as_deref())
}

fn code(error: &BuildError) -> Code {
    match error {
        BuildError::Wit(_) => Code::Wit,
        BuildError::Missing(_) => Code::NoCompiler,
        BuildError::Compiler { .. } => Code::Compiler,
        BuildError::Project { .. } => Code::Project,
        BuildError::Component { .. } => Code::Component,
        BuildError::Mismatch { .. } => Code::Mismatch,
        BuildError::Panic { .. } => Code::Panic,
        BuildError::File { .. } => Code::File,
        BuildError::Start { .. } => Code::Start,
    }
}
