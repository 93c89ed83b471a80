//! Reads the files of an app's components, without looking into them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Component as Segment, Path, PathBuf},
};

use keyway_app::{App, Code, Component, ComponentName, Problem, Source};
use keyway_build::{Project, component_file};

/// The file of a component, unread.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// The files of an app's components, as far as they could be read.
pub(crate) type Sources = BTreeMap<ComponentName, SourceFile>;

/// Reads the components of `app`, and says which cannot be read.
pub(crate) fn read_sources(app: &App) -> (Sources, Vec<Problem>) {
    let mut sources = Sources::new();
    let mut problems = Vec::new();
    for component in app.components.values() {
        match read(&app.folder, component) {
            Ok(file) => {
                sources.insert(component.name.clone(), file);
            }
            Err(problem) => problems.push(problem),
        }
    }
    (sources, problems)
}

/// The files that the components of `app` are read from.
pub(crate) fn files_of(app: &App) -> impl Iterator<Item = PathBuf> {
    app.components.values().filter_map(|component| match &component.source.value {
        Source::Path(path) => Some(component_file(&seen(&app.folder, path))),
        Source::Oci(_) => None,
    })
}

/// A path in a manifest, seen from where the manifest is seen from, without `.` on the way.
pub(crate) fn seen(folder: &Path, path: impl AsRef<Path>) -> PathBuf {
    let whole = folder.join(path);
    let parts = whole.components().filter(|part| *part != Segment::CurDir);
    let path: PathBuf = parts.collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

fn read(folder: &Path, component: &Component) -> Result<SourceFile, Problem> {
    let problem = |code, message, help: Option<&str>| Problem {
        code,
        message,
        label: None,
        help: help.map(str::to_owned),
        place: component.source.place.clone(),
    };
    let name = &component.name;
    let source = match &component.source.value {
        Source::Path(path) => seen(folder, path),
        Source::Oci(reference) => {
            return Err(problem(
                Code::NoRegistry,
                format!(
                    "the component `{name}` is in a registry ({reference}), and this version of \
                     Keyway cannot pull it"
                ),
                Some("pull it with another tool and give the file's path"),
            ));
        }
    };
    let path = component_file(&source);
    let bytes = fs::read(&path).map_err(|error| {
        let (message, help) = match error.kind() {
            io::ErrorKind::NotFound if Project::open(&source).is_ok() => (
                format!("the component `{name}` is not built: there is no {}", path.display()),
                "run `keyway build`, or `keyway up --build`",
            ),
            io::ErrorKind::NotFound if source.is_dir() => (
                format!("the component `{name}` has no file {}", path.display()),
                "the folder has no project that `keyway build` recognises: put the component there",
            ),
            io::ErrorKind::NotFound => (
                format!("the component `{name}` has no file {}", path.display()),
                "a source is a component file, or the folder of one, relative to the manifest",
            ),
            _ => (
                format!("the component `{name}` cannot be read from {}: {error}", path.display()),
                "a source is a component file, or the folder of one, relative to the manifest",
            ),
        };
        problem(Code::UnreadableSource, message, Some(help))
    })?;
    Ok(SourceFile { path, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_detours() {
        for (folder, path, expected) in [
            (".", "./web.wasm", "web.wasm"),
            ("", "web", "web"),
            ("./app", "./../web/./x.wasm", "app/../web/x.wasm"),
            (".", ".", "."),
            ("app", "/abs/./x", "/abs/x"),
        ] {
            assert_eq!(seen(Path::new(folder), path), Path::new(expected), "{folder} {path}");
        }
    }
}
