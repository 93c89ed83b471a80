//! `wasi:filesystem/types` 0.3: a file or folder can only be used for what it was opened for.
//! Changing a folder that must not change fails with `read-only`, not with `not-permitted`; a file
//! created for reading cannot be written.

use wasmtime::{
    StoreContextMut,
    component::{Access, Accessor, FutureReader, LinkerInstance, Resource, StreamReader},
};
use wasmtime_wasi::{
    FsPerms,
    filesystem::{Descriptor, OpenMode, WasiFilesystem, WasiFilesystemCtxView},
    p3::bindings::filesystem::types::{
        DescriptorFlags, ErrorCode, HostDescriptorWithStore, OpenFlags, PathFlags,
    },
};

use super::{
    open_file, or_code,
    synchronized::{asked, told},
    synchronizing,
};
use crate::{descriptor, state::State};

/// Finds the files of the component whose interface it is.
pub(super) type View = fn(&mut State) -> WasiFilesystemCtxView<'_>;
pub(super) type Files = Accessor<State, WasiFilesystem>;
pub(super) type Store<'a> = Access<'a, State, WasiFilesystem>;
type Fd = Resource<Descriptor>;
type Written = FutureReader<Result<(), ErrorCode>>;

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap_concurrent(
        "[method]descriptor.open-at",
        move |store,
              (fd, follow, path, how, flags): (
            Fd,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            let files = store.with_getter::<WasiFilesystem>(view);
            Box::pin(async move { Ok((open(&files, fd, follow, path, how, flags).await?,)) })
        },
    )?;
    target.func_wrap_concurrent("[method]descriptor.get-flags", move |store, (fd,): (Fd,)| {
        let files = store.with_getter::<WasiFilesystem>(view);
        Box::pin(async move {
            let file = files.with(|mut store| open_file(store.get().table, &fd))?;
            let flags = or_code(WasiFilesystem::get_flags(&files, fd).await)?;
            Ok((flags.map(|flags| told!(DescriptorFlags, flags, &file)),))
        })
    })?;
    target.func_wrap_concurrent(
        "[method]descriptor.set-size",
        move |store, (fd, size): (Fd, u64)| {
            let files = store.with_getter::<WasiFilesystem>(view);
            Box::pin(async move {
                if let Some(code) = files.with(|mut store| no_writing(&mut store, &fd))? {
                    return Ok((Err(code),));
                }
                Ok((or_code(WasiFilesystem::set_size(&files, fd, size).await)?,))
            })
        },
    )?;
    target.func_wrap(
        "[method]descriptor.write-via-stream",
        move |store: StoreContextMut<'_, State>,
              (fd, data, offset): (Fd, StreamReader<u8>, u64)| {
            let mut files = access(store, view);
            if let Some(code) = no_writing(&mut files, &fd)? {
                return Ok((refuse(files, data, code)?,));
            }
            Ok((WasiFilesystem::write_via_stream(files, fd, data, offset)?,))
        },
    )?;
    target.func_wrap(
        "[method]descriptor.append-via-stream",
        move |store: StoreContextMut<'_, State>, (fd, data): (Fd, StreamReader<u8>)| {
            let mut files = access(store, view);
            if let Some(code) = no_writing(&mut files, &fd)? {
                return Ok((refuse(files, data, code)?,));
            }
            Ok((WasiFilesystem::append_via_stream(files, fd, data)?,))
        },
    )
}

pub(super) fn access(store: StoreContextMut<'_, State>, view: View) -> Store<'_> {
    Access::<'_, State, WasiFilesystem>::new(store, view)
}

async fn open(
    files: &Files,
    fd: Fd,
    follow: PathFlags,
    path: String,
    how: OpenFlags,
    flags: DescriptorFlags,
) -> wasmtime::Result<Result<Fd, ErrorCode>> {
    let changes = flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY)
        || how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
    if changes && is_read_only(files, &fd)? {
        return Ok(Err(ErrorCode::ReadOnly));
    }
    if descriptor::make_room().await.is_err() {
        return Ok(Err(ErrorCode::InsufficientMemory));
    }
    let requests = synchronizing!(DescriptorFlags);
    let opened = WasiFilesystem::open_at(files, fd, follow, path, how, flags & !requests).await;
    let opened = match or_code(opened)? {
        Ok(opened) => opened,
        Err(code) => {
            report_way_out(files, &code);
            return Ok(Err(code));
        }
    };
    if let Some(how) = asked!(DescriptorFlags, flags) {
        let file = files.with(|mut store| open_file(store.get().table, &opened))?;
        let again = how.reopen(file).await;
        files.with(|mut store| {
            let open = store.get().table.get_mut(&opened)?;
            if let (Descriptor::File(file), Some(again)) = (open, again) {
                file.file = again;
            }
            wasmtime::error::Ok(())
        })?;
    }
    let is_guests = files.with(|mut store| {
        let table = store.get().table;
        let is_guests = descriptor::check(open_file(table, &opened)?).is_ok();
        if !is_guests {
            table.delete(Resource::<Descriptor>::new_own(opened.rep()))?;
        }
        wasmtime::error::Ok(is_guests)
    })?;
    if !is_guests {
        return Ok(Err(ErrorCode::InsufficientMemory));
    }
    files.with(|mut store| match store.get().table.get_mut(&opened)? {
        Descriptor::Dir(folder) => {
            // A folder that is not opened to be changed is open to be read.
            folder.open_mode = mode(flags, DescriptorFlags::MUTATE_DIRECTORY) | OpenMode::READ;
            Ok(Ok(opened))
        }
        Descriptor::File(file) => {
            file.open_mode = mode(flags, DescriptorFlags::WRITE);
            Ok(Ok(opened))
        }
    })
}

/// What was asked for, and not what the system had to be asked for to get it.
fn mode(flags: DescriptorFlags, write: DescriptorFlags) -> OpenMode {
    let mut mode = OpenMode::empty();
    mode.set(OpenMode::READ, flags.contains(DescriptorFlags::READ));
    mode.set(OpenMode::WRITE, flags.contains(write));
    mode
}

/// Whether nothing may be changed in a folder, or of a file's times; it is reported if a grant is
/// the reason. A non-folder where a folder is expected is left to wasmtime.
pub(super) fn is_read_only(files: &Files, fd: &Fd) -> wasmtime::Result<bool> {
    files.with(|mut store| {
        let open = store.get().table.get(fd)?;
        if is_for_reading(open) {
            store.data_mut().report_change();
            return Ok(true);
        }
        Ok(match open {
            Descriptor::Dir(folder) => !folder.open_mode.contains(OpenMode::WRITE),
            Descriptor::File(_) => false,
        })
    })
}

/// Whether what is open lies in a folder that is granted for reading.
pub(super) fn is_for_reading(open: &Descriptor) -> bool {
    let perms = match open {
        Descriptor::Dir(folder) => folder.perms,
        Descriptor::File(file) => file.perms,
    };
    perms == FsPerms::ReadOnly
}

/// Tells of a path that leads out of the folders that are granted, if that is what `code` says.
pub(super) fn report_way_out(files: &Files, code: &ErrorCode) {
    if let ErrorCode::NotPermitted = code {
        files.with(|mut store| {
            store.data_mut().report_way_out();
        });
    }
}

/// Why a file may not be written to, if it may not.
fn no_writing(files: &mut Store<'_>, fd: &Fd) -> wasmtime::Result<Option<ErrorCode>> {
    Ok(match files.get().table.get(fd)? {
        Descriptor::File(file) if !file.open_mode.contains(OpenMode::WRITE) => {
            Some(ErrorCode::BadDescriptor)
        }
        _ => None,
    })
}

fn refuse(
    mut files: Store<'_>,
    mut data: StreamReader<u8>,
    code: ErrorCode,
) -> wasmtime::Result<Written> {
    data.close(&mut files)?;
    FutureReader::new(&mut files, async move { wasmtime::error::Ok(Err(code)) })
}
