//! What a component was built from: a note next to it, so that a build that would change nothing is
//! skipped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use blake3::Hash;
use serde::{Deserialize, Serialize};

use crate::{BuildError, Project, files::put};

/// Sources that a compiler may write itself.
const WRITTEN_BY_COMPILERS: &[&str] = &["Cargo.lock"];

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

    /// The note for what was built of `inputs`.
    pub(crate) fn new(inputs: &Inputs, component: &[u8]) -> Self {
        let component = blake3::hash(component).to_hex().to_string();
        Self { inputs: inputs.hash(), component, elsewhere: inputs.elsewhere() }
    }

    pub(crate) fn write(&self, project: &Project, staging: &Path) -> Result<(), BuildError> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        put(&file(project), &text, staging)
    }

    /// Whether the component is there and was made of these inputs.
    pub(crate) fn is_of(&self, inputs: &Inputs, component: &Path) -> bool {
        let same = |bytes: Vec<u8>| blake3::hash(&bytes).to_hex().as_str() == self.component;
        self.inputs == inputs.hash() && fs::read(component).is_ok_and(same)
    }

    /// The sources outside of the project's folder.
    pub(crate) fn elsewhere(&self) -> &BTreeSet<PathBuf> {
        &self.elsewhere
    }
}

fn file(project: &Project) -> PathBuf {
    project.own().join("build.json")
}

/// All that decides what comes out, as it was at one moment.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// The sources in the project's folder, and what its packages are known by.
    own: BTreeMap<PathBuf, Hash>,
    /// Those that lie elsewhere.
    elsewhere: BTreeMap<PathBuf, Hash>,
    /// Of toolchain and options.
    with: Hash,
}

impl Inputs {
    /// The sources in the project's folder and `elsewhere`, and what `with` says of toolchain and
    /// options.
    pub(crate) fn read(
        project: &Project,
        elsewhere: BTreeSet<PathBuf>,
        with: &[&str],
    ) -> Result<Self, BuildError> {
        // One that is gone is a change like any other.
        let hash = |path: PathBuf| {
            let hash = blake3::hash(&fs::read(&path).unwrap_or_default());
            (path, hash)
        };
        let own = project.known_sources().map_err(BuildError::read(&project.folder))?;
        let own: BTreeMap<_, _> = own.into_iter().map(hash).collect();
        let elsewhere = elsewhere.into_iter().filter(|path| !own.contains_key(path));
        let elsewhere = elsewhere.map(hash).collect();
        let mut of_with = blake3::Hasher::new();
        for text in with {
            add(&mut of_with, text.as_bytes());
        }
        Ok(Self { own, elsewhere, with: of_with.finalize() })
    }

    /// Whether what was built of these is built of those of `later`, which are read afterwards: what
    /// was known is as it was, and what only the compiler named was not changed since `began`.
    pub(crate) fn are_those_of(&self, later: &Self, began: SystemTime) -> bool {
        let known = |path: &PathBuf| self.own.get(path).or_else(|| self.elsewhere.get(path));
        let is_old = |path: &PathBuf| {
            let changed = fs::metadata(path).and_then(|about| about.modified());
            changed.is_ok_and(|changed| changed < began)
        };
        let is_written = |path: &PathBuf| {
            WRITTEN_BY_COMPILERS.iter().any(|name| path.file_name().is_some_and(|n| n == *name))
        };
        let is_same = |(path, hash)| is_written(path) || known(path) == Some(hash);
        let is_new = |path: &PathBuf| known(path).is_none() && is_old(path);
        self.own.keys().all(|path| later.own.contains_key(path))
            && later.own.iter().all(is_same)
            && later.elsewhere.iter().all(|(path, hash)| is_same((path, hash)) || is_new(path))
    }

    fn hash(&self) -> String {
        let mut hash = blake3::Hasher::new();
        add(&mut hash, self.with.as_bytes());
        for (path, of_file) in self.own.iter().chain(&self.elsewhere) {
            add(&mut hash, path.as_os_str().as_encoded_bytes());
            add(&mut hash, of_file.as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }

    fn elsewhere(&self) -> BTreeSet<PathBuf> {
        self.elsewhere.keys().cloned().collect()
    }
}

/// With its length, so that different pairs of texts never look the same.
fn add(hash: &mut blake3::Hasher, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Language;

    const HOUR: Duration = Duration::from_hours(1);

    /// Whether a build counts during which `change` is made, and which names `elsewhere`.
    fn counts(change: impl Fn(&Path), elsewhere: &str) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("it is there");
        let project = Project {
            folder: folder.join("sum"),
            name: "sum".to_owned(),
            language: Language::Rust,
        };
        fs::create_dir_all(project.folder.join("src")).expect("made");
        fs::write(project.folder.join("src/lib.rs"), "one").expect("written");
        fs::write(folder.join("shared.rs"), "one").expect("written");
        let read = |elsewhere: &[&str]| {
            let elsewhere = elsewhere.iter().map(|file| folder.join(file)).collect();
            Inputs::read(&project, elsewhere, &["compiler"]).expect("they are read")
        };
        let before = read(&[]);
        // Far apart, as some file systems count time in steps.
        let began = SystemTime::now() - HOUR;
        for file in ["sum/src/lib.rs", "shared.rs"] {
            let file = fs::File::options().append(true).open(folder.join(file));
            file.and_then(|file| file.set_modified(began - HOUR)).expect("a time can be set");
        }
        change(&folder);
        before.are_those_of(&read(&[elsewhere]), began)
    }

    #[test]
    fn a_build_counts_if_its_sources_are_what_they_were() {
        let write = |file: &'static str| {
            move |folder: &Path| fs::write(folder.join(file), "two").expect("written")
        };
        assert!(counts(|_| {}, "shared.rs"), "a source that the compiler named first");
        assert!(counts(write("sum/Cargo.lock"), "shared.rs"), "a file of the compiler's own");
        assert!(counts(write("sum/sum.wasm"), "shared.rs"), "what came out");
        assert!(!counts(write("sum/src/lib.rs"), "shared.rs"), "saved during the build");
        assert!(!counts(write("sum/src/new.rs"), "shared.rs"), "made during the build");
        assert!(!counts(write("shared.rs"), "shared.rs"), "saved elsewhere during the build");
        let remove = |folder: &Path| fs::remove_file(folder.join("sum/src/lib.rs")).expect("gone");
        assert!(!counts(remove, "shared.rs"), "removed during the build");
    }
}
