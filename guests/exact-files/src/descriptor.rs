//! What is asked of an open file or folder.

use exact::Checks;
use wasip2::{
    clocks::wall_clock::{self, Datetime},
    filesystem::types::{
        Advice, Descriptor, DescriptorFlags, DescriptorType, NewTimestamp, OpenFlags, PathFlags,
        filesystem_error_code,
    },
    io::streams::StreamError,
};

use crate::{BOTH, file, open, read};

pub(crate) fn check(checks: &mut Checks, data: &Descriptor) {
    reading(checks, data);
    writing(checks, data);
    streams(checks, data);
    about(checks, data);
    times(checks, data);
    identity(checks, data);
}

fn reading(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "reading", "0123456789");
    checks.equal(
        "descriptor.read: from the beginning",
        file.read(4, 0).ok(),
        Some((b"0123".to_vec(), false)),
    );
    checks.equal(
        "descriptor.read: from an offset",
        file.read(3, 4).ok(),
        Some((b"456".to_vec(), false)),
    );
    checks.equal(
        "descriptor.read: beyond the end is the end",
        file.read(4, 100).ok(),
        Some((vec![], true)),
    );
    checks.equal(
        "descriptor.read: nothing is asked for",
        file.read(0, 0).ok().map(|(bytes, _)| bytes),
        Some(vec![]),
    );
    checks.that("descriptor.read: more than there is", file.read(100, 8).ok(), |got| {
        got.as_ref().is_some_and(|(bytes, _)| bytes == b"89")
    });
    checks.that("descriptor.read: a folder", data.read(1, 0), Result::is_err);
    let writing =
        open(data, "reading", OpenFlags::empty(), DescriptorFlags::WRITE).expect("it is there");
    checks.that(
        "descriptor.read: a file not opened to read",
        writing.read(1, 0).map_err(|error| error.to_string()),
        Result::is_err,
    );
}

fn writing(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "writing", "0123456789");
    checks.equal("descriptor.write: says how much", file.write(b"ab", 4).ok(), Some(2));
    checks.equal(
        "descriptor.write: leaves the rest",
        read(&file, 0).ok(),
        Some("0123ab6789".to_owned()),
    );
    checks.equal("descriptor.write: past the end", file.write(b"x", 12).ok(), Some(1));
    checks.equal(
        "descriptor.write: fills the gap with zeros",
        read(&file, 10).ok(),
        Some("\0\0x".to_owned()),
    );
    let reading =
        open(data, "writing", OpenFlags::empty(), DescriptorFlags::READ).expect("it is there");
    checks.that(
        "descriptor.write: a file not opened to write",
        reading.write(b"x", 0),
        Result::is_err,
    );
    checks.good("descriptor.set-size: makes a file shorter", file.set_size(3));
    checks.equal(
        "descriptor.set-size: leaves its beginning",
        read(&file, 0).ok(),
        Some("012".to_owned()),
    );
    checks.good("descriptor.set-size: makes a file longer", file.set_size(5));
    checks.equal(
        "descriptor.set-size: fills with zeros",
        read(&file, 0).ok(),
        Some("012\0\0".to_owned()),
    );
    checks.that(
        "descriptor.set-size: a file not opened to write is not cut",
        reading.set_size(0),
        Result::is_err,
    );
}

fn streams(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "streams", "0123456789");
    let stream = file.read_via_stream(4);
    if let Some(stream) = checks.good("descriptor.read-via-stream: from an offset", stream) {
        checks.equal(
            "descriptor.read-via-stream: what is there",
            stream.blocking_read(3).ok(),
            Some(b"456".to_vec()),
        );
        checks.equal(
            "descriptor.read-via-stream: goes on",
            stream.blocking_read(100).ok(),
            Some(b"789".to_vec()),
        );
        checks.that(
            "descriptor.read-via-stream: is closed at the end",
            stream.blocking_read(1),
            |got| matches!(got, Err(StreamError::Closed)),
        );
    }
    let stream = file.write_via_stream(8);
    if let Some(stream) = checks.good("descriptor.write-via-stream: at an offset", stream) {
        checks.good("descriptor.write-via-stream: bytes", stream.blocking_write_and_flush(b"AB"));
        checks.good(
            "descriptor.write-via-stream: bytes after them",
            stream.blocking_write_and_flush(b"C"),
        );
        checks.equal(
            "descriptor.write-via-stream: one after the other",
            read(&file, 0).ok(),
            Some("01234567ABC".to_owned()),
        );
    }
    let stream = file.append_via_stream();
    if let Some(stream) = checks.good("descriptor.append-via-stream: a file", stream) {
        file.set_size(2).expect("it is cut");
        checks.good("descriptor.append-via-stream: bytes", stream.blocking_write_and_flush(b"x"));
        checks.equal(
            "descriptor.append-via-stream: where the end is when it writes",
            read(&file, 0).ok(),
            Some("01x".to_owned()),
        );
    }
    let reading =
        open(data, "streams", OpenFlags::empty(), DescriptorFlags::READ).expect("it is there");
    for (name, stream) in
        [("write", reading.write_via_stream(0)), ("append", reading.append_via_stream())]
    {
        checks.that(
            &format!("descriptor.{name}-via-stream: a file not opened to write, at once or later"),
            stream.map(|stream| stream.blocking_write_and_flush(b"x")),
            |got| !matches!(got, Ok(Ok(()))),
        );
    }
    checks.that(
        "descriptor.read-via-stream: a folder",
        data.read_via_stream(0).map(drop),
        Result::is_err,
    );
    let far = file.write_via_stream(i64::MAX as u64).expect("it is opened");
    if let Err(StreamError::LastOperationFailed(error)) = far.blocking_write_and_flush(b"xx") {
        checks.that(
            "filesystem-error-code: of a stream's error",
            filesystem_error_code(&error),
            Option::is_some,
        );
    }
}

fn about(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "about", "text");
    for (name, flags) in [("read", DescriptorFlags::READ), ("read and write", BOTH)] {
        let opened = open(data, "about", OpenFlags::empty(), flags).expect("it is there");
        checks.equal(
            &format!("descriptor.get-flags: opened to {name}"),
            opened.get_flags().ok(),
            Some(flags),
        );
    }
    checks.that(
        "descriptor.get-flags: a folder that may be changed says so",
        data.get_flags().ok(),
        |flags| flags.is_some_and(|flags| flags.contains(DescriptorFlags::MUTATE_DIRECTORY)),
    );
    checks.equal(
        "descriptor.get-type: a file",
        file.get_type().ok(),
        Some(DescriptorType::RegularFile),
    );
    checks.equal(
        "descriptor.get-type: a folder",
        data.get_type().ok(),
        Some(DescriptorType::Directory),
    );
    let stat = file.stat().ok();
    checks.equal(
        "descriptor.stat: a file",
        stat.map(|stat| (stat.type_, stat.size, stat.link_count)),
        Some((DescriptorType::RegularFile, 4, 1)),
    );
    checks.good("descriptor.sync: a file", file.sync());
    checks.good("descriptor.sync-data: a file", file.sync_data());
    checks.good("descriptor.sync: a folder", data.sync());
    let reading =
        open(data, "about", OpenFlags::empty(), DescriptorFlags::READ).expect("it is there");
    checks.good(
        "descriptor.sync-data: does nothing where nothing can be written",
        reading.sync_data(),
    );
    for advice in [
        Advice::Normal,
        Advice::Sequential,
        Advice::Random,
        Advice::WillNeed,
        Advice::DontNeed,
        Advice::NoReuse,
    ] {
        checks.good(&format!("descriptor.advise: {advice:?}"), file.advise(0, 2, advice));
    }
}

fn times(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "times", "text");
    let now = wall_clock::now();
    let recent = |time: &Option<Datetime>| {
        time.is_some_and(|time| (now.seconds - 60..=now.seconds + 1).contains(&time.seconds))
    };
    let at = |seconds, nanoseconds| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds });
    checks.good(
        "descriptor.set-times: takes two times",
        file.set_times(at(1_000_000_000, 5), at(1_500_000_000, 7)),
    );
    let told = || {
        let stat = file.stat().expect("it is there");
        let pair = |time: Option<Datetime>| time.map(|time| (time.seconds, time.nanoseconds));
        (pair(stat.data_access_timestamp), pair(stat.data_modification_timestamp))
    };
    let expected = (Some((1_000_000_000, 5)), Some((1_500_000_000, 7)));
    checks.equal("descriptor.stat: the times that were set, to the nanosecond", told(), expected);
    checks.good(
        "descriptor.set-times: no change",
        file.set_times(NewTimestamp::NoChange, NewTimestamp::NoChange),
    );
    checks.equal("descriptor.set-times: no change changes nothing", told(), expected);
    checks.good(
        "descriptor.set-times: now",
        file.set_times(NewTimestamp::NoChange, NewTimestamp::Now),
    );
    let stat = file.stat().expect("it is there");
    checks.that("descriptor.set-times: now is now", stat.data_modification_timestamp, recent);
    let changed = || {
        let stat = file.stat().expect("it is there");
        stat.status_change_timestamp.map(|time| (time.seconds, time.nanoseconds))
    };
    let before = changed();
    wasip2::clocks::monotonic_clock::subscribe_duration(20_000_000).block();
    file.set_times(at(3, 0), at(4, 0)).expect("it is set");
    checks.that(
        "descriptor.stat: setting times changes a file's status, not when it was made",
        (before, changed()),
        |(before, after)| before.is_some() && before < after,
    );
    let at_path = data.set_times_at(PathFlags::empty(), "times", at(10, 0), at(20, 0));
    checks.good("descriptor.set-times-at: a file", at_path);
    checks.equal(
        "descriptor.set-times-at: the times that were set",
        told(),
        (Some((10, 0)), Some((20, 0))),
    );
    checks.fails(
        "descriptor.set-times-at: what is not there",
        data.set_times_at(PathFlags::empty(), "missing", at(1, 0), at(1, 0)),
        "NoEntry",
    );
}

fn identity(checks: &mut Checks, data: &Descriptor) {
    let (one, other) = (file(data, "one", "text"), file(data, "other", "text"));
    let again = open(data, "one", OpenFlags::empty(), DescriptorFlags::READ).expect("it is there");
    checks.equal(
        "descriptor.is-same-object: the same file opened twice",
        one.is_same_object(&again),
        true,
    );
    checks.equal("descriptor.is-same-object: another file", one.is_same_object(&other), false);
    let hash = |of: &Descriptor| of.metadata_hash().ok().map(|hash| (hash.lower, hash.upper));
    checks.equal("descriptor.metadata-hash: stays while nothing changes", hash(&one), hash(&again));
    checks.that(
        "descriptor.metadata-hash: differs between files",
        (hash(&one), hash(&other)),
        |(one, other)| one != other,
    );
    let at =
        data.metadata_hash_at(PathFlags::empty(), "one").ok().map(|hash| (hash.lower, hash.upper));
    checks.equal("descriptor.metadata-hash-at: is that of the open file", at, hash(&one));
    let before = hash(&one);
    one.set_size(100).expect("it grows");
    checks.that(
        "descriptor.metadata-hash: changes with the file's size",
        (before, hash(&one)),
        |(before, after)| before != after,
    );
}
