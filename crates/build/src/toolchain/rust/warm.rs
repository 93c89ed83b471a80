//! Compiles dependencies once: what cargo built for the first project with the same dependencies is
//! copied into each new one, which then builds in seconds instead of a minute.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use super::Workspace;
use crate::{
    BuildError, Project,
    process::{Written, run},
};

/// For how many sets of dependencies what was built is kept.
const KEPT: usize = 4;

/// The build folder of a project that has not been built yet.
#[derive(Debug)]
pub(super) struct NewTarget {
    target: PathBuf,
    /// What is kept for its dependencies, or will be.
    kept: PathBuf,
    /// What files of the project itself begin with.
    own: Vec<String>,
}

impl NewTarget {
    /// None for a project that has been built before, has no dependencies, or is a part of a
    /// workspace; these go without.
    pub(super) fn begin(
        project: &Project,
        workspace: &Workspace,
        cache: &Path,
        compiler: &str,
    ) -> Option<Self> {
        let target = workspace.target();
        if target.exists() || workspace.root() != project.folder {
            return None;
        }
        let text = fs::read_to_string(project.folder.join("Cargo.toml")).ok()?;
        // All that follows: profiles too decide how dependencies are compiled.
        let dependencies = &text[text.find("[dependencies]")?..];
        let key = blake3::hash(format!("{compiler}\n{dependencies}").as_bytes()).to_hex();
        let kept = cache.join("cargo").join(&key[..16]);
        if kept.is_dir() {
            // Without it, everything is compiled: that is not an error.
            let _ = copy(&kept, target);
        }
        Some(Self { target: target.to_owned(), kept, own: workspace.names_of(project) })
    }

    /// Whether all dependencies were compiled: cargo compiles a package after those, so that they are
    /// there too where the package itself has a mistake.
    pub(super) fn is_complete(&self, compiled: &Result<Written, BuildError>) -> bool {
        match compiled {
            Ok(_) => true,
            Err(BuildError::Compiler { output, .. }) => {
                self.own.iter().any(|own| output.contains(&format!("could not compile `{own}`")))
            }
            Err(_) => false,
        }
    }

    /// Keeps what was built of the dependencies, for the next project. Without it, that is built
    /// again: it is not an error.
    pub(super) fn keep(&self) {
        let _ = self.try_keep();
    }

    fn try_keep(&self) -> Option<()> {
        if self.kept.exists() {
            return None;
        }
        let parent = self.kept.parent()?;
        fs::create_dir_all(parent).ok()?;
        forget_oldest(parent);
        let staging = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).ok()?;
        let copied = staging.path().join("target");
        copy(&self.target, &copied)?;
        self.remove_own(&copied);
        fs::rename(&copied, &self.kept).ok()
    }

    /// Removes the project's own files from the folder of each profile.
    fn remove_own(&self, target: &Path) {
        let inner = entries(target).flat_map(|folder| entries(&folder));
        for profile in
            entries(target).chain(inner).filter(|path| path.join(".fingerprint").is_dir())
        {
            // Dependencies are never built in steps.
            let _ = fs::remove_dir_all(profile.join("incremental"));
            let parts =
                [".fingerprint", "build", "deps", "examples"].map(|part| profile.join(part));
            for path in parts.iter().chain([&profile]).flat_map(|folder| entries(folder)) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if !is_own(&name, &self.own) {
                    continue;
                }
                let _ =
                    if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            }
        }
    }
}

/// Whether cargo calls by this name what it builds of one of `own`: `NAME-HASH`, perhaps with an
/// ending, or `NAME` with the ending of what comes out.
fn is_own(name: &str, own: &[String]) -> bool {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    own.iter().any(|own| match stem.strip_prefix(own.as_str()) {
        Some("") => ["wasm", "d", "rlib", "rmeta"].contains(&ending),
        Some(rest) => rest.strip_prefix('-').is_some_and(|hash| {
            hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        }),
        None => false,
    })
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// Copies a folder with the times of its files, by which cargo sees that nothing has changed.
fn copy(from: &Path, to: &Path) -> Option<()> {
    fs::create_dir_all(to.parent()?).ok()?;
    let mut command = Command::new("cp");
    command.args(["--archive", "--reflink=auto"]).arg(from).arg(to);
    if run(&mut command).is_ok_and(|output| output.status.success()) {
        return Some(());
    }
    let _ = fs::remove_dir_all(to);
    None
}

fn forget_oldest(folder: &Path) {
    let changed = |path: &PathBuf| {
        fs::metadata(path).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let mut kept: Vec<_> = entries(folder).collect();
    kept.sort_by_key(changed);
    for path in kept.iter().rev().skip(KEPT - 1) {
        let _ = fs::remove_dir_all(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the build folder of a package.
    fn left(package: &str, files: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("target");
        for file in files {
            let path = target.join(file);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
        let name = package.replace('-', "_");
        let own = vec![format!("lib{name}"), name, package.to_owned()];
        NewTarget { target: target.clone(), kept: PathBuf::new(), own }.remove_own(&target);
        let left = crate::files::walk(&target, &|_| true).expect("it is there");
        let relative = left.iter().map(|path| path.strip_prefix(&target).expect("it is in it"));
        relative.map(|path| path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn dependencies_are_complete_where_the_package_alone_fails() {
        let own = vec!["libfirst_try".to_owned(), "first_try".to_owned(), "first-try".to_owned()];
        let new = NewTarget { target: PathBuf::new(), kept: PathBuf::new(), own };
        let failed = |output: &str| {
            let (tool, project) = ("cargo".to_owned(), "first-try".to_owned());
            Err(BuildError::Compiler { tool, project, output: output.to_owned() })
        };
        assert!(
            new.is_complete(&failed("error: could not compile `first-try` (lib) due to 1 error"))
        );
        assert!(!new.is_complete(&failed("error: could not compile `first` (lib) due to 1 error")));
        assert!(!new.is_complete(&failed("error: no matching package named `anyhow` found")));
    }

    #[test]
    fn only_what_is_of_the_package_itself_is_taken_away() {
        let hash = "0123456789abcdef";
        let dependencies = [
            "CACHEDIR.TAG",
            &format!("release/.fingerprint/wit-bindgen-{hash}/lib"),
            &format!("release/deps/libwit_bindgen-{hash}.rlib"),
            &format!("wasm32-wasip2/release/.fingerprint/wit-bindgen-{hash}/lib"),
            &format!("wasm32-wasip2/release/build/wit-bindgen-{hash}/out/wit.wasm"),
            "wasm32-wasip2/release/deps/libwit-short.rlib",
            &format!("wasm32-wasip2/release/deps/libwit_bindgen-{hash}.rlib"),
            &format!("wasm32-wasip2/release/deps/wit_bindgen-{hash}.d"),
        ];
        for package in ["wit", "w", "release", "deps", "build", "first-try"] {
            let name = package.replace('-', "_");
            let release = "wasm32-wasip2/release";
            let own = [
                format!("{release}/.fingerprint/{package}-{hash}/lib"),
                format!("{release}/build/{package}-{hash}/out/x.rs"),
                format!("{release}/deps/{name}-{hash}.{name}.1-cgu.0.rcgu.o"),
                format!("{release}/deps/lib{name}-{hash}.rlib"),
                format!("{release}/deps/{name}.wasm"),
                format!("{release}/incremental/{name}-1abc/x"),
                format!("{release}/{name}.d"),
                format!("{release}/{name}.wasm"),
            ];
            let own: Vec<&str> = own.iter().map(String::as_str).collect();
            assert_eq!(
                left(package, &[&own, &dependencies[..]].concat()),
                dependencies,
                "{package}"
            );
        }
    }
}
