//! The folders that components are granted: whether they exist, and whether a component could
//! redirect them.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use keyway_app::{Access, App, Code, Component, ComponentName, Problem};

use super::source::seen;

/// As many links as Linux follows on one path.
const MAX_LINKS: usize = 40;

/// Makes the folders of file grants absolute and free of links. Those that are not there are
/// problems, and those that are found by a link which a component can make or change.
pub(crate) fn resolve(app: &mut App) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut links = Vec::new();
    let paths = app.clone();
    for component in app.components.values_mut() {
        for grant in &mut component.grant.files {
            let path = seen(paths.base(&grant.host), &grant.host);
            let wrong = match path.canonicalize() {
                Ok(resolved) if resolved.is_dir() => {
                    grant.host = resolved;
                    let found = links_on_the_way(&path).into_iter();
                    let place = &grant.place;
                    links.extend(found.map(|link| (link, component.name.clone(), place.clone())));
                    continue;
                }
                Ok(_) => "is not a folder".to_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    "does not exist".to_owned()
                }
                Err(error) => format!("cannot be opened: {error}"),
            };
            problems.push(Problem {
                code: Code::NoSuchFolder,
                message: format!(
                    "the folder {} that `{}` is granted {wrong}",
                    path.display(),
                    component.name
                ),
                label: None,
                help: Some("create the folder, or remove the grant".to_owned()),
                place: grant.place.clone(),
            });
        }
    }
    for (link, component, place) in links {
        let Some(writer) = who_may_write(app, &link) else { continue };
        problems.push(Problem {
            code: Code::ChangeableFolder,
            message: format!(
                "a folder granted to `{component}` is reached through the link {}, which \
                 `{writer}` can change",
                link.display()
            ),
            label: None,
            help: Some(
                "name the folder that the link leads to, or grant the folder that contains the \
                 link for reading only"
                    .to_owned(),
            ),
            place,
        });
    }
    problems
}

/// The component that may replace `path`, if any.
fn who_may_write<'a>(app: &'a App, path: &Path) -> Option<&'a ComponentName> {
    let writes = |component: &&Component| {
        let grants = component.grant.files.iter();
        let mut writable = grants.filter(|grant| grant.access == Access::ReadWrite);
        writable.any(|grant| path.starts_with(&grant.host))
    };
    app.components.values().find(writes).map(|component| &component.name)
}

/// The links that are followed from `path` to where it leads, each by a path without links.
fn links_on_the_way(path: &Path) -> Vec<PathBuf> {
    let parts = |path: &Path| -> Vec<OsString> {
        path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut links = Vec::new();
    let mut left = std::path::absolute(path).map(|path| parts(&path)).unwrap_or_default();
    let mut at = PathBuf::from("/");
    while let Some(part) = left.pop()
        && links.len() <= MAX_LINKS
    {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(part);
        match fs::read_link(&next) {
            Ok(target) => {
                links.push(next);
                // A target that is absolute begins with `/`, which takes the place of `at`.
                left.extend(parts(&target));
            }
            Err(_) => at = next,
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("it is there");
        fs::create_dir_all(folder.join("a/real")).expect("made");
        symlink("real", folder.join("a/first")).expect("linked");
        symlink(folder.join("a/first"), folder.join("second")).expect("linked");
        symlink("itself", folder.join("itself")).expect("linked");
        let links = |path: &str| links_on_the_way(&folder.join(path));
        assert_eq!(links("a/real"), [] as [PathBuf; 0]);
        assert_eq!(links("a/../a/first"), [folder.join("a/first")]);
        assert_eq!(links("second"), [folder.join("second"), folder.join("a/first")]);
        assert!(!links("itself").is_empty(), "and it ends");
    }
}
