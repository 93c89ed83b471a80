//! Which projects an app's components are built from.

use std::path::Path;

use keyway_app::{App, Component, Problem, Source};
use keyway_build::{BuildError, Job, Options, Project, Toolbox};

use crate::{
    open::{manifest_of, open_unfinished},
    prepare::cache_folder,
    problem::problem,
};

/// The compilers of this machine, with Keyway's own among them.
///
/// # Errors
/// If the user has no cache folder.
pub fn toolbox() -> Result<Toolbox, Vec<Problem>> {
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
            let help = "give the folder of an app or of a component's project";
            vec![problem("no-project", error.to_string(), Some(help))]
        })?;
        return Ok(vec![Job { project, options: options.clone() }]);
    }
    jobs_of(&open_unfinished(path, None)?, options)
}

/// The same of an app that is open.
pub(crate) fn jobs_of(app: &App, options: &Options) -> Result<Vec<Job>, Vec<Problem>> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut problems = Vec::new();
    for component in app.components.values() {
        match job(app, component, options) {
            Ok(Some(job)) => {
                // Two components may be made of the same folder.
                if !jobs.iter().any(|known| known.project.folder == job.project.folder) {
                    jobs.push(job);
                }
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(jobs) } else { Err(problems) }
}

/// None for a component that comes as a file, or lies in a folder without a project.
fn job(app: &App, component: &Component, options: &Options) -> Result<Option<Job>, Problem> {
    let Source::Path(path) = &component.source.value else { return Ok(None) };
    let folder = app.folder.join(path);
    if folder.is_file() || folder.extension().is_some_and(|ending| ending == "wasm") {
        return Ok(None);
    }
    let project = match Project::open(&folder) {
        Ok(project) => project,
        Err(_) if keyway_build::component_file(&folder).is_file() => return Ok(None),
        Err(error) => {
            return Err(Problem {
                place: component.source.place.clone(),
                ..problem("no-project", format!("`{}`: {error}", component.name), None)
            });
        }
    };
    let world = component.world.clone().or_else(|| options.world.clone());
    Ok(Some(Job { project, options: Options { world, ..options.clone() } }))
}

/// A build's error as a problem, without what a compiler said.
pub fn problem_of(error: &BuildError) -> Problem {
    problem(error.code(), error.to_string(), error.help().as_deref())
}
