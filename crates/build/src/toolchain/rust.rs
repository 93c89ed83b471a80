//! Rust: cargo, with rustup's compiler for `wasm32-wasip2` if that target is installed, otherwise
//! with Debian's newer compiler, unpacked alongside rustup's.

mod debian;
mod warm;
mod workspace;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use warm::NewTarget;
use workspace::Workspace;

use crate::{
    BuildError, Found, Language, Missing, Profile, Project, SetUpError,
    process::{Written, ask, compile_and_read, on_path, set_up_by},
    task::{Compiled, Task},
};

/// The target that comes with rustup.
const TARGET: &str = "wasm32-wasip2";

/// How long a server is waited for that may not be reachable at all.
const ADDING_TARGET_SECONDS: &str = "60";

/// Rust's compiler for WebAssembly.
#[derive(Debug, Clone)]
pub struct Rust {
    compiler: Compiler,
    version: String,
    cache: PathBuf,
}

/// Whose compiler it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Compiler {
    /// The one on the PATH, usually rustup's, with the target `wasm32-wasip2`.
    OnPath(PathBuf),
    /// Debian's, in this folder, with the target `wasm32-wasip1` and a linker that writes
    /// components.
    Debian(PathBuf),
}

impl Rust {
    /// Finds it.
    pub(crate) fn find(cache: &Path) -> Result<Self, Missing> {
        let missing = |what: &str, commands: &[&str]| Missing {
            language: Language::Rust,
            what: what.to_owned(),
            packages: Vec::new(),
            commands: commands.iter().map(ToString::to_string).collect(),
        };
        if on_path("cargo").is_none() {
            let rustup = "curl --proto '=https' -sSf https://sh.rustup.rs | sh";
            return Err(missing("there is no `cargo` on the PATH", &[rustup]));
        }
        if let Some(rust) = Self::on_path(cache) {
            return Ok(rust);
        }
        let folder = debian::folder(cache);
        if debian::is_ready(&folder) {
            let version = debian::version(&folder).unwrap_or_default();
            let (compiler, cache) = (Compiler::Debian(folder), cache.to_owned());
            return Ok(Self { compiler, version, cache });
        }
        let what = format!("its compiler does not have the target `{TARGET}`");
        let command = if on_path("rustup").is_some() && !crate::debian::is_here() {
            "rustup target add wasm32-wasip2"
        } else {
            "keyway doctor --install rust"
        };
        Err(missing(&what, &[command]))
    }

    fn on_path(cache: &Path) -> Option<Self> {
        let arguments = ["--print", "target-libdir", "--target", TARGET];
        let folder = PathBuf::from(ask("rustc", &arguments)?);
        let version = ask("rustc", &["--version"])?;
        let path = on_path("rustc")?;
        let (compiler, cache) = (Compiler::OnPath(path), cache.to_owned());
        folder.is_dir().then_some(Self { compiler, version, cache })
    }

    /// Finds it, or sets it up: by rustup, and where that reaches no server by Debian's packages.
    pub(crate) fn set_up(cache: &Path, tell: &dyn Fn(&str)) -> Result<Self, SetUpError> {
        match Self::find(cache) {
            Ok(rust) => return Ok(rust),
            Err(missing) if on_path("cargo").is_none() => return Err(missing.into()),
            Err(_) => {}
        }
        tell("Adding the target wasm32-wasip2 to Rust.");
        let mut add = Command::new("timeout");
        add.args([ADDING_TARGET_SECONDS, "rustup", "target", "add", TARGET]);
        let added = set_up_by(add);
        if let Some(rust) = Self::on_path(cache) {
            return Ok(rust);
        }
        if !crate::debian::is_here() {
            added?;
            return Ok(Self::find(cache)?);
        }
        tell("rustup cannot reach its server: installing Debian's compiler, once.");
        debian::set_up(&debian::folder(cache))?;
        Ok(Self::find(cache)?)
    }

    pub(crate) fn found(&self) -> Found {
        let path = match &self.compiler {
            Compiler::OnPath(path) => path.clone(),
            Compiler::Debian(folder) => debian::rustc(folder),
        };
        Found { tool: format!("{} for WebAssembly", self.version), path }
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Has `cargo build` build for WebAssembly.
    pub fn configure(&self, cargo: &mut Command) {
        // If cargo runs Keyway, it has set these for another target.
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
        match &self.compiler {
            Compiler::OnPath(_) => {
                cargo.args(["--target", TARGET]);
            }
            Compiler::Debian(folder) => debian::configure(cargo, folder),
        }
    }

    /// Builds the one component of the package.
    pub(crate) fn compile(&self, task: &Task<'_>) -> Result<Compiled, BuildError> {
        let project = task.project;
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--message-format=json-render-diagnostics"]);
        cargo.args(["--color", if task.options.color { "always" } else { "never" }]);
        if task.options.profile == Profile::Release {
            cargo.arg("--release");
        }
        for (name, _) in env::vars_os() {
            let of_caller =
                |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
            if name.to_str().is_some_and(of_caller) {
                cargo.env_remove(name);
            }
        }
        self.configure(&mut cargo);
        let workspace = Workspace::of(project);
        if let Some(target) = workspace.as_ref().and_then(Workspace::own_target) {
            cargo.arg("--target-dir").arg(target);
        }
        let new = workspace
            .as_ref()
            .and_then(|workspace| NewTarget::begin(project, workspace, &self.cache, &self.version));
        let compiled = compile_and_read("cargo", task, &mut cargo);
        if let Some(new) = new.filter(|new| new.is_complete(&compiled)) {
            new.keep();
        }
        let Written { output, said } = compiled?;
        let artifact = artifact(project, &output)?;
        let component = fs::read(&artifact).map_err(BuildError::read(&artifact))?;
        let used = used(workspace.as_ref(), &artifact);
        Ok(Compiled { module: component, said, used })
    }
}

/// The version of `wit-bindgen` that new projects have, and whose faults are known.
const BINDINGS: &str = "0.61";

/// Whether a project's bindings are of that version.
pub(crate) fn has_known_bindings(project: &Project) -> bool {
    let text = fs::read_to_string(project.folder.join("Cargo.toml")).unwrap_or_default();
    text.lines()
        .any(|line| line.starts_with("wit-bindgen =") && line.contains(&format!("\"{BINDINGS}")))
}

#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// The WebAssembly file that cargo made of this package.
fn artifact(project: &Project, messages: &str) -> Result<PathBuf, BuildError> {
    let manifest = project.folder.join("Cargo.toml");
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let own = messages.filter(|message| message.manifest_path.as_ref() == Some(&manifest));
    let files: Vec<PathBuf> = own
        .filter(|message| {
            let kinds = message.target.iter().flat_map(|target| &target.kind);
            kinds.into_iter().any(|kind| kind == "cdylib" || kind == "bin")
        })
        .flat_map(|message| message.filenames)
        .filter(|file| file.extension().is_some_and(|ending| ending == "wasm"))
        .collect();
    let reason = match files.as_slice() {
        [file] => return Ok(file.clone()),
        [] => {
            "builds no component: its Cargo.toml needs `[lib] crate-type = [\"cdylib\"]`, or \
             src/main.rs for a command"
        }
        _ => {
            "builds several components, but a folder has only one: keep one `cdylib` or one program"
        }
    };
    let (language, folder) = (Language::Rust, project.folder.clone());
    Err(BuildError::Project { language, folder, reason: reason.to_owned() })
}

/// What the package is made of: also packages of the same workspace, and the files that say which
/// dependencies there are. Cargo writes the sources beside its output. What build scripts write is
/// made of these.
fn used(workspace: Option<&Workspace>, artifact: &Path) -> Vec<PathBuf> {
    let list = fs::read_to_string(artifact.with_extension("d")).unwrap_or_default();
    let sources = list.split_once(": ").map(|(_, sources)| sources.replace("\\ ", "\0"));
    let sources = sources.unwrap_or_default();
    let mut used: Vec<_> =
        sources.split_whitespace().map(|path| PathBuf::from(path.replace('\0', " "))).collect();
    if let Some(workspace) = workspace {
        used.retain(|path| !path.starts_with(workspace.target()));
        used.extend(workspace.files());
    }
    used
}
