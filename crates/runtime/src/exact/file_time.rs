//! `wasi:filesystem/types` 0.3: the types and times of files. Pipes and sockets are told apart.
//! Nanoseconds move forwards before 1970 too, and the status-change timestamp says when a file's
//! status changed, not when it was created.

use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::fs::MetadataExt},
    sync::Arc,
};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
    futimens, openat2, utimensat,
};
use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::{
    filesystem::{Descriptor, WasiFilesystem},
    p3::bindings::{
        clocks::system_clock::Instant,
        filesystem::types::{
            DescriptorStat, ErrorCode, HostDescriptorWithStore, NewTimestamp, PathFlags,
        },
    },
};

use super::{
    file::{Files, View, is_read_only, report_way_out},
    folder::kind,
    open_file, or_code,
};
use crate::state::State;

type Fd = Resource<Descriptor>;

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap_concurrent("[method]descriptor.stat", move |store, (fd,): (Fd,)| {
        let files = store.with_getter::<WasiFilesystem>(view);
        Box::pin(async move {
            let file = file(&files, &fd)?;
            let stat = or_code(WasiFilesystem::stat(&files, fd).await)?;
            Ok((stat.map(|stat| with_system(stat, &file)),))
        })
    })?;
    target.func_wrap_concurrent(
        "[method]descriptor.stat-at",
        move |store, (fd, flags, path): (Fd, PathFlags, String)| {
            let files = store.with_getter::<WasiFilesystem>(view);
            Box::pin(async move {
                let folder = file(&files, &fd)?;
                let stat = WasiFilesystem::stat_at(&files, fd, flags, path.clone()).await;
                let stat = or_code(stat)?;
                if let Err(code) = &stat {
                    report_way_out(&files, code);
                }
                let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
                Ok((stat.map(|stat| match find(&folder, follow, &path) {
                    Ok(file) => with_system(stat, &file),
                    // It went away in between.
                    Err(_) => stat,
                }),))
            })
        },
    )?;
    target.func_wrap_concurrent(
        "[method]descriptor.set-times",
        move |store, (fd, access, modification): (Fd, NewTimestamp, NewTimestamp)| {
            let files = store.with_getter::<WasiFilesystem>(view);
            Box::pin(async move {
                if is_read_only(&files, &fd)? {
                    return Ok((Err(ErrorCode::ReadOnly),));
                }
                let times = (access, modification);
                // Folders are opened in a way that does for paths in them alone.
                if is_folder(&files, &fd)? {
                    let here = PathFlags::empty();
                    return Ok((set_at(&files, fd, here, ".".to_owned(), times).await?,));
                }
                if !is_early(&times.0) && !is_early(&times.1) {
                    let set = WasiFilesystem::set_times(&files, fd, times.0, times.1).await;
                    return Ok((or_code(set)?,));
                }
                let file = file(&files, &fd)?;
                let set = timestamps(times)
                    .and_then(|times| Ok(futimens(&file, &times).map_err(io::Error::from)?));
                Ok((set,))
            })
        },
    )
}

/// Sets the times of what `path` leads to.
pub(super) async fn set_at(
    files: &Files,
    fd: Fd,
    flags: PathFlags,
    path: String,
    times: (NewTimestamp, NewTimestamp),
) -> wasmtime::Result<Result<(), ErrorCode>> {
    if !is_early(&times.0) && !is_early(&times.1) {
        let set = WasiFilesystem::set_times_at(files, fd, flags, path, times.0, times.1).await;
        return or_code(set);
    }
    let folder = file(files, &fd)?;
    // It says what is wrong with the path, if something is.
    if let Err(code) = or_code(WasiFilesystem::stat_at(files, fd, flags, path.clone()).await)? {
        return Ok(Err(code));
    }
    Ok(timestamps(times).and_then(|times| {
        let file = find(&folder, flags.contains(PathFlags::SYMLINK_FOLLOW), &path)?;
        Ok(utimensat(&file, "", &times, AtFlags::EMPTY_PATH).map_err(io::Error::from)?)
    }))
}

/// wasmtime counts the nanoseconds of these backwards.
fn is_early(time: &NewTimestamp) -> bool {
    matches!(time, NewTimestamp::Timestamp(time) if time.seconds < 0)
}

fn timestamps(times: (NewTimestamp, NewTimestamp)) -> Result<Timestamps, ErrorCode> {
    let spec = |time| match time {
        NewTimestamp::NoChange => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
        NewTimestamp::Now => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        NewTimestamp::Timestamp(time) if time.nanoseconds < 1_000_000_000 => {
            Ok(Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() })
        }
        NewTimestamp::Timestamp(_) => Err(ErrorCode::Invalid),
    };
    Ok(Timestamps { last_access: spec(times.0)?, last_modification: spec(times.1)? })
}

fn is_folder(files: &Files, fd: &Fd) -> wasmtime::Result<bool> {
    files.with(|mut store| Ok(matches!(store.get().table.get(fd)?, Descriptor::Dir(_))))
}

fn file(files: &Files, fd: &Fd) -> wasmtime::Result<Arc<File>> {
    files.with(|mut store| open_file(store.get().table, fd))
}

/// What `path` leads to in `folder`, without a right to read or write it; never out of the folder.
pub(super) fn find(folder: impl AsFd, follow: bool, path: &str) -> io::Result<File> {
    let mut how = OFlags::PATH | OFlags::CLOEXEC;
    if !follow {
        how |= OFlags::NOFOLLOW;
    }
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(folder, path, how, Mode::empty(), inside)?.into())
}

/// What the system says of a file that wasmtime does not pass on, or not as it is.
fn with_system(mut stat: DescriptorStat, file: &File) -> DescriptorStat {
    // The system has answered the same question just before, so this does not wait for a disk.
    if let Ok(meta) = file.metadata() {
        let instant = |seconds, nanoseconds| {
            Some(Instant { seconds, nanoseconds: u32::try_from(nanoseconds).ok()? })
        };
        stat.type_ = kind(FileType::from_raw_mode(meta.mode()));
        stat.data_access_timestamp = instant(meta.atime(), meta.atime_nsec());
        stat.data_modification_timestamp = instant(meta.mtime(), meta.mtime_nsec());
        stat.status_change_timestamp = instant(meta.ctime(), meta.ctime_nsec());
    }
    stat
}
