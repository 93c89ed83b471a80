//! Keyway's development tasks: `cargo xtask demo`, `test`, `bench`, `commands`, `builds`, `density`,
//! `fairness`, `soak`, `swap`, `fuzz`, `setup`, `guests`, `wasi`, `tidy`.

mod bench;
mod command;
mod demo;
mod dist;
mod fuzz;
mod guest;
mod server;
mod setup;
mod test;
mod tidy;

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Parser;
use keyway_build::Language;

use crate::command::{cargo, run};

/// Run Keyway's development tasks.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
enum Task {
    /// Build, serve and call the example app.
    Demo,
    /// Install what tests need and run all tests, or those named.
    Test(test::Arguments),
    /// Pack the program for users without Rust.
    Dist(dist::Arguments),
    /// Compare serving with `wasmtime serve` and bare hyper.
    Bench(bench::Arguments),
    /// Compare `keyway run` with `wasmtime run`.
    Commands(bench::command::Arguments),
    /// Time new projects in each language.
    Builds(bench::builds::Arguments),
    /// Measure a host of ten thousand apps.
    Density(bench::density::Arguments),
    /// Measure how apps of one host share processors and memory.
    Fairness(bench::fairness::Arguments),
    /// Serve half a million requests; fail if memory grows.
    Soak(bench::soak::Arguments),
    /// Swap components and backends under load; fail if a request or count is lost.
    Swap(bench::swap::Arguments),
    /// Feed random input to the readers of manifests and components.
    Fuzz(fuzz::Arguments),
    /// Install missing compilers and test servers.
    Setup,
    /// Build the test and example components.
    Guests,
    /// Update the counts of WASI assertions in `docs/wasi.md`.
    Wasi,
    /// Check dependencies between crates, lengths and names.
    Tidy,
}

fn main() -> Result<()> {
    let root = root();
    match Task::parse() {
        Task::Demo => demo::run(&root),
        Task::Test(arguments) => test::run_all(&root, &arguments),
        Task::Dist(arguments) => dist::run_all(&root, &arguments),
        Task::Bench(arguments) => bench::run(&root, &arguments),
        Task::Commands(arguments) => bench::command::run(&root, &arguments),
        Task::Builds(arguments) => bench::builds::run(&root, &arguments),
        Task::Density(arguments) => bench::density::run(&root, &arguments),
        Task::Fairness(arguments) => bench::fairness::run(&root, &arguments),
        Task::Soak(arguments) => bench::soak::run(&root, &arguments),
        Task::Swap(arguments) => bench::swap::run(&root, &arguments),
        Task::Fuzz(arguments) => fuzz::fuzz(&root, &arguments),
        Task::Setup => {
            server::install()?;
            setup::toolbox(&Language::ALL).map(drop)
        }
        Task::Guests => guest::build_all(&root),
        Task::Wasi => wasi(&root),
        Task::Tidy => tidy::run(&root),
    }
}

fn wasi(root: &Path) -> Result<()> {
    guest::build_all(root)?;
    run(cargo(root).args(["build", "--workspace"]))?;
    let page = "the_page_says_what_is_asserted";
    run(cargo(root)
        .args(["test", "--package", "keyway-tests", "--test", "exact", "--", page])
        .env("BLESS", "1"))
}

/// The folder of the workspace. Cargo sets it at run time; what it was when this was compiled may
/// be another checkout that shares the build folder.
fn root() -> PathBuf {
    let compiled = env!("CARGO_MANIFEST_DIR").into();
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or(compiled));
    manifest.parent().unwrap_or(&manifest).to_owned()
}
