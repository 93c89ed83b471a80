//! The packages that a project in Python has: those of its own virtual environment, and no others that
//! are on the machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Project, files::walk};

/// By this file a folder says that it is a virtual environment.
pub(crate) const ENVIRONMENT: &str = "pyvenv.cfg";

/// What the folder of an environment in the project's is called.
const NAMES: [&str; 2] = [".venv", "venv"];

/// A virtual environment.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Where its packages are.
    packages: PathBuf,
}

impl Environment {
    /// That of `project`: the one in its folder, or else the one that is activated.
    pub(crate) fn of(project: &Project) -> Option<Self> {
        let own = NAMES.map(|name| project.folder.join(name));
        let activated = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
        let places = own.into_iter().chain(activated);
        let folder = places.into_iter().find(|folder| folder.join(ENVIRONMENT).is_file())?;
        // The interpreter's version is in the path: `lib/python3.13/site-packages`.
        let versions = fs::read_dir(folder.join("lib")).ok()?.flatten();
        let mut packages: Vec<_> = versions
            .map(|version| version.path().join("site-packages"))
            .filter(|packages| packages.is_dir())
            .collect();
        packages.sort();
        Some(Self { packages: packages.pop()? })
    }

    /// The folders with modules: its packages, and projects that are worked on, as `pip install
    /// --editable` and `uv sync` have them.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.packages.clone()];
        folders.extend(self.editable());
        folders
    }

    /// The files that are others when other packages are installed, and the modules of those that are
    /// worked on.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = self.links();
        for about in self.entries().filter(|path| has_ending(path, &["dist-info", "egg-info"])) {
            // Installers list all files there, with their hashes.
            let lists = ["RECORD", "METADATA", "PKG-INFO"].map(|name| about.join(name));
            files.extend(lists.into_iter().filter(|list| list.is_file()).take(1));
        }
        let is_module = |path: &Path| path.is_dir() || has_ending(path, &["py", "pyi", "toml"]);
        let enter = |path: &Path| is_module(path) && !is_left_out(path);
        files.extend(self.editable().iter().flat_map(|folder| walk(folder, &enter)).flatten());
        files
    }

    /// Whether nothing is installed but what installs.
    pub(crate) fn is_empty(&self) -> bool {
        let mut modules = self.entries().filter(|path| !is_installer(path));
        modules.next().is_none()
    }

    /// Whether a module is installed, perhaps not in full.
    pub(crate) fn has(&self, module: &str) -> bool {
        self.folders().iter().any(|folder| {
            folder.join(module).is_dir() || folder.join(format!("{module}.py")).is_file()
        })
    }

    fn entries(&self) -> impl Iterator<Item = PathBuf> {
        fs::read_dir(&self.packages).into_iter().flatten().flatten().map(|entry| entry.path())
    }

    fn links(&self) -> Vec<PathBuf> {
        self.entries().filter(|path| has_ending(path, &["pth"])).collect()
    }

    /// A line of a `.pth` file is a folder, unless it is code.
    fn editable(&self) -> Vec<PathBuf> {
        let texts = self.links().into_iter().filter_map(|link| fs::read_to_string(link).ok());
        let mut folders: Vec<PathBuf> = texts
            .flat_map(|text| {
                text.lines().map(|line| self.packages.join(line.trim())).collect::<Vec<_>>()
            })
            .filter(|folder| folder.is_dir() && *folder != self.packages)
            .collect();
        folders.sort();
        folders.dedup();
        folders
    }
}

/// Whether something is of `pip` or its like, which each new environment has.
fn is_installer(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let own = [
        "pip",
        "setuptools",
        "wheel",
        "pkg_resources",
        "_distutils_hack",
        "distutils-precedence.pth",
    ];
    let package = name.split('-').next().unwrap_or_default();
    own.contains(&package) || own.contains(&name.as_ref()) || is_left_out(path)
}

fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "__pycache__" || path.join(ENVIRONMENT).is_file()
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    fn write(folder: &Path, file: &str, text: &str) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    #[test]
    fn packages_are_those_of_the_projects_own_environment() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("it is there");
        let project = Project {
            folder: folder.join("sum"),
            name: "sum".to_owned(),
            language: Language::Python,
        };
        write(&folder, "sum/app.py", "");
        write(&folder, "lib/part/inner.py", "");
        write(&folder, "lib/.venv/lib/hidden.py", "");
        let site = "sum/.venv/lib/python3.13/site-packages";
        write(&folder, &format!("{site}/half/__init__.py"), "");
        write(&folder, &format!("{site}/half-1.0.dist-info/RECORD"), "");
        write(&folder, &format!("{site}/half-1.0.dist-info/METADATA"), "");
        let lib = folder.join("lib");
        write(&folder, &format!("{site}/own.pth"), &format!("import sys\n{}\n", lib.display()));
        assert!(Environment::of(&project).is_none_or(|found| !found.packages.starts_with(&folder)));
        write(&folder, "sum/.venv/pyvenv.cfg", "");
        let environment = Environment::of(&project).expect("it is one");
        assert_eq!(environment.folders(), [folder.join(site), lib.clone()]);
        let mut files = environment.files();
        files.sort();
        assert_eq!(
            files,
            [
                lib.join("part/inner.py"),
                folder.join(site).join("half-1.0.dist-info/RECORD"),
                folder.join(site).join("own.pth"),
            ]
        );
        assert!(!environment.is_empty());
        assert!(environment.has("half") && environment.has("part") && !environment.has("other"));
        assert_eq!(project.own_sources().expect("they are read"), [folder.join("sum/app.py")]);
    }
}
