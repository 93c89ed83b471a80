//! `wasi:filesystem/types` 0.3: reading a folder. All names that can be returned are, and errors
//! are reported after them; wasmtime ends with the first name that is not Unicode.

use std::{
    fs::File,
    io, mem,
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    vec,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat},
    io::Errno,
};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
};
use wasmtime::{
    StoreContextMut,
    component::{
        Destination, FutureReader, LinkerInstance, Resource, StreamProducer, StreamReader,
        StreamResult,
    },
};
use wasmtime_wasi::{
    filesystem::{Descriptor, WasiFilesystem},
    p3::bindings::filesystem::types::{
        DescriptorType, DirectoryEntry, ErrorCode, HostDescriptorWithStore,
    },
};

use super::file::{Store, View, access};
use crate::{descriptor, state::State};

/// Entries that are read when the guest asks for one.
const ENTRIES_AT_ONCE: usize = 64;

type End = Result<(), ErrorCode>;
type Listing = (StreamReader<DirectoryEntry>, FutureReader<End>);

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap(
        "[method]descriptor.read-directory",
        move |store: StoreContextMut<'_, State>, (fd,): (Resource<Descriptor>,)| {
            Ok((list(access(store, view), fd)?,))
        },
    )
}

fn list(mut files: Store<'_>, fd: Resource<Descriptor>) -> wasmtime::Result<Listing> {
    let folder = match files.get().table.get(&fd)? {
        Descriptor::Dir(folder) => Arc::clone(&folder.dir),
        Descriptor::File(_) => return WasiFilesystem::read_directory(files, fd),
    };
    let (end, ended) = oneshot::channel();
    let entries = StreamReader::new(&mut files, Entries::of(folder, end))?;
    Ok((entries, FutureReader::new(&mut files, ended)?))
}

/// The entries of a folder. Threads that may block read some of them whenever the guest has taken
/// those before, so that no thread waits for a guest.
struct Entries {
    stage: Stage,
    end: Option<oneshot::Sender<End>>,
}

enum Stage {
    Read(Batch),
    Reading(JoinHandle<Batch>),
}

/// Some entries, and what comes after them.
struct Batch {
    entries: vec::IntoIter<DirectoryEntry>,
    rest: Rest,
}

enum Rest {
    More(Box<Unread>),
    End(End),
}

impl Entries {
    fn of(folder: Arc<File>, end: oneshot::Sender<End>) -> Self {
        let unread = Unread { folder, open: None, all_told: Ok(()) };
        let rest = Rest::More(Box::new(unread));
        let nothing = Batch { entries: Vec::new().into_iter(), rest };
        Self { stage: Stage::Read(nothing), end: Some(end) }
    }

    /// The next entry; none after the last, when the guest has seen the end.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<DirectoryEntry>> {
        loop {
            match &mut self.stage {
                Stage::Read(batch) => {
                    if let Some(entry) = batch.entries.next() {
                        return Poll::Ready(Some(entry));
                    }
                    match mem::replace(&mut batch.rest, Rest::End(Ok(()))) {
                        Rest::More(unread) => {
                            self.stage = Stage::Reading(spawn_blocking(|| unread.read()));
                        }
                        Rest::End(end) => {
                            self.close(end);
                            return Poll::Ready(None);
                        }
                    }
                }
                Stage::Reading(reading) => {
                    let batch = ready!(Pin::new(reading).poll(context));
                    self.stage = Stage::Read(batch.unwrap_or_else(|_| Batch {
                        entries: Vec::new().into_iter(),
                        rest: Rest::End(Err(ErrorCode::Io)),
                    }));
                }
            }
        }
    }

    fn close(&mut self, result: End) {
        if let Some(end) = self.end.take() {
            // The receiver may be gone.
            let _ = end.send(result);
        }
    }
}

/// What has not been read of a folder.
struct Unread {
    folder: Arc<File>,
    open: Option<(OwnedFd, Dir)>,
    /// Whether all names so far could be returned.
    all_told: End,
}

impl Unread {
    /// Reads some entries; may wait for a disk.
    fn read(mut self: Box<Self>) -> Batch {
        let mut entries = Vec::new();
        let end = loop {
            if entries.len() == ENTRIES_AT_ONCE {
                break None;
            }
            match self.next() {
                Ok(Some(entry)) => entries.extend(entry),
                Ok(None) => break Some(self.all_told.clone()),
                Err(error) => break Some(Err(error.into())),
            }
        };
        let rest = end.map_or_else(|| Rest::More(self), Rest::End);
        Batch { entries: entries.into_iter(), rest }
    }

    /// The next entry, if it can be returned; none after the last.
    fn next(&mut self) -> io::Result<Option<Option<DirectoryEntry>>> {
        let (folder, entries) = match &mut self.open {
            Some(open) => open,
            unopened => {
                // The folder itself is open for paths in it alone.
                let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = openat(&self.folder, ".", how, Mode::empty())?;
                descriptor::check(&folder).map_err(|_| Errno::NOMEM)?;
                let entries = Dir::read_from(&folder)?;
                unopened.insert((folder, entries))
            }
        };
        let Some(entry) = entries.read().transpose()? else { return Ok(None) };
        let Ok(name) = entry.file_name().to_str() else {
            self.all_told = Err(ErrorCode::IllegalByteSequence);
            return Ok(Some(None));
        };
        if name == "." || name == ".." {
            return Ok(Some(None));
        }
        let type_ = match entry.file_type() {
            FileType::Unknown => {
                let stat = statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW);
                // One that went away in between is of no known type.
                stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
            }
            known => known,
        };
        Ok(Some(Some(DirectoryEntry { type_: kind(type_), name: name.to_owned() })))
    }
}

/// The type of a file, as the interface has it.
pub(super) fn kind(type_: FileType) -> DescriptorType {
    match type_ {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Unknown => DescriptorType::Other(None),
    }
}

impl StreamProducer<State> for Entries {
    type Item = DirectoryEntry;
    type Buffer = Option<DirectoryEntry>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, State>,
        mut target: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of nothing asks whether there is something, which only reading it would show.
        if target.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        match self.poll_next(context) {
            Poll::Ready(Some(entry)) => {
                target.set_buffer(Some(entry));
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Ready(None) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        self.close(Ok(()));
    }
}
