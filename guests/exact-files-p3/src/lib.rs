//! Holds `wasi:filesystem` 0.3 to what its WIT file says.
//!
//! It is given `/data`, where it may write, with the links `absolute` (to `/etc/passwd`) and
//! `outside` (to `../..`) and the folders `odd`, with a name in it that is
//! not Unicode, and `kinds`, with a `socket` and a `fifo`, and `/fixed`,
//! where it may not, with `file` (`text`) and an empty `folder`.

mod descriptor;
mod folder;
mod path;
mod refused;
mod stream;

use exact::Checks;
use wasip3::filesystem::{
    preopens,
    types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags},
};

exact::component_p3!(check);

async fn check(checks: &mut Checks) {
    checks.interface("wasi:filesystem/preopens@0.3.0");
    let folders = preopens::get_directories();
    let names: Vec<_> = folders.iter().map(|(_, name)| name.as_str()).collect();
    checks.equal(
        "get-directories: gives what is granted, and by what name",
        names,
        vec!["/data", "/fixed"],
    );
    let again = preopens::get_directories();
    checks.equal("get-directories: gives the same again", again.len(), folders.len());
    checks.interface("wasi:filesystem/types@0.3.0");
    let [(data, _), (fixed, _)] = &folders[..] else { return };
    descriptor::check(checks, data).await;
    path::check(checks, data).await;
    folder::check(checks, data, fixed).await;
    stream::check(checks, data).await;
    refused::check(checks, data, fixed).await;
}

/// Opens without following links.
async fn open(
    folder: &Descriptor,
    path: &str,
    how: OpenFlags,
    flags: DescriptorFlags,
) -> Result<Descriptor, ErrorCode> {
    folder.open_at(PathFlags::empty(), path.to_owned(), how, flags).await
}

const BOTH: DescriptorFlags = DescriptorFlags::READ.union(DescriptorFlags::WRITE);

/// A new file with `text` in it.
async fn file(folder: &Descriptor, path: &str, text: &str) -> Descriptor {
    let how = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = open(folder, path, how, BOTH).await.expect("a file is made");
    let (mut writer, reader) = wasip3::wit_stream::new();
    let written = file.write_via_stream(reader, 0);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    written.await.expect("it is written");
    file
}

/// All from `offset` on, and how reading ended.
async fn read(file: &Descriptor, offset: u64) -> Result<String, ErrorCode> {
    let (stream, end) = file.read_via_stream(offset);
    let bytes = stream.collect().await;
    end.await.map(|()| String::from_utf8_lossy(&bytes).into_owned())
}
