//! Building: from a project's sources to its component, if anything has changed.

use std::{
    collections::{BTreeSet, VecDeque},
    path::PathBuf,
    sync::Mutex,
    thread,
    time::{Duration, SystemTime},
};

use keyway_component::guard::caught;

use crate::{
    BuildError, Language, Project, Toolbox, World,
    check::mismatches,
    files::put,
    guard::unencodable,
    note::{Inputs, Note},
    task::{Compiled, Options, Stopwatch, Task},
    toolchain::{lack, rust},
    workplace::Workplace,
};

/// What came of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// Nothing has changed since the component was made.
    Fresh,
    /// The component was made.
    Made {
        /// What the compiler says beside: its warnings.
        said: String,
        /// How long compilers ran; where several did at the same time, the sum.
        compilers: Duration,
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

/// Builds the component of `project` if it is not there, or was made of something else. Waits while
/// another build of it runs.
///
/// The component is written whole: if this fails, the old one is as it was.
///
/// # Errors
/// If the sources, the WIT or the compiler are at fault.
pub fn build(project: &Project, options: &Options, toolbox: &Toolbox) -> Result<Built, BuildError> {
    // A host may build while it serves: it does not end with somebody else's code.
    caught(|| build_unguarded(project, options, toolbox)).unwrap_or_else(|panic| {
        let (language, folder) = (project.language, project.folder.clone());
        Err(BuildError::Panic { language, folder, said: panic.message })
    })
}

fn build_unguarded(
    project: &Project,
    options: &Options,
    toolbox: &Toolbox,
) -> Result<Built, BuildError> {
    // Errors in the WIT are reported before missing tools.
    read_world(project, options)?;
    let version = version(project.language, toolbox)?;
    let how = format!("{:?} {:?} {:?}", options.world, options.profile, options.features);
    let with = [env!("CARGO_PKG_VERSION"), &version, &how];
    if unbuilt(project, &with)?.is_none() {
        return Ok(Built::Fresh);
    }
    let workplace = Workplace::open(project)?;
    let began = SystemTime::now();
    // Another build may have finished in the meantime.
    let Some(before) = unbuilt(project, &with)? else { return Ok(Built::Fresh) };
    let world = read_world(project, options)?;
    if let Some((world, reason)) = world.as_ref().and_then(|w| Some((w, unencodable(w)?))) {
        return Err(BuildError::world(project, world, &reason));
    }
    let task = Task { project, options, work: workplace.folder(), compilers: Stopwatch::default() };
    let compiled = compile(&task, world.as_ref(), toolbox)?;
    let component = finish(project, world.as_ref(), &compiled.module)?;
    put(&project.component(), &component, task.work)?;
    let after = Inputs::read(project, elsewhere(project, &compiled.used), &with)?;
    // A change that was saved during the build may not be in it: without a note the next one
    // builds again.
    if before.are_those_of(&after, began) {
        Note::new(&after, &component).write(project, task.work)?;
    }
    Ok(Built::Made { said: compiled.said, compilers: task.compilers.sum() })
}

/// What the component is to be made of; none if it was.
fn unbuilt(project: &Project, with: &[&str]) -> Result<Option<Inputs>, BuildError> {
    let Some(note) = Note::read(project) else {
        return Inputs::read(project, BTreeSet::new(), with).map(Some);
    };
    let is_of = |inputs: &Inputs| note.is_of(inputs, &project.component());
    let inputs = Inputs::read(project, note.elsewhere().clone(), with)?;
    Ok(Some(inputs).filter(|inputs| !is_of(inputs)))
}

/// The files among those that a compiler has read which are sources.
fn elsewhere(project: &Project, used: &[PathBuf]) -> BTreeSet<PathBuf> {
    let whole = used.iter().filter_map(|path| project.folder.join(path).canonicalize().ok());
    whole.filter(|path| path.is_file() && !project.is_made(path)).collect()
}

/// The world that is built. Rust brings its bindings itself, perhaps from elsewhere; without `wit`
/// nothing is compared.
fn read_world(project: &Project, options: &Options) -> Result<Option<World>, BuildError> {
    let wit = project.wit();
    if project.language == Language::Rust && !wit.exists() {
        return Ok(None);
    }
    let features = options.features.and_those_of(&project.folder);
    let features = features.map_err(|reason| BuildError::Project {
        language: project.language,
        folder: project.folder.clone(),
        reason,
    })?;
    let world = World::read(&wit, options.world.as_deref(), &features)?;
    let lacking = lack::of(project.language, &world).or_else(|| {
        let is_known = project.language == Language::Rust && rust::has_known_bindings(project);
        is_known.then(|| lack::rust::names(&world)).flatten()
    });
    lacking
        .map_or(Ok(Some(world.clone())), |reason| Err(BuildError::world(project, &world, &reason)))
}

fn version(language: Language, toolbox: &Toolbox) -> Result<String, BuildError> {
    Ok(match language {
        Language::Rust => toolbox.rust()?.version().to_owned(),
        Language::C | Language::Cpp => toolbox.clang(language)?.version().to_owned(),
        Language::Go => toolbox.go()?.version().to_owned(),
        Language::Python => toolbox.python()?.version(),
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
    let component = keyway_component::adapt_lending(module)
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

/// Observes each job of many: its beginning, then its end.
pub trait Observer: Sync {
    /// The job with this number begins.
    fn begun(&self, number: usize);
    /// The job with this number has ended.
    fn ended(&self, number: usize, result: &Result<Built, BuildError>);
}

/// Builds many projects, `at_once` at the same time, and returns what came of each, in order. A
/// failed one does not hold up the rest.
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
