//! Build scripts, and what the repository carries of other projects.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

/// What a build script has no use for: it would start a program, or read what a new machine, a
/// sandbox or a package of the crate does not have.
const FOREIGN: &[&str] = &["Command", "fs::", "File::", "std::fs", "std::process", "std::net"];

/// The place of the run-time package of Go's bindings, and the crate it comes from.
const GO: (&str, &str) = ("crates/build/go", "wit-bindgen-go");

/// Build scripts that start a program or read a file.
pub(super) fn build_scripts(files: &[(PathBuf, String)]) -> Vec<String> {
    let scripts = files.iter().filter(|(file, _)| file.ends_with("build.rs"));
    let mut found = Vec::new();
    for (file, text) in scripts.filter(|(file, _)| is_script(file)) {
        for word in FOREIGN.iter().filter(|word| text.contains(**word)) {
            found.push(format!(
                "{}: `{word}`: a build script must not start programs or read files",
                file.display()
            ));
        }
    }
    found
}

/// A build script is next to its package's manifest.
fn is_script(file: &Path) -> bool {
    file.parent().is_some_and(|folder| folder.join("Cargo.toml").is_file())
}

/// Files of Go's run-time package that are not those of the crate that makes the bindings: both have to be
/// of one release.
pub(super) fn go_package(root: &Path) -> Result<Vec<String>> {
    let (folder, name) = GO;
    let metadata = MetadataCommand::new().current_dir(root).exec()?;
    let mut packages = metadata.packages.iter();
    let package = packages
        .find(|package| package.name.as_str() == name)
        .with_context(|| format!("{name} is not a dependency"))?;
    let manifest = &package.manifest_path;
    let published = manifest.parent().context("a manifest lies in a folder")?.join("src/pkg");
    let own = root.join(folder);
    let mut found = Vec::new();
    for file in go_files(&own)? {
        let bytes = fs::read(own.join(&file))?;
        if fs::read(published.as_std_path().join(&file)).ok() != Some(bytes) {
            found.push(format!(
                "{folder}/{} is not that of {name} {}: copy it from {published}",
                file.display(),
                package.version,
            ));
        }
    }
    Ok(found)
}

/// The files in a folder and below it, relative to it.
fn go_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}
