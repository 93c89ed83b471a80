//! The programs that cargo makes of tests, run one by one.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use serde::Deserialize;

use crate::command::cargo;

/// How long no test of a program may end before those that run are given up.
const LONGEST_SILENCE: Duration = Duration::from_mins(10);

/// A program with tests.
#[derive(Debug)]
pub(super) struct Binary {
    /// The test file's name, or the package's for the tests within it.
    pub(super) name: String,
    package: String,
    program: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

/// What came of a binary's tests.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) tests: Vec<Test>,
    /// Tests that have begun and not ended.
    running: Vec<String>,
    pub(super) skipped: usize,
    pub(super) took: Duration,
}

/// A test that ran.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) passed: bool,
    pub(super) took: Duration,
}

/// A line of the test harness's output, of which only this much matters.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    event: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    exec_time: f64,
    #[serde(default)]
    stdout: String,
}

/// Builds all tests of the workspace.
pub(super) fn build(root: &Path) -> Result<Vec<Binary>> {
    let mut command = cargo(root);
    command.args(["test", "--workspace", "--no-run"]);
    command.arg("--message-format=json-render-diagnostics");
    let output = command.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("the tests cannot be built");
    }
    let mut binaries = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        let Some(program) = artifact.executable.filter(|_| artifact.profile.test) else { continue };
        let folder = artifact.manifest_path.parent().context("a manifest lies in a folder")?;
        let package = folder.file_name().unwrap_or_default().to_owned();
        binaries.push(Binary {
            name: if artifact.target.is_test() { artifact.target.name } else { package.clone() },
            package,
            program: program.into(),
            folder: folder.to_owned().into(),
        });
    }
    binaries.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    Ok(binaries)
}

impl Binary {
    /// Whether a user means it, or the package that it is of.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let package = match name {
            "keyway" => "cli",
            name => name.strip_prefix("keyway-").unwrap_or(name),
        };
        name == self.name || package == self.package
    }

    /// Runs the tests whose names contain one of `filters`, or all. What failing ones printed is
    /// printed.
    pub(super) fn run(&self, filters: &[String], threads: Option<usize>) -> Result<Outcome> {
        let began = Instant::now();
        let mut command = Command::new(&self.program);
        command
            .args(["-Zunstable-options", "--format=json", "--report-time"])
            .args(threads.map(|threads| format!("--test-threads={threads}")))
            .args(filters)
            // The test harness counts JSON and times among what may change.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .current_dir(&self.folder)
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("a test cannot be started")?;
        let stdout = child.stdout.take().context("a test has no output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stdout).lines().try_for_each(|line| sender.send(line))
        });
        let mut outcome = Outcome::default();
        loop {
            match lines.recv_timeout(LONGEST_SILENCE) {
                Ok(line) => self.read(&line?, &mut outcome)?,
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    break;
                }
            }
        }
        let status = child.wait()?;
        outcome.took = began.elapsed();
        for name in std::mem::take(&mut outcome.running) {
            println!("\nFAILED {}: {name} did not end", self.name);
            outcome.tests.push(Test { name, passed: false, took: outcome.took });
        }
        if !status.success() && outcome.tests.iter().all(|test| test.passed) {
            // It ended before it could say what failed.
            let name = format!("ended early ({status})");
            outcome.tests.push(Test { name, passed: false, took: outcome.took });
        }
        Ok(outcome)
    }

    fn read(&self, line: &str, outcome: &mut Outcome) -> Result<()> {
        let Ok(event) = serde_json::from_str::<Event>(line) else {
            // What a test's own children print.
            println!("{line}");
            return Ok(());
        };
        match (event.kind.as_str(), event.event.as_str()) {
            ("test", "started") => outcome.running.push(event.name),
            ("test", "ok") => outcome.add(event, true),
            ("test", "failed") => {
                println!("\nFAILED {}: {}\n{}", self.name, event.name, event.stdout);
                std::io::stdout().flush()?;
                outcome.add(event, false);
            }
            ("test", "ignored") => {
                outcome.running.retain(|name| *name != event.name);
                outcome.skipped += 1;
            }
            ("test", "timeout") => {
                println!("{}: {} has run for a minute", self.name, event.name);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Outcome {
    fn add(&mut self, event: Event, passed: bool) {
        self.running.retain(|name| *name != event.name);
        let took = Duration::try_from_secs_f64(event.exec_time).unwrap_or_default();
        self.tests.push(Test { name: event.name, passed, took });
    }
}
