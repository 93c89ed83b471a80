//! New projects: the files under `templates/`, with names filled in.
//!
//! `LANGUAGE/every` has the files of all projects in a language, `LANGUAGE/KIND` and `KIND` add
//! those of one kind, and `LANGUAGE/example` those of projects that start with an example. If two
//! of them have the same file, the second is appended to the first. `{{name}}` and similar are
//! filled in in texts, and `__snake__` in paths.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};
use keyway_component::guard::caught;
use wit_parser::Resolve;

use crate::{
    Features, Language, WitError, World,
    feature::SETTINGS,
    files::walk,
    skeleton::{self, Skeleton},
    word::{escape, snake},
};

#[cfg(test)]
mod tests;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../templates");

/// The WIT of WASI 0.2, a package in each file.
static WASI: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit/wasi-0.2");

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It answers HTTP requests.
    Http,
    /// Other components call it.
    Library,
    /// It runs to its end.
    Command,
    /// It sits in front of an HTTP component.
    Middleware,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Http, Self::Library, Self::Command, Self::Middleware];

    /// The name on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Library => "library",
            Self::Command => "command",
            Self::Middleware => "middleware",
        }
    }

    /// What a user may do with the built component first.
    fn first_use(self, name: &str) -> String {
        match self {
            Self::Http => "keyway up       # answers on http://127.0.0.1:3000/".to_owned(),
            Self::Command => format!("keyway run {name}.wasm Ada"),
            Self::Library | Self::Middleware => format!("keyway inspect {name}.wasm"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http: answers HTTP requests",
            Self::Library => "library: other components call it",
            Self::Command => "command: runs to its end",
            Self::Middleware => "middleware: sits in front of an HTTP component",
        })
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.key() == text).ok_or_else(|| {
            let keys = Self::ALL.map(Self::key).join(", ");
            format!("`{text}` is not a kind of component; choose one of {keys}")
        })
    }
}

/// What a new project is to implement.
#[derive(Debug, Clone)]
pub enum Start {
    /// A small example of this kind.
    Kind(Kind),
    /// The user's own WIT.
    Wit {
        /// A file, or a folder with its dependencies under `deps`.
        path: PathBuf,
        /// The world in it; not needed if there is one.
        world: Option<String>,
        /// The features of it that are on.
        features: Features,
    },
}

/// Why a project was not created.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name is not a valid component name.
    #[error(
        "`{0}` is not a valid name: use words of lower-case letters and digits, each beginning \
         with a letter, joined by `-`, at most 64 characters"
    )]
    Name(String),
    /// Something is there already.
    #[error("{} already exists and was not changed", .0.display())]
    Exists(PathBuf),
    /// The user's WIT is wrong.
    #[error(transparent)]
    Wit(#[from] WitError),
    /// The bindings of the user's WIT cannot be made.
    #[error("the world `{world}` cannot be implemented in {language}: {reason}")]
    Skeleton {
        /// The world.
        world: String,
        /// The language.
        language: Language,
        /// What the generator says.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl NewError {
    /// What the parser of WIT said: text of several lines.
    pub fn details(&self) -> Option<&str> {
        match self {
            Self::Wit(WitError::Invalid { reason, .. }) => Some(reason),
            _ => None,
        }
    }
}

/// Makes a project `name` in the folder `parent`, and returns its own folder.
///
/// It is written beside its place and renamed: if this fails nothing is left.
///
/// # Errors
/// If the name is none, is taken, or the project cannot be made.
pub fn new_project(
    parent: &Path,
    name: &str,
    language: Language,
    start: &Start,
) -> Result<PathBuf, NewError> {
    let names = Names::new(name, language)?;
    write_beside(parent, name, |folder| {
        let template = Template { folder, names: &names };
        match start {
            Start::Kind(kind) => {
                let (language, kind_key) = (language.key(), kind.key());
                let with = With { first_use: kind.first_use(name), is_async: false };
                template.write(&format!("{language}/every"), &with)?;
                template.write(&format!("{language}/example"), &with)?;
                template.write(&format!("{language}/{kind_key}"), &with)?;
                template.write(kind_key, &with)?;
                template.write_wit(*kind)
            }
            Start::Wit { path, world, features } => {
                let world = copy_wit(path, world.as_deref(), features, folder, &names)?;
                let refused = |reason| NewError::Skeleton {
                    world: world.name().to_owned(),
                    language,
                    reason,
                };
                let skeleton = caught(|| skeleton::of(&world, language, &names.name));
                let skeleton = skeleton.map_err(|panic| {
                    refused(format!(
                        "{}; leave out of the WIT what is not usual, or choose another language",
                        panic.message
                    ))
                })?;
                let skeleton = skeleton.map_err(refused)?;
                if let Some(settings) = features.settings() {
                    template.put(SETTINGS, &settings)?;
                }
                template.write_skeleton(language, &skeleton)
            }
        }
    })
}

fn write_beside(
    parent: &Path,
    name: &str,
    write: impl FnOnce(&Path) -> Result<(), NewError>,
) -> Result<PathBuf, NewError> {
    let place = parent.join(name);
    if place.symlink_metadata().is_ok() {
        return Err(NewError::Exists(place));
    }
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let prefix = format!(".{name}-");
    let staging =
        tempfile::Builder::new().prefix(&prefix).permissions(permissions).tempdir_in(parent);
    let staging = staging.map_err(failed(parent))?;
    write(staging.path())?;
    fs::rename(staging.path(), &place).map_err(failed(&place))?;
    // It has another name, so there is nothing to remove.
    let _ = staging.keep();
    Ok(place)
}

fn failed(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> NewError {
    let path = path.into();
    |error| NewError::File { path, error }
}

/// A project's name, in the ways that languages write it.
#[derive(Debug)]
struct Names {
    name: String,
    snake: String,
    /// Of its package, as the bindings have it.
    word: String,
    /// Of its package, as a word of WIT, where some words have a meaning of their own.
    package: String,
    /// The import that the language's own `fetch` is made of, where it has one.
    fetch: &'static str,
}

/// In languages where `fetch` is there without a word of the sources.
const FETCH: &str = "    /// For `fetch()`. Each host is granted in the manifest, by `grant.http`.
    import wasi:http/outgoing-handler@{{wasi}};
";

/// What else a template is filled in with.
struct With {
    /// What a user may do with the built component first.
    first_use: String,
    /// Whether the world has asynchronous functions.
    is_async: bool,
}

impl Names {
    fn new(name: &str, language: Language) -> Result<Self, NewError> {
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if name.len() > 64 || !name.split('-').all(is_word) {
            return Err(NewError::Name(name.to_owned()));
        }
        let (snake, word) = (snake(name), escape(language, &snake(name)));
        // Rust's bindings use the name of a package as it is.
        let (package, word) = if language == Language::Rust && word != snake {
            (format!("{name}-component"), format!("{snake}_component"))
        } else {
            (name.to_owned(), word)
        };
        let package = as_wit(&package);
        let has_fetch = matches!(language, Language::JavaScript | Language::TypeScript);
        let fetch = if has_fetch { FETCH } else { "" };
        Ok(Self { name: name.to_owned(), snake, word, package, fetch })
    }
}

/// A name in WIT: with `%` before it where it is a word of WIT.
fn as_wit(name: &str) -> String {
    let as_package = format!("package example:{name};");
    let read = caught(|| Resolve::default().push_str("name.wit", &as_package).is_ok());
    let is_plain = read.unwrap_or(false);
    if is_plain { name.to_owned() } else { format!("%{name}") }
}

/// Files to be written into a new folder.
struct Template<'a> {
    folder: &'a Path,
    names: &'a Names,
}

impl Template<'_> {
    /// Writes the files of one of the templates' folders. None if there is no such folder.
    fn write(&self, template: &str, with: &With) -> Result<(), NewError> {
        let Some(root) = TEMPLATES.get_dir(template) else { return Ok(()) };
        let mut folders = vec![root];
        while let Some(folder) = folders.pop() {
            folders.extend(folder.dirs());
            for file in folder.files() {
                let path = file.path().strip_prefix(template).unwrap_or(file.path());
                let path = path.to_string_lossy().replace("__snake__", &self.names.snake);
                let text = file.contents_utf8().unwrap_or_default();
                let path = visible(&path);
                let before = fs::read_to_string(self.folder.join(&path)).unwrap_or_default();
                self.put(&path, &(before + &with.fill(&self.fill(text))))?;
            }
        }
        Ok(())
    }

    fn write_wit(&self, kind: Kind) -> Result<(), NewError> {
        let file = TEMPLATES.get_file(format!("wit/{}.wit", kind.key()));
        let text = file.and_then(|file| file.contents_utf8()).unwrap_or_default();
        self.put("wit/world.wit", &self.fill(text))?;
        for package in wasi_of(kind) {
            let file = WASI.get_file(format!("{package}.wit"));
            let text = file.and_then(|file| file.contents_utf8()).unwrap_or_default();
            self.put(&format!("wit/deps/{package}.wit"), text)?;
        }
        Ok(())
    }

    /// What every project of the language has, and the skeleton.
    fn write_skeleton(&self, language: Language, skeleton: &Skeleton) -> Result<(), NewError> {
        let first_use = format!("keyway inspect {}.wasm", self.names.name);
        let with = With { first_use, is_async: skeleton.is_async };
        self.write(&format!("{}/every", language.key()), &with)?;
        for (path, text) in &skeleton.files {
            self.put(path, text)?;
        }
        Ok(())
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{{name}}", &self.names.name)
            .replace("{{snake}}", &self.names.snake)
            .replace("{{word}}", &self.names.word)
            .replace("{{package}}", &self.names.package)
            .replace("{{fetch}}", self.names.fetch)
            .replace("{{wasi}}", &format!("0.2.{}", keyway_component::NEWEST_0_2))
    }

    fn put(&self, path: &str, text: &str) -> Result<(), NewError> {
        let path = self.folder.join(path);
        let folder = path.parent().unwrap_or(self.folder);
        fs::create_dir_all(folder).map_err(failed(folder))?;
        fs::write(&path, text).map_err(failed(&path))
    }
}

impl With {
    fn fill(&self, text: &str) -> String {
        // Of Rust's bindings, without what only some worlds need.
        let more = if self.is_async { ", \"async\"" } else { "" };
        let features = format!("\"macros\", \"realloc\"{more}");
        text.replace("{{try}}", &self.first_use).replace("{{features}}", &features)
    }
}

/// Files that are hidden in a project are not among the templates, where they would have effect.
fn visible(path: &str) -> String {
    match path {
        "gitignore" | "clang-format" | "prettierrc" => format!(".{path}"),
        _ => path.to_owned(),
    }
}

/// The packages of WASI that a kind needs, with all that these refer to.
fn wasi_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Library => &[],
        Kind::Command => &["cli", "clocks", "filesystem", "io", "random", "sockets"],
        Kind::Http | Kind::Middleware => {
            &["cli", "clocks", "filesystem", "http", "io", "random", "sockets"]
        }
    }
}

/// Copies the user's WIT into the project. Where it has several worlds, a world of the project's
/// own takes in the one that is wanted, so that no build has to name it.
fn copy_wit(
    path: &Path,
    wanted: Option<&str>,
    features: &Features,
    folder: &Path,
    names: &Names,
) -> Result<World, NewError> {
    let world = World::read(path, wanted, features)?;
    let place = folder.join("wit");
    let package = world.package();
    if package.worlds == 1 {
        copy_files(path, &place)?;
        return Ok(World::read(&place, None, features)?);
    }
    let deps = place.join("deps");
    if path.is_dir() {
        copy_files(path, &deps.join(&package.folder))?;
        let inner = deps.join(&package.folder).join("deps");
        if inner.is_dir() {
            for entry in fs::read_dir(&inner).map_err(failed(&inner))?.flatten() {
                let to = deps.join(entry.file_name());
                fs::rename(entry.path(), &to).map_err(failed(&to))?;
            }
            fs::remove_dir(&inner).map_err(failed(&inner))?;
        }
    } else {
        copy_files(path, &deps)?;
    }
    // A name that is a word of WIT is written with `%`.
    let name = as_wit(world.name());
    let included = match &package.version {
        Some(version) => format!("{}/{name}@{version}", package.name),
        None => format!("{}/{name}", package.name),
    };
    let text = format!(
        "package example:{};\n\nworld component {{\n    include {included};\n}}\n",
        names.package
    );
    let file = place.join("world.wit");
    fs::write(&file, text).map_err(failed(&file))?;
    Ok(World::read(&place, None, features)?)
}

/// Copies a file into a folder, or all WIT of a folder.
fn copy_files(from: &Path, to: &Path) -> Result<(), NewError> {
    let is_wit = |path: &Path| {
        path.is_dir() || path.extension().is_some_and(|ending| ending == "wit" || ending == "wasm")
    };
    let files = if from.is_dir() {
        walk(from, &is_wit).map_err(failed(from))?
    } else {
        vec![from.to_owned()]
    };
    let root = if from.is_dir() { from } else { from.parent().unwrap_or(Path::new("")) };
    for file in files {
        let place = to.join(file.strip_prefix(root).unwrap_or(&file));
        let folder = place.parent().unwrap_or(to);
        fs::create_dir_all(folder).map_err(failed(folder))?;
        fs::copy(&file, &place).map_err(failed(&place))?;
    }
    Ok(())
}
