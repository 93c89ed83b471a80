//! `wasi:filesystem/types` 0.3: reading a folder. All names that can be told are, and what went
//! wrong is told after them; wasmtime ends with the first name that is not Unicode.

use std::{
    fs::File,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use tokio::{
    sync::{mpsc, oneshot},
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
use crate::state::State;

/// Entries that are read before the guest asks for them.
const ENTRIES_AHEAD: usize = 64;

type End = Result<(), ErrorCode>;
type Listing = (StreamReader<DirectoryEntry>, FutureReader<End>);

pub(super) fn mend(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
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

/// The entries of a folder, which a thread that may block reads.
struct Entries {
    read: mpsc::Receiver<DirectoryEntry>,
    reading: JoinHandle<End>,
    end: Option<oneshot::Sender<End>>,
}

impl Entries {
    fn of(folder: Arc<File>, end: oneshot::Sender<End>) -> Self {
        let (sender, read) = mpsc::channel(ENTRIES_AHEAD);
        let reading = spawn_blocking(move || read_all(&folder, &sender));
        Self { read, reading, end: Some(end) }
    }

    fn close(&mut self, result: End) {
        self.read.close();
        if let Some(end) = self.end.take() {
            // Nobody may want to know.
            let _ = end.send(result);
        }
    }
}

fn read_all(folder: &File, sender: &mpsc::Sender<DirectoryEntry>) -> End {
    let mut all_told = Ok(());
    // The folder itself is open for paths in it alone.
    let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(folder, ".", how, Mode::empty()).map_err(io::Error::from)?;
    for entry in Dir::read_from(&folder).map_err(io::Error::from)? {
        let entry = entry.map_err(io::Error::from)?;
        let Ok(name) = entry.file_name().to_str() else {
            all_told = Err(ErrorCode::IllegalByteSequence);
            continue;
        };
        if name == "." || name == ".." {
            continue;
        }
        let type_ = match entry.file_type() {
            FileType::Unknown => {
                let stat = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
                // One that went away in between is of no known type.
                stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
            }
            known => known,
        };
        let entry = DirectoryEntry { type_: kind(type_), name: name.to_owned() };
        if sender.blocking_send(entry).is_err() {
            // Nobody reads on.
            break;
        }
    }
    all_told
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
        // Who asks for nothing asks whether there is something, which only taking it would show.
        if target.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        match self.read.poll_recv(context) {
            Poll::Ready(Some(entry)) => {
                target.set_buffer(Some(entry));
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Ready(None) => {
                let end = ready!(Pin::new(&mut self.reading).poll(context));
                self.close(end.unwrap_or(Err(ErrorCode::Io)));
                Poll::Ready(Ok(StreamResult::Dropped))
            }
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
