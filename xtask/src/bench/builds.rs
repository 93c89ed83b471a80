//! `cargo xtask builds`: how long a new user waits in each language, from `keyway new` to the first
//! response, and how much Keyway adds to the compiler's time when a line has changed.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use keyway_build::{Built, Language, Options, Project, Toolbox, build};
use serde::Serialize;

use super::{
    measure::{Running, Server},
    report::machine,
};
use crate::{command::run as run_command, guest, setup};

/// How often.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure this program instead of building a release first.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    machine: String,
    rounds: usize,
    rows: Vec<Row>,
}

/// In seconds.
#[derive(Serialize)]
struct Row {
    language: String,
    first_answer: f64,
    second_build: f64,
    /// Of the second build, what is not the compiler's.
    beside_compiler: f64,
}

/// Measures, prints a table and writes it under `bench/results/`.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let toolbox = setup::toolbox(&Language::ALL)?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => guest::build_program(root, "release")?,
    };
    let mut rows = Vec::new();
    for language in Language::ALL {
        eprintln!("{language}");
        // The first fills caches, as of Rust's dependencies.
        newcomer(&program, language, &toolbox)?;
        let rounds: Vec<_> = (0..arguments.rounds.max(1))
            .map(|_| newcomer(&program, language, &toolbox))
            .collect::<Result<_>>()?;
        rows.push(Row {
            language: language.to_string(),
            first_answer: median(rounds.iter().map(|times| times.first_answer)),
            second_build: median(rounds.iter().map(|times| times.second_build)),
            beside_compiler: median(rounds.iter().map(Times::beside_compiler)),
        });
    }
    let report = Report { machine: machine(), rounds: arguments.rounds, rows };
    write(&root.join("bench/results"), &report)
}

struct Times {
    first_answer: Duration,
    second_build: Duration,
    compilers: Duration,
}

impl Times {
    fn beside_compiler(&self) -> Duration {
        self.second_build.saturating_sub(self.compilers)
    }
}

/// Does what a new user does.
fn newcomer(program: &Path, language: Language, toolbox: &Toolbox) -> Result<Times> {
    let folder = tempfile::tempdir()?;
    let keyway = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).env_remove("CARGO_TARGET_DIR");
        run_command(&mut command)
    };
    let begun = Instant::now();
    keyway(&["new", "first", "--lang", language.key(), "--kind", "http"])?;
    keyway(&["build", "first"])?;
    let path = folder.path().join("first");
    let running = Running::start(&Server::Keyway { program: program.to_owned(), path })?;
    let answer = keyway_testing::get(running.address, "/").body;
    let first_answer = begun.elapsed();
    if answer != "Hello, world!\n" {
        bail!("{language} answers {answer:?}");
    }
    drop(running);

    let project = Project::open(&folder.path().join("first"))?;
    change(&project.folder)?;
    let begun = Instant::now();
    let built = build(&project, &Options::default(), toolbox)?;
    let second_build = begun.elapsed();
    let Built::Made { compilers, .. } = built else { bail!("{language} sees no change") };
    Ok(Times { first_answer, second_build, compilers })
}

/// Changes one line, wherever the greeting is.
fn change(folder: &Path) -> Result<()> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let is_made = ["target", "bindings", ".keyway"].iter().any(|made| path.ends_with(made));
            if path.is_dir() && !is_made {
                open.push(path);
            } else if path.file_stem().is_some_and(|stem| stem == "greeting")
                && let Ok(text) = fs::read_to_string(&path)
                && text.contains("Hello, ")
            {
                return Ok(fs::write(&path, text.replace("Hello, ", "Good day, "))?);
            }
        }
    }
    None.with_context(|| format!("{} has no greeting", folder.display()))
}

fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    let mut text = String::new();
    writeln!(text, "# New projects\n")?;
    writeln!(
        text,
        "{}. Seconds, medians of {} rounds, with the language's tools installed and warm. First\n\
         response: from `keyway new` through `build` and `up` to the first response. Second build:\n\
         `keyway build` after one line has changed. Overhead: the part of that not spent in the compiler.\n",
        report.machine, report.rounds
    )?;
    writeln!(text, "| language | first response | second build | overhead |")?;
    writeln!(text, "| --- | ---: | ---: | ---: |")?;
    for Row { language, first_answer, second_build, beside_compiler } in &report.rows {
        writeln!(
            text,
            "| {language} | {first_answer:.1} | {second_build:.2} | {beside_compiler:.2} |"
        )?;
    }
    println!("{text}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("builds.md"), &text)?;
    fs::write(folder.join("builds.json"), serde_json::to_string_pretty(report)? + "\n")?;
    Ok(())
}
