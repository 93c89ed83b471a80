//! What a component was made of: a note beside it, by which a build that would change nothing is
//! left out.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    BuildError, Project,
    files::{walk, write_whole},
    project::OWN,
};

/// What is no source: made by building or by the language's own tools, or for Keyway alone.
const NO_SOURCES: &[&str] = &[
    "target",
    "node_modules",
    "bindings",
    "__pycache__",
    "wit_exports.go",
    "wit_bindings.go",
    "empty.s",
    "keyway.toml",
    OWN,
];

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Note {
    /// Of the sources, the toolchain and the options.
    inputs: String,
    /// Of the component that came out.
    component: String,
    /// Sources outside of the project's folder, as the compiler named them.
    elsewhere: BTreeSet<PathBuf>,
}

impl Note {
    /// The note of the last build; none if there was none, or if it cannot be read.
    pub(crate) fn read(project: &Project) -> Option<Self> {
        serde_json::from_slice(&fs::read(file(project)).ok()?).ok()
    }

    /// The note for what was built of the sources as they were.
    pub(crate) fn new(inputs: String, component: &[u8], elsewhere: BTreeSet<PathBuf>) -> Self {
        Self { inputs, component: blake3::hash(component).to_hex().to_string(), elsewhere }
    }

    pub(crate) fn write(&self, project: &Project) -> Result<(), BuildError> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        write_whole(&file(project), &text)
    }

    /// Whether the component is there and was made of these inputs.
    pub(crate) fn is_of(&self, inputs: &str, component: &Path) -> bool {
        let same = |bytes: Vec<u8>| blake3::hash(&bytes).to_hex().as_str() == self.component;
        self.inputs == inputs && fs::read(component).is_ok_and(same)
    }

    /// The sources outside of the project's folder.
    pub(crate) fn elsewhere(&self) -> &BTreeSet<PathBuf> {
        &self.elsewhere
    }
}

/// A hash of all that decides what comes out: the sources in the folder and `elsewhere`, and what
/// `with` says of toolchain and options.
pub(crate) fn hash_inputs(
    project: &Project,
    elsewhere: &BTreeSet<PathBuf>,
    with: &[&str],
) -> Result<String, BuildError> {
    let mut hash = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for text in with {
        add(text.as_bytes());
    }
    let own = project.sources().map_err(BuildError::read(&project.folder))?;
    for path in own.iter().chain(elsewhere) {
        add(path.to_string_lossy().as_bytes());
        // One that is gone is a change like any other.
        add(&fs::read(path).unwrap_or_default());
    }
    Ok(hash.finalize().to_hex().to_string())
}

impl Project {
    /// The files that its component is made of, sorted. Hidden ones are for other tools.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn sources(&self) -> io::Result<Vec<PathBuf>> {
        let output = self.component();
        let enter = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with('.') && !NO_SOURCES.contains(&name.as_ref()) && path != output
        };
        walk(&self.folder, &enter)
    }
}

fn file(project: &Project) -> PathBuf {
    project.own().join("build.json")
}
