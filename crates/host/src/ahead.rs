//! Builds projects, and compiles what was built for this machine, so that the first start of an app
//! finds it in the cache.
//!
//! It reports nothing that `keyway up` would refuse as an error: a component that is valid by itself
//! is built, whatever its app lacks.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use keyway_app::{App, Code, Grant, Limit, Problem, Source};
use keyway_build::{BuildError, Built, Job, Observer, build_all};
use keyway_component::guard::caught;
use keyway_runtime::Purpose;

use crate::{
    assembly::{
        open::{manifest_of, open, open_unfinished},
        prepare::Workshop,
        source::seen,
    },
    build::{built, toolbox},
    check::{ComponentPurpose, Outside},
    error::HostError,
    problem::problem,
};

/// Observes the builds, and the wait for the compiler after them.
pub trait BuildObserver: Observer {
    /// Everything is built, and the rest of it is compiled.
    fn compiling(&self);
}

/// What came of building and compiling.
#[derive(Debug)]
pub struct BuiltAhead {
    /// What came of each job, in order.
    pub built: Vec<Result<Built, BuildError>>,
    /// What came of compiling.
    pub compiled: CompiledAhead,
}

/// What came of compiling ahead.
#[derive(Debug)]
pub enum CompiledAhead {
    /// The cache had everything, or there is nothing that could be started.
    Nothing,
    /// Something was compiled, in this time.
    Compiled(Duration),
    /// The app would not start: there is at least one problem.
    Failed(Vec<Problem>),
}

/// Does the jobs of the app or project at `path`. With `ahead`, also compiles what the first `keyway up`
/// or `keyway run` would: a unit as soon as its components are built, while others still are.
///
/// # Errors
/// If the user has no cache folder.
pub fn build(
    path: &Path,
    jobs: &[Job],
    ahead: bool,
    observer: &dyn BuildObserver,
) -> Result<BuiltAhead, HostError> {
    let toolbox = toolbox()?;
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    if !ahead {
        let built = build_all(jobs, &toolbox, at_once, observer);
        return Ok(BuiltAhead { built, compiled: CompiledAhead::Nothing });
    }
    let (sender, done) = sync_channel(jobs.len());
    Ok(thread::scope(|scope| {
        let compiling = scope.spawn(move || compile_guarded(path, jobs, &done));
        let passing = Passing { observer, done: sender };
        let built = build_all(jobs, &toolbox, at_once, &passing);
        if built.iter().all(Result::is_ok) {
            observer.compiling();
        }
        drop(passing);
        let compiled = compiling.join().expect("panics are caught");
        BuiltAhead { built, compiled }
    }))
}

/// A job that is done, by its number, and whether its component is another one than before.
struct Done {
    job: usize,
    is_new: bool,
}

/// Passes on what an observer sees, and which jobs are done.
struct Passing<'a> {
    observer: &'a dyn BuildObserver,
    done: SyncSender<Done>,
}

impl Observer for Passing<'_> {
    fn begun(&self, number: usize) {
        self.observer.begun(number);
    }

    fn ended(&self, number: usize, result: &Result<Built, BuildError>) {
        self.observer.ended(number, result);
        if let Ok(built) = result {
            // Whoever compiles may have given up.
            let _ = self.done.send(Done { job: number, is_new: *built != Built::Fresh });
        }
    }
}

fn compile_guarded(path: &Path, jobs: &[Job], done: &Receiver<Done>) -> CompiledAhead {
    let compiled = caught(|| compile(path, jobs, done)).unwrap_or_else(|panic| {
        let message = format!("compiling failed: {}", panic.message);
        Err(vec![problem(Code::Panic, message, None)])
    });
    match compiled {
        Ok(None) => CompiledAhead::Nothing,
        Ok(Some(took)) => CompiledAhead::Compiled(took),
        Err(problems) => CompiledAhead::Failed(problems),
    }
}

/// Compiles while jobs end, and what is left then. Returns how long something was compiled.
fn compile(
    path: &Path,
    jobs: &[Job],
    done: &Receiver<Done>,
) -> Result<Option<Duration>, Vec<Problem>> {
    let (count, early) = compile_early(path, jobs, done);
    if count < jobs.len() {
        // What could not be built is reported, and the rest of its unit cannot be compiled.
        return Ok(early);
    }
    let Some((app, purpose)) = startable(path)? else { return Ok(early) };
    let Some(workshop) = workshop(purpose)? else { return Ok(early) };
    let late = timed(|| Ok(workshop.prepare_ahead(app)?.is_compiled()))?;
    Ok(match (early, late) {
        (None, None) => None,
        (early, late) => Some(early.unwrap_or_default() + late.unwrap_or_default()),
    })
}

/// Compiles units whose components are built while the app's other components are not. Returns how
/// many jobs were done. What is wrong with a unit is found again when the whole app is compiled.
fn compile_early(path: &Path, jobs: &[Job], done: &Receiver<Done>) -> (usize, Option<Duration>) {
    let mut waiting = match open_unfinished(path, None) {
        // A single unit waits for all jobs.
        Ok(app) if jobs.len() > 1 && app.unit_roots().len() > 1 => parts(&app, jobs),
        _ => Vec::new(),
    };
    let (mut count, mut took) = (0, None);
    for Done { job, is_new } in done {
        count += 1;
        let built = |part: &mut Part| {
            part.is_new |= part.missing.remove(&job) && is_new;
            part.missing.is_empty()
        };
        for Part { app, is_new, .. } in waiting.extract_if(.., built).collect::<Vec<_>>() {
            // The last one is compiled with the whole app.
            if !is_new || count == jobs.len() {
                continue;
            }
            if let Ok(Some(workshop)) = workshop(Purpose::Requests)
                && let Ok(Some(more)) = timed(|| workshop.compile_part(app))
            {
                *took.get_or_insert_default() += more;
            }
        }
    }
    (count, took)
}

/// A unit some of whose components are still to be built.
struct Part {
    /// The app, with nothing but this unit.
    app: App,
    missing: BTreeSet<usize>,
    /// Whether one of the components was built.
    is_new: bool,
}

fn parts(app: &App, jobs: &[Job]) -> Vec<Part> {
    let part = |root| {
        let app = app.of_root(root);
        let folders = app.components.values().filter_map(|component| {
            let Source::Path(path) = &component.source.value else { return None };
            seen(&app.folder, path).canonicalize().ok()
        });
        let folders: BTreeSet<_> = folders.collect();
        let numbers = jobs.iter().enumerate();
        let missing = numbers.filter(|(_, job)| folders.contains(&job.project.folder));
        let missing = missing.map(|(number, _)| number).collect();
        Part { app, missing, is_new: false }
    };
    app.unit_roots().into_iter().map(part).collect()
}

/// What a user would start of what is at `path`, and how. None if it is not to be started by itself.
fn startable(path: &Path) -> Result<Option<(App, Purpose)>, Vec<Problem>> {
    if !path.is_dir() || manifest_of(path).exists() {
        let app = open(path)?;
        // Without a trigger, `keyway up` serves nothing.
        return Ok((!app.is_idle()).then_some((app, Purpose::Requests)));
    }
    // The component of a project without a manifest.
    let file = built(path)?;
    let app = open(&file)?;
    let Some(component) = app.components.keys().next() else { return Ok(None) };
    let Outside { purpose, unlinked } = Outside::of(&app, component)?;
    Ok(match purpose {
        _ if !unlinked.is_empty() => None,
        None => Some((app, Purpose::Requests)),
        Some(ComponentPurpose::Command) => {
            // As `keyway run` has it without flags.
            let app = App::of_component("command", file, Grant::default(), Limit::default());
            let app = App { routes: Vec::new(), ..app };
            Some((app, Purpose::Command { timed: false, fuel: false }))
        }
        Some(_) => None,
    })
}

/// None if what is compiled cannot be kept, which that says in the log.
fn workshop(purpose: Purpose) -> Result<Option<Workshop>, Vec<Problem>> {
    let workshop = Workshop::open(purpose);
    let workshop = workshop.map_err(|error| HostError::from(error).into_problems())?;
    Ok(Some(workshop).filter(Workshop::keeps))
}

/// How long `work` took if it says that it was needed.
fn timed(
    work: impl FnOnce() -> Result<bool, Vec<Problem>>,
) -> Result<Option<Duration>, Vec<Problem>> {
    let began = Instant::now();
    Ok(work()?.then(|| began.elapsed()))
}
