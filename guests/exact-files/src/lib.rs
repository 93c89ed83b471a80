//! Holds `wasi:filesystem` 0.2 to what its WIT file says. It is given the same folders as
//! `exact-files-p3`.

mod change;
mod descriptor;
mod path;

use exact::Checks;
use wasip2::filesystem::{
    preopens,
    types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags},
};

exact::component_p2!(check);

fn check(checks: &mut Checks) {
    checks.interface("wasi:filesystem/preopens@0.2.12");
    let folders = preopens::get_directories();
    let names: Vec<_> = folders.iter().map(|(_, name)| name.as_str()).collect();
    checks.equal(
        "get-directories: gives what is granted, and by what name",
        names,
        vec!["/data", "/fixed"],
    );
    checks.interface("wasi:filesystem/types@0.2.12");
    let [(data, _), (fixed, _)] = &folders[..] else { return };
    descriptor::check(checks, data);
    path::check(checks, data);
    change::check(checks, data, fixed);
}

fn open(
    folder: &Descriptor,
    path: &str,
    how: OpenFlags,
    flags: DescriptorFlags,
) -> Result<Descriptor, ErrorCode> {
    folder.open_at(PathFlags::empty(), path, how, flags)
}

const BOTH: DescriptorFlags = DescriptorFlags::READ.union(DescriptorFlags::WRITE);

/// A new file with `text` in it.
fn file(folder: &Descriptor, path: &str, text: &str) -> Descriptor {
    let how = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = open(folder, path, how, BOTH).expect("a file is made");
    file.write(text.as_bytes(), 0).expect("it is written");
    file
}

/// All from `offset` on.
fn read(file: &Descriptor, offset: u64) -> Result<String, ErrorCode> {
    file.read(1000, offset).map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned())
}
