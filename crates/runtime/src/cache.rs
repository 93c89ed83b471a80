//! The cache of compiled components: one file per component, engine version and settings, in a
//! folder that belongs to the user alone. Next to them are notes: what was learnt about the bytes
//! that the code was compiled from, so that they need not be read again.
//!
//! A file is written under a temporary name and renamed, so writers never collide and a reader
//! never sees half a file. Its last bytes are its checksum; a file that does not match is removed
//! and rebuilt. When the folder outgrows its limit, the least recently used files go first.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use tempfile::NamedTempFile;

/// What the folder may hold, in bytes.
const BOUND_BYTES: u64 = 4 << 30;

/// How much may be written before the folder is looked through again, and how much more than its bound
/// it may hold until then.
const LOOK_EVERY_BYTES: u64 = 64 << 20;

const CHECKSUM_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Debug, Clone)]
pub struct Cache {
    /// None if there is no folder that it can have.
    folder: Option<PathBuf>,
    shared: Arc<Shared>,
}

/// What the copies of a cache share.
#[derive(Debug)]
struct Shared {
    /// Bytes written since the folder was looked through.
    written_bytes: AtomicU64,
    /// Files of compiled code that this process found whole. They are never changed, so that each is read
    /// only once, however often an app wakes.
    whole: Mutex<HashMap<Key, Identity>>,
}

/// What tells a file from another in its place: its device, its number there, and its length.
type Identity = (u64, u64, u64);

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder cannot be made or read.
    #[error("the cache folder {} cannot be used: {error}; set another with XDG_CACHE_HOME", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another user may write to the folder, so its code cannot be trusted.
    #[error("the cache folder {} can be written by other users, so compiled code in it cannot be \
             trusted: `chmod 700` it, or remove it", .0.display())]
    Shared(PathBuf),
    /// Another user may replace the folder.
    #[error("the cache folder {} is in {}, where other users can rename it, so compiled code in it \
             cannot be trusted: `chmod go-w` that folder, or set XDG_CACHE_HOME to another", folder.display(), above.display())]
    Above {
        /// The cache's folder.
        folder: PathBuf,
        /// The folder that is not safe.
        above: PathBuf,
    },
}

const ROOT: u32 = 0;

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A group with the number of its user is taken for that user's own, as most systems make it.
fn is_writable_by_others(metadata: &fs::Metadata) -> bool {
    let by_group = metadata.mode() & 0o020 != 0 && metadata.gid() != metadata.uid();
    by_group || metadata.mode() & 0o002 != 0
}

/// Names one compiled component: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The key of what has this hash.
    pub fn of(hash: blake3::Hash) -> Self {
        Self(hash.to_hex().to_string())
    }

    /// The key that is written so, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_key = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_key.then(|| Self(text.to_owned()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Cache {
    /// The cache in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be made, is not the user's own or is writable by others.
    pub fn open(folder: PathBuf) -> Result<Self, CacheError> {
        let failed = |error| CacheError::Folder { folder: folder.clone(), error };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        // Free of links, whose own folders would have to be looked at too.
        let folder = folder.canonicalize().map_err(failed)?;
        let metadata = fs::metadata(&folder).map_err(failed)?;
        if metadata.uid() != user() || metadata.mode() & 0o022 != 0 {
            return Err(CacheError::Shared(folder));
        }
        // A user who may rename a parent folder can replace it.
        for above in folder.ancestors().skip(1) {
            let metadata = fs::metadata(above).map_err(failed)?;
            let is_of_others = ![user(), ROOT].contains(&metadata.uid());
            let is_sticky = metadata.mode() & 0o1000 != 0;
            if is_of_others || (is_writable_by_others(&metadata) && !is_sticky) {
                let above = above.to_owned();
                return Err(CacheError::Above { folder: folder.clone(), above });
            }
        }
        Ok(Self::of(Some(folder)))
    }

    /// A cache that keeps nothing, where no folder can be had.
    pub fn none() -> Self {
        Self::of(None)
    }

    fn of(folder: Option<PathBuf>) -> Self {
        // The first file that is written makes it look: most processes write only a few.
        let written_bytes = AtomicU64::new(LOOK_EVERY_BYTES);
        Self { folder, shared: Arc::new(Shared { written_bytes, whole: Mutex::default() }) }
    }

    /// Whether it can keep anything.
    pub fn keeps(&self) -> bool {
        self.folder.is_some()
    }

    /// The key of `component` when compiled with `settings`.
    pub(crate) fn key(&self, settings: &[u8; 32], component: &[u8]) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(settings).update(component);
        Key::of(hasher.finalize())
    }

    /// The file that holds the compiled component, if it is there and whole.
    pub(crate) fn find(&self, key: &Key) -> Option<PathBuf> {
        let path = self.path(key)?;
        let metadata = fs::metadata(&path).ok()?;
        let identity = (metadata.dev(), metadata.ino(), metadata.len());
        let whole = || self.shared.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if whole().get(key) == Some(&identity) {
            touch(&path);
        } else {
            self.read(&path)?;
            whole().insert(key.clone(), identity);
        }
        Some(path)
    }

    /// Keeps `code` and says where, if there is a folder.
    pub(crate) fn store(&self, key: &Key, code: &[u8]) -> Result<Option<PathBuf>, CacheError> {
        let Some(path) = self.path(key) else { return Ok(None) };
        self.write(&path, code)?;
        Ok(Some(path))
    }

    /// What was noted under `name`, if it is there and whole.
    pub fn note(&self, name: &Key) -> Option<Vec<u8>> {
        self.read(&self.note_path(name)?)
    }

    /// Notes `content` under `name`.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn keep_note(&self, name: &Key, content: &[u8]) -> Result<(), CacheError> {
        match self.note_path(name) {
            Some(path) => self.write(&path, content),
            None => Ok(()),
        }
    }

    fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let mut bytes = fs::read(path).ok()?;
        let whole = bytes.split_last_chunk::<CHECKSUM_BYTES>();
        if whole.is_none_or(|(content, sum)| blake3::hash(content).as_bytes() != sum) {
            // No warning: there is nothing to do, and the first line is where the app is served.
            tracing::info!(path = %path.display(), "a file of the cache is damaged and is rebuilt");
            // Whether it can be removed or not, what replaces it is renamed over it.
            let _ = fs::remove_file(path);
            return None;
        }
        touch(path);
        bytes.truncate(bytes.len() - CHECKSUM_BYTES);
        Some(bytes)
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), CacheError> {
        // A path is of the folder.
        let Some(folder) = path.parent() else { return Ok(()) };
        let write = || -> io::Result<()> {
            let mut file = NamedTempFile::with_prefix_in(".writing-", folder)?;
            io::Write::write_all(&mut file, content)?;
            io::Write::write_all(&mut file, blake3::hash(content).as_bytes())?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|error| CacheError::Folder { folder: folder.to_owned(), error })?;
        // Ten thousand files are not looked at for each that is added.
        let bytes = content.len() as u64;
        let written = &self.shared.written_bytes;
        if written.fetch_add(bytes, Relaxed) + bytes > LOOK_EVERY_BYTES {
            written.store(0, Relaxed);
            shrink(folder, path, BOUND_BYTES);
        }
        Ok(())
    }

    fn path(&self, key: &Key) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.cwasm", key.0)))
    }

    fn note_path(&self, name: &Key) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.note", name.0)))
    }
}

/// Notes that a file is used: what was not used for longest goes first when the cache is full.
fn touch(path: &Path) {
    // A cache on a read-only disk works all the same.
    let _ = fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Removes what was not used for longest until the folder is within its bound. What is mapped
/// by a running process stays readable to it.
fn shrink(folder: &Path, keep: &Path, bound_bytes: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .filter(|(_, _, path)| path != keep)
        .collect();
    files.sort_unstable();
    let kept = fs::metadata(keep).map_or(0, |metadata| metadata.len());
    let mut total: u64 = kept + files.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
    for (_, bytes, path) in files {
        if total <= bound_bytes {
            return;
        }
        // Another process may have removed it first.
        let _ = fs::remove_file(path);
        total -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = Cache::open(folder.path().join("compiled")).expect("a cache");
        (folder, cache)
    }

    fn store(cache: &Cache, key: &Key, code: &[u8]) -> PathBuf {
        cache.store(key, code).expect("stored").expect("in a folder")
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        let cache = Cache::none();
        let key = cache.key(&[0; 32], b"component");
        assert_eq!(cache.store(&key, b"code").expect("no error"), None);
        cache.keep_note(&key, b"note").expect("no error");
        assert_eq!((cache.find(&key), cache.note(&key)), (None, None));
    }

    #[test]
    fn what_was_stored_is_found() {
        let (_folder, cache) = cache();
        let key = cache.key(&[0; 32], b"component");
        assert!(cache.find(&key).is_none());
        let path = store(&cache, &key, b"code");
        assert_eq!(cache.find(&key), Some(path));
    }

    #[test]
    fn other_settings_are_another_entry() {
        let (_folder, cache) = cache();
        cache.store(&cache.key(&[0; 32], b"component"), b"code").expect("stored");
        assert!(cache.find(&cache.key(&[1; 32], b"component")).is_none());
    }

    #[test]
    fn a_damaged_file_is_not_found_and_removed() {
        let (_folder, cache) = cache();
        let key = cache.key(&[0; 32], b"component");
        let path = store(&cache, &key, b"code");
        for damage in [&b""[..], b"short", b"cod3 and a checksum that is not its own at all"] {
            fs::write(&path, damage).expect("damaged");
            assert!(cache.find(&key).is_none());
        }
    }

    #[test]
    fn a_file_that_was_whole_and_is_replaced_is_read_again() {
        let (_folder, cache) = cache();
        let key = cache.key(&[0; 32], b"component");
        let path = store(&cache, &key, b"code");
        assert!(cache.find(&key).is_some());
        assert!(cache.find(&key).is_some());
        let length = fs::metadata(&path).expect("it is there").len() as usize;
        let other = path.with_extension("other");
        fs::write(&other, vec![0; length]).expect("written");
        fs::rename(&other, &path).expect("renamed");
        assert!(cache.find(&key).is_none());
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let (_folder, cache) = cache();
        let old = store(&cache, &cache.key(&[0; 32], b"old"), &[0; 1000]);
        let new = store(&cache, &cache.key(&[0; 32], b"new"), &[0; 1000]);
        fs::File::open(&old)
            .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
            .expect("aged");
        let last = store(&cache, &cache.key(&[0; 32], b"last"), &[0; 1000]);
        shrink(last.parent().expect("a folder"), &last, 2500);
        assert!(!old.exists() && new.exists() && last.exists());
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        let (folder, _) = cache();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).expect("made");
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).expect("opened up");
        assert!(matches!(Cache::open(shared), Err(CacheError::Shared(_))));
    }

    #[test]
    fn a_folder_that_others_may_replace_is_refused() {
        let (folder, _) = cache();
        let above = folder.path().join("above");
        let inner = above.join("user/compiled");
        assert!(Cache::open(inner.clone()).is_ok());
        let open_up = |mode| fs::set_permissions(&above, fs::Permissions::from_mode(mode));
        open_up(0o777).expect("opened up");
        let refused = Cache::open(inner.clone());
        assert!(matches!(refused, Err(CacheError::Above { .. })), "{refused:?}");
        // As `/tmp` is: only owners rename.
        open_up(0o1777).expect("opened up");
        assert!(Cache::open(inner).is_ok());
    }
}
