//! `wasi:filesystem/types` 0.3: anything that would change a folder that must not change fails with
//! `read-only`, and a hard link follows links if asked to.

use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::{
    filesystem::{Descriptor, WasiFilesystem},
    p3::bindings::filesystem::types::{
        ErrorCode, HostDescriptorWithStore, NewTimestamp, PathFlags,
    },
};

use super::{
    Trail,
    file::{Files, View, is_read_only},
    file_time, or_code,
};
use crate::state::State;

type Fd = Resource<Descriptor>;

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    macro_rules! changing {
        ($name:literal, $function:ident($($argument:ident: $type:ty),*)) => {
            target.func_wrap_concurrent(
                concat!("[method]descriptor.", $name),
                move |store, (fd, $($argument,)*): (Fd, $($type,)*)| {
                    let files = store.with_getter::<WasiFilesystem>(view);
                    Box::pin(async move {
                        if is_read_only(&files, &fd)? {
                            return Ok((Err(ErrorCode::ReadOnly),));
                        }
                        let result = WasiFilesystem::$function(&files, fd, $($argument),*).await;
                        Ok((or_code(result)?,))
                    })
                },
            )?;
        };
    }
    changing!("create-directory-at", create_directory_at(path: String));
    changing!("remove-directory-at", remove_directory_at(path: String));
    changing!("unlink-file-at", unlink_file_at(path: String));
    changing!("symlink-at", symlink_at(old: String, new: String));
    target.func_wrap_concurrent(
        "[method]descriptor.rename-at",
        move |store, (fd, old, other, new): (Fd, String, Fd, String)| {
            let files = store.with_getter::<WasiFilesystem>(view);
            Box::pin(async move {
                if is_read_only(&files, &fd)? || is_read_only(&files, &other)? {
                    return Ok((Err(ErrorCode::ReadOnly),));
                }
                let result = WasiFilesystem::rename_at(&files, fd, old, other, new).await;
                Ok((or_code(result)?,))
            })
        },
    )?;
    target.func_wrap_concurrent(
        "[method]descriptor.link-at",
        move |store, (fd, flags, old, other, new): (Fd, PathFlags, String, Fd, String)| {
            let files = store.with_getter::<WasiFilesystem>(view);
            Box::pin(async move { Ok((link(&files, fd, flags, old, other, new).await?,)) })
        },
    )?;
    target.func_wrap_concurrent(
        "[method]descriptor.set-times-at",
        move |store,
              (fd, flags, path, access, modification): (
            Fd,
            PathFlags,
            String,
            NewTimestamp,
            NewTimestamp,
        )| {
            let files = store.with_getter::<WasiFilesystem>(view);
            Box::pin(async move {
                if is_read_only(&files, &fd)? {
                    return Ok((Err(ErrorCode::ReadOnly),));
                }
                let times = (access, modification);
                Ok((file_time::set_at(&files, fd, flags, path, times).await?,))
            })
        },
    )
}

async fn link(
    files: &Files,
    fd: Fd,
    flags: PathFlags,
    old: String,
    other: Fd,
    new: String,
) -> wasmtime::Result<Result<(), ErrorCode>> {
    if is_read_only(files, &fd)? || is_read_only(files, &other)? {
        return Ok(Err(ErrorCode::ReadOnly));
    }
    let mut trail = Trail::of(old);
    while flags.contains(PathFlags::SYMLINK_FOLLOW) {
        let fd = Resource::new_borrow(fd.rep());
        match or_code(WasiFilesystem::readlink_at(files, fd, trail.path.clone()).await)? {
            Ok(text) if trail.follow(&text) => {}
            Ok(_) => return Ok(Err(ErrorCode::Loop)),
            Err(ErrorCode::Invalid) => break,
            Err(code) => return Ok(Err(code)),
        }
    }
    let flags = PathFlags::empty();
    or_code(WasiFilesystem::link_at(files, fd, flags, trail.path, other, new).await)
}
