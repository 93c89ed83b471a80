//! JavaScript and TypeScript: `esbuild` makes one module of the sources, and `componentize-js` puts
//! it into a component with an engine. Both lie in a `node_modules` of Keyway's own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    BuildError, Found, Language, Missing, SetUpError, World,
    build::{Compiled, Profile, Task},
    debian,
    files::write_whole,
    process::{ask, compile, on_path},
};

/// The tools, with the versions that are known to work together.
const PACKAGES: &str = include_str!("javascript/package.json");

/// Calls the tool as a library: its command line cannot leave out what the world does not need.
const COMPONENTIZE: &str = include_str!("javascript/componentize.js");

/// The oldest major version of Node.js that the tools run on.
const OLDEST: u32 = 20;

/// Node.js, with the tools.
#[derive(Debug, Clone)]
pub(crate) struct JavaScript {
    node: PathBuf,
    folder: PathBuf,
    version: String,
}

impl JavaScript {
    pub(crate) fn find(cache: &Path, language: Language) -> Result<Self, Missing> {
        let node =
            on_path("node").ok_or_else(|| no_node(language, "there is no `node` on the PATH"))?;
        let version = ask(&node, &["--version"]).unwrap_or_default();
        let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
        if major.parse::<u32>().is_ok_and(|major| major < OLDEST) {
            let what = format!("Node.js {version} is too old; it has to be {OLDEST} or newer");
            return Err(no_node(language, &what));
        }
        let folder = folder(cache);
        if !folder.join("node_modules").is_dir() {
            let what = "`componentize-js` is not set up".to_owned();
            let commands = vec!["keyway doctor --install javascript".to_owned()];
            return Err(Missing { language, what, commands });
        }
        Ok(Self { node, folder, version })
    }

    pub(crate) fn set_up(
        cache: &Path,
        language: Language,
        tell: &dyn Fn(&str),
    ) -> Result<Self, SetUpError> {
        match Self::find(cache, language) {
            Ok(found) => return Ok(found),
            Err(missing) if on_path("npm").is_none() || on_path("node").is_none() => {
                return Err(missing.into());
            }
            Err(_) => {}
        }
        tell("Installing componentize-js and esbuild from npm, once.");
        let folder = folder(cache);
        let parent = folder.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(SetUpError::file(parent))?;
        let staging = tempfile::Builder::new().prefix(".javascript-").tempdir_in(parent);
        let staging = staging.map_err(SetUpError::file(parent))?;
        for (name, text) in [("package.json", PACKAGES), ("componentize.js", COMPONENTIZE)] {
            let path = staging.path().join(name);
            fs::write(&path, text).map_err(SetUpError::file(path))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        debian::run({
            npm.current_dir(staging.path());
            npm
        })?;
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
        format!("{} {}", self.version, key())
    }

    pub(crate) fn compile(&self, task: &Task<'_>, world: &World) -> Result<Compiled, BuildError> {
        let project = task.project;
        let entry = self.entry(task)?;
        let bundle = task.work.join("bundle.js");
        let mut esbuild = Command::new(self.folder.join("node_modules/.bin/esbuild"));
        esbuild.arg(entry).args(["--bundle", "--format=esm", "--platform=neutral"]);
        esbuild.args(["--main-fields=module,main", "--target=es2023", "--log-level=warning"]);
        // What components import is not there before the component is.
        esbuild.args(["--external:*:*/*", "--external:*:*"]);
        esbuild.arg(format!("--color={}", task.options.color));
        if task.options.profile == Profile::Debug {
            esbuild.arg("--sourcemap=inline");
        }
        esbuild.arg(format!("--outfile={}", bundle.display()));
        let mut said = compile("esbuild", project, &mut esbuild)?;
        let output = task.work.join("component.wasm");
        // The script lies beside the modules that it imports.
        let script = self.folder.join("componentize.js");
        if fs::read(&script).ok().as_deref() != Some(COMPONENTIZE.as_bytes()) {
            write_whole(&script, COMPONENTIZE.as_bytes())?;
        }
        let mut node = Command::new(&self.node);
        node.arg(&script).arg(&bundle).arg(project.wit()).arg(world.name()).arg(&output);
        node.args(features_off(world));
        said += &compile("componentize-js", project, &mut node)?;
        let module = fs::read(&output).map_err(BuildError::read(&output))?;
        Ok(Compiled { module, said, elsewhere: Default::default() })
    }

    /// The module that exports what the world does.
    fn entry(&self, task: &Task<'_>) -> Result<PathBuf, BuildError> {
        let project = task.project;
        let names = ["src/index.ts", "src/index.js", "index.js"];
        let files = names.map(|name| project.folder.join(name));
        files.into_iter().find(|file| file.is_file()).ok_or_else(|| BuildError::Project {
            language: project.language,
            folder: project.folder.clone(),
            reason: format!("has none of {}, which export what the world does", names.join(", ")),
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

/// The parts of the engine's library that would import what the world does not.
fn features_off(world: &World) -> Vec<&'static str> {
    let needed_for = [
        ("stdio", "wasi:cli/"),
        ("random", "wasi:random/"),
        ("clocks", "wasi:clocks/"),
        ("http", "wasi:http/outgoing-handler"),
        ("fetch-event", "wasi:http/incoming-handler"),
    ];
    let off = needed_for.into_iter().filter(|(_, interface)| !world.mentions(interface));
    off.map(|(feature, _)| feature).collect()
}

fn no_node(language: Language, what: &str) -> Missing {
    let node = if debian::is_here() {
        debian::command(&["nodejs", "npm"])
    } else {
        format!("install Node.js {OLDEST} or newer from https://nodejs.org")
    };
    let commands = vec![node, "keyway doctor --install javascript".to_owned()];
    Missing { language, what: what.to_owned(), commands }
}
