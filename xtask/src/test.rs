//! `cargo xtask test`: all tests or some, and at the end what took longest and a line that says how it
//! went.

mod binary;
mod report;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use cargo_metadata::MetadataCommand;

use crate::{
    command::{cargo, run, target},
    dist, guest, server, setup,
};
use binary::Binary;
use keyway_build::Language;
use report::Report;

/// Which tests to run, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Test files (`up`), packages (`keyway-app`, `app`) or parts of tests' names; all tests if
    /// none is given.
    names: Vec<String>,
    /// Skips the set-up: compilers, servers and components are there already.
    #[arg(long)]
    no_setup: bool,
    /// How many tests of a file run at the same time; as many as there are processors otherwise.
    #[arg(long)]
    threads: Option<usize>,
}

/// Sets up what tests need, builds them and runs them. Fails if one does.
pub(crate) fn run_all(root: &Path, arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let mut report = Report::default();
    if !arguments.no_setup {
        report.step("servers", server::install)?;
        report.step("compilers", || setup::toolbox(&Language::ALL).map(drop))?;
        report.step("components", || guest::build_all(root))?;
    }
    // The tests run the program itself, which `cargo test` does not build for other packages.
    report.step("keyway", || run(cargo(root).args(["build", "--workspace"])))?;
    report.step("package", || dist::pack(root, &target(root).join("debug/keyway")).map(drop))?;
    let binaries = report.step("tests", || binary::build(root))?;
    let (binaries, filters) = select(binaries, &arguments.names);
    for binary in &binaries {
        report.add(binary, binary.run(&filters, arguments.threads)?);
    }
    if arguments.names.is_empty() {
        let began = Instant::now();
        let result = examples(root);
        report.add_one("examples in documentation", result.is_ok(), began.elapsed());
    }
    report.print(began.elapsed());
    if report.passed() + report.failed() == 0 {
        bail!("no test matches: {}", arguments.names.join(", "));
    }
    if report.failed() > 0 {
        bail!("{} tests failed", report.failed());
    }
    Ok(())
}

/// Runs the examples in documentation, of all packages whose documentation is Rust's. The others are
/// left out by name: with other features the engine would be built anew.
fn examples(root: &Path) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let mut command = cargo(root);
    command.args(["test", "--workspace", "--doc", "--quiet"]);
    for package in &metadata.packages {
        if package.targets.iter().any(|target| target.is_lib() && !target.doctest) {
            command.args(["--exclude", package.name.as_str()]);
        }
    }
    run(&mut command)
}

/// The binaries that were named, or all of them with what is left of the names as filters for
/// tests.
fn select(binaries: Vec<Binary>, names: &[String]) -> (Vec<Binary>, Vec<String>) {
    let is_binary = |name: &&String| binaries.iter().any(|binary| binary.is_named(name));
    let (files, filters): (Vec<_>, Vec<_>) = names.iter().partition(is_binary);
    let filters = filters.into_iter().cloned().collect();
    if files.is_empty() {
        return (binaries, filters);
    }
    let named = |binary: &Binary| files.iter().any(|name| binary.is_named(name));
    (binaries.into_iter().filter(named).collect(), filters)
}

/// Seconds, as they are printed.
fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..100 => format!("{:.1} s", duration.as_secs_f64()),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}
