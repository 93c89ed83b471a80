//! `keyway build`: from sources to components.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use keyway_build::{BuildError, Built, Job, Observer, Options, Profile};
use keyway_host::{BuildObserver, BuiltAhead, CompiledAhead, ProblemReport};

use crate::{
    feature,
    report::{self, tell},
};

/// How often a line that says what is built is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// The arguments of `keyway build`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// App folder, manifest, or the folder of one project.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// WIT world to build, if the project has several.
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// Build without optimising, with names and line numbers.
    #[arg(long)]
    debug: bool,
    /// Do not compile for this machine; the first start does.
    #[arg(long)]
    no_native: bool,
    #[command(flatten)]
    features: feature::FeatureArguments,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let profile = if arguments.debug { Profile::Debug } else { Profile::Release };
    let (world, features) = (arguments.world.clone(), arguments.features.chosen());
    let options = Options { world, features, profile, color: false };
    match build_at(&arguments.path, &options, !arguments.no_native) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Builds what has changed at `path`, and reports it; with `ahead`, also compiles what a first start
/// would. Returns whether everything was built.
pub(crate) fn build_at(path: &Path, options: &Options, ahead: bool) -> bool {
    let is_terminal = std::io::stderr().is_terminal();
    let color = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let options = Options { color, ..options.clone() };
    let jobs = match keyway_host::jobs(path, &options) {
        Ok(jobs) => jobs,
        Err(problems) => {
            report::print(&problems);
            return false;
        }
    };
    if jobs.is_empty() {
        tell("Nothing to build: no component's source is a project folder.\n");
    }
    let progress = Progress::new(&jobs, is_terminal);
    let done = keyway_host::build(path, &jobs, ahead, &progress);
    let BuiltAhead { built: results, compiled } = match done {
        Ok(done) => done,
        Err(error) => {
            report::print_error(error);
            return false;
        }
    };
    progress.compiled();
    let failed: Vec<&BuildError> =
        results.iter().filter_map(|result| result.as_ref().err()).collect();
    for error in &failed {
        print_error(error);
    }
    if failed.len() > 1 {
        tell(&format!("{} of {} components cannot be built.\n", failed.len(), jobs.len()));
    }
    tell_compiled(&compiled);
    failed.is_empty()
}

/// The components are built, whether they can be started as they are or not.
fn tell_compiled(compiled: &CompiledAhead) {
    match compiled {
        CompiledAhead::Nothing => {}
        CompiledAhead::Compiled(took) => {
            tell(&format!("Compiled for this machine ({:.1} s).\n", took.as_secs_f64()));
        }
        CompiledAhead::Failed(problems) => {
            let [first, others @ ..] = problems.as_slice() else { return };
            let first = ProblemReport::from(first).message;
            let others = match others.len() {
                0 => String::new(),
                1 => " `keyway check` reports one more problem.".to_owned(),
                more => format!(" `keyway check` reports {more} more problems."),
            };
            tell(&format!("Not compiled for this machine: {first}.{others}\n"));
        }
    }
}

/// Prints the compiler's own output, then the error in Keyway's words.
pub(crate) fn print_error(error: &BuildError) {
    if let Some(details) = error.details() {
        tell(&format!("{details}\n"));
    }
    report::print(&[keyway_host::problem_of(error)]);
}

/// When a job began, and its line on a terminal.
type Begun = (Instant, Option<ProgressBar>);

/// Shows progress: moving lines on a terminal, otherwise one line for each finished component.
#[derive(Debug)]
struct Progress<'a> {
    jobs: &'a [Job],
    bars: Option<MultiProgress>,
    running: Vec<Mutex<Option<Begun>>>,
    compiling: Mutex<Option<ProgressBar>>,
}

impl<'a> Progress<'a> {
    fn new(jobs: &'a [Job], is_terminal: bool) -> Self {
        let running = jobs.iter().map(|_| Mutex::default()).collect();
        let bars = is_terminal.then(MultiProgress::new);
        Self { jobs, bars, running, compiling: Mutex::default() }
    }

    /// A moving line on a terminal.
    fn line(&self, message: String) -> Option<ProgressBar> {
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        let bar = self.bars.as_ref()?.add(ProgressBar::new_spinner());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(message);
        bar.enable_steady_tick(DRAW_EVERY);
        Some(bar)
    }

    /// Takes away the line that says that compiling goes on.
    fn compiled(&self) {
        if let Some(bar) = self.compiling.lock().expect("nobody panics with it").take() {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bars {
            // A terminal that cannot be written must not stop the build.
            Some(bars) => drop(bars.println(line)),
            None => tell(&format!("{line}\n")),
        }
    }
}

impl Observer for Progress<'_> {
    fn begun(&self, number: usize) {
        let project = &self.jobs[number].project;
        let bar = self.line(format!("Building {} ({})", project.name, project.language));
        *self.running[number].lock().expect("nobody panics with it") = Some((Instant::now(), bar));
    }

    fn ended(&self, number: usize, result: &Result<Built, BuildError>) {
        let taken = self.running[number].lock().expect("nobody panics with it").take();
        let Some((begun, bar)) = taken else { return };
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let project = &self.jobs[number].project;
        let took = begun.elapsed().as_secs_f64();
        match result {
            Ok(Built::Fresh) => self.say(&format!("{} is up to date.", project.name)),
            Ok(Built::Made { said, .. }) => {
                if !said.trim().is_empty() {
                    self.say(said.trim_end());
                }
                self.say(&format!(
                    "{} is built ({}, {took:.1} s).",
                    project.name, project.language
                ));
            }
            Err(_) => self.say(&format!("{} cannot be built.", project.name)),
        }
    }
}

impl BuildObserver for Progress<'_> {
    fn compiling(&self) {
        let bar = self.line("Compiling for this machine".to_owned());
        *self.compiling.lock().expect("nobody panics with it") = bar;
    }
}
