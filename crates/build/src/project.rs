//! A project: a folder with the sources of one component.

use std::path::{Path, PathBuf};

use crate::Language;

/// The folder with the WIT that a project implements.
pub(crate) const WIT: &str = "wit";

/// What Keyway keeps for itself in a project's folder.
pub(crate) const OWN: &str = ".keyway";

/// A folder with the sources of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its place, absolute.
    pub folder: PathBuf,
    /// The folder's name, which is the component's too.
    pub name: String,
    /// The language that its files are of.
    pub language: Language,
}

/// Why a folder is not a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// It cannot be looked into.
    #[error("the folder {} cannot be opened: {error}", folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// None of the files by which a language is known are there.
    #[error(
        "the folder {} has no project: it contains none of Cargo.toml, go.mod, pyproject.toml, \
         package.json, src/*.cpp and src/*.c",
        folder.display()
    )]
    NoLanguage {
        /// The folder.
        folder: PathBuf,
    },
}

impl Project {
    /// Opens the project in `folder`.
    ///
    /// # Errors
    /// If the folder has none.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        let absolute = folder.canonicalize();
        let absolute = absolute
            .map_err(|error| ProjectError::Unreadable { folder: folder.to_owned(), error })?;
        let language = Language::of(&absolute)
            .ok_or_else(|| ProjectError::NoLanguage { folder: folder.to_owned() })?;
        let name = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { folder: absolute, name, language })
    }

    /// The place of its component once it is built.
    pub fn component(&self) -> PathBuf {
        component_file(&self.folder)
    }

    pub(crate) fn wit(&self) -> PathBuf {
        self.folder.join(WIT)
    }

    pub(crate) fn own(&self) -> PathBuf {
        self.folder.join(OWN)
    }
}

/// The component file that `source` stands for: a folder `parser` holds the component
/// `parser/parser.wasm`, and anything else is the file itself.
pub fn component_file(source: &Path) -> PathBuf {
    if !source.is_dir() {
        return source.to_owned();
    }
    // `.` and `..` have no name of their own; what they stand for does.
    let folder = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    source.join(format!("{name}.wasm"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_project_is_known_by_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("sum");
        fs::create_dir_all(folder.join("src")).expect("made");
        assert!(matches!(Project::open(&folder), Err(ProjectError::NoLanguage { .. })));
        // Each goes before those above it.
        for (file, language) in [
            ("src/a.c", Language::C),
            ("src/a.cpp", Language::Cpp),
            ("package.json", Language::JavaScript),
            ("tsconfig.json", Language::TypeScript),
            ("pyproject.toml", Language::Python),
            ("go.mod", Language::Go),
            ("Cargo.toml", Language::Rust),
        ] {
            fs::write(folder.join(file), "").expect("written");
            let project = Project::open(&folder).expect("a project");
            assert_eq!((project.name.as_str(), project.language), ("sum", language));
            assert!(project.component().ends_with("sum/sum.wasm"));
        }
        let nowhere = Project::open(&folder.join("nowhere"));
        assert!(matches!(nowhere, Err(ProjectError::Unreadable { .. })));
    }
}
