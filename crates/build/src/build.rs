//! Building: from a project's sources to its component, if anything has changed.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use crate::{
    BuildError, Language, Project, Toolbox, World,
    check::mismatches,
    files::write_whole,
    note::{Note, hash_inputs},
};

/// How a component is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The world among those in `wit`; not needed if there is one.
    pub world: Option<String>,
    /// For speed, or for finding mistakes.
    pub profile: Profile,
    /// Whether compilers may colour what they say.
    pub color: bool,
}

/// What a component is built for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Small and fast.
    #[default]
    Release,
    /// With what a debugger and a stack trace need.
    Debug,
}

/// What came of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// Nothing has changed since the component was made.
    Fresh,
    /// The component was made.
    Made {
        /// What the compiler says beside: its warnings.
        said: String,
    },
}

/// One project to build.
#[derive(Debug, Clone)]
pub struct Job {
    /// The project.
    pub project: Project,
    /// How.
    pub options: Options,
}

/// What a language's compiler is given.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) project: &'a Project,
    pub(crate) options: &'a Options,
    /// An empty folder that is taken away afterwards.
    pub(crate) work: &'a Path,
}

/// What a language's compiler makes.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// A component, or a core module that can be made one.
    pub(crate) module: Vec<u8>,
    /// Warnings.
    pub(crate) said: String,
    /// Sources outside of the project's folder.
    pub(crate) elsewhere: BTreeSet<PathBuf>,
}

/// Builds the component of `project` if it is not there, or was made of something else.
///
/// The component is written whole: if this fails, the old one is as it was.
///
/// # Errors
/// If the sources, the WIT or the compiler are at fault.
pub fn build(project: &Project, options: &Options, toolbox: &Toolbox) -> Result<Built, BuildError> {
    let world = read_world(project, options)?;
    if let Some(world) = &world {
        refuse(project, world)?;
    }
    let version = version(project.language, toolbox)?;
    let how = format!("{:?} {:?}", options.world, options.profile);
    let with = [env!("CARGO_PKG_VERSION"), &version, &how];
    let old = Note::read(project);
    let elsewhere = old.as_ref().map(|note| note.elsewhere().clone()).unwrap_or_default();
    let inputs = hash_inputs(project, &elsewhere, &with)?;
    let output = project.component();
    if old.as_ref().is_some_and(|note| note.is_of(&inputs, &output)) {
        return Ok(Built::Fresh);
    }
    let own = project.own();
    fs::create_dir_all(&own).map_err(BuildError::written(&own))?;
    let work = tempfile::tempdir_in(&own).map_err(BuildError::written(&own))?;
    let task = Task { project, options, work: work.path() };
    let compiled = compile(&task, world.as_ref(), toolbox)?;
    let component = finish(project, world.as_ref(), &compiled.module)?;
    write_whole(&output, &component)?;
    // A first build may add a file of its own, as cargo does with Cargo.lock.
    let inputs = if old.is_some() && compiled.elsewhere == elsewhere {
        inputs
    } else {
        hash_inputs(project, &compiled.elsewhere, &with)?
    };
    Note::new(inputs, &component, compiled.elsewhere).write(project)?;
    Ok(Built::Made { said: compiled.said })
}

/// Rust brings its bindings itself, perhaps from elsewhere; without `wit` nothing is compared.
fn read_world(project: &Project, options: &Options) -> Result<Option<World>, BuildError> {
    let wit = project.wit();
    if project.language == Language::Rust && !wit.exists() {
        return Ok(None);
    }
    Ok(Some(World::read(&wit, options.world.as_deref())?))
}

fn refuse(project: &Project, world: &World) -> Result<(), BuildError> {
    project.language.can_build(world).map_err(|reason| BuildError::Project {
        language: project.language,
        folder: project.folder.clone(),
        reason: format!("has the world `{}`, which cannot be built: {reason}", world.name()),
    })
}

fn version(language: Language, toolbox: &Toolbox) -> Result<String, BuildError> {
    Ok(match language {
        Language::Rust => toolbox.rust()?.version().to_owned(),
        Language::C | Language::Cpp => toolbox.clang(language)?.version().to_owned(),
        Language::Go => toolbox.go()?.version().to_owned(),
        Language::Python => toolbox.python()?.version().to_owned(),
        Language::JavaScript | Language::TypeScript => toolbox.javascript(language)?.version(),
    })
}

fn compile(
    task: &Task<'_>,
    world: Option<&World>,
    toolbox: &Toolbox,
) -> Result<Compiled, BuildError> {
    let language = task.project.language;
    let Some(world) = world.filter(|_| language != Language::Rust) else {
        return toolbox.rust()?.compile(task);
    };
    match language {
        Language::Rust => toolbox.rust()?.compile(task),
        Language::C | Language::Cpp => toolbox.clang(language)?.compile(task, world),
        Language::Go => toolbox.go()?.compile(task, world),
        Language::Python => toolbox.python()?.compile(task, world),
        Language::JavaScript | Language::TypeScript => {
            toolbox.javascript(language)?.compile(task, world)
        }
    }
}

/// Makes a component of what the compiler made, and checks it.
fn finish(project: &Project, world: Option<&World>, module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let name = || project.name.clone();
    let component = keyway_component::adapt(module)
        .map_err(|error| BuildError::Component { project: name(), reason: error.to_string() })?
        .into_owned();
    if let Some(world) = world {
        let mismatches = mismatches(world, &component)
            .map_err(|reason| BuildError::Component { project: name(), reason })?;
        if !mismatches.is_empty() {
            return Err(BuildError::Mismatch { project: name(), mismatches });
        }
    }
    Ok(component)
}

/// What is told of each job of many: its beginning, then its end.
pub trait Observer: Sync {
    /// The job with this number begins.
    fn begun(&self, number: usize);
    /// The job with this number has ended.
    fn ended(&self, number: usize, result: &Result<Built, BuildError>);
}

/// Builds many projects, `at_once` at the same time, and returns what came of each, in order. One
/// that fails does not hold up the others.
pub fn build_all(
    jobs: &[Job],
    toolbox: &Toolbox,
    at_once: usize,
    observer: &dyn Observer,
) -> Vec<Result<Built, BuildError>> {
    let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..jobs.len()).collect());
    let next = || waiting.lock().expect("no job panics").pop_front();
    let work = || {
        let mut results = Vec::new();
        while let Some(number) = next() {
            observer.begun(number);
            let Job { project, options } = &jobs[number];
            let result = build(project, options, toolbox);
            observer.ended(number, &result);
            results.push((number, result));
        }
        results
    };
    let mut results = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..at_once.clamp(1, jobs.len().max(1))).map(|_| scope.spawn(work)).collect();
        let results = threads.into_iter().map(|thread| thread.join().expect("no job panics"));
        results.flatten().collect::<Vec<_>>()
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}
