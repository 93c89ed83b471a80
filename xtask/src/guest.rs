//! Builds the components of the tests and the examples.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use keyway_build::{BuildError, Built, Job, Language, Observer, Options, Project};
use serde::Deserialize;

use crate::{
    command::{cargo, run, target},
    setup,
};

/// How many projects are built at the same time: their compilers use more than one processor.
const AT_ONCE: usize = 2;

/// What the marketplace's resizer is built with.
const IMAGE_LIBRARIES: &str = "/usr/include/stb";

/// Builds all components, and puts each where it is looked for.
pub(crate) fn build_all(root: &Path) -> Result<()> {
    build_tests(root)?;
    build_projects(root)
}

/// What `keyway build` builds, of what has changed: the components of the examples, whatever
/// manifest may name them, and those that test the languages against each other.
fn build_projects(root: &Path) -> Result<()> {
    let mut groups = folders(&root.join("examples"))?;
    groups.push(root.join("tests/everything"));
    let mut jobs = Vec::new();
    for group in groups {
        // A guest without WIT is not a component.
        for folder in folders(&group)?.into_iter().filter(|folder| folder.join("wit").is_dir()) {
            jobs.push(Job { project: Project::open(&folder)?, options: Options::default() });
        }
    }
    let mut languages: Vec<Language> = jobs.iter().map(|job| job.project.language).collect();
    languages.sort();
    languages.dedup();
    let toolbox = setup::toolbox(&languages)?;
    if !Path::new(IMAGE_LIBRARIES).is_dir() {
        keyway_build::install(&["libstb-dev"])?;
    }
    for result in keyway_build::build_all(&jobs, &toolbox, AT_ONCE, &Telling { jobs: &jobs }) {
        result?;
    }
    Ok(())
}

/// The folders in a folder, in order.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("the folder {} cannot be read", folder.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Tells of what was built: it may take some minutes in all.
struct Telling<'a> {
    jobs: &'a [Job],
}

impl Observer for Telling<'_> {
    fn begun(&self, _: usize) {}

    fn ended(&self, number: usize, result: &Result<Built, BuildError>) {
        let project = &self.jobs[number].project;
        if let Ok(Built::Made { said, .. }) = result {
            println!("Built {} ({}).", project.name, project.language);
            print!("{said}");
        }
    }
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

/// The components in Rust of an example, each into its own folder, where the manifest finds it: a
/// first look wants no other compiler.
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
        .args(["build", "--release", "--locked", "--message-format=json-render-diagnostics"])
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
    // The tests build the workspace, with all features that any of it wants: a development build
    // does the same, so that neither compiles the engine again for the other.
    let what: &[_] = match profile {
        "dev" => &["--workspace", "--bin", "keyway"],
        _ => &["--package", "keyway"],
    };
    run(cargo(root).args(["build", "--profile", profile]).args(what))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target(root).join(folder).join("keyway"))
}

/// Builds one of xtask's own example programs in the release profile, and says where it is.
pub(crate) fn build_example_program(root: &Path, name: &str) -> Result<PathBuf> {
    run(cargo(root).args(["build", "--release", "--package", "xtask", "--example", name]))?;
    Ok(target(root).join("release/examples").join(name))
}
