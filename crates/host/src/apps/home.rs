//! The folder in which a host keeps what was deployed to it.
//!
//! ```text
//! lock                     held by the host that uses the folder
//! apps/NAME/releases/N/    what was deployed: the manifest, and all that it names but data
//! apps/NAME/current        a link to the release that is served
//! apps/NAME/data/          what the app writes
//! removing/                apps that are being removed
//! stopped/NAME             an empty file for each app that was stopped
//! ```
//! A release is complete before the link leads to it, which is put in its place in one step. So whatever
//! ends the host, each app is there as it was, or as it was to be.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink},
    path::{Component as Segment, Path, PathBuf},
};

use keyway_app::{
    App, Capability, ComponentName,
    backend::Setting,
    edit::{self, EditError},
};
use keyway_runtime::Key;
use rustix::fs::{FlockOperation, OFlags, flock};

use crate::{assembly::source::files_of, backend::setting_files, error::AppsError};

/// Where the components of a release are, beside its manifest.
const COMPONENTS: &str = ".components";

/// The link to the release that is served.
const CURRENT: &str = "current";

/// The folder of a host.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    /// Kept open, since it is locked.
    _lock: File,
}

/// An app that is to be installed, checked.
#[derive(Debug)]
pub(crate) struct Package<'a> {
    /// With paths as its manifest has them.
    pub(crate) app: &'a App,
    /// What the files of its components held when they were checked.
    pub(crate) sources: &'a BTreeMap<ComponentName, Key>,
    /// The name of the file that its manifest is to have.
    pub(crate) manifest: &'static str,
    /// Its manifest.
    pub(crate) text: &'a str,
}

/// The release that an app had before another was installed, if there was one.
#[derive(Debug)]
pub(crate) struct Before(Option<PathBuf>);

impl Home {
    /// Opens or makes the folder, and removes what a host left undone that ended in the middle.
    ///
    /// # Errors
    /// If it is something else's folder, cannot be written, or another host uses it.
    pub(crate) fn open(folder: &Path) -> Result<Self, AppsError> {
        make(folder)?;
        let path = folder.join("lock");
        let is_foreign = !path.exists() && !names(folder).is_ok_and(|names| names.is_empty());
        let of_user = fs::metadata(folder).map(|metadata| metadata.uid());
        let user = rustix::process::geteuid().as_raw();
        if is_foreign || of_user.map_err(AppsError::disk("read", folder))? != user {
            return Err(AppsError::NotOurs(folder.to_owned()));
        }
        // Manifests may hold passwords.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(AppsError::disk("protect", folder))?;
        let folder = folder.canonicalize().map_err(AppsError::disk("find", folder))?;
        let lock = File::create(&path).map_err(AppsError::disk("write", &path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| AppsError::InUse(folder.clone()))?;
        for name in ["apps", "stopped", "removing"] {
            make(&folder.join(name))?;
        }
        let home = Self { folder, _lock: lock };
        home.tidy().map_err(AppsError::disk("tidy up", &home.folder))?;
        Ok(home)
    }

    /// The names of the apps that are deployed.
    pub(crate) fn apps(&self) -> Result<Vec<String>, AppsError> {
        let folder = self.folder.join("apps");
        let names = names(&folder).map_err(AppsError::disk("read", &folder))?;
        let is_deployed = |name: &String| fs::read_link(self.current(name)).is_ok();
        Ok(names.into_iter().filter(is_deployed).collect())
    }

    /// What an app is opened from: its release that is served.
    pub(crate) fn current(&self, name: &str) -> PathBuf {
        self.app(name).join(CURRENT)
    }

    /// Where what an app writes lies.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.app(name).join("data")
    }

    fn app(&self, name: &str) -> PathBuf {
        self.folder.join("apps").join(name)
    }

    /// The names of the apps that were stopped.
    pub(crate) fn stopped(&self) -> Result<BTreeSet<String>, AppsError> {
        let folder = self.folder.join("stopped");
        let names = names(&folder).map_err(AppsError::disk("read", &folder))?;
        Ok(names.into_iter().collect())
    }

    /// Notes that an app was stopped or started.
    pub(crate) fn set_stopped(&self, name: &str, is_stopped: bool) -> Result<(), AppsError> {
        let folder = self.folder.join("stopped");
        let path = folder.join(name);
        let done = match is_stopped {
            true => File::create(&path).map(drop),
            false => fs::remove_file(&path).or_else(unless_gone),
        };
        let done = done.and_then(|()| sync(&folder));
        done.map_err(AppsError::disk("note in", &path))
    }

    /// Makes a package the release of the app `name` that is served. What it had before is returned, and
    /// can be put [back](Self::restore) until it is [let go](Self::settle).
    ///
    /// # Errors
    /// If the disk does not take it, or a path leads out of the app's folder. The app is then as it was.
    pub(crate) fn install(&self, name: &str, package: &Package<'_>) -> Result<Before, AppsError> {
        let current = self.current(name);
        let before = match fs::read_link(&current) {
            Ok(before) => Some(before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(AppsError::disk("read", &current)(error)),
        };
        if before.is_none() {
            self.set_stopped(name, false)?;
        }
        let releases = self.app(name).join("releases");
        make(&releases)?;
        let last = names(&releases).map_err(AppsError::disk("read", &releases))?;
        let last = last.iter().filter_map(|name| name.parse::<u64>().ok()).max();
        let number = last.unwrap_or(0) + 1;
        let release = releases.join(number.to_string());
        let installed = fill(&release, package)
            .and_then(|()| make_data(package.app, &self.data(name)))
            .and_then(|()| self.serve(name, Path::new("releases").join(number.to_string())));
        if installed.is_err() {
            // It may be what is served already, where the disk failed to say so.
            let _ = match &before {
                Some(before) => self.serve(name, before.clone()),
                None => fs::remove_file(&current).map_err(AppsError::disk("remove", &current)),
            };
            // What is left of it is removed by the next host at the latest.
            let _ = fs::remove_dir_all(&release);
        }
        installed.map(|()| Before(before))
    }

    /// Has an app be served from `release`, in one step.
    fn serve(&self, name: &str, release: PathBuf) -> Result<(), AppsError> {
        let (app, current) = (self.app(name), self.current(name));
        let new = app.join(".current");
        let linked = fs::remove_file(&new).or_else(unless_gone);
        let linked = linked.and_then(|()| symlink(release, &new));
        let linked = linked.and_then(|()| fs::rename(&new, &current)).and_then(|()| sync(&app));
        let synced = linked.and_then(|()| sync(&self.folder.join("apps")));
        synced.map_err(AppsError::disk("write", &current))
    }

    /// Puts back what was there before something was installed.
    pub(crate) fn restore(&self, name: &str, Before(before): Before) -> Result<(), AppsError> {
        match before {
            Some(release) => self.serve(name, release)?,
            None => self.remove(name)?,
        }
        self.settle(name, &Before(None));
        Ok(())
    }

    /// Removes the releases of the app `name` that are not served, except the one before, whose requests
    /// may still be under way. One that stays takes room until the host starts again, and that is all.
    pub(crate) fn settle(&self, name: &str, Before(before): &Before) {
        let Ok(current) = fs::read_link(self.current(name)) else { return };
        let kept = [current.file_name(), before.as_deref().and_then(Path::file_name)];
        let releases = self.app(name).join("releases");
        for name in names(&releases).unwrap_or_default() {
            if !kept.contains(&Some(name.as_ref())) {
                let _ = fs::remove_dir_all(releases.join(name));
            }
        }
    }

    /// Takes an app away, with its data, in one step. What is left of it is deleted by
    /// [`Self::clear`].
    pub(crate) fn remove(&self, name: &str) -> Result<(), AppsError> {
        self.set_stopped(name, false)?;
        let (app, removing) = (self.app(name), self.folder.join("removing"));
        let removed = tempfile::Builder::new().prefix(name).tempdir_in(&removing);
        let removed = removed.and_then(|to| fs::rename(&app, to.keep().join(name)));
        let removed = removed.and_then(|()| sync(&self.folder.join("apps")));
        removed.map_err(AppsError::disk("remove", &app))
    }

    /// Deletes the apps that were removed.
    pub(crate) fn clear(&self) -> Result<(), AppsError> {
        let removing = self.folder.join("removing");
        let clear = || -> io::Result<()> {
            for name in names(&removing)? {
                fs::remove_dir_all(removing.join(name))?;
            }
            Ok(())
        };
        clear().map_err(AppsError::disk("clear", &removing))
    }

    /// Removes what was never deployed, is not served any more, or is removed.
    fn tidy(&self) -> io::Result<()> {
        for name in names(&self.folder.join("apps"))? {
            let current = fs::symlink_metadata(self.current(&name));
            let is_missing = current.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            // Nobody's data is removed because something cannot be read.
            let has_data = names(&self.data(&name)).is_ok_and(|names| !names.is_empty());
            if is_missing && !has_data && self.app(&name).join("releases").is_dir() {
                let _ = self.remove(&name);
            }
            self.settle(&name, &Before(None));
        }
        if let Err(error) = self.clear() {
            tracing::warn!("{error}");
        }
        Ok(())
    }
}

/// Puts all that a package names but data into the folder of a new release.
fn fill(release: &Path, package: &Package<'_>) -> Result<(), AppsError> {
    let Package { app, sources, manifest, text } = *package;
    make(release)?;
    for grant in app.components.values().flat_map(|component| &component.grant.files) {
        let host = &grant.host;
        if is_inside(host)? && !app.keeps(host) {
            copy_folder(&app.folder.join(host), &release.join(host))?;
        }
    }
    for file in setting_files(app).chain(config_files(app)) {
        // Its settings have relative paths that begin in the app's folder.
        let Ok(inside) = file.strip_prefix(&app.folder) else { continue };
        if is_inside(inside)? {
            let to = release.join(inside);
            make(to.parent().unwrap_or(release))?;
            copy(&file, &to)?;
        }
    }
    make(&release.join(COMPONENTS))?;
    let mut paths = Vec::new();
    for (component, file) in app.components.keys().zip(files_of(app)) {
        let bytes = fs::read(&file).map_err(AppsError::disk("read", &file))?;
        let hash = blake3::hash(&bytes).to_hex();
        if sources.get(component).is_none_or(|checked| checked.as_str() != hash.as_str()) {
            return Err(AppsError::Changed(file));
        }
        let path = format!("{COMPONENTS}/{component}.wasm");
        write(&release.join(&path), &bytes)?;
        paths.push((component.clone(), path));
    }
    let text = with_sources(text, &paths).map_err(|it| AppsError::Manifest(it.to_string()))?;
    write(&release.join(manifest), text.as_bytes())?;
    let releases = release.parent().unwrap_or(release);
    sync_all(release).and_then(|()| sync(releases)).map_err(AppsError::disk("write", release))
}

fn with_sources(text: &str, sources: &[(ComponentName, String)]) -> Result<String, EditError> {
    edit::set_sources(text, sources.iter().map(|(name, source)| (name, source.as_str())))
}

/// Files that configure an app as a whole.
fn config_files(app: &App) -> impl Iterator<Item = PathBuf> {
    let configs = app.backends.iter().filter(|((of, _), _)| *of == Capability::Config);
    configs.filter_map(|(_, backend)| match &backend.settings.get("path")?.value {
        Setting::Text(path) => Some(app.folder.join(&path.0)),
        _ => None,
    })
}

/// Makes room for what an app writes. Folders that it finds there for the first time begin with what is
/// in its own; after that, nobody else writes to them.
fn make_data(app: &App, data: &Path) -> Result<(), AppsError> {
    make(data)?;
    let grants = app.components.values().flat_map(|component| &component.grant.files);
    let mut hosts: Vec<_> = grants.map(|grant| grant.host.as_path()).collect();
    // A folder comes before those in it.
    hosts.sort();
    let part = data.join(".part");
    for host in hosts {
        let to = data.join(host);
        if !(is_inside(host)? && app.keeps(host)) || to.exists() {
            continue;
        }
        // A part of it must not be taken for all of it later.
        fs::remove_dir_all(&part).or_else(unless_gone).map_err(AppsError::disk("clear", &part))?;
        copy_folder(&app.folder.join(host), &part)?;
        make(to.parent().unwrap_or(data))?;
        let whole = sync_all(&part).and_then(|()| fs::rename(&part, &to));
        whole.map_err(AppsError::disk("write", &to))?;
    }
    for ((capability, _), backend) in &app.backends {
        let path = backend.settings.get("path").map(|setting| &setting.value);
        if let (Some(Setting::Text(path)), true) = (path, *capability != Capability::Config)
            && is_inside(Path::new(&path.0))?
        {
            make(data.join(&path.0).parent().unwrap_or(data))?;
        }
    }
    sync_all(data).map_err(AppsError::disk("write", data))
}

/// Whether a path is relative. It must not lead out of the folder that it is relative to.
fn is_inside(path: &Path) -> Result<bool, AppsError> {
    if path.is_relative() && path.components().any(|segment| segment == Segment::ParentDir) {
        return Err(AppsError::Outside(path.to_owned()));
    }
    Ok(path.is_relative())
}

/// Makes a folder that only its owner may look into, where there is none.
fn make(folder: &Path) -> Result<(), AppsError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(AppsError::disk("make the folder", folder))
}

/// Copies a folder with all that is in it. Links stay links, and must not lead out of it: what they lead
/// to was not granted.
fn copy_folder(from: &Path, to: &Path) -> Result<(), AppsError> {
    let root = from.canonicalize().map_err(AppsError::disk("read", from))?;
    copy_within(&root, from, to)
}

fn copy_within(root: &Path, from: &Path, to: &Path) -> Result<(), AppsError> {
    make(to)?;
    for entry in fs::read_dir(from).map_err(AppsError::disk("read", from))? {
        let entry = entry.map_err(AppsError::disk("read", from))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(AppsError::disk("read", &from))?;
        if kind.is_dir() {
            copy_within(root, &from, &to)?;
        } else if kind.is_file() {
            copy(&from, &to)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(&from).map_err(AppsError::disk("read", &from))?;
            let leads_inside = from.canonicalize().is_ok_and(|target| target.starts_with(root));
            if target.is_absolute() || !leads_inside {
                return Err(AppsError::NoFile(from));
            }
            symlink(target, &to).map_err(AppsError::disk("write", &to))?;
        } else {
            return Err(AppsError::NoFile(from));
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), AppsError> {
    // A pipe would wait for a writer.
    let open =
        OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(from);
    let mut file = open.map_err(AppsError::disk("read", from))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(AppsError::NoFile(from.to_owned()));
    }
    write_with(to, |to| io::copy(&mut file, to).map(drop))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), AppsError> {
    write_with(path, |file| file.write_all(bytes))
}

/// Writes a file of a release, which nobody reads before it is complete.
fn write_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), AppsError> {
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = open.and_then(|mut file| write(&mut file).and_then(|()| file.sync_all()));
    written.map_err(AppsError::disk("write", path))
}

/// Has the disk take what was last made or renamed in a folder.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The same for a folder and all those in it.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        }
    }
    sync(folder)
}

fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// The names in a folder, in order.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let names: Vec<OsString> = names.collect::<io::Result<_>>()?;
    let mut names: Vec<_> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_deployed_goes_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        drop(Home::open(&data).expect("it is made"));
        fs::create_dir_all(data.join("apps/half/releases/1")).expect("made");
        fs::create_dir_all(data.join("apps/other")).expect("made");
        let home = Home::open(&data).expect("it is there");
        assert!(!data.join("apps/half").exists() && data.join("apps/other").exists());
        assert_eq!(home.apps().expect("it can be read"), [] as [String; 0]);
        assert!(matches!(Home::open(&data), Err(AppsError::InUse(_))));
        drop(home);
        fs::remove_file(data.join("lock")).expect("removed");
        assert!(matches!(Home::open(&data), Err(AppsError::NotOurs(_))));
    }

    #[test]
    fn links_do_not_lead_out_of_what_is_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("inner")).expect("made");
        fs::write(from.join("file"), "text").expect("written");
        symlink("../file", from.join("inner/link")).expect("linked");
        copy_folder(&from, &to).expect("it is copied");
        assert_eq!(fs::read_to_string(to.join("inner/link")).expect("it is there"), "text");
        fs::write(folder.path().join("secret"), "hidden").expect("written");
        symlink("../secret", from.join("out")).expect("linked");
        assert!(matches!(copy_folder(&from, &to.join("again")), Err(AppsError::NoFile(_))));
    }
}
