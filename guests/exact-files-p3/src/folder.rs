//! What is done to folders, and what they tell.

use exact::Checks;
use wasip3::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags,
};

use crate::{file, open, read};

pub(crate) async fn check(checks: &mut Checks, data: &Descriptor, fixed: &Descriptor) {
    making(checks, data).await;
    moving(checks, data).await;
    listing(checks, data, fixed).await;
}

async fn folder(data: &Descriptor, path: &str) -> Descriptor {
    data.create_directory_at(path.to_owned()).await.expect("it is made");
    let how = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    open(data, path, OpenFlags::DIRECTORY, how).await.expect("it is there")
}

async fn making(checks: &mut Checks, data: &Descriptor) {
    let make = async |path: &str| data.create_directory_at(path.to_owned()).await;
    let remove = async |path: &str| data.remove_directory_at(path.to_owned()).await;
    let unlink = async |path: &str| data.unlink_file_at(path.to_owned()).await;
    checks.good("descriptor.create-directory-at: a new folder", make("made").await);
    checks.good("descriptor.create-directory-at: a slash after it", make("made-2/").await);
    checks.fails("descriptor.create-directory-at: one that is there", make("made").await, "Exist");
    checks.fails(
        "descriptor.create-directory-at: in one that is not there",
        make("missing/made").await,
        "NoEntry",
    );
    drop(file(data, "made/file", "text").await);
    checks.fails(
        "descriptor.remove-directory-at: one that is not empty",
        remove("made").await,
        "NotEmpty",
    );
    checks.fails(
        "descriptor.remove-directory-at: a file",
        remove("made/file").await,
        "NotDirectory",
    );
    checks.fails(
        "descriptor.remove-directory-at: what is not there",
        remove("missing").await,
        "NoEntry",
    );
    checks.good("descriptor.unlink-file-at: a file", unlink("made/file").await);
    checks.fails(
        "descriptor.unlink-file-at: what is not there",
        unlink("made/file").await,
        "NoEntry",
    );
    checks.that(
        "descriptor.unlink-file-at: a folder",
        unlink("made").await.map_err(|error| exact::code(&error)),
        |got| {
            matches!(
                got.as_ref().map_err(String::as_str),
                Err("NotPermitted" | "Access" | "IsDirectory")
            )
        },
    );
    checks.fails(
        "descriptor.unlink-file-at: a slash after a file",
        {
            drop(file(data, "made/slash", "text").await);
            unlink("made/slash/").await
        },
        "NotDirectory",
    );
    unlink("made/slash").await.expect("it is there");
    checks.good("descriptor.remove-directory-at: an empty one", remove("made").await);
    checks.fails(
        "descriptor.open-at: a folder that was removed",
        open(data, "made", OpenFlags::empty(), DescriptorFlags::READ).await,
        "NoEntry",
    );
}

async fn moving(checks: &mut Checks, data: &Descriptor) {
    let inner = folder(data, "moving").await;
    drop(file(data, "first", "1").await);
    drop(file(data, "second", "2").await);
    let rename =
        async |old: &str, new: &str| data.rename_at(old.to_owned(), data, new.to_owned()).await;
    checks.good("descriptor.rename-at: a file", rename("first", "renamed").await);
    checks.fails(
        "descriptor.rename-at: what is not there",
        rename("first", "renamed").await,
        "NoEntry",
    );
    checks.good("descriptor.rename-at: over a file", rename("renamed", "second").await);
    let second = open(data, "second", OpenFlags::empty(), DescriptorFlags::READ).await;
    checks.equal(
        "descriptor.rename-at: replaces that file",
        read(&second.expect("it is there"), 0).await.ok(),
        Some("1".to_owned()),
    );
    let into = data.rename_at("second".to_owned(), &inner, "moved".to_owned()).await;
    checks.good("descriptor.rename-at: into another folder", into);
    checks.good(
        "descriptor.rename-at: it is there afterwards",
        open(&inner, "moved", OpenFlags::empty(), DescriptorFlags::READ).await,
    );
    drop(folder(data, "empty").await);
    checks.fails(
        "descriptor.rename-at: a file over a folder",
        inner.rename_at("moved".to_owned(), data, "empty".to_owned()).await,
        "IsDirectory",
    );
    checks.fails(
        "descriptor.rename-at: a folder over a file",
        data.rename_at("empty".to_owned(), &inner, "moved".to_owned()).await,
        "NotDirectory",
    );
    checks.fails(
        "descriptor.rename-at: a folder over one that is not empty",
        rename("empty", "moving").await,
        "NotEmpty",
    );
    checks.fails(
        "descriptor.rename-at: a folder into itself",
        rename("moving", "moving/inner").await,
        "Invalid",
    );
    checks
        .good("descriptor.rename-at: a folder over an empty one", rename("moving", "empty").await);
    checks.good("descriptor.rename-at: a path to itself", rename("empty", "empty").await);
}

async fn names(folder: &Descriptor) -> (Vec<String>, Result<(), ErrorCode>) {
    let (stream, end) = folder.read_directory();
    let entries = stream.collect().await;
    (entries.into_iter().map(|entry| entry.name).collect(), end.await)
}

async fn listing(checks: &mut Checks, data: &Descriptor, fixed: &Descriptor) {
    let list = folder(data, "list").await;
    let (empty, end) = names(&list).await;
    checks.equal("descriptor.read-directory: an empty folder has no entries", empty, vec![]);
    checks.good("descriptor.read-directory: an empty folder is read to its end", end);
    for name in ["b", "a", "c"] {
        drop(file(&list, name, "text").await);
    }
    list.create_directory_at("folder".to_owned()).await.expect("it is made");
    list.symlink_at("a".to_owned(), "link".to_owned()).await.expect("it is made");
    let (found, end) = names(&list).await;
    checks.good("descriptor.read-directory: a folder is read to its end", end);
    let has_dots = found.iter().any(|name| name == "." || name == "..");
    checks.equal("descriptor.read-directory: leaves out . and ..", has_dots, false);
    let mut sorted = found.clone();
    sorted.sort();
    checks.equal(
        "descriptor.read-directory: has all entries",
        sorted,
        ["a", "b", "c", "folder", "link"].map(str::to_owned).to_vec(),
    );
    checks.equal(
        "descriptor.read-directory: a new stream starts at the beginning",
        names(&list).await.0,
        found,
    );
    let (one, one_end) = list.read_directory();
    let (other, other_end) = list.read_directory();
    let (one, other) = (one.collect().await, other.collect().await);
    checks.equal("descriptor.read-directory: two streams do not interfere", one.len(), other.len());
    checks.equal(
        "descriptor.read-directory: both end well",
        (one_end.await.is_ok(), other_end.await.is_ok()),
        (true, true),
    );
    let kind = |name: &str| one.iter().find(|entry| entry.name == name).map(|entry| &entry.type_);
    checks.that("descriptor.read-directory: says what is a file", kind("a"), |kind| {
        matches!(kind, Some(DescriptorType::RegularFile))
    });
    checks.that("descriptor.read-directory: says what is a folder", kind("folder"), |kind| {
        matches!(kind, Some(DescriptorType::Directory))
    });
    checks.that("descriptor.read-directory: says what is a link", kind("link"), |kind| {
        matches!(kind, Some(DescriptorType::SymbolicLink))
    });
    let (mut stream, end) = list.read_directory();
    checks.that(
        "descriptor.read-directory: entries come one by one",
        stream.next().await,
        Option::is_some,
    );
    drop(stream);
    checks.good("descriptor.read-directory: no error where the reader stops", end.await);
    odd_listings(checks, data, fixed).await;
    large_listing(checks, data).await;
}

async fn large_listing(checks: &mut Checks, data: &Descriptor) {
    let large = folder(data, "large").await;
    let all: Vec<_> = (100..300).map(|number| number.to_string()).collect();
    for name in &all {
        large.create_directory_at(name.clone()).await.expect("it is made");
    }
    let (mut found, end) = names(&large).await;
    found.sort();
    checks.equal("descriptor.read-directory: all of many entries", found, all);
    checks.good("descriptor.read-directory: many entries are read to their end", end);
}

async fn odd_listings(checks: &mut Checks, data: &Descriptor, fixed: &Descriptor) {
    let plain = file(data, "list/a", "text").await;
    let (found, end) = names(&plain).await;
    checks.equal("descriptor.read-directory: a file has no entries", found, vec![]);
    checks.fails("descriptor.read-directory: a file is told after the stream", end, "NotDirectory");
    let kinds = open(data, "kinds", OpenFlags::DIRECTORY, DescriptorFlags::READ).await;
    let (stream, _) = kinds.expect("it is there").read_directory();
    let entries = stream.collect().await;
    let kind = |name: &str| entries.iter().find(|one| one.name == name).map(|one| &one.type_);
    checks.that("descriptor.read-directory: says what is a socket", kind("socket"), |kind| {
        matches!(kind, Some(DescriptorType::Socket))
    });
    checks.that("descriptor.read-directory: says what is a pipe", kind("fifo"), |kind| {
        matches!(kind, Some(DescriptorType::Fifo))
    });
    let odd =
        open(data, "odd", OpenFlags::DIRECTORY, DescriptorFlags::READ).await.expect("it is there");
    let (mut found, end) = names(&odd).await;
    found.sort();
    checks.equal(
        "descriptor.read-directory: entries beside a name that is not Unicode",
        found,
        ["a", "z"].map(str::to_owned).to_vec(),
    );
    checks.fails(
        "descriptor.read-directory: a name that is not Unicode is told after the stream",
        end,
        "IllegalByteSequence",
    );
    let (mut found, end) = names(fixed).await;
    found.sort();
    checks.equal(
        "descriptor.read-directory: a folder that is read only",
        found,
        ["file", "folder"].map(str::to_owned).to_vec(),
    );
    checks.good("descriptor.read-directory: a folder that is read only is read to its end", end);
}
