//! `keyway build`: from sources to components.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use keyway_build::{BuildError, Built, Job, Observer, Options, Profile, build_all};

use keyway_host::HostError;

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
    #[command(flatten)]
    features: feature::FeatureArguments,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let profile = if arguments.debug { Profile::Debug } else { Profile::Release };
    let (world, features) = (arguments.world.clone(), arguments.features.chosen());
    let options = Options { world, features, profile, color: false };
    if build_at(&arguments.path, &options) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Builds what has changed at `path`, and reports it. Returns whether everything was built.
pub(crate) fn build_at(path: &Path, options: &Options) -> bool {
    let is_terminal = std::io::stderr().is_terminal();
    let color = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let options = Options { color, ..options.clone() };
    let jobs = keyway_host::jobs(path, &options).map_err(HostError::from);
    let ready = jobs.and_then(|jobs| Ok((jobs, keyway_host::toolbox()?)));
    let (jobs, toolbox) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            report::print_error(error);
            return false;
        }
    };
    if jobs.is_empty() {
        tell("Nothing to build: no component's source is a project folder.\n");
        return true;
    }
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let progress = Progress::new(&jobs, is_terminal);
    let results = build_all(&jobs, &toolbox, at_once, &progress);
    let failed: Vec<&BuildError> =
        results.iter().filter_map(|result| result.as_ref().err()).collect();
    for error in &failed {
        print_error(error);
    }
    if failed.len() > 1 {
        tell(&format!("{} of {} components cannot be built.\n", failed.len(), jobs.len()));
    }
    failed.is_empty()
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
}

impl<'a> Progress<'a> {
    fn new(jobs: &'a [Job], is_terminal: bool) -> Self {
        let running = jobs.iter().map(|_| Mutex::default()).collect();
        Self { jobs, bars: is_terminal.then(MultiProgress::new), running }
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
        let bar = self.bars.as_ref().map(|bars| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(format!("Building {} ({})", project.name, project.language));
            bar.enable_steady_tick(DRAW_EVERY);
            bar
        });
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
