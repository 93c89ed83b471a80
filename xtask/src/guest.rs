//! Builds components: those of the tests, and those of the examples.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use keyway_build::Language;
use serde::Deserialize;

use crate::{cargo, run, setup, target};

/// Builds all components, and puts each where it is looked for.
pub(crate) fn build_all(root: &Path) -> Result<()> {
    build_tests(root)?;
    build_example(root, "log-pipeline")
}

/// The components of the tests, into `component/` of the guests' build folder.
pub(crate) fn build_tests(root: &Path) -> Result<()> {
    let folder = target(root).join("guest/component");
    fs::create_dir_all(&folder)?;
    for component in build(root, &root.join("guests"))? {
        copy(&component.file, &folder.join(format!("{}.wasm", component.name)))?;
    }
    Ok(())
}

/// The components of an example, each into its own folder, where the manifest finds it.
pub(crate) fn build_example(root: &Path, name: &str) -> Result<()> {
    for component in build(root, &root.join("examples").join(name))? {
        copy(&component.file, &component.folder.join(format!("{}.wasm", component.name)))?;
    }
    Ok(())
}

struct Component {
    name: String,
    folder: PathBuf,
    file: PathBuf,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<MessageTarget>,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct MessageTarget {
    name: String,
    kind: Vec<String>,
}

/// Builds the workspace at `folder` and says which components came out.
fn build(root: &Path, folder: &Path) -> Result<Vec<Component>> {
    let toolbox = setup::toolbox(&[Language::Rust])?;
    let mut command = cargo(folder);
    command
        .args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "--message-format=json-render-diagnostics",
        ])
        .env("CARGO_TARGET_DIR", target(root).join("guest"));
    toolbox.rust()?.configure(&mut command);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the components in {} cannot be built", folder.display());
    }
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let messages: Vec<Message> =
        lines.map(serde_json::from_slice).collect::<Result<_, _>>().context("cargo's messages")?;
    Ok(messages.into_iter().filter_map(component).collect())
}

fn component(message: Message) -> Option<Component> {
    let target = message.target.filter(|_| message.reason == "compiler-artifact")?;
    let file = message.filenames.into_iter().find(|file| {
        target.kind.iter().any(|kind| kind == "cdylib" || kind == "bin")
            && file.extension().is_some_and(|extension| extension == "wasm")
    })?;
    let folder = message.manifest_path?.parent()?.to_owned();
    Some(Component { name: target.name.replace('_', "-"), folder, file })
}

/// Leaves a file that is the same as it is, so that its time says when it changed.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(to, bytes).with_context(|| format!("{} cannot be written", to.display()))
}

/// Builds the program in a profile, and says where it is.
pub(crate) fn build_program(root: &Path, profile: &str) -> Result<PathBuf> {
    run(cargo(root).args(["build", "--quiet", "--package", "keyway", "--profile", profile]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target(root).join(folder).join("keyway"))
}

/// Builds one of xtask's own example programs in the release profile, and says where it is.
pub(crate) fn build_example_program(root: &Path, name: &str) -> Result<PathBuf> {
    run(cargo(root).args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "xtask",
        "--example",
        name,
    ]))?;
    Ok(target(root).join("release/examples").join(name))
}
