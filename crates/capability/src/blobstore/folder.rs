//! Containers in a folder: each is a folder in it, and each object a file under its own name.
//!
//! No name leads out of the folder, and neither does a symbolic link: paths are resolved by
//! `cap-std`, beneath the open folder. A file is written elsewhere in the folder and moved into
//! place when complete. `a` and `a/b` cannot both be objects.

mod walk;
mod write;

use std::collections::BTreeMap;
use std::{
    io::{self, ErrorKind, SeekFrom},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use cap_std::{
    ambient_authority,
    fs::{Dir, Metadata},
};
use futures::{StreamExt, stream};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    task::spawn_blocking,
};

use super::{
    Blobs, ContainerInfo, Error, ObjectId, ObjectInfo, Page, Reading, Writing, clamp,
    name::{check_container, check_object, write_container, write_object, write_prefix},
};
use crate::{OpenError, Origin, Outage, SettingsError, settings::Settings};

/// Where files lie that are being written, and containers that are being deleted. No container's
/// folder begins with a dot.
const WORK: &str = ".keyway";

/// Leftovers of a killed host in [`WORK`] are removed after this time.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What is read of a file at once.
const PIECE_BYTES: usize = 64 << 10;

/// A folder of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder. It is made if it is not there.
    pub path: PathBuf,
}

impl Options {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads the settings `path`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let settings = Settings::new("folder", settings, &["path"])?;
        Ok(Self::new(settings.needed("path", "data/pictures")?))
    }
}

/// Containers in a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    origin: Origin,
    root: Arc<Dir>,
}

impl Folder {
    /// Opens the folder, and makes it if it is not there.
    ///
    /// # Errors
    /// If it cannot be opened or made.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let path = &options.path;
        let failed = |error: io::Error| OpenError::File {
            what: "the folder",
            path: path.clone(),
            reason: error.to_string(),
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let root = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        root.create_dir_all(WORK).map_err(failed)?;
        sweep(&root).map_err(failed)?;
        Ok(Self {
            origin: Origin::new(format!("the folder {}", path.display())),
            root: Arc::new(root),
        })
    }

    /// Does `act`, which waits for the disk, on a thread where that holds up nothing else.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = self.clone();
        let done = spawn_blocking(move || act(&this)).await;
        done.unwrap_or_else(|error| Err(self.failed(&io::Error::other(error))))
    }

    fn failed(&self, error: &io::Error) -> Error {
        let (at, reason) = (self.origin.clone(), error.to_string());
        match error.kind() {
            ErrorKind::PermissionDenied => Error::Outage(Outage::AccessDenied { at, reason }),
            _ => Error::Failed { at, reason },
        }
    }

    /// The error of something that was to be done with an object.
    fn object_failed(&self, object: &Named, error: &io::Error) -> Error {
        match error.kind() {
            ErrorKind::NotFound => match self.container(&object.container) {
                Ok(_) => Error::no_object(self.origin.clone(), object.id()),
                Err(error) => error,
            },
            // A part of its path is a file, or all of it is a folder.
            ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
                Error::no_object(self.origin.clone(), object.id())
            }
            ErrorKind::InvalidFilename => Error::Name {
                name: object.name.clone(),
                what: "an object",
                rule: format!("each part of it is a file's name in {}", self.origin),
            },
            _ => self.failed(error),
        }
    }

    /// The folder of a container.
    fn container(&self, container: &str) -> Result<Dir, Error> {
        check_container(container)?;
        match self.root.open_dir(write_container(container)) {
            Ok(folder) => Ok(folder),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Err(Error::no_container(self.origin.clone(), container))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The file of an object, and what is known of it.
    fn file(&self, object: &Named) -> Result<(std::fs::File, Metadata), Error> {
        let opened = self.root.open(&object.path).and_then(|file| {
            let metadata = file.metadata()?;
            Ok((file, metadata))
        });
        let (file, metadata) = opened.map_err(|error| self.object_failed(object, &error))?;
        if !metadata.is_file() {
            return Err(Error::no_object(self.origin.clone(), object.id()));
        }
        Ok((file.into_std(), metadata))
    }
}

/// An object with its path in the root.
#[derive(Clone, Debug)]
struct Named {
    container: String,
    name: String,
    path: String,
}

impl Named {
    fn new(object: ObjectId<'_>) -> Result<Self, Error> {
        check_container(object.container)?;
        check_object(object.name)?;
        let path = format!("{}/{}", write_container(object.container), write_object(object.name));
        Ok(Self { container: object.container.to_owned(), name: object.name.to_owned(), path })
    }

    fn id(&self) -> ObjectId<'_> {
        ObjectId { container: &self.container, name: &self.name }
    }

    /// The folder that its file lies in.
    fn folder(&self) -> &Path {
        Path::new(&self.path).parent().unwrap_or(Path::new("."))
    }
}

fn info(name: String, metadata: &Metadata) -> ObjectInfo {
    ObjectInfo { name, bytes: metadata.len(), created: changed(metadata) }
}

fn changed(metadata: &Metadata) -> SystemTime {
    metadata.modified().map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std)
}

/// Removes what killed hosts have left behind.
fn sweep(root: &Dir) -> io::Result<()> {
    let work = root.open_dir(WORK)?;
    for entry in work.entries()? {
        let entry = entry?;
        // What is gone meanwhile was another host's.
        let Ok(metadata) = entry.metadata() else { continue };
        let age = SystemTime::now().duration_since(changed(&metadata)).unwrap_or_default();
        if age < LEFT_BEHIND_AFTER {
            continue;
        }
        let _ = if metadata.is_dir() {
            work.remove_dir_all(entry.file_name())
        } else {
            work.remove_file(entry.file_name())
        };
    }
    Ok(())
}

#[async_trait]
impl Blobs for Folder {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn create_container(&self, container: &str) -> Result<(), Error> {
        check_container(container)?;
        let container = container.to_owned();
        self.blocking(move |this| match this.root.create_dir(write_container(&container)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(Error::ContainerExists { at: this.origin.clone(), container })
            }
            made => made.map_err(|error| this.failed(&error)),
        })
        .await
    }

    async fn delete_container(&self, container: &str) -> Result<(), Error> {
        let container = container.to_owned();
        self.blocking(move |this| {
            this.container(&container)?;
            // In one step first, so that half of it is never visible.
            let gone = write::work_file();
            let moved = this.root.rename(write_container(&container), &this.root, &gone);
            moved.map_err(|error| this.failed(&error))?;
            this.root.remove_dir_all(&gone).map_err(|error| this.failed(&error))
        })
        .await
    }

    async fn containers(&self) -> Result<Vec<String>, Error> {
        self.blocking(|this| walk::containers(&this.root).map_err(|error| this.failed(&error)))
            .await
    }

    async fn container_info(&self, container: &str) -> Result<Option<ContainerInfo>, Error> {
        let container = container.to_owned();
        self.blocking(move |this| match this.container(&container) {
            Ok(folder) => {
                let metadata = folder.dir_metadata().map_err(|error| this.failed(&error))?;
                let created = metadata.created().map(cap_std::time::SystemTime::into_std);
                let created = created.unwrap_or_else(|_| changed(&metadata));
                Ok(Some(ContainerInfo { created }))
            }
            Err(Error::NoSuchContainer { .. }) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let container = container.to_owned();
        let prefix = prefix.to_owned();
        let after = cursor.unwrap_or_default().to_owned();
        self.blocking(move |this| {
            let folder = this.container(&container)?;
            let wanted = walk::Wanted {
                path_prefix: write_prefix(&prefix),
                prefix,
                after,
                limit: limit.max(1),
            };
            wanted.page(&folder).map_err(|error| this.failed(&error))
        })
        .await
    }

    async fn info(&self, object: ObjectId<'_>) -> Result<Option<ObjectInfo>, Error> {
        let object = Named::new(object)?;
        self.blocking(move |this| match this.file(&object) {
            Ok((_, metadata)) => Ok(Some(info(object.name, &metadata))),
            Err(Error::NoSuchObject { .. }) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn read(
        &self,
        object: ObjectId<'_>,
        part: RangeInclusive<u64>,
    ) -> Result<Reading, Error> {
        let object = Named::new(object)?;
        let (file, metadata) = self.blocking(move |this| this.file(&object)).await?;
        let (start, length) = clamp(&part, metadata.len());
        let mut file = File::from_std(file);
        if start > 0 {
            file.seek(SeekFrom::Start(start)).await.map_err(|error| self.failed(&error))?;
        }
        let this = self.clone();
        let data = stream::try_unfold((file, length), move |(mut file, left)| {
            let this = this.clone();
            async move {
                let piece = piece(&mut file, left).await.map_err(|error| this.failed(&error))?;
                Ok(piece.map(|piece| {
                    let left = left - piece.len() as u64;
                    (piece, (file, left))
                }))
            }
        });
        Ok(Reading { bytes: length, data: data.boxed() })
    }

    async fn write(&self, object: ObjectId<'_>) -> Result<Box<dyn Writing>, Error> {
        let object = Named::new(object)?;
        let written = self.blocking(move |this| write::Written::begin(this, object)).await?;
        Ok(Box::new(written))
    }

    async fn delete(&self, container: &str, objects: &[String]) -> Result<(), Error> {
        let named = |name: &String| Named::new(ObjectId { container, name });
        let objects: Vec<_> = objects.iter().map(named).collect::<Result<_, _>>()?;
        let container = container.to_owned();
        self.blocking(move |this| {
            this.container(&container)?;
            objects.iter().try_for_each(|object| match this.root.remove_file(&object.path) {
                Ok(()) => {
                    write::remove_empty(this, object);
                    Ok(())
                }
                Err(error) => match this.object_failed(object, &error) {
                    Error::NoSuchObject { .. } => Ok(()),
                    error => Err(error),
                },
            })
        })
        .await
    }

    async fn copy(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        let (from, to) = (Named::new(from)?, Named::new(to)?);
        self.blocking(move |this| {
            let (mut source, _) = this.file(&from)?;
            let mut target = write::Target::begin(this, to)?;
            let copied = io::copy(&mut source, target.file());
            copied.map_err(|error| this.failed(&error))?;
            target.finish(this)
        })
        .await
    }

    async fn rename(&self, from: ObjectId<'_>, to: ObjectId<'_>) -> Result<(), Error> {
        let (from, to) = (Named::new(from)?, Named::new(to)?);
        self.blocking(move |this| {
            this.file(&from)?;
            if from.path == to.path {
                return Ok(());
            }
            this.container(&to.container)?;
            write::put(this, &from.path, &to)?;
            write::remove_empty(this, &from);
            Ok(())
        })
        .await
    }
}

/// The next piece of a file; none at the end of what is wanted.
async fn piece(file: &mut File, left: u64) -> io::Result<Option<Bytes>> {
    let bytes = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
    if bytes == 0 {
        return Ok(None);
    }
    let mut piece = BytesMut::with_capacity(bytes);
    while piece.is_empty() {
        if file.take(bytes as u64).read_buf(&mut piece).await? == 0 {
            // The file was not truncated through this place.
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the file has become shorter"));
        }
    }
    Ok(Some(piece.freeze()))
}
