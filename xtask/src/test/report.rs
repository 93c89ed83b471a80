//! What a run of tests came to.

use std::{
    cmp::Reverse,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{
    binary::{Binary, Outcome},
    seconds,
};

/// How many of the slowest are printed.
const SLOWEST: usize = 10;

/// What was done, and how long each part took.
#[derive(Debug, Default)]
pub(super) struct Report {
    steps: Vec<(String, Duration)>,
    /// Every test with its file.
    tests: Vec<(String, Duration)>,
    failed: Vec<String>,
    skipped: usize,
}

impl Report {
    /// Does a step of the set-up.
    pub(super) fn step<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let result = step();
        self.steps.push((format!("set-up: {name}"), began.elapsed()));
        result
    }

    /// Adds what a binary's tests came to, and prints it.
    pub(super) fn add(&mut self, binary: &Binary, outcome: Outcome) {
        let failed = outcome.tests.iter().filter(|test| !test.passed).count();
        let passed = outcome.tests.len() - failed;
        if passed + failed > 0 {
            let took = seconds(outcome.took);
            println!("{}: {passed} passed, {failed} failed, {took}", binary.name);
        }
        self.skipped += outcome.skipped;
        for test in outcome.tests {
            self.add_one(&format!("{}: {}", binary.name, test.name), test.passed, test.took);
        }
    }

    /// Adds a test.
    pub(super) fn add_one(&mut self, name: &str, passed: bool, took: Duration) {
        if !passed {
            self.failed.push(name.to_owned());
        }
        self.tests.push((name.to_owned(), took));
    }

    pub(super) fn passed(&self) -> usize {
        self.tests.len() - self.failed.len()
    }

    pub(super) fn failed(&self) -> usize {
        self.failed.len()
    }

    /// Prints what took longest, what failed, and last a line that sums the run up.
    pub(super) fn print(&self, took: Duration) {
        for (title, of) in [("set-ups", &self.steps), ("tests", &self.tests)] {
            let mut slowest: Vec<_> = of.iter().collect();
            slowest.sort_by_key(|(_, took)| Reverse(*took));
            println!("\nThe slowest {title}:");
            for (name, took) in slowest.into_iter().take(SLOWEST) {
                println!("{:>12}  {name}", seconds(*took));
            }
        }
        if !self.failed.is_empty() {
            println!("\nFailed:");
            for name in &self.failed {
                println!("  {name}");
            }
        }
        println!("\nThe run took {}.", seconds(took));
        println!("{} passed, {} failed, {} skipped", self.passed(), self.failed(), self.skipped);
    }
}
