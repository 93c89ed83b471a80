//! Reading and writing.

use exact::Checks;
use wasip3::{
    filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags},
    wit_stream,
};

use crate::{file, open, read};

pub(crate) async fn check(checks: &mut Checks, data: &Descriptor) {
    reading(checks, data).await;
    writing(checks, data).await;
    appending(checks, data).await;
}

async fn reading(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "reading", "0123456789").await;
    let from = async |offset| read(&file, offset).await.ok();
    checks.equal(
        "descriptor.read-via-stream: from the beginning",
        from(0).await,
        Some("0123456789".to_owned()),
    );
    checks.equal(
        "descriptor.read-via-stream: from an offset",
        from(7).await,
        Some("789".to_owned()),
    );
    checks.equal("descriptor.read-via-stream: from the end", from(10).await, Some(String::new()));
    checks.equal(
        "descriptor.read-via-stream: from beyond the end",
        from(1000).await,
        Some(String::new()),
    );
    checks.fails(
        "descriptor.read-via-stream: an offset that no file has",
        read(&file, u64::MAX).await,
        "Invalid",
    );
    let (mut one, one_end) = file.read_via_stream(0);
    let (other, other_end) = file.read_via_stream(5);
    checks.equal("descriptor.read-via-stream: a byte", one.next().await, Some(b'0'));
    checks.equal(
        "descriptor.read-via-stream: another stream does not interfere",
        other.collect().await,
        b"56789".to_vec(),
    );
    checks.equal(
        "descriptor.read-via-stream: and is not interfered with",
        one.collect().await,
        b"123456789".to_vec(),
    );
    checks.equal(
        "descriptor.read-via-stream: both end well",
        (one_end.await.is_ok(), other_end.await.is_ok()),
        (true, true),
    );
    let (stream, end) = file.read_via_stream(0);
    drop(stream);
    checks.good("descriptor.read-via-stream: no error where the reader stops", end.await);
    checks.fails("descriptor.read-via-stream: a folder", read(data, 0).await, "IsDirectory");
    let writing = open(data, "reading", OpenFlags::empty(), DescriptorFlags::WRITE).await;
    checks.fails(
        "descriptor.read-via-stream: a file not opened to read",
        read(&writing.expect("it is there"), 0).await,
        "BadDescriptor",
    );
    let large = "0123456789".repeat(50_000);
    let long = crate::file(data, "long", &large).await;
    checks.that("descriptor.read-via-stream: half a megabyte", read(&long, 0).await.ok(), |got| {
        got.as_deref() == Some(&large)
    });
}

/// Writes `text` and says how that ended.
async fn write(file: &Descriptor, text: &str, offset: u64) -> Result<(), ErrorCode> {
    let (mut writer, reader) = wit_stream::new();
    let written = file.write_via_stream(reader, offset);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    written.await
}

async fn append(file: &Descriptor, text: &str) -> Result<(), ErrorCode> {
    let (mut writer, reader) = wit_stream::new();
    let written = file.append_via_stream(reader);
    writer.write_all(text.as_bytes().to_vec()).await;
    drop(writer);
    written.await
}

async fn writing(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "writing", "0123456789").await;
    checks.good("descriptor.write-via-stream: at an offset", write(&file, "ab", 4).await);
    checks.equal(
        "descriptor.write-via-stream: leaves the rest",
        read(&file, 0).await.ok(),
        Some("0123ab6789".to_owned()),
    );
    checks.good("descriptor.write-via-stream: past the end", write(&file, "x", 12).await);
    checks.equal(
        "descriptor.write-via-stream: fills the gap with zeros",
        read(&file, 10).await.ok(),
        Some("\0\0x".to_owned()),
    );
    checks.good("descriptor.write-via-stream: nothing", write(&file, "", 100).await);
    checks.equal(
        "descriptor.write-via-stream: nothing changes nothing",
        file.stat().await.ok().map(|s| s.size),
        Some(13),
    );
    checks.that(
        "descriptor.write-via-stream: an offset that no file has",
        write(&file, "x", u64::MAX).await,
        Result::is_err,
    );
    let reading = open(data, "writing", OpenFlags::empty(), DescriptorFlags::READ).await;
    checks.fails(
        "descriptor.write-via-stream: a file not opened to write",
        write(&reading.expect("it is there"), "x", 0).await,
        "BadDescriptor",
    );
    checks.that("descriptor.write-via-stream: a folder", write(data, "x", 0).await, Result::is_err);
    let (mut one, reader) = wit_stream::new();
    let one_end = file.write_via_stream(reader, 0);
    let (mut other, reader) = wit_stream::new();
    let other_end = file.write_via_stream(reader, 5);
    one.write_all(b"A".to_vec()).await;
    other.write_all(b"B".to_vec()).await;
    one.write_all(b"A".to_vec()).await;
    other.write_all(b"B".to_vec()).await;
    drop((one, other));
    checks.equal(
        "descriptor.write-via-stream: two at once end well",
        (one_end.await.is_ok(), other_end.await.is_ok()),
        (true, true),
    );
    checks.equal(
        "descriptor.write-via-stream: two at once do not interfere",
        read(&file, 0).await.ok().map(|s| s[..10].to_owned()),
        Some("AA23aBB789".to_owned()),
    );
}

async fn appending(checks: &mut Checks, data: &Descriptor) {
    let file = file(data, "appending", "012").await;
    checks.good("descriptor.append-via-stream: at the end", append(&file, "34").await);
    checks.good("descriptor.append-via-stream: at the new end", append(&file, "5").await);
    checks.equal(
        "descriptor.append-via-stream: leaves the rest",
        read(&file, 0).await.ok(),
        Some("012345".to_owned()),
    );
    file.set_size(1).await.expect("it is cut");
    checks.good(
        "descriptor.append-via-stream: where the end is when it writes",
        append(&file, "x").await,
    );
    checks.equal(
        "descriptor.append-via-stream: after a file was cut",
        read(&file, 0).await.ok(),
        Some("0x".to_owned()),
    );
    let reading = open(data, "appending", OpenFlags::empty(), DescriptorFlags::READ).await;
    checks.fails(
        "descriptor.append-via-stream: a file not opened to write",
        append(&reading.expect("it is there"), "x").await,
        "BadDescriptor",
    );
    checks.that("descriptor.append-via-stream: a folder", append(data, "x").await, Result::is_err);
}
