//! `cargo xtask tidy`: checks that the code is as `ARCHITECTURE.md` describes it.

mod carried;
mod cycle;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// The crates that each crate may depend on: arrows point one way.
const ARROWS: &[(&str, &[&str])] = &[
    ("keyway-word", &[]),
    ("keyway-app", &["keyway-word"]),
    ("keyway-call", &[]),
    ("keyway-component", &[]),
    ("keyway-build", &["keyway-component"]),
    ("keyway-capability", &["keyway-word"]),
    (
        "keyway-runtime",
        &["keyway-app", "keyway-call", "keyway-capability", "keyway-component", "keyway-word"],
    ),
    ("keyway-trigger", &["keyway-call", "keyway-capability"]),
    (
        "keyway-host",
        &[
            "keyway-app",
            "keyway-build",
            "keyway-call",
            "keyway-capability",
            "keyway-component",
            "keyway-runtime",
            "keyway-trigger",
            "keyway-word",
        ],
    ),
    ("keyway", &["keyway-app", "keyway-build", "keyway-component", "keyway-host", "keyway-word"]),
    ("keyway-testing", &[]),
    ("keyway-tests", &[]),
    ("xtask", &["keyway-build", "keyway-testing"]),
];

const FORBIDDEN_NAMES: &[&str] =
    &["util", "utils", "common", "core", "types", "manager", "helper", "helpers", "misc"];

const FILE_LINES: usize = 1000;
const FUNCTION_LINES: usize = 100;

/// Fails with everything that is out of order.
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let mut found = arrows(&metadata);
    found.extend(cycles(&metadata)?);
    let files = rust_files(root)?;
    for (file, text) in &files {
        found.extend(lengths(file, text));
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        if FORBIDDEN_NAMES.contains(&stem.as_ref()) {
            found.push(format!("{}: a module is named for what it does", file.display()));
        }
        if stem == "mod" && file.starts_with(root.join("crates")) {
            let name = file.parent().unwrap_or(file).with_extension("rs");
            found.push(format!("{}: it is {}", file.display(), name.display()));
        }
    }
    found.extend(guests_without_tests(root, &files)?);
    found.extend(carried::build_scripts(&files));
    found.extend(carried::go_package(root)?);
    if found.is_empty() {
        println!("{} files are tidy.", files.len());
        return Ok(());
    }
    bail!("not tidy:\n  {}", found.join("\n  "))
}

fn arrows(metadata: &Metadata) -> Vec<String> {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut found = Vec::new();
    for package in &metadata.packages {
        let Some(allowed) = allowed.get(package.name.as_str()) else {
            found.push(format!(
                "{} has no line in the table of arrows (xtask/src/tidy.rs)",
                package.name
            ));
            continue;
        };
        let own = package.dependencies.iter().filter(|dependency| {
            dependency.kind == DependencyKind::Normal && dependency.path.is_some()
        });
        for dependency in own.filter(|dependency| !allowed.contains(&dependency.name.as_str())) {
            let testing =
                dependency.name == "keyway-testing" && package.name.as_str() == "keyway-tests";
            if !testing {
                found.push(format!("{} may not depend on {}", package.name, dependency.name));
            }
        }
    }
    found
}

/// Files of a crate that depend on each other.
fn cycles(metadata: &Metadata) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for package in &metadata.packages {
        let roots = package.targets.iter().filter(|target| target.is_lib() || target.is_bin());
        for root in roots {
            found.extend(cycle::find(root.src_path.as_std_path())?);
        }
    }
    Ok(found)
}

fn rust_files(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "xtask", "tests", "guests", "examples"].map(|name| root.join(name)).into();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("{} cannot be read", path.display()))?;
                files.push((path, text));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn lengths(file: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines: Vec<_> = text.lines().collect();
    if lines.len() > FILE_LINES {
        found.push(format!("{}: {} lines", file.display(), lines.len()));
    }
    // rustfmt closes a function at the indentation of the line that opens it.
    for (number, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        let indent = &line[..line.len() - start.len()];
        let is_qualifier = |word: &&str| {
            word.starts_with("pub")
                || ["const", "async", "unsafe", "extern", "\"C\""].contains(word)
        };
        if start.split(' ').find(|word| !is_qualifier(word)) != Some("fn") {
            continue;
        }
        let end = format!("{indent}}}");
        let length = lines[number..].iter().position(|line| *line == end).unwrap_or(0);
        if length > FUNCTION_LINES {
            found.push(format!("{}:{}: a function of {length} lines", file.display(), number + 1));
        }
    }
    found
}

/// Every test component is there for a test or a benchmark that names it.
fn guests_without_tests(root: &Path, files: &[(PathBuf, String)]) -> Result<Vec<String>> {
    let tests: String = files
        .iter()
        .filter(|(file, _)| {
            file.starts_with(root.join("tests"))
                || file.starts_with(root.join("crates/runtime/benches"))
        })
        .map(|(_, text)| text.as_str())
        .collect();
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join("guests"))? {
        let folder = entry?.path();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_named = [format!("{name}\""), format!("guest:{name}}}")];
        if manifest.contains("cdylib") && !is_named.iter().any(|named| tests.contains(named)) {
            found.push(format!(
                "{}: no test and no benchmark names this component",
                folder.display()
            ));
        }
    }
    Ok(found)
}
