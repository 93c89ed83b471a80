//! Keyway's development tasks: `cargo xtask demo`, `test`, `bench`, `commands`, `builds`, `soak`,
//! `swap`, `fuzz`, `setup`, `guests`, `wasi`, `tidy`.

mod bench;
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
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use keyway_build::Language;

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

/// Where cargo builds: the place that was set for it, or the workspace's own.
fn target(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // What the outer cargo says of xtask is not for the inner one: build scripts that look at it
    // (ring's does) would run again whenever cargo is called the other way.
    let of_this_package =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(of_this_package) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end and fails if it does.
fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("`{program}` cannot be started"))?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
        bail!("`{program} {}` failed ({status})", arguments.join(" "));
    }
    Ok(())
}
