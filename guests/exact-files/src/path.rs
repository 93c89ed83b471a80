//! What is asked of paths.

use exact::Checks;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, OpenFlags, PathFlags,
};

use crate::{BOTH, file, open, read};

const READ: DescriptorFlags = DescriptorFlags::READ;
const NONE: OpenFlags = OpenFlags::empty();
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

pub(crate) fn check(checks: &mut Checks, data: &Descriptor) {
    opening(checks, data);
    escaping(checks, data);
    links(checks, data);
}

fn opening(checks: &mut Checks, data: &Descriptor) {
    drop(file(data, "open", "text"));
    data.create_directory_at("plain").expect("it is made");
    checks.good("descriptor.open-at: a file that is there", open(data, "open", NONE, READ));
    checks.good(
        "descriptor.open-at: a path that goes back and stays inside",
        open(data, "plain/../open", NONE, READ),
    );
    checks.fails(
        "descriptor.open-at: a file that is not there",
        open(data, "missing", NONE, READ),
        "NoEntry",
    );
    checks.fails("descriptor.open-at: an empty path", open(data, "", NONE, READ), "NoEntry");
    checks.fails(
        "descriptor.open-at: a path through a file",
        open(data, "open/x", NONE, READ),
        "NotDirectory",
    );
    checks.fails(
        "descriptor.open-at: a name that is too long",
        open(data, &"x".repeat(300), OpenFlags::CREATE, BOTH),
        "NameTooLong",
    );
    checks.fails(
        "descriptor.open-at: exclusive, a file that is there",
        open(data, "open", OpenFlags::CREATE | OpenFlags::EXCLUSIVE, BOTH),
        "Exist",
    );
    checks.good(
        "descriptor.open-at: exclusive, a file that is not there",
        open(data, "new", OpenFlags::CREATE | OpenFlags::EXCLUSIVE, BOTH),
    );
    checks.fails(
        "descriptor.open-at: directory, a file",
        open(data, "open", OpenFlags::DIRECTORY, READ),
        "NotDirectory",
    );
    checks.good(
        "descriptor.open-at: directory, a folder",
        open(data, "plain", OpenFlags::DIRECTORY, READ),
    );
    checks.fails(
        "descriptor.open-at: a folder is not opened to write",
        open(data, "plain", NONE, DescriptorFlags::WRITE),
        "IsDirectory",
    );
    let cut = open(data, "open", OpenFlags::TRUNCATE, BOTH);
    checks.equal(
        "descriptor.open-at: truncate empties it",
        cut.and_then(|cut| read(&cut, 0)).ok(),
        Some(String::new()),
    );
    let file = open(data, "open", NONE, READ).expect("it is there");
    checks.fails(
        "descriptor.open-at: a file is no place to open in",
        open(&file, "x", NONE, READ),
        "NotDirectory",
    );
    for (name, flag) in [
        ("file-integrity-sync", DescriptorFlags::FILE_INTEGRITY_SYNC),
        ("data-integrity-sync", DescriptorFlags::DATA_INTEGRITY_SYNC),
        ("requested-write-sync", DescriptorFlags::REQUESTED_WRITE_SYNC),
    ] {
        checks.good(
            &format!("descriptor.open-at: {name} is a request, not a requirement"),
            open(data, "open", NONE, BOTH | flag),
        );
    }
}

fn escaping(checks: &mut Checks, data: &Descriptor) {
    for path in ["/etc/passwd", "..", "../x", "plain/../../x", "outside", "outside/x", "absolute"] {
        let opened = data.open_at(FOLLOW, path, NONE, READ);
        checks.fails(
            &format!("descriptor.open-at: `{path}` leads outside"),
            opened,
            "NotPermitted",
        );
    }
    checks.fails(
        "descriptor.stat-at: a path that leads outside",
        data.stat_at(FOLLOW, "../x"),
        "NotPermitted",
    );
    checks.fails(
        "descriptor.create-directory-at: a path that leads outside",
        data.create_directory_at("../x"),
        "NotPermitted",
    );
    checks.fails(
        "descriptor.unlink-file-at: a path that leads outside",
        data.unlink_file_at("../x"),
        "NotPermitted",
    );
    checks.fails(
        "descriptor.readlink-at: an absolute path",
        data.readlink_at("absolute"),
        "NotPermitted",
    );
    checks.fails(
        "descriptor.symlink-at: to an absolute path",
        data.symlink_at("/etc/passwd", "bad"),
        "NotPermitted",
    );
}

fn links(checks: &mut Checks, data: &Descriptor) {
    let original = file(data, "target", "text");
    checks.good("descriptor.symlink-at: to a file", data.symlink_at("target", "link"));
    checks.fails(
        "descriptor.symlink-at: over what is there",
        data.symlink_at("target", "link"),
        "Exist",
    );
    checks.equal(
        "descriptor.readlink-at: what a link says",
        data.readlink_at("link").ok(),
        Some("target".to_owned()),
    );
    checks.fails(
        "descriptor.readlink-at: a file is no link",
        data.readlink_at("target"),
        "Invalid",
    );
    let followed = data.open_at(FOLLOW, "link", NONE, READ);
    checks.equal(
        "descriptor.open-at: follows a link where it is told to",
        followed.and_then(|file| read(&file, 0)).ok(),
        Some("text".to_owned()),
    );
    checks.fails(
        "descriptor.open-at: does not follow a link where it is not told to",
        open(data, "link", NONE, READ),
        "Loop",
    );
    checks.equal(
        "descriptor.stat-at: a link itself",
        data.stat_at(PathFlags::empty(), "link").ok().map(|stat| (stat.type_, stat.size)),
        Some((DescriptorType::SymbolicLink, 6)),
    );
    checks.equal(
        "descriptor.stat-at: what a link leads to",
        data.stat_at(FOLLOW, "link").ok().map(|stat| stat.type_),
        Some(DescriptorType::RegularFile),
    );
    let none = PathFlags::empty();
    checks.good("descriptor.link-at: a file", data.link_at(none, "target", data, "hard"));
    checks.equal(
        "descriptor.stat: two links to a file",
        original.stat().ok().map(|stat| stat.link_count),
        Some(2),
    );
    checks.fails(
        "descriptor.link-at: no such old path",
        data.link_at(none, "missing", data, "hard-2"),
        "NoEntry",
    );
    checks.fails(
        "descriptor.link-at: a new path that is there",
        data.link_at(none, "target", data, "hard"),
        "Exist",
    );
    checks.fails(
        "descriptor.link-at: a folder",
        data.link_at(none, "plain", data, "hard-3"),
        "NotPermitted",
    );
    checks.good(
        "descriptor.link-at: follows a link where it is told to",
        data.link_at(FOLLOW, "link", data, "hard-4"),
    );
}
