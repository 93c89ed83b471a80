//! What is asked of an open file or folder.

use exact::Checks;
use wasip3::{
    clocks::system_clock::{self, Instant},
    filesystem::types::{
        Advice, Descriptor, DescriptorFlags, DescriptorType, NewTimestamp, OpenFlags,
    },
};

use crate::{BOTH, file, open, read};

pub(crate) async fn check(checks: &mut Checks, data: &Descriptor) {
    flags(checks, data).await;
    kinds(checks, data).await;
    sizes(checks, data).await;
    times(checks, data).await;
    identity(checks, data).await;
    syncing(checks, data).await;
}

async fn flags(checks: &mut Checks, data: &Descriptor) {
    drop(file(data, "flags", "text").await);
    let none = OpenFlags::empty();
    for (name, flags) in [
        ("read", DescriptorFlags::READ),
        ("write", DescriptorFlags::WRITE),
        ("read and write", BOTH),
    ] {
        let opened = open(data, "flags", none, flags).await.expect("it is there");
        let name = format!("descriptor.get-flags: a file opened to {name} says so, and no more");
        checks.equal(&name, opened.get_flags().await.ok(), Some(flags));
    }
    let created = open(data, "created", OpenFlags::CREATE, DescriptorFlags::READ).await;
    let created = checks.good("descriptor.open-at: creates a file to read", created);
    if let Some(created) = created {
        checks.equal(
            "descriptor.get-flags: a file created to read is not for writing",
            created.get_flags().await.ok(),
            Some(DescriptorFlags::READ),
        );
    }
    let is_mutable = |flags: &Option<DescriptorFlags>| {
        flags.is_some_and(|f| f.contains(DescriptorFlags::MUTATE_DIRECTORY))
    };
    checks.that(
        "descriptor.get-flags: a folder that may be changed says so",
        data.get_flags().await.ok(),
        is_mutable,
    );
    data.create_directory_at("plain".to_owned()).await.expect("it is made");
    let plain = open(data, "plain", OpenFlags::DIRECTORY, DescriptorFlags::READ).await;
    let plain = plain.expect("it is there");
    checks.equal(
        "descriptor.get-flags: a folder opened to read does not say that it may be changed",
        plain.get_flags().await.ok(),
        Some(DescriptorFlags::READ),
    );
    let how = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    let mutable = open(data, "plain", OpenFlags::DIRECTORY, how).await;
    if let Some(mutable) = checks.good("descriptor.open-at: opens a folder to change it", mutable) {
        checks.equal(
            "descriptor.get-flags: a folder opened to be changed says so",
            mutable.get_flags().await.ok(),
            Some(how),
        );
        let made = mutable.create_directory_at("inner".to_owned()).await;
        checks.good("descriptor.create-directory-at: works in a folder opened to be changed", made);
    }
    checks.fails(
        "descriptor.create-directory-at: a folder not opened to be changed is read-only",
        plain.create_directory_at("other".to_owned()).await,
        "ReadOnly",
    );
    checks.fails(
        "descriptor.open-at: nothing is created in a folder not opened to be changed",
        open(&plain, "other", OpenFlags::CREATE, DescriptorFlags::READ).await,
        "ReadOnly",
    );
    for (name, flag) in [
        ("file-integrity-sync", DescriptorFlags::FILE_INTEGRITY_SYNC),
        ("data-integrity-sync", DescriptorFlags::DATA_INTEGRITY_SYNC),
        ("requested-write-sync", DescriptorFlags::REQUESTED_WRITE_SYNC),
    ] {
        let opened = open(data, "flags", none, BOTH | flag).await;
        let name = format!("descriptor.open-at: {name} is a request, not a requirement");
        checks.good(&name, opened);
    }
}

async fn kinds(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "kind", "text").await;
    let is_file = |kind: &Option<DescriptorType>| matches!(kind, Some(DescriptorType::RegularFile));
    let is_folder = |kind: &Option<DescriptorType>| matches!(kind, Some(DescriptorType::Directory));
    checks.that("descriptor.get-type: a file", file.get_type().await.ok(), is_file);
    checks.that("descriptor.get-type: a folder", data.get_type().await.ok(), is_folder);
    let stat = file.stat().await.ok();
    checks.that("descriptor.stat: the type of a file", stat.map(|s| s.type_), is_file);
    let stat = data.stat().await.ok();
    checks.that("descriptor.stat: the type of a folder", stat.map(|s| s.type_), is_folder);
    let size = file.stat().await.ok().map(|s| s.size);
    checks.equal("descriptor.stat: the size of a file", size, Some(4));
    let links = file.stat().await.ok().map(|s| s.link_count);
    checks.equal("descriptor.stat: one link to a new file", links, Some(1));
}

async fn sizes(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "size", "123456").await;
    checks.good("descriptor.set-size: makes a file shorter", file.set_size(3).await);
    checks.equal(
        "descriptor.set-size: leaves its beginning",
        read(&file, 0).await.ok(),
        Some("123".to_owned()),
    );
    checks.good("descriptor.set-size: makes a file longer", file.set_size(5).await);
    checks.equal(
        "descriptor.set-size: fills with zeros",
        read(&file, 0).await.ok(),
        Some("123\0\0".to_owned()),
    );
    checks.that(
        "descriptor.set-size: a size that no file can have is refused",
        file.set_size(u64::MAX).await,
        Result::is_err,
    );
    let reading = open(data, "size", OpenFlags::empty(), DescriptorFlags::READ).await;
    checks.that(
        "descriptor.set-size: a file not opened to write is not cut",
        reading.expect("it is there").set_size(0).await,
        Result::is_err,
    );
    checks.that(
        "descriptor.set-size: a folder has no size to set",
        data.set_size(0).await,
        Result::is_err,
    );
}

async fn times(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "times", "text").await;
    let stat = file.stat().await.expect("it is there");
    let now = system_clock::now();
    let recent = |time: &Option<Instant>| {
        time.as_ref()
            .is_some_and(|time| (now.seconds - 60..=now.seconds + 1).contains(&time.seconds))
    };
    checks.that(
        "descriptor.stat: when a file was modified",
        stat.data_modification_timestamp,
        recent,
    );
    checks.that("descriptor.stat: when a file was read", stat.data_access_timestamp, recent);
    checks.that(
        "descriptor.stat: when a file's status changed",
        stat.status_change_timestamp,
        recent,
    );
    let at = |seconds, nanoseconds| NewTimestamp::Timestamp(Instant { seconds, nanoseconds });
    let set = file.set_times(at(1_000_000_000, 5), at(1_500_000_000, 7)).await;
    checks.good("descriptor.set-times: takes two times", set);
    let told = async |file: &Descriptor| {
        let stat = file.stat().await.expect("it is there");
        let pair = |time: Option<Instant>| time.map(|time| (time.seconds, time.nanoseconds));
        (pair(stat.data_access_timestamp), pair(stat.data_modification_timestamp))
    };
    let expected = (Some((1_000_000_000, 5)), Some((1_500_000_000, 7)));
    checks.equal(
        "descriptor.stat: the times that were set, to the nanosecond",
        told(&file).await,
        expected,
    );
    let set = file.set_times(NewTimestamp::NoChange, NewTimestamp::NoChange).await;
    checks.good("descriptor.set-times: takes no change", set);
    checks.equal("descriptor.set-times: no change changes nothing", told(&file).await, expected);
    let set = file.set_times(NewTimestamp::NoChange, NewTimestamp::Now).await;
    checks.good("descriptor.set-times: takes now", set);
    let (read, modified) = told(&file).await;
    checks.equal("descriptor.set-times: one time alone leaves the other", read, expected.0);
    checks.that("descriptor.set-times: now is now", modified, |time| {
        time.is_some_and(|(seconds, _)| (now.seconds..=now.seconds + 60).contains(&seconds))
    });
    let changed = async || {
        let stat = file.stat().await.expect("it is there");
        stat.status_change_timestamp.map(|time| (time.seconds, time.nanoseconds))
    };
    let before = changed().await;
    wasip3::clocks::monotonic_clock::wait_for(20_000_000).await;
    file.set_times(at(3, 0), at(4, 0)).await.expect("it is set");
    checks.that(
        "descriptor.stat: setting times changes a file's status, not when it was made",
        (before, changed().await),
        |(before, after)| before.is_some() && before < after,
    );
    drop(file);
    let file = crate::file(data, "early", "text").await;
    let early = file.set_times(at(-1, 999_999_999), at(-1, 999_999_999)).await;
    checks.good("descriptor.set-times: takes times before 1970", early);
    let before = Some((-1, 999_999_999));
    checks.equal(
        "descriptor.stat: nanoseconds move forwards before 1970 too",
        told(&file).await,
        (before, before),
    );
    checks.that(
        "descriptor.set-times: a second has no more than 999,999,999 nanoseconds",
        file.set_times(at(0, 2_000_000_000), NewTimestamp::NoChange).await,
        |set| set.is_ok() || matches!(set, Err(wasip3::filesystem::types::ErrorCode::Invalid)),
    );
    checks.good(
        "descriptor.set-times: takes the times of a folder",
        data.set_times(at(1, 0), at(2, 0)).await,
    );
}

async fn identity(checks: &mut Checks, data: &Descriptor) {
    let one = file(data, "one", "text").await;
    let other = file(data, "other", "text").await;
    let again = open(data, "one", OpenFlags::empty(), DescriptorFlags::READ).await;
    let again = again.expect("it is there");
    checks.equal("descriptor.is-same-object: itself", one.is_same_object(&one).await, true);
    checks.equal(
        "descriptor.is-same-object: the same file opened twice",
        one.is_same_object(&again).await,
        true,
    );
    checks.equal(
        "descriptor.is-same-object: another file",
        one.is_same_object(&other).await,
        false,
    );
    checks.equal(
        "descriptor.is-same-object: a folder is no file",
        data.is_same_object(&one).await,
        false,
    );
    let hash = async |of: &Descriptor| of.metadata_hash().await.ok().map(|h| (h.lower, h.upper));
    checks.equal(
        "descriptor.metadata-hash: stays while nothing changes",
        hash(&one).await,
        hash(&again).await,
    );
    checks.that(
        "descriptor.metadata-hash: differs between files",
        (hash(&one).await, hash(&other).await),
        |(one, other)| one.is_some() && one != other,
    );
    let at = data
        .metadata_hash_at(wasip3::filesystem::types::PathFlags::empty(), "one".to_owned())
        .await;
    checks.equal(
        "descriptor.metadata-hash-at: is that of the open file",
        at.ok().map(|h| (h.lower, h.upper)),
        hash(&one).await,
    );
    let before = hash(&one).await;
    one.set_size(100).await.expect("it grows");
    checks.that(
        "descriptor.metadata-hash: changes with the file's size",
        (before, hash(&one).await),
        |(before, after)| before != after,
    );
    let missing = data
        .metadata_hash_at(wasip3::filesystem::types::PathFlags::empty(), "missing".to_owned())
        .await;
    checks.fails("descriptor.metadata-hash-at: a file that is not there", missing, "NoEntry");
}

async fn syncing(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "sync", "text").await;
    checks.good("descriptor.sync: a file that was written", file.sync().await);
    checks.good("descriptor.sync-data: a file that was written", file.sync_data().await);
    let reading = open(data, "sync", OpenFlags::empty(), DescriptorFlags::READ).await;
    let reading = reading.expect("it is there");
    checks.good("descriptor.sync: does nothing where nothing can be written", reading.sync().await);
    checks.good(
        "descriptor.sync-data: does nothing where nothing can be written",
        reading.sync_data().await,
    );
    checks.good("descriptor.sync: a folder", data.sync().await);
    for (name, advice) in [
        ("normal", Advice::Normal),
        ("sequential", Advice::Sequential),
        ("random", Advice::Random),
        ("will-need", Advice::WillNeed),
        ("dont-need", Advice::DontNeed),
        ("no-reuse", Advice::NoReuse),
    ] {
        let advised = file.advise(0, 2, advice).await;
        checks.good(&format!("descriptor.advise: takes {name}"), advised);
    }
    checks.good(
        "descriptor.advise: a length of zero is all of the file",
        file.advise(0, 0, Advice::Normal).await,
    );
    checks.fails(
        "descriptor.advise: a folder has no contents",
        data.advise(0, 0, Advice::Normal).await,
        "BadDescriptor",
    );
}
