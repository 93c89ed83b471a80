//! `wasi:filesystem/types` 0.2: anything that would change a folder granted for reading fails with
//! `read-only`, syncing is a request and not a requirement, a hard link follows links if asked to,
//! and the status-change timestamp is just that.

use std::{fs::File, os::unix::fs::MetadataExt};

use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource},
};
use wasmtime_wasi::{
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p2::bindings::filesystem::types::{
        Datetime, DescriptorFlags, DescriptorStat, ErrorCode, HostDescriptor, NewTimestamp,
        OpenFlags, PathFlags,
    },
};

use super::{
    Trail,
    file::{View, is_for_reading},
    file_time, open_file, or_code,
    synchronized::{asked, told},
    synchronizing,
};
use crate::{descriptor, state::State};

type Fd = Resource<Descriptor>;
type Files<'a> = WasiFilesystemCtxView<'a>;

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    macro_rules! changing {
        ($name:literal, $function:ident($($argument:ident: $type:ty),*)) => {
            target.func_wrap_async(
                concat!("[method]descriptor.", $name),
                move |mut store: StoreContextMut<'_, State>, (fd, $($argument,)*): (Fd, $($type,)*)| {
                    Box::new(async move {
                        if is_read_only(store.data_mut(), view, &fd)? {
                            return Ok((Err(ErrorCode::ReadOnly),));
                        }
                        let mut files = view(store.data_mut());
                        Ok((or_code(files.$function(fd, $($argument),*).await)?,))
                    })
                },
            )?;
        };
    }
    changing!("create-directory-at", create_directory_at(path: String));
    changing!("remove-directory-at", remove_directory_at(path: String));
    changing!("unlink-file-at", unlink_file_at(path: String));
    changing!("symlink-at", symlink_at(old: String, new: String));
    changing!("set-times", set_times(access: NewTimestamp, modification: NewTimestamp));
    changing!("set-times-at", set_times_at(
        flags: PathFlags, path: String, access: NewTimestamp, modification: NewTimestamp
    ));
    target.func_wrap_async(
        "[method]descriptor.rename-at",
        move |mut store: StoreContextMut<'_, State>,
              (fd, old, other, new): (Fd, String, Fd, String)| {
            Box::new(async move {
                let state = store.data_mut();
                if is_read_only(state, view, &fd)? || is_read_only(state, view, &other)? {
                    return Ok((Err(ErrorCode::ReadOnly),));
                }
                let mut files = view(state);
                Ok((or_code(files.rename_at(fd, old, other, new).await)?,))
            })
        },
    )?;
    target.func_wrap_async(
        "[method]descriptor.link-at",
        move |mut store: StoreContextMut<'_, State>,
              (fd, flags, old, other, new): (Fd, PathFlags, String, Fd, String)| {
            Box::new(async move {
                let state = store.data_mut();
                if is_read_only(state, view, &fd)? || is_read_only(state, view, &other)? {
                    return Ok((Err(ErrorCode::ReadOnly),));
                }
                Ok((link(&mut view(state), fd, flags, old, other, new).await?,))
            })
        },
    )?;
    target.func_wrap_async(
        "[method]descriptor.open-at",
        move |mut store: StoreContextMut<'_, State>,
              (fd, follow, path, how, flags): (
            Fd,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            Box::new(async move {
                Ok((open(store.data_mut(), view, fd, (follow, path, how, flags)).await?,))
            })
        },
    )?;
    target.func_wrap_async(
        "[method]descriptor.get-flags",
        move |mut store: StoreContextMut<'_, State>, (fd,): (Fd,)| {
            Box::new(async move {
                let mut files = view(store.data_mut());
                let file = open_file(files.table, &fd)?;
                let flags = or_code(files.get_flags(fd).await)?;
                Ok((flags.map(|flags| told!(DescriptorFlags, flags, &file)),))
            })
        },
    )?;
    override_times(target, view)
}

fn override_times(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
    target.func_wrap_async(
        "[method]descriptor.stat",
        move |mut store: StoreContextMut<'_, State>, (fd,): (Fd,)| {
            Box::new(async move {
                let mut files = view(store.data_mut());
                let file = open_file(files.table, &fd)?;
                let stat = or_code(files.stat(fd).await)?;
                Ok((stat.map(|stat| with_status_change(stat, &file)),))
            })
        },
    )?;
    target.func_wrap_async(
        "[method]descriptor.stat-at",
        move |mut store: StoreContextMut<'_, State>, (fd, flags, path): (Fd, PathFlags, String)| {
            Box::new(async move {
                let mut files = view(store.data_mut());
                let folder = open_file(files.table, &fd)?;
                let stat = or_code(files.stat_at(fd, flags, path.clone()).await)?;
                if let Err(ErrorCode::NotPermitted) = stat {
                    store.data_mut().report_way_out();
                }
                let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
                Ok((stat.map(|stat| match file_time::find(&folder, follow, &path) {
                    Ok(file) => with_status_change(stat, &file),
                    // It went away in between.
                    Err(_) => stat,
                }),))
            })
        },
    )
}

async fn open(
    state: &mut State,
    view: View,
    fd: Fd,
    (follow, path, how, flags): (PathFlags, String, OpenFlags, DescriptorFlags),
) -> wasmtime::Result<Result<Fd, ErrorCode>> {
    let changes = flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY)
        || how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
    if changes && is_read_only(state, view, &fd)? {
        return Ok(Err(ErrorCode::ReadOnly));
    }
    if descriptor::make_room().await.is_err() {
        return Ok(Err(ErrorCode::InsufficientMemory));
    }
    let requests = synchronizing!(DescriptorFlags);
    let mut files = view(state);
    let opened = or_code(files.open_at(fd, follow, path, how, flags & !requests).await)?;
    if let Err(ErrorCode::NotPermitted) = opened {
        state.report_way_out();
    }
    let Ok(opened) = opened else { return Ok(opened) };
    if let Some(how) = asked!(DescriptorFlags, flags) {
        let again = how.reopen(open_file(view(state).table, &opened)?).await;
        if let (Descriptor::File(file), Some(again)) = (view(state).table.get_mut(&opened)?, again)
        {
            file.file = again;
        }
    }
    let table = view(state).table;
    if descriptor::check(open_file(table, &opened)?).is_err() {
        table.delete(opened)?;
        return Ok(Err(ErrorCode::InsufficientMemory));
    }
    Ok(Ok(opened))
}

async fn link(
    files: &mut Files<'_>,
    fd: Fd,
    flags: PathFlags,
    old: String,
    other: Fd,
    new: String,
) -> wasmtime::Result<Result<(), ErrorCode>> {
    let mut trail = Trail::of(old);
    while flags.contains(PathFlags::SYMLINK_FOLLOW) {
        let same = Resource::new_borrow(fd.rep());
        match or_code(files.readlink_at(same, trail.path.clone()).await)? {
            Ok(text) if trail.follow(&text) => {}
            Ok(_) => return Ok(Err(ErrorCode::Loop)),
            Err(ErrorCode::Invalid) => break,
            Err(code) => return Ok(Err(code)),
        }
    }
    or_code(files.link_at(fd, PathFlags::empty(), trail.path, other, new).await)
}

/// Whether nothing may be changed below a folder, or in a file, which is then reported. Those of
/// 0.2 that were not opened to be changed are not held to that: programs are built with libraries
/// that never ask for it.
fn is_read_only(state: &mut State, view: View, fd: &Fd) -> wasmtime::Result<bool> {
    let is_read_only = is_for_reading(view(state).table.get(fd)?);
    if is_read_only {
        state.report_change();
    }
    Ok(is_read_only)
}

fn with_status_change(mut stat: DescriptorStat, file: &File) -> DescriptorStat {
    // The system has answered the same question just before, so this does not wait for a disk.
    if let Ok(meta) = file.metadata() {
        let seconds = u64::try_from(meta.ctime());
        let nanoseconds = u32::try_from(meta.ctime_nsec());
        stat.status_change_timestamp = match (seconds, nanoseconds) {
            (Ok(seconds), Ok(nanoseconds)) => Some(Datetime { seconds, nanoseconds }),
            _ => None,
        };
    }
    stat
}
