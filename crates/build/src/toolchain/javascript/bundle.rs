//! One module of all that a project imports, made by `esbuild`, and what is to be known of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::{
    BuildError, World,
    process::compile,
    task::{Profile, Task},
};

/// What `fetch` is built on.
const OUTGOING: &str = "wasi:http/outgoing-handler";

/// The project's module, bundled.
pub(super) struct Bundle {
    /// Its place. Beside it, with `.map` after its name, is its source map.
    pub(super) file: PathBuf,
    /// The files that it was made of.
    pub(super) inputs: Vec<PathBuf>,
    /// Warnings.
    pub(super) said: String,
    text: String,
    is_debug: bool,
}

/// What makes bundles.
pub(super) struct Bundler<'a> {
    /// `esbuild`, ready to be started.
    pub(super) esbuild: Command,
    /// The module that stands for `fetch` where the world lacks what it needs.
    pub(super) fetch: &'a Path,
}

/// The list that esbuild writes of a bundle.
#[derive(Deserialize)]
struct List {
    inputs: BTreeMap<PathBuf, serde::de::IgnoredAny>,
    outputs: BTreeMap<PathBuf, Output>,
}

#[derive(Deserialize)]
struct Output {
    inputs: BTreeMap<PathBuf, Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    bytes_in_output: u64,
}

impl Bundler<'_> {
    /// Makes one module of all that `entry` imports.
    pub(super) fn bundle(
        mut self,
        task: &Task<'_>,
        world: &World,
        entry: &Path,
    ) -> Result<Bundle, BuildError> {
        let has_fetch = world.mentions(OUTGOING);
        let (file, list) = (task.work.join("bundle.js"), task.work.join("bundle.json"));
        self.esbuild.arg(entry).args(["--bundle", "--format=esm", "--platform=browser"]);
        self.esbuild.args(["--target=es2023", "--log-level=warning"]);
        // An engine without Node.js is what packages call a browser; a worker, where they tell apart
        // those that show a page. On no other platform a field that maps files is looked at.
        self.esbuild.args(["--main-fields=browser,module,main"]);
        self.esbuild.args(["--conditions=worker,browser,module"]);
        let is_debug = task.options.profile == Profile::Debug;
        let mode = if is_debug { "development" } else { "production" };
        self.esbuild.arg(format!("--define:process.env.NODE_ENV=\"{mode}\""));
        self.esbuild.arg("--define:global=globalThis");
        // What components import is not there before the component is.
        self.esbuild.args(externals(world).iter().map(|name| format!("--external:{name}")));
        if !has_fetch {
            self.esbuild.arg(format!("--inject:{}", self.fetch.display()));
            self.esbuild.arg("--define:globalThis.fetch=fetch");
        }
        // A module without any code is taken for one that is missing.
        self.esbuild.arg("--footer:js=;");
        self.esbuild.args(["--sourcemap=external", "--sources-content=false"]);
        self.esbuild.arg(format!("--color={}", task.options.color));
        self.esbuild.arg(format!("--outfile={}", file.display()));
        self.esbuild.arg(format!("--metafile={}", list.display()));
        let mut said = compile("esbuild", task, &mut self.esbuild).map_err(explain)?;
        let list = read(&list)?;
        if list.has(&task.project.folder, self.fetch) {
            said += &no_fetch(world);
        }
        let text = fs::read_to_string(&file).map_err(BuildError::read(&file))?;
        Ok(Bundle { file, inputs: list.inputs.into_keys().collect(), said, text, is_debug })
    }
}

impl Bundle {
    /// The parts of the engine's library that are left out: what neither the world has nor the sources
    /// use. A world that has anything of WASI gets all, so that errors are shown and random numbers
    /// are random; errors are shown also of a component that is built to find mistakes.
    pub(super) fn features_off(&self, world: &World) -> Vec<&'static str> {
        let uses = |words: &[&str]| {
            world.mentions("wasi:") || words.iter().any(|word| self.text.contains(word))
        };
        let features = [
            ("stdio", self.is_debug || uses(&["console"])),
            ("random", uses(&["Math.random", "crypto"])),
            ("clocks", uses(&["Date", "performance", "setTimeout", "setInterval"])),
            ("http", world.mentions(OUTGOING)),
            // The engine implements this release alone. A project of another one exports the handler.
            ("fetch-event", world.mentions("wasi:http/incoming-handler@0.2.10")),
        ];
        features.into_iter().filter(|(_, is_on)| !is_on).map(|(feature, _)| feature).collect()
    }
}

/// The modules that only a component has: interfaces of packages, and what the world imports itself.
fn externals(world: &World) -> Vec<String> {
    let packages = world.namespaces().into_iter().map(|name| format!("{name}:*"));
    let own = world.own_imports().map(str::to_owned);
    packages.chain(own).chain(["$root".to_owned()]).collect()
}

fn read(list: &Path) -> Result<List, BuildError> {
    let text = fs::read(list).map_err(BuildError::read(list))?;
    let read = serde_json::from_slice(&text).map_err(Into::into);
    read.map_err(BuildError::read(list))
}

impl List {
    /// Whether something of a file is in the bundle.
    fn has(&self, folder: &Path, file: &Path) -> bool {
        let parts = self.outputs.values().flat_map(|output| &output.inputs);
        let mut parts = parts.filter(|(_, part)| part.bytes_in_output > 0);
        parts.any(|(path, _)| folder.join(path).canonicalize().is_ok_and(|path| path == file))
    }
}

fn no_fetch(world: &World) -> String {
    format!(
        "warning: `fetch` is used, but the world `{}` does not import `{OUTGOING}`, which it \
         needs: each call will fail. Add `import {OUTGOING}@0.2.{};` to the world, and the package \
         to `wit/deps`\n",
        world.name(),
        keyway_component::NEWEST_0_2,
    )
}

/// Says beside esbuild's words what it cannot know.
fn explain(error: BuildError) -> BuildError {
    let BuildError::Compiler { tool, project, mut output } = error else { return error };
    if output.contains("Could not resolve \"node:") || output.contains("is built into node") {
        output += "\n\nComponents have none of Node.js's built-in modules. Look for a package that \
                   works in browsers, or a web API that does the same: `crypto`, `URL`, \
                   `TextEncoder`, `fetch`.";
    }
    BuildError::Compiler { tool, project, output }
}
