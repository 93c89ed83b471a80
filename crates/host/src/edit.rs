//! Changes the manifest of an app: adds components and links them.

use std::{
    fs,
    path::{Component as Segment, Path, PathBuf},
};

use keyway_app::{
    App, Code, ComponentName, ImportName, Manifest as ManifestText, Problem,
    edit::{self, EditError},
};
use keyway_word::did_you_mean;

use crate::{
    assembly::{assemble, open::manifest_of},
    problem::problem,
    write::write,
};

type Done<T> = Result<T, Vec<Problem>>;

/// A manifest with its text.
struct Manifest {
    path: PathBuf,
    text: String,
}

/// What was added to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The component's name.
    pub name: ComponentName,
    /// Its imports that a link has to meet, and the components that could.
    pub unmet: Vec<(String, Vec<ComponentName>)>,
}

/// Adds the component at `source` to the app at `path`, under `name` or one made of the source's, and
/// with a route if one is given.
///
/// # Errors
/// If the manifest cannot be read or written, or would not be in order.
pub fn add(path: &Path, source: &str, name: Option<&str>, route: Option<&str>) -> Done<Added> {
    let manifest = Manifest::read(path)?;
    let name = name.map_or_else(|| name_of(source), str::to_owned);
    let name = ComponentName::new(&name).map_err(|error| {
        vec![problem(Code::ComponentName, error.to_string(), Some("set one with `--name`"))]
    })?;
    let source = match source.starts_with("oci://") {
        true => source.to_owned(),
        false => manifest.relative(source)?,
    };
    let text = edit::add_component(&manifest.text, &name, &source, route)
        .map_err(|error| manifest.refused(&error))?;
    let app = manifest.check(&text)?;
    write(&manifest.path, text.as_bytes()).map_err(|problem| vec![problem])?;
    let unmet = unmet(&app, &name);
    Ok(Added { name, unmet })
}

/// A link that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The import that is met.
    pub import: String,
    /// What met it before.
    pub before: Option<ComponentName>,
}

/// Links the imports of the component `from` in the app at `path` to what the component `to` exports:
/// the one of this name, or else all that fit. Types are compared before anything is written.
///
/// # Errors
/// If none fits, types differ, the link would make a cycle, or the manifest cannot be written.
pub fn link(path: &Path, from: &str, to: &str, import: Option<&str>) -> Done<Vec<Linked>> {
    let manifest = Manifest::read(path)?;
    let app = manifest.check(&manifest.text)?;
    let (from, to) = (named(&app, from)?.clone(), named(&app, to)?.clone());
    let imports = fitting(&app, &from, &to, import)?;
    let mut text = manifest.text.clone();
    let mut linked = Vec::new();
    let all = import_names(&app, &from)?;
    for meant in imports {
        let bare = meant.split('@').next().unwrap_or(&meant);
        let versions = all.iter().filter(|other| other.split('@').next() == Some(bare)).count();
        // Without a version a link stays right when a component is rebuilt. With several, each has
        // a link of its own.
        let is_asked_for = import == Some(meant.as_str());
        let key = if versions > 1 || is_asked_for { meant.as_str() } else { bare };
        let key = ImportName::new(key)
            .map_err(|error| vec![problem(Code::ImportName, error.to_string(), None)])?;
        text = edit::set_link(&text, &from, &key, &to).map_err(|error| manifest.refused(&error))?;
        let links = &app.components[&from].links;
        let before = links.components().find(|link| *link.import == key);
        let before = before.map(|link| link.to.clone());
        linked.push(Linked { import: key.to_string(), before });
    }
    let after = manifest.check(&text)?;
    // The app may be unfinished; what matters is what the link makes worse.
    let known = assemble::problems(app);
    let is_known = |problem: &Problem| {
        known.iter().any(|known| (known.code, &known.message) == (problem.code, &problem.message))
    };
    let new: Vec<_> =
        assemble::problems(after).into_iter().filter(|problem| !is_known(problem)).collect();
    if !new.is_empty() {
        return Err(new);
    }
    write(&manifest.path, text.as_bytes()).map_err(|problem| vec![problem])?;
    Ok(linked)
}

/// Makes the folder of an app without components.
///
/// # Errors
/// If there is something already, or it cannot be made.
pub fn new_app(folder: &Path, name: &str) -> Done<()> {
    let path = manifest_of(folder);
    if path.exists() {
        let message = format!("{} already exists", path.display());
        return Err(vec![problem(Code::Exists, message, Some("choose another name"))]);
    }
    let text = edit::empty(name);
    ManifestText::parse(&path.display().to_string(), &text)?.check_unfinished(folder)?;
    fs::create_dir_all(folder).map_err(|error| {
        let message = format!("the folder {} cannot be created: {error}", folder.display());
        vec![problem(Code::Unwritable, message, None)]
    })?;
    write(&folder.join("keyway.toml"), text.as_bytes()).map_err(|problem| vec![problem])
}

impl Manifest {
    fn read(path: &Path) -> Done<Self> {
        let path = manifest_of(path);
        let text = fs::read_to_string(&path).map_err(|error| {
            let message = format!("the manifest {} cannot be read: {error}", path.display());
            let help =
                "create an app with `keyway new app NAME`, or name its folder with `--app-path`";
            vec![problem(Code::NoManifest, message, Some(help))]
        })?;
        Ok(Self { path, text })
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    /// The app as `text` has it.
    fn check(&self, text: &str) -> Done<App> {
        let manifest = ManifestText::parse(&self.path.display().to_string(), text)?;
        manifest.check_unfinished(self.folder())
    }

    /// A path seen from the current folder, as it is seen from the manifest. Links on it stay: what
    /// they lead to may change.
    fn relative(&self, source: &str) -> Done<String> {
        let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
            let message = format!("there is no component at {}: {error}", path.display());
            let help = "name a component file, or the folder of a project";
            vec![problem(Code::NoSource, message, Some(help))]
        };
        let (given, folder) = (Path::new(source), self.folder());
        let real = given.canonicalize().map_err(|error| unreadable(given, &error))?;
        let real_folder = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
        let as_given = seen_from(&without_detours(given), &without_detours(folder));
        // Behind a link to a folder, `..` is not where it seems to be.
        let is_there = folder.join(&as_given).canonicalize().is_ok_and(|path| path == real);
        let relative = if is_there { as_given } else { seen_from(&real, &real_folder) };
        let text = relative.to_str().ok_or_else(|| unreadable(&relative, &"it is not text"))?;
        Ok(text.to_owned())
    }

    fn refused(&self, error: &EditError) -> Vec<Problem> {
        let message = format!("{} is not changed: {error}", self.path.display());
        vec![problem(Code::NotEdited, message, None)]
    }
}

/// A path from the root on, without `.` and `..`. Links are not followed.
fn without_detours(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut short = PathBuf::new();
    for part in whole.components() {
        match part {
            Segment::CurDir => {}
            Segment::ParentDir => {
                short.pop();
            }
            part => short.push(part),
        }
    }
    short
}

/// The whole path `to`, seen from the whole path `from`.
fn seen_from(to: &Path, from: &Path) -> PathBuf {
    let (to, from): (Vec<_>, Vec<_>) = (to.components().collect(), from.components().collect());
    let common = to.iter().zip(&from).take_while(|(to, from)| to == from).count();
    let up = from[common..].iter().map(|_| Segment::ParentDir);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

/// A component's name for what lies at `source`.
fn name_of(source: &str) -> String {
    // `oci://registry/parser:1.2.0` is a parser, and so is `parsers/parser.wasm`.
    let source = source.strip_suffix('/').unwrap_or(source);
    let name = source.rsplit('/').next().unwrap_or(source);
    let name = name.split([':', '@']).next().unwrap_or(name);
    // What is there is called as it is given, also if that is a link. `..` is not a name.
    let path = Path::new(source);
    let whole = path.canonicalize().ok();
    let there = whole.as_deref().and_then(|whole| path.file_name().or_else(|| whole.file_name()));
    let name = there.and_then(|name| name.to_str()).unwrap_or(name);
    let name = name.strip_suffix(".wasm").unwrap_or(name);
    name.to_lowercase().replace(['_', '.', ' '], "-")
}

/// The component of this name.
pub(crate) fn named<'a>(app: &'a App, name: &str) -> Done<&'a ComponentName> {
    let mut names = app.components.keys();
    names.find(|known| known.as_str() == name).ok_or_else(|| {
        let message = format!("the app has no component `{name}`");
        let help = did_you_mean(name, app.components.keys().map(ComponentName::as_str));
        vec![problem(Code::NoSuchComponent, message, Some(&help))]
    })
}

/// The imports of `from` that `to` could meet.
fn fitting(
    app: &App,
    from: &ComponentName,
    to: &ComponentName,
    import: Option<&str>,
) -> Done<Vec<String>> {
    let mut both = app.clone();
    both.components.retain(|name, _| name == from || name == to);
    let loaded = assemble::load_all(&both)?;
    let (imports, exports) = (&loaded[from].description.imports, &loaded[to].description.exports);
    let names = |items: &[keyway_component::Extern]| match items {
        [] => "nothing".to_owned(),
        items => items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>().join(", "),
    };
    let is_asked = |name: &str| {
        import.is_none_or(|import| name == import || name.split('@').next() == Some(import))
    };
    let fits: Vec<_> = imports
        .iter()
        .filter(|import| is_asked(&import.name) && !import.is_only_types)
        .filter(|import| exports.iter().any(|export| export.can_meet(import)))
        .map(|import| import.name.clone())
        .collect();
    if fits.is_empty() {
        let asked = import.map_or_else(|| "an import".to_owned(), |import| format!("`{import}`"));
        let message = format!("`{to}` exports nothing that could satisfy {asked} of `{from}`");
        let help =
            format!("`{from}` imports {}; `{to}` exports {}", names(imports), names(exports));
        return Err(vec![problem(Code::NoLink, message, Some(&help))]);
    }
    Ok(fits)
}

/// The names of all imports of a component.
fn import_names(app: &App, name: &ComponentName) -> Done<Vec<String>> {
    let mut one = app.clone();
    one.components.retain(|other, _| other == name);
    let loaded = assemble::load_all(&one)?;
    let imports = loaded.get(name).into_iter().flat_map(|loaded| &loaded.description.imports);
    Ok(imports.map(|import| import.name.clone()).collect())
}

/// The imports of a component that only links can meet and none does yet, each with the components
/// that export them. Empty if it is not built.
fn unmet(app: &App, name: &ComponentName) -> Vec<(String, Vec<ComponentName>)> {
    let mut all = app.clone();
    // What is not built yet tells nothing.
    all.components.retain(|_, component| {
        let mut one = app.clone();
        one.components.retain(|other, _| *other == component.name);
        assemble::load_all(&one).is_ok()
    });
    let Ok(loaded) = assemble::load_all(&all) else { return Vec::new() };
    let Some(component) = loaded.get(name) else { return Vec::new() };
    let imports = component.description.imports.iter();
    let open = imports
        .filter(|import| !import.is_only_types && !keyway_component::is_provided(&import.name));
    open.map(|import| {
        let others = loaded.iter().filter(|(other, loaded)| {
            let mut exports = loaded.description.exports.iter();
            *other != name && exports.any(|export| export.can_meet(import))
        });
        (import.name.clone(), others.map(|(other, _)| other.clone()).collect())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_another() {
        for (to, from, expected) in [
            ("/a/b/c.wasm", "/a/b", "c.wasm"),
            ("/a/b/c", "/a/d/e", "../../b/c"),
            ("/a", "/a", "."),
            ("/a", "/a/b", ".."),
        ] {
            assert_eq!(seen_from(Path::new(to), Path::new(from)), Path::new(expected));
        }
    }

    #[test]
    fn a_path_is_written_without_detours() {
        for (path, expected) in [("/a/./b/../c.wasm", "/a/c.wasm"), ("/..", "/"), ("/a/b/", "/a/b")]
        {
            assert_eq!(without_detours(Path::new(path)), Path::new(expected));
        }
    }

    #[test]
    fn a_component_is_named_after_its_source() {
        for (source, name) in [
            ("parsers/log_parser.wasm", "log-parser"),
            ("parser/", "parser"),
            ("oci://registry.example.com:5000/acme/parser:1.2.0", "parser"),
            ("Parser.v2.wasm", "parser-v2"),
        ] {
            assert_eq!(name_of(source), name);
        }
    }
}
