//! From a path to a checked app: a folder, a manifest or a component file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use keyway_app::{
    App, Code, Component, ComponentName, Grant, Limit, Manifest as ManifestText, Problem, edit,
    spin,
};

use crate::{assembly::assemble, problem::problem};

/// The name of a manifest in its folder.
const MANIFEST: &str = "keyway.toml";

/// What Spin calls its own.
const SPIN_MANIFEST: &str = "spin.toml";

/// Every WebAssembly file begins with this.
const MAGIC: &[u8] = b"\0asm";

/// The grants and limits of a single component that come from elsewhere than a manifest.
#[derive(Debug, Clone, Default)]
pub struct Granted {
    grant: Grant,
    limit: Limit,
}

impl Granted {
    /// Reads `component`, the inside of a component's table as a manifest would have it.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn from_toml(component: &str) -> Result<Self, Vec<Problem>> {
        let manifest = format!("[app]\nname = \"flags\"\n[component.flags]\n{component}");
        let app = App::from_toml("the command line", &manifest, Path::new("."))?;
        let component = app.components.into_values().next();
        let granted = component.map(|Component { grant, limit, .. }| Self { grant, limit });
        Ok(granted.unwrap_or_default())
    }
}

/// Opens the app at `path`: a folder with a `keyway.toml` or a `spin.toml`, one of these files, or a
/// component file, which is an app of one component.
///
/// # Errors
/// That there is no manifest, or every problem in it, and then in its components too.
pub fn open(path: &Path) -> Result<App, Vec<Problem>> {
    open_granted(path, None)
}

/// The same; with `granted` it has to be a component file.
pub(crate) fn open_granted(path: &Path, granted: Option<&Granted>) -> Result<App, Vec<Problem>> {
    open_with(path, granted, check)
}

/// Checks a manifest. If it is wrong, its components are checked too, as far as it is understood:
/// every problem is reported at once.
fn check(manifest: ManifestText, folder: &Path) -> Result<App, Vec<Problem>> {
    manifest.draft(folder).map_err(|mut draft| {
        let mut problems = std::mem::take(&mut draft.problems);
        problems.extend(assemble::further_problems(*draft));
        problems.sort_by_key(|problem| problem.place.as_ref().map(|place| place.span.start));
        problems
    })
}

/// The same; there may be components that nothing uses.
pub(crate) fn open_unfinished(path: &Path, granted: Option<&Granted>) -> Result<App, Vec<Problem>> {
    open_with(path, granted, ManifestText::check_unfinished)
}

fn open_with(
    path: &Path,
    granted: Option<&Granted>,
    check: fn(ManifestText, &Path) -> Result<App, Vec<Problem>>,
) -> Result<App, Vec<Problem>> {
    let file = &manifest_of(path);
    let bytes = fs::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if path.is_dir() => vec![no_manifest(path)],
        _ => vec![unreadable(file, &error)],
    })?;
    let path = file;
    if bytes.starts_with(MAGIC) || path.extension().is_some_and(|extension| extension == "wasm") {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let Granted { grant, limit } = granted.cloned().unwrap_or_default();
        return Ok(App::of_component(&name, path.to_owned(), grant, limit));
    }
    if granted.is_some() {
        return Err(vec![not_a_component(path)]);
    }
    let text = String::from_utf8(bytes).map_err(|_| vec![not_text(path)])?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let (name, folder) = (path.display().to_string(), folder.unwrap_or(Path::new(".")));
    let manifest = match spin::is_manifest(&text) {
        true => spin::parse(&name, &text)?,
        false => ManifestText::parse(&name, &text)?,
    };
    check(manifest, folder)
}

/// The file that `path` stands for: in a folder, the manifest, or Spin's where there is no other.
pub(crate) fn manifest_of(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let (own, spin) = (path.join(MANIFEST), path.join(SPIN_MANIFEST));
    if !own.is_file() && spin.is_file() { spin } else { own }
}

/// A manifest as it is written, with the app that it makes.
pub(crate) struct Manifest {
    pub(crate) text: String,
    /// What its file is called: Keyway's or Spin's.
    pub(crate) file: &'static str,
    pub(crate) app: App,
}

impl Manifest {
    /// Opens the app at `path`. A component file gets the manifest that it would have.
    ///
    /// # Errors
    /// As [`open`].
    pub(crate) fn open(path: &Path) -> Result<Self, Vec<Problem>> {
        let app = open(path)?;
        let file = manifest_of(path);
        // It was just read as text, unless it is a component.
        match fs::read_to_string(&file) {
            Ok(text) if !text.as_bytes().starts_with(MAGIC) => {
                let file = if spin::is_manifest(&text) { SPIN_MANIFEST } else { MANIFEST };
                Ok(Self { text, file, app })
            }
            _ => Self::of_component(path, &app.name),
        }
    }

    /// The manifest `text`, whose relative paths begin at `path`, or at the folder of the file there.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn of_text(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        let manifest = ManifestText::parse(MANIFEST, text)?;
        let app = check(manifest, folder.unwrap_or(Path::new(".")))?;
        Ok(Self { text: text.to_owned(), file: MANIFEST, app })
    }

    fn of_component(path: &Path, name: &str) -> Result<Self, Vec<Problem>> {
        let wrong = |error: String| vec![problem(Code::ComponentName, error, None)];
        let name = ComponentName::new(name).map_err(|error| wrong(error.to_string()))?;
        let source = path.display().to_string();
        let empty = edit::empty(name.as_str());
        let text = edit::add_component(&empty, &name, &source, Some("/"));
        Self::of_text(path, &text.map_err(|error| wrong(error.to_string()))?)
    }
}

/// The manifest of an app of this name whose only component is the file at `path`, with the inside of its
/// table as given. A route is a path, with a host before it or not; there is `/` if none is given.
///
/// # Errors
/// If it is not a component file, or the manifest is wrong.
pub fn manifest_of_component(
    path: &Path,
    name: &str,
    component: &str,
    routes: &[String],
) -> Result<String, Vec<Problem>> {
    if path.is_dir() || path.extension().is_none_or(|extension| extension != "wasm") {
        return Err(vec![not_a_component(path)]);
    }
    let wrong = |error: String| vec![problem(Code::ComponentName, error, None)];
    let name = ComponentName::new(name).map_err(|error| wrong(error.to_string()))?;
    let text = format!("{}\n[component.{name}]\n{component}\n", edit::empty(name.as_str()));
    let any = ["/".to_owned()];
    let routes = if routes.is_empty() { &any } else { routes };
    let text = routes.iter().try_fold(text, |text, route| {
        let (host, path) = route.split_at(route.find('/').unwrap_or(0));
        let host = Some(host).filter(|host| !host.is_empty());
        edit::add_route(&text, &name, host, path).map_err(|error| wrong(error.to_string()))
    })?;
    Manifest::of_text(path, &text)?;
    Ok(text)
}

/// An app that serves nothing.
pub(crate) fn no_trigger(app: &App) -> Problem {
    problem(
        Code::NoTrigger,
        format!("the app `{}` has no trigger, so there is nothing to serve", app.name),
        Some(
            "add a [[trigger.http]] with a route and a component, a [[trigger.messaging]] or a \
             [[trigger.keyvalue]]",
        ),
    )
}

fn no_manifest(folder: &Path) -> Problem {
    Problem {
        code: Code::NoManifest,
        message: format!("the folder {} has no {MANIFEST}", folder.display()),
        label: None,
        help: Some("name an app folder, a manifest, or a component file".to_owned()),
        place: None,
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let (code, message) = match error.kind() {
        io::ErrorKind::NotFound => {
            (Code::NotFound, format!("there is no file or folder {}", path.display()))
        }
        _ => (Code::Unreadable, format!("{} cannot be read: {error}", path.display())),
    };
    let help = "name an app folder, a manifest, or a component file".to_owned();
    Problem { code, message, label: None, help: Some(help), place: None }
}

fn not_a_component(path: &Path) -> Problem {
    Problem {
        code: Code::GrantsBesideAManifest,
        message: format!(
            "{} is not a component file, and grant flags apply to a single component",
            path.display()
        ),
        label: None,
        help: Some("write the grants into the manifest".to_owned()),
        place: None,
    }
}

fn not_text(path: &Path) -> Problem {
    Problem {
        code: Code::NotText,
        message: format!("{} is neither a manifest nor a WebAssembly file", path.display()),
        label: None,
        help: Some(format!("a manifest is TOML in UTF-8, usually called {MANIFEST}")),
        place: None,
    }
}
