//! `cargo xtask fuzz`: feeds random input to what reads input of others, for a given time.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, run, target};

/// The arguments of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Fuzz this target only: `manifest` or `component`.
    target: Option<String>,
    /// How long each target is fed.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// The targets, with what else the fuzzer is to know of their input.
const TARGETS: [(&str, &[&str]); 2] =
    [("manifest", &["-only_ascii=1"]), ("component", &["-max_len=65536"])];

/// Larger files take long to run and are seldom better to begin with.
const MAX_SEED_BYTES: u64 = 64 << 10;

pub(crate) fn fuzz(root: &Path, arguments: &Arguments) -> Result<()> {
    let named = |name: &str| arguments.target.as_deref().is_none_or(|wanted| wanted == name);
    let targets: Vec<_> = TARGETS.into_iter().filter(|(name, _)| named(name)).collect();
    if targets.is_empty() {
        bail!("there is no such target; choose `manifest` or `component`");
    }
    let has_fuzzer = cargo(root).args(["fuzz", "--version"]).stdout(Stdio::null()).status();
    if !has_fuzzer.is_ok_and(|status| status.success()) {
        bail!("`cargo fuzz` is not installed: run `cargo install cargo-fuzz --locked`");
    }
    for (name, options) in targets {
        seed(root, name).with_context(|| format!("the seeds of `{name}`"))?;
        let mut command = fuzzer(root);
        command.args(["fuzz", "run", name, "--"]).args(options);
        run(command.arg(format!("-max_total_time={}", arguments.seconds)))?;
    }
    Ok(())
}

/// Cargo with a compiler that can be fuzzed with: a nightly one, or else this one, made to take what only
/// nightly ones do.
fn fuzzer(root: &Path) -> Command {
    let mut question = by_rustup(root);
    let answer = question.args(["+nightly", "--version"]).stdout(Stdio::null());
    let has_nightly = answer.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let mut command = by_rustup(root);
    if has_nightly {
        command.arg("+nightly");
    } else {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command
}

/// The cargo that takes a toolchain's name, and not the one of the toolchain that runs this.
fn by_rustup(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).env_remove("RUSTUP_TOOLCHAIN");
    for (name, _) in env::vars_os() {
        let is_outer = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO") && !["CARGO_HOME", "CARGO_TARGET_DIR"].contains(&name)
        });
        if is_outer {
            command.env_remove(name);
        }
    }
    command
}

/// Gives a target what it begins with: manifests of the diagnostics, and modules and components that
/// tests have.
fn seed(root: &Path, name: &str) -> Result<()> {
    let corpus = root.join("fuzz/corpus").join(name);
    fs::create_dir_all(&corpus)?;
    if name == "manifest" {
        for case in fs::read_dir(root.join("crates/app/tests/diagnostic"))? {
            let case = case?;
            let manifest = case.path().join("keyway.toml");
            if manifest.is_file() {
                fs::copy(manifest, corpus.join(case.file_name()))?;
            }
        }
        return Ok(());
    }
    // Where test components are built; there may be none yet.
    for file in fs::read_dir(target(root).join("guest/component")).into_iter().flatten() {
        let file = file?;
        if file.metadata()?.len() <= MAX_SEED_BYTES {
            fs::copy(file.path(), corpus.join(file.file_name()))?;
        }
    }
    for file in fs::read_dir(root.join("fuzz/seed"))? {
        let path = file?.path();
        let wasm = wat::parse_file(&path)?;
        let name = path.file_stem().context("it has a name")?;
        fs::write(corpus.join(name), wasm)?;
    }
    Ok(())
}
