//! C and C++: clang with a C library for WASI, of the WASI SDK or of Debian.

pub(crate) mod cpp;
mod hide;
mod mend;
mod name;
pub(crate) mod order;
pub(crate) mod scope;
mod word;

pub(crate) use word::is_word;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use wit_bindgen_core::Files;
use wit_component::StringEncoding;
use wit_parser::{Resolve, TypeDefKind, WorldItem};

use crate::{
    BuildError, Found, Language, Missing, Profile, Project, World, debian,
    files::mirror,
    guard,
    process::{ask, compile, on_path},
    task::{Compiled, Task},
    toolchain::alias::Aliased,
    word::snake,
};

/// Where the bindings are put.
const BINDINGS: &str = "bindings";

/// Where a project's own code lies.
pub(crate) const SOURCES: &str = "src";

/// Flags of the project, one in each line. Editors read it too.
const FLAGS: &str = "compile_flags.txt";

/// Variables by which clang finds headers, libraries and tools of this machine, or takes other flags
/// than it is given. Where they are set, they are meant for programs that run here.
const OF_THE_MACHINE: [&str; 6] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "CCC_OVERRIDE_OPTIONS",
];

/// The version of LLVM that is named where the package lists know none.
const LLVM: u32 = 19;

/// clang, and what it needs to build for WASI.
#[derive(Debug, Clone)]
pub(crate) struct Clang {
    path: PathBuf,
    version: String,
    target: &'static str,
    sysroot: Option<PathBuf>,
}

impl Clang {
    /// Finds the one of the WASI SDK, or Debian's newest that is complete.
    pub(crate) fn find(language: Language) -> Result<Self, Missing> {
        let in_sdk = env::var_os("WASI_SDK_PATH").map(PathBuf::from);
        if let Some(sdk) = in_sdk.filter(|sdk| sdk.join("bin/clang").is_file()) {
            let (path, sysroot) = (sdk.join("bin/clang"), Some(sdk.join("share/wasi-sysroot")));
            let version = ask(&path, &["--version"]).unwrap_or_default();
            return Ok(Self { path, version, target: "wasm32-wasip1", sysroot });
        }
        let mut versions: Vec<u32> = fs::read_dir("/usr/lib")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok())
            .collect();
        versions.sort_unstable();
        let complete = |version: &u32| missing_parts(*version, language).is_empty();
        let path = versions
            .into_iter()
            .rev()
            .filter(complete)
            .find_map(|version| on_path(&format!("clang-{version}")));
        let Some(path) = path else { return Err(missing(language)) };
        let version = ask(&path, &["--version"]).unwrap_or_default();
        Ok(Self { path, version, target: "wasm32-wasi", sysroot: None })
    }

    pub(crate) fn found(&self) -> Found {
        Found { tool: self.version.clone(), path: self.path.clone() }
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Compiles all under `src`, with the bindings, into one module.
    pub(crate) fn compile(&self, task: &Task<'_>, world: &World) -> Result<Compiled, BuildError> {
        let project = task.project;
        let bindings = Bindings::write(task, world)?;
        let ending = |path: &Path, ending: &[&str]| {
            path.extension().is_some_and(|found| ending.iter().any(|known| found == *known))
        };
        let mut own = project.own_sources().map_err(BuildError::read(&project.folder))?;
        own.retain(|path| path.starts_with(project.folder.join(SOURCES)));
        let sources = bindings.files.iter().chain(&own);
        let sources: Vec<_> =
            sources.filter(|path| ending(path, &["c", "cpp", "cc", "cxx"])).collect();
        let flags = flags(project)?;
        let object = |number: usize| task.work.join(format!("{number}.o"));
        let rule = |number: usize| task.work.join(format!("{number}.d"));
        let compile_one = |number: usize| {
            let source = sources[number];
            let mut command = self.command(task, !ending(source, &["c"]));
            if source.starts_with(&bindings.folder) {
                // Generated code is not the user's to fix.
                command.arg("-w");
            }
            command.args(&flags).arg("-c").arg(source).arg("-o").arg(object(number));
            command.arg("-MMD").arg("-MF").arg(rule(number));
            compile("clang", task, &mut command)
        };
        let mut said = in_parallel(sources.len(), &compile_one)?.concat();
        let mut link = self.command(task, project.language == Language::Cpp);
        link.arg("-mexec-model=reactor").args(&flags);
        link.args((0..sources.len()).map(object));
        link.args(bindings.files.iter().filter(|path| ending(path, &["o"])));
        let module = task.work.join("module.wasm");
        said += &compile("clang", task, link.arg("-o").arg(&module))?;
        let module = fs::read(&module).map_err(BuildError::read(&module))?;
        let rules = (0..sources.len()).map(rule).map(fs::read_to_string);
        let mut used: Vec<_> =
            rules.flat_map(|rule| prerequisites(&rule.unwrap_or_default())).collect();
        // Entries that are not flags may be objects and archives.
        used.extend(flags.iter().map(PathBuf::from));
        Ok(Compiled { module, said, used })
    }

    /// A call of the compiler, or of the one for C++.
    fn command(&self, task: &Task<'_>, is_cpp: bool) -> Command {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let name = if is_cpp { name.replace("clang", "clang++") } else { name.into_owned() };
        let mut command = Command::new(self.path.with_file_name(name));
        for variable in OF_THE_MACHINE {
            command.env_remove(variable);
        }
        command.arg(format!("--target={}", self.target)).arg("-Wno-deprecated");
        command.args(self.sysroot.iter().map(|path| format!("--sysroot={}", path.display())));
        command.args(match task.options.profile {
            Profile::Release => ["-Os", "-DNDEBUG"].as_slice(),
            Profile::Debug => &["-O0", "-g"],
        });
        if task.options.profile == Profile::Release {
            command.arg("-Wl,--strip-debug");
        }
        if is_cpp {
            // The bindings include the headers of resources, which are the project's.
            command.arg("-fno-exceptions").arg("-I").arg(task.project.folder.join(SOURCES));
        }
        if task.options.color {
            command.arg("-fcolor-diagnostics");
        }
        command.arg("-I").arg(task.project.folder.join(BINDINGS));
        // Not every call compiles, and not every call links.
        command.arg("-Wno-unused-command-line-argument");
        command
    }
}

/// Calls `work` for each number below `count`, on all processors.
fn in_parallel(
    count: usize,
    work: &(dyn Fn(usize) -> Result<String, BuildError> + Sync),
) -> Result<Vec<String>, BuildError> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut results = Vec::new();
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= count {
                return results;
            }
            results.push((number, work(number)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count);
    let mut results = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let results = threads.into_iter().map(thread::ScopedJoinHandle::join);
        results.flat_map(|done| done.expect("no compiler's thread panics")).collect::<Vec<_>>()
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, said)| said).collect()
}

/// The bindings that the sources include.
struct Bindings {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Bindings {
    fn write(task: &Task<'_>, world: &World) -> Result<Self, BuildError> {
        let project = task.project;
        let files = generate(project.language, world)
            .map_err(|reason| BuildError::world(project, world, &reason))?;
        let folder = project.folder.join(BINDINGS);
        // The class of a resource holds what its author wants, so that its header is the author's.
        let is_own = |name: &str| {
            order::is_of_resource(name) && project.folder.join(SOURCES).join(name).is_file()
        };
        let made = files.iter().filter(|(name, _)| !is_own(name));
        let files = mirror(&folder, made, task.work)?;
        Ok(Self { folder, files })
    }
}

/// Generates the bindings of `world`.
pub(crate) fn generate(language: Language, world: &World) -> Result<Files, String> {
    guard::generate(language, world, &|world| made(language, world))
}

fn made(language: Language, world: &World) -> Result<Files, String> {
    let is_cpp = language == Language::Cpp;
    let mut aliased = Aliased::of(world, if is_cpp { &cpp::InCpp } else { &name::InC })?;
    let mut generator = if is_cpp {
        cpp::name_interfaces(&mut aliased.world);
        wit_bindgen_cpp::Opts::default().build(None)
    } else {
        wit_bindgen_c::Opts::default().build()
    };
    let mut made = Files::default();
    let result = generator.generate(&mut aliased.world.resolve.clone(), world.id, &mut made);
    result.map_err(|error| format!("no bindings can be made: {error:#}"))?;
    let mut files = Files::default();
    for (name, bytes) in made.iter() {
        let text = String::from_utf8_lossy(bytes);
        match name.rsplit('.').next() {
            // The component's types are called as the world has them.
            Some("o") => files.push(name, &types_of(world)?),
            Some("c" | "cpp") => {
                let text = with_names(&aliased.linked(&text, '"'), world);
                let text = if is_cpp { mend::mend(&text) } else { text };
                files.push(name, text.as_bytes());
            }
            _ if is_cpp && name != RUNTIME => files.push(name, hide::unhide(&text).as_bytes()),
            _ => files.push(name, bytes),
        }
    }
    if is_cpp {
        if !made.iter().any(|(name, _)| name == RUNTIME) {
            files.push(RUNTIME, &runtime()?);
        }
        order::order(&mut files);
    }
    Ok(files)
}

/// The bindings with what is to end resources, and to free the results of functions of the world itself,
/// called as the component model does. The generators write `_` for each `-` in the names of these, by
/// which nothing finds them.
fn with_names(text: &str, world: &World) -> String {
    let types = world.resolve.types.iter().map(|(_, ty)| ty);
    let resources = types.filter(|ty| matches!(ty.kind, TypeDefKind::Resource));
    let resources = resources.filter_map(|ty| Some(("#[dtor]", ty.name.as_deref()?)));
    let functions = world.resolve.worlds[world.id].exports.values().filter_map(|item| match item {
        WorldItem::Function(function) => Some(("\"cabi_post_", function.name.as_str())),
        _ => None,
    });
    let names = resources.chain(functions).filter(|(_, name)| name.contains('-'));
    names.fold(text.to_owned(), |text, (before, name)| {
        text.replace(&format!("{before}{}\"", snake(name)), &format!("{before}{name}\""))
    })
}

/// What the bindings of C++ need, which they leave out where only the class of a resource includes it.
const RUNTIME: &str = "wit.h";

fn types_of(world: &World) -> Result<Vec<u8>, String> {
    let (name, encoding) = (world.name(), StringEncoding::UTF8);
    let made = wit_bindgen_c::component_type_object::object(
        &world.resolve,
        world.id,
        name,
        encoding,
        None,
    );
    made.map_err(|error| format!("the world cannot be encoded: {error:#}"))
}

/// The file, from the bindings of a world that needs it.
fn runtime() -> Result<Vec<u8>, String> {
    let mut resolve = Resolve::default();
    let package =
        resolve.push_str("text.wit", "package a:b; world w { export f: func(x: string); }");
    let package = package.map_err(|error| error.to_string())?;
    let world = resolve.select_world(&[package], None).map_err(|error| error.to_string())?;
    let mut files = Files::default();
    let mut generator = wit_bindgen_cpp::Opts::default().build(None);
    generator.generate(&mut resolve, world, &mut files).map_err(|error| error.to_string())?;
    Ok(files.remove(RUNTIME).unwrap_or_default())
}

fn flags(project: &Project) -> Result<Vec<String>, BuildError> {
    let path = project.folder.join(FLAGS);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).map_err(BuildError::read(&path))?;
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    // What editors are to know of, and is passed anyway.
    Ok(lines.filter(|line| !line.starts_with("--target=")).map(str::to_owned).collect())
}

/// The files that a rule of `make` says an object is made of.
fn prerequisites(rule: &str) -> Vec<PathBuf> {
    let Some((_, files)) = rule.split_once(": ") else { return Vec::new() };
    // A space that is part of a name has a backslash before it, as an end of line within the rule has.
    let files = files.replace("\\\n", " ").replace("\\ ", "\0");
    let names = files.split_whitespace();
    names
        .map(|name| name.replace('\0', " ").replace("$$", "$").replace("\\#", "#"))
        .map(PathBuf::from)
        .collect()
}

/// The packages of Debian that this version of LLVM lacks to build `language`.
fn missing_parts(llvm: u32, language: Language) -> Vec<String> {
    let folder = PathBuf::from(format!("/usr/lib/llvm-{llvm}"));
    let runtime = format!("lib/clang/{llvm}/lib/wasi/libclang_rt.builtins-wasm32.a");
    let parts = [
        (format!("clang-{llvm}"), folder.join("bin/clang")),
        (format!("lld-{llvm}"), folder.join("bin/wasm-ld")),
        (format!("libclang-rt-{llvm}-dev-wasm32"), folder.join(runtime)),
        ("wasi-libc".to_owned(), PathBuf::from("/usr/lib/wasm32-wasi/libc.a")),
        (format!("libc++-{llvm}-dev-wasm32"), folder.join("lib/wasm32-wasi/libc++.a")),
    ];
    let needed = if language == Language::Cpp { parts.len() } else { parts.len() - 1 };
    let parts = parts.into_iter().take(needed);
    parts.filter(|(_, file)| !file.is_file()).map(|(package, _)| package).collect()
}

fn missing(language: Language) -> Missing {
    if !debian::is_here() {
        return Missing {
            language,
            what: "there is no clang with a C library for WASI".to_owned(),
            packages: Vec::new(),
            commands: vec![
                "export WASI_SDK_PATH=/path/to/wasi-sdk # unpacked from \
                 https://github.com/WebAssembly/wasi-sdk/releases"
                    .to_owned(),
            ],
        };
    }
    let known = debian::known("^libclang-rt-[0-9]+-dev-wasm32$");
    let version = |package: &String| package.split('-').nth(2)?.parse().ok();
    let llvm = known.iter().filter_map(version).max().unwrap_or(LLVM);
    let packages = missing_parts(llvm, language);
    let (what, command) = if packages.is_empty() {
        (format!("there is no `clang-{llvm}` on the PATH"), "export PATH=$PATH:/usr/bin".to_owned())
    } else {
        let names: Vec<&str> = packages.iter().map(String::as_str).collect();
        let what = format!("these packages are not installed: {}", names.join(", "));
        (what, debian::command(&names))
    };
    Missing { language, what, packages, commands: vec![command] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_what_an_object_is_made_of() {
        let rule = "work/0.o: src/a.c /x/../shared/one\\ two.h \\\n  ../c$$.h \\\n  d\\#.h\n";
        let files = ["src/a.c", "/x/../shared/one two.h", "../c$.h", "d#.h"];
        assert_eq!(prerequisites(rule), files.map(PathBuf::from));
        assert_eq!(prerequisites(""), [] as [PathBuf; 0]);
    }
}
