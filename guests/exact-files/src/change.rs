//! What is done to folders, what they tell, and what may not be changed.

use exact::Checks;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

use crate::{file, open, read};

const READ: DescriptorFlags = DescriptorFlags::READ;
const NONE: OpenFlags = OpenFlags::empty();

pub(crate) fn check(checks: &mut Checks, data: &Descriptor, fixed: &Descriptor) {
    making(checks, data);
    moving(checks, data);
    listing(checks, data);
    refused(checks, data, fixed);
}

fn making(checks: &mut Checks, data: &Descriptor) {
    checks.good("descriptor.create-directory-at: a new folder", data.create_directory_at("made"));
    checks.fails(
        "descriptor.create-directory-at: one that is there",
        data.create_directory_at("made"),
        "Exist",
    );
    checks.fails(
        "descriptor.create-directory-at: in one that is not there",
        data.create_directory_at("missing/made"),
        "NoEntry",
    );
    drop(file(data, "made/file", "text"));
    checks.fails(
        "descriptor.remove-directory-at: one that is not empty",
        data.remove_directory_at("made"),
        "NotEmpty",
    );
    checks.fails(
        "descriptor.remove-directory-at: a file",
        data.remove_directory_at("made/file"),
        "NotDirectory",
    );
    checks.good("descriptor.unlink-file-at: a file", data.unlink_file_at("made/file"));
    checks.fails(
        "descriptor.unlink-file-at: what is not there",
        data.unlink_file_at("made/file"),
        "NoEntry",
    );
    checks.that("descriptor.unlink-file-at: a folder", data.unlink_file_at("made"), |got| {
        matches!(got, Err(ErrorCode::NotPermitted | ErrorCode::Access | ErrorCode::IsDirectory))
    });
    checks.good("descriptor.remove-directory-at: an empty one", data.remove_directory_at("made"));
}

fn moving(checks: &mut Checks, data: &Descriptor) {
    drop((file(data, "first", "1"), file(data, "second", "2")));
    data.create_directory_at("moving").expect("it is made");
    checks.good("descriptor.rename-at: over a file", data.rename_at("first", data, "second"));
    let second = open(data, "second", NONE, READ).and_then(|file| read(&file, 0));
    checks.equal("descriptor.rename-at: replaces that file", second.ok(), Some("1".to_owned()));
    checks.fails(
        "descriptor.rename-at: what is not there",
        data.rename_at("first", data, "third"),
        "NoEntry",
    );
    checks.fails(
        "descriptor.rename-at: a file over a folder",
        data.rename_at("second", data, "moving"),
        "IsDirectory",
    );
    checks.fails(
        "descriptor.rename-at: a folder over a file",
        data.rename_at("moving", data, "second"),
        "NotDirectory",
    );
    checks.fails(
        "descriptor.rename-at: a folder into itself",
        data.rename_at("moving", data, "moving/inner"),
        "Invalid",
    );
}

fn names(folder: &Descriptor) -> Result<Vec<(String, DescriptorType)>, ErrorCode> {
    let stream = folder.read_directory()?;
    let mut names = Vec::new();
    while let Some(entry) = stream.read_directory_entry()? {
        names.push((entry.name, entry.type_));
    }
    names.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(names)
}

fn listing(checks: &mut Checks, data: &Descriptor) {
    data.create_directory_at("list").expect("it is made");
    let list = open(data, "list", OpenFlags::DIRECTORY, READ).expect("it is there");
    checks.equal("descriptor.read-directory: an empty folder", names(&list).ok(), Some(vec![]));
    drop(file(data, "list/a", "text"));
    data.create_directory_at("list/folder").expect("it is made");
    data.symlink_at("a", "list/link").expect("it is made");
    let expected = [
        ("a", DescriptorType::RegularFile),
        ("folder", DescriptorType::Directory),
        ("link", DescriptorType::SymbolicLink),
    ];
    let expected = expected.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    checks.equal(
        "directory-entry-stream.read-directory-entry: every entry with its type, without . and ..",
        names(&list).ok(),
        Some(expected),
    );
    let (one, other) =
        (list.read_directory().expect("a stream"), list.read_directory().expect("a stream"));
    let count = |stream: &wasip2::filesystem::types::DirectoryEntryStream| {
        std::iter::from_fn(|| stream.read_directory_entry().ok().flatten()).count()
    };
    checks.equal(
        "descriptor.read-directory: two streams do not interfere",
        (count(&one), count(&other)),
        (3, 3),
    );
    checks.equal(
        "directory-entry-stream.read-directory-entry: after the end there is nothing",
        one.read_directory_entry().map(|entry| entry.is_none()).ok(),
        Some(true),
    );
    let file = open(data, "list/a", NONE, READ).expect("it is there");
    checks.fails(
        "descriptor.read-directory: a file",
        file.read_directory().map(drop),
        "NotDirectory",
    );
    let odd = open(data, "odd", OpenFlags::DIRECTORY, READ).expect("it is there");
    checks.fails(
        "directory-entry-stream.read-directory-entry: a name that is not Unicode",
        names(&odd),
        "IllegalByteSequence",
    );
}

fn refused(checks: &mut Checks, data: &Descriptor, fixed: &Descriptor) {
    let none = PathFlags::empty();
    checks.equal(
        "descriptor.get-flags: a folder granted to read may not be changed",
        fixed.get_flags().ok(),
        Some(READ),
    );
    let text = open(fixed, "file", NONE, READ).expect("it is there");
    checks.equal("descriptor.read: granted to read", read(&text, 0).ok(), Some("text".to_owned()));
    checks.fails(
        "descriptor.set-times: a file granted to read",
        text.set_times(NewTimestamp::Now, NewTimestamp::Now),
        "ReadOnly",
    );
    for (name, how, flags) in [
        ("to write", NONE, DescriptorFlags::WRITE),
        ("to truncate", OpenFlags::TRUNCATE, READ),
        ("to create", OpenFlags::CREATE, READ),
    ] {
        checks.fails(
            &format!("descriptor.open-at: {name}, granted to read"),
            open(fixed, "file", how, flags),
            "ReadOnly",
        );
    }
    checks.fails(
        "descriptor.open-at: to change a folder, granted to read",
        open(fixed, "folder", OpenFlags::DIRECTORY, DescriptorFlags::MUTATE_DIRECTORY),
        "ReadOnly",
    );
    checks.fails(
        "descriptor.create-directory-at: granted to read",
        fixed.create_directory_at("new"),
        "ReadOnly",
    );
    checks.fails(
        "descriptor.remove-directory-at: granted to read",
        fixed.remove_directory_at("folder"),
        "ReadOnly",
    );
    checks.fails(
        "descriptor.unlink-file-at: granted to read",
        fixed.unlink_file_at("file"),
        "ReadOnly",
    );
    checks.fails(
        "descriptor.symlink-at: granted to read",
        fixed.symlink_at("file", "new"),
        "ReadOnly",
    );
    checks.fails(
        "descriptor.link-at: granted to read",
        fixed.link_at(none, "file", fixed, "new"),
        "ReadOnly",
    );
    checks.fails(
        "descriptor.rename-at: granted to read",
        fixed.rename_at("file", fixed, "new"),
        "ReadOnly",
    );
    checks.fails(
        "descriptor.set-times-at: granted to read",
        fixed.set_times_at(none, "file", NewTimestamp::Now, NewTimestamp::Now),
        "ReadOnly",
    );
    drop(file(data, "mine", "text"));
    checks.fails(
        "descriptor.rename-at: into a folder granted to read",
        data.rename_at("mine", fixed, "mine"),
        "ReadOnly",
    );
}
