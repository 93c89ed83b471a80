//! Which files of a project's folder its component is built from.
//!
//! It knows what each language's tools and Keyway write next to the sources, and what is another
//! project. It does not know which files from elsewhere are used: compilers report those.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use crate::{
    Language, Project,
    files::walk,
    note::Note,
    project::{OWN, WIT},
    toolchain::python::package::{ENVIRONMENT, Environment},
};

/// Folders that tools of languages fill, wherever these lie.
const TOOLS_OWN: &[&str] = &["node_modules", "__pycache__"];

/// By this file a folder says that it can be made again, as cargo's `target` does.
const CACHE_TAG: &str = "CACHEDIR.TAG";

impl Project {
    /// The files that its component is made of, sorted: those of its folder, what its packages are
    /// known by, and those elsewhere that compilers have reported. Hidden ones are for other tools.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn sources(&self) -> io::Result<Vec<PathBuf>> {
        let mut sources = self.known_sources()?;
        sources.extend(Note::read(self).iter().flat_map(Note::elsewhere).cloned());
        sources.sort();
        sources.dedup();
        Ok(sources)
    }

    /// Those that are known without a compiler: of its folder, and of its packages.
    pub(crate) fn known_sources(&self) -> io::Result<Vec<PathBuf>> {
        let mut sources = self.own_sources()?;
        if self.language == Language::Python {
            sources.extend(Environment::of(self).iter().flat_map(Environment::files));
        }
        Ok(sources)
    }

    /// Those of its folder alone.
    pub(crate) fn own_sources(&self) -> io::Result<Vec<PathBuf>> {
        walk(&self.folder, &|path| self.is_source(path))
    }

    /// Whether a file is one of its sources, or a folder may have some.
    fn is_source(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_for_others = name.starts_with('.')
            || TOOLS_OWN.contains(&name.as_ref())
            || path == self.folder.join("keyway.toml");
        !is_for_others
            && !self.is_made(path)
            && !(path.is_dir() && (is_tools_own(path) || self.is_other(path)))
    }

    /// Whether building makes it, of what is hashed already.
    pub(crate) fn is_made(&self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(&self.folder) else { return false };
        if relative.starts_with(OWN) || path == self.component() {
            return true;
        }
        let parts: Vec<&OsStr> = relative.iter().collect();
        match (self.language, parts.as_slice()) {
            (Language::Rust, [first, ..]) => *first == "target",
            (Language::C | Language::Cpp, [first, ..]) => *first == "bindings",
            (Language::Go, [file]) => *file == "wit_exports.go",
            (Language::Go, [package, file]) => {
                let bindings = self.folder.join(package).join("wit_bindings.go");
                path == bindings || (*file == "empty.s" && bindings.is_file())
            }
            _ => false,
        }
    }

    /// Whether a folder in this project's is another project, with a component of its own. What is
    /// taken from there all the same, compilers tell.
    fn is_other(&self, folder: &Path) -> bool {
        let is_part = match self.language {
            // All under `src` is compiled.
            Language::C | Language::Cpp => folder.starts_with(self.folder.join("src")),
            Language::Python => folder.join("__init__.py").is_file(),
            _ => false,
        };
        let is_project = || {
            folder.join(OWN).is_dir()
                || (folder.join(WIT).is_dir() && Language::of(folder).is_some())
        };
        !is_part && is_project()
    }
}

/// Whether a folder says of itself that a tool fills it.
fn is_tools_own(folder: &Path) -> bool {
    [CACHE_TAG, ENVIRONMENT].iter().any(|file| folder.join(file).is_file())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    /// A project in a folder with these files, and the paths of its sources in that folder.
    fn sources(files: &[&str], prepare: impl Fn(&Path)) -> (Language, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("it is there").join("sum");
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
        prepare(&folder);
        let project = Project::open(&folder).expect("a project");
        let sources = project.sources().expect("they are read");
        let relative = sources.iter().map(|path| path.strip_prefix(&folder).expect("it is in it"));
        (project.language, relative.map(|path| path.to_string_lossy().into_owned()).collect())
    }

    fn are_sources(language: Language, yes: &[&str], no: &[&str]) {
        let found = sources(&[yes, no].concat(), |_| {});
        assert_eq!(found, (language, yes.iter().map(ToString::to_string).collect()));
    }

    #[test]
    fn what_is_made_is_no_source() {
        let no = [".git/HEAD", ".keyway/build.json", "keyway.toml", "sum.wasm"];
        are_sources(
            Language::C,
            &["src/a.c", "src/bindings/b.c", "src/target/c.c", "target/d.h", "wit/world.wit"],
            &[&no[..], &["bindings/sum.h"]].concat(),
        );
        are_sources(
            Language::Rust,
            &["Cargo.toml", "bindings/x.rs", "src/bindings/mod.rs", "src/target/mod.rs"],
            &[&no[..], &["target/debug/x", "inner/target/CACHEDIR.TAG", "inner/target/x"]].concat(),
        );
        are_sources(
            Language::Go,
            &["export_a/a.go", "fast/empty.s", "go.mod", "x/y/wit_bindings.go"],
            &[&no[..], &["export_a/empty.s", "export_a/wit_bindings.go", "wit_exports.go"]]
                .concat(),
        );
        are_sources(
            Language::Python,
            &["app.py", "target/data.txt"],
            &[&no[..], &["__pycache__/app.pyc", "a/__pycache__/b.pyc"]].concat(),
        );
        are_sources(
            Language::JavaScript,
            &["package.json", "src/index.js"],
            &[&no[..], &["node_modules/x/index.js"]].concat(),
        );
    }

    #[test]
    fn what_a_link_leads_to_is_a_source() {
        let (_, found) = sources(&["src/a.c", "../shared/wit/world.wit"], |folder| {
            symlink("../shared/wit", folder.join("wit")).expect("linked");
        });
        assert_eq!(found, ["src/a.c", "wit/world.wit"]);
    }

    #[test]
    fn other_projects_below_have_their_own_sources() {
        are_sources(
            Language::C,
            &[
                "common/go.mod",
                "src/a.c",
                "src/part/src/x.c",
                "src/part/wit/w.wit",
                "wit/world.wit",
            ],
            &["parser/go.mod", "parser/wit/world.wit", "built/.keyway/build.json", "built/app.py"],
        );
        are_sources(
            Language::Python,
            &["app.py", "part/__init__.py", "part/app.py", "part/wit/x.wit"],
            &["other/app.py", "other/wit/x.wit"],
        );
    }
}
