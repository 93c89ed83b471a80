//! What is asked of paths.

use exact::Checks;
use wasip3::{
    clocks::system_clock::Instant,
    filesystem::types::{
        Descriptor, DescriptorFlags, DescriptorType, NewTimestamp, OpenFlags, PathFlags,
    },
};

use crate::{BOTH, file, open, read};

const READ: DescriptorFlags = DescriptorFlags::READ;
const NONE: OpenFlags = OpenFlags::empty();

pub(crate) async fn check(checks: &mut Checks, data: &Descriptor) {
    opening(checks, data).await;
    ways_of_opening(checks, data).await;
    escaping(checks, data).await;
    links(checks, data).await;
    hard_links(checks, data).await;
    about_paths(checks, data).await;
}

async fn opening(checks: &mut Checks, data: &Descriptor) {
    drop(file(data, "open", "text").await);
    checks.good("descriptor.open-at: a file that is there", open(data, "open", NONE, READ).await);
    checks.good("descriptor.open-at: a path through a dot", open(data, "./open", NONE, READ).await);
    checks.good(
        "descriptor.open-at: a path that goes back and stays inside",
        open(data, "plain/../open", NONE, READ).await,
    );
    checks
        .good("descriptor.open-at: a folder is itself by a dot", open(data, ".", NONE, READ).await);
    checks.fails(
        "descriptor.open-at: a file that is not there",
        open(data, "missing", NONE, READ).await,
        "NoEntry",
    );
    checks.fails("descriptor.open-at: an empty path", open(data, "", NONE, READ).await, "NoEntry");
    checks.fails(
        "descriptor.open-at: a path through a file",
        open(data, "open/x", NONE, READ).await,
        "NotDirectory",
    );
    checks.fails(
        "descriptor.open-at: a file with a slash after it",
        open(data, "open/", NONE, READ).await,
        "NotDirectory",
    );
    let long = "x".repeat(300);
    checks.fails(
        "descriptor.open-at: a name that is too long",
        open(data, &long, OpenFlags::CREATE, BOTH).await,
        "NameTooLong",
    );
    checks.that(
        "descriptor.open-at: a path with a zero in it is refused",
        open(data, "a\0b", OpenFlags::CREATE, BOTH).await.map_err(|e| exact::code(&e)),
        |got| {
            matches!(got.as_ref().map_err(String::as_str), Err("Invalid" | "IllegalByteSequence"))
        },
    );
    let file = open(data, "open", NONE, READ).await.expect("it is there");
    checks.fails(
        "descriptor.open-at: a file is no place to open in",
        open(&file, "x", NONE, READ).await,
        "NotDirectory",
    );
}

async fn ways_of_opening(checks: &mut Checks, data: &Descriptor) {
    drop(file(data, "ways", "text").await);
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    checks.fails(
        "descriptor.open-at: exclusive, a file that is there",
        open(data, "ways", exclusive, BOTH).await,
        "Exist",
    );
    checks.good(
        "descriptor.open-at: exclusive, a file that is not there",
        open(data, "ways-2", exclusive, BOTH).await,
    );
    checks.good(
        "descriptor.open-at: create, a file that is there",
        open(data, "ways", OpenFlags::CREATE, BOTH).await,
    );
    let kept = open(data, "ways", NONE, READ).await.expect("it is there");
    checks.equal(
        "descriptor.open-at: create leaves what is there",
        read(&kept, 0).await.ok(),
        Some("text".to_owned()),
    );
    checks.fails(
        "descriptor.open-at: directory, a file",
        open(data, "ways", OpenFlags::DIRECTORY, READ).await,
        "NotDirectory",
    );
    checks.good(
        "descriptor.open-at: directory, a folder",
        open(data, "plain", OpenFlags::DIRECTORY, READ).await,
    );
    checks.fails(
        "descriptor.open-at: a folder is not opened to write",
        open(data, "plain", NONE, DescriptorFlags::WRITE).await,
        "IsDirectory",
    );
    checks.fails(
        "descriptor.open-at: directory and create do not go together",
        open(data, "new", OpenFlags::DIRECTORY | OpenFlags::CREATE, READ).await,
        "Invalid",
    );
    let cut = open(data, "ways", OpenFlags::TRUNCATE, BOTH).await;
    if let Some(cut) = checks.good("descriptor.open-at: truncate", cut) {
        checks.equal(
            "descriptor.open-at: truncate empties it",
            read(&cut, 0).await.ok(),
            Some(String::new()),
        );
    }
}

async fn escaping(checks: &mut Checks, data: &Descriptor) {
    for path in
        ["/etc/passwd", "/", "..", "../x", "plain/../../x", "outside", "outside/x", "absolute"]
    {
        let opened = data.open_at(PathFlags::SYMLINK_FOLLOW, path.to_owned(), NONE, READ).await;
        let name = format!("descriptor.open-at: `{path}` leads outside");
        checks.fails(&name, opened, "NotPermitted");
    }
    let stat = data.stat_at(PathFlags::SYMLINK_FOLLOW, "../x".to_owned()).await;
    checks.fails("descriptor.stat-at: a path that leads outside", stat, "NotPermitted");
    let made = data.create_directory_at("../made".to_owned()).await;
    checks.fails("descriptor.create-directory-at: a path that leads outside", made, "NotPermitted");
    let removed = data.remove_directory_at("../made".to_owned()).await;
    checks.fails(
        "descriptor.remove-directory-at: a path that leads outside",
        removed,
        "NotPermitted",
    );
    let unlinked = data.unlink_file_at("../x".to_owned()).await;
    checks.fails("descriptor.unlink-file-at: a path that leads outside", unlinked, "NotPermitted");
    drop(file(data, "stays", "text").await);
    let moved = data.rename_at("stays".to_owned(), data, "../moved".to_owned()).await;
    checks.fails("descriptor.rename-at: to a path that leads outside", moved, "NotPermitted");
    let linked =
        data.link_at(PathFlags::empty(), "stays".to_owned(), data, "/linked".to_owned()).await;
    checks.fails("descriptor.link-at: to a path that leads outside", linked, "NotPermitted");
    let read = data.readlink_at("../x".to_owned()).await;
    checks.fails("descriptor.readlink-at: a path that leads outside", read, "NotPermitted");
}

async fn links(checks: &mut Checks, data: &Descriptor) {
    drop(file(data, "target", "text").await);
    let link = async |old: &str, new: &str| data.symlink_at(old.to_owned(), new.to_owned()).await;
    checks.good("descriptor.symlink-at: to a file", link("target", "link").await);
    checks.good("descriptor.symlink-at: to what is not there", link("nowhere", "dangling").await);
    checks.fails(
        "descriptor.symlink-at: over what is there",
        link("target", "link").await,
        "Exist",
    );
    checks.fails(
        "descriptor.symlink-at: to an absolute path",
        link("/etc/passwd", "bad").await,
        "NotPermitted",
    );
    let told = data.readlink_at("link".to_owned()).await;
    checks.equal("descriptor.readlink-at: what a link says", told.ok(), Some("target".to_owned()));
    checks.fails(
        "descriptor.readlink-at: an absolute path",
        data.readlink_at("absolute".to_owned()).await,
        "NotPermitted",
    );
    checks.fails(
        "descriptor.readlink-at: a file is no link",
        data.readlink_at("target".to_owned()).await,
        "Invalid",
    );
    checks.fails(
        "descriptor.readlink-at: what is not there",
        data.readlink_at("missing".to_owned()).await,
        "NoEntry",
    );
    let followed = data.open_at(PathFlags::SYMLINK_FOLLOW, "link".to_owned(), NONE, READ).await;
    if let Some(followed) =
        checks.good("descriptor.open-at: follows a link where it is told to", followed)
    {
        checks.equal(
            "descriptor.open-at: opens what the link leads to",
            read(&followed, 0).await.ok(),
            Some("text".to_owned()),
        );
    }
    checks.fails(
        "descriptor.open-at: does not follow a link where it is not told to",
        open(data, "link", NONE, READ).await,
        "Loop",
    );
    let dangling = data.open_at(PathFlags::SYMLINK_FOLLOW, "dangling".to_owned(), NONE, READ).await;
    checks.fails("descriptor.open-at: a link to what is not there", dangling, "NoEntry");
    link("round", "round").await.expect("it is made");
    let round = data.open_at(PathFlags::SYMLINK_FOLLOW, "round".to_owned(), NONE, READ).await;
    checks.fails("descriptor.open-at: a link to itself", round, "Loop");
    let stat = async |flags| data.stat_at(flags, "link".to_owned()).await.ok();
    let itself = stat(PathFlags::empty()).await;
    checks.that("descriptor.stat-at: a link itself", itself.as_ref().map(|s| &s.type_), |kind| {
        matches!(kind, Some(DescriptorType::SymbolicLink))
    });
    checks.equal(
        "descriptor.stat-at: the size of a link is that of its text",
        itself.map(|s| s.size),
        Some(6),
    );
    let target = stat(PathFlags::SYMLINK_FOLLOW).await;
    checks.that("descriptor.stat-at: what a link leads to", target.map(|s| s.type_), |kind| {
        matches!(kind, Some(DescriptorType::RegularFile))
    });
    checks.good(
        "descriptor.unlink-file-at: removes a link",
        data.unlink_file_at("link".to_owned()).await,
    );
    checks.good(
        "descriptor.unlink-file-at: leaves what the link led to",
        open(data, "target", NONE, READ).await,
    );
}

async fn hard_links(checks: &mut Checks, data: &Descriptor) {
    let original = file(data, "original", "text").await;
    let link = async |flags, old: &str, new: &str| {
        data.link_at(flags, old.to_owned(), data, new.to_owned()).await
    };
    let none = PathFlags::empty();
    checks.good("descriptor.link-at: a file", link(none, "original", "hard").await);
    let links = original.stat().await.ok().map(|s| s.link_count);
    checks.equal("descriptor.stat: two links to a file", links, Some(2));
    checks.fails(
        "descriptor.link-at: no such old path",
        link(none, "missing", "hard-2").await,
        "NoEntry",
    );
    checks.fails(
        "descriptor.link-at: a new path that is there",
        link(none, "original", "hard").await,
        "Exist",
    );
    checks.fails(
        "descriptor.link-at: a folder",
        link(none, "plain", "hard-3").await,
        "NotPermitted",
    );
    data.symlink_at("original".to_owned(), "soft".to_owned()).await.expect("it is made");
    checks.good(
        "descriptor.link-at: follows a link where it is told to",
        link(PathFlags::SYMLINK_FOLLOW, "soft", "hard-4").await,
    );
    let stat = data.stat_at(none, "hard-4".to_owned()).await;
    checks.that(
        "descriptor.link-at: links what the link leads to",
        stat.map(|s| s.type_),
        |kind| matches!(kind, Ok(DescriptorType::RegularFile)),
    );
}

async fn about_paths(checks: &mut Checks, data: &Descriptor) {
    drop(file(data, "about", "12345").await);
    let none = PathFlags::empty();
    let stat = data.stat_at(none, "about".to_owned()).await;
    checks.equal("descriptor.stat-at: a file's size", stat.ok().map(|s| s.size), Some(5));
    checks.fails(
        "descriptor.stat-at: what is not there",
        data.stat_at(none, "missing".to_owned()).await,
        "NoEntry",
    );
    checks.fails(
        "descriptor.stat-at: a path through a file",
        data.stat_at(none, "about/x".to_owned()).await,
        "NotDirectory",
    );
    let kind = async |path: &str| data.stat_at(none, path.to_owned()).await.ok().map(|s| s.type_);
    checks.that("descriptor.stat-at: a socket", kind("kinds/socket").await, |kind| {
        matches!(kind, Some(DescriptorType::Socket))
    });
    checks.that("descriptor.stat-at: a pipe", kind("kinds/fifo").await, |kind| {
        matches!(kind, Some(DescriptorType::Fifo))
    });
    let at = |seconds| NewTimestamp::Timestamp(Instant { seconds, nanoseconds: 0 });
    let set = data.set_times_at(none, "about".to_owned(), at(10), at(20)).await;
    checks.good("descriptor.set-times-at: a file", set);
    let stat = data.stat_at(none, "about".to_owned()).await.expect("it is there");
    let seconds = |time: Option<Instant>| time.map(|time| time.seconds);
    checks.equal(
        "descriptor.set-times-at: the times that were set",
        (seconds(stat.data_access_timestamp), seconds(stat.data_modification_timestamp)),
        (Some(10), Some(20)),
    );
    let early = data.set_times_at(none, "about".to_owned(), at(-5), NewTimestamp::NoChange).await;
    checks.good("descriptor.set-times-at: takes a time before 1970", early);
    let missing = data.set_times_at(none, "missing".to_owned(), at(1), at(1)).await;
    checks.fails("descriptor.set-times-at: what is not there", missing, "NoEntry");
    data.symlink_at("about".to_owned(), "about-link".to_owned()).await.expect("it is made");
    let set = data.set_times_at(none, "about-link".to_owned(), at(30), at(40)).await;
    checks.good("descriptor.set-times-at: a link itself", set);
    let stat = data.stat_at(none, "about".to_owned()).await.expect("it is there");
    checks.equal(
        "descriptor.set-times-at: leaves what the link leads to",
        seconds(stat.data_modification_timestamp),
        Some(20),
    );
    let set =
        data.set_times_at(PathFlags::SYMLINK_FOLLOW, "about-link".to_owned(), at(50), at(60)).await;
    checks.good("descriptor.set-times-at: follows a link where it is told to", set);
    let stat = data.stat_at(none, "about".to_owned()).await.expect("it is there");
    checks.equal(
        "descriptor.set-times-at: sets what the link leads to",
        seconds(stat.data_modification_timestamp),
        Some(60),
    );
}
