//! Objects in pieces.

use bytes::Bytes;
use futures::TryStreamExt;

use super::{BOX, Subject, get, id, list, part, put};

/// More than any backend sends or reads at once, except for the parts of S3.
const LONG: usize = 600_000;

fn long(letter: char) -> Bytes {
    letter.to_string().repeat(LONG).into()
}

pub(crate) async fn a_part_is_read(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a", "0123456789").await;
    for (range, expected) in [
        (0..=u64::MAX, "0123456789"),
        (0..=0, "0"),
        (3..=5, "345"),
        (7..=99, "789"),
        (9..=u64::MAX, "9"),
        (10..=12, ""),
        (99..=u64::MAX, ""),
    ] {
        assert_eq!(part(&blobs, "a", range.clone()).await.unwrap(), expected, "{range:?}");
    }
    let mut writing = blobs.write(id("long")).await.unwrap();
    writing.write(long('a')).await.unwrap();
    writing.write(long('b')).await.unwrap();
    writing.finish().await.unwrap();
    let across = part(&blobs, "long", LONG as u64 - 2..=LONG as u64 + 2).await.unwrap();
    assert_eq!(across, "aabbb");
    let rest = part(&blobs, "long", LONG as u64..=u64::MAX).await.unwrap();
    assert_eq!(rest.as_bytes(), long('b'));
}

pub(crate) async fn an_object_appears_when_it_is_whole(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    let mut writing = blobs.write(id("a/b")).await.unwrap();
    writing.write(long('a')).await.unwrap();
    assert_eq!(blobs.info(id("a/b")).await.unwrap(), None);
    assert!(list(&blobs, "", 10).await.is_empty());
    writing.write(long('b')).await.unwrap();
    writing.finish().await.unwrap();
    assert_eq!(get(&blobs, "a/b").await.unwrap().len(), 2 * LONG);
}

pub(crate) async fn a_writing_that_is_given_up_changes_nothing(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    put(&blobs, "a", "kept").await;
    for name in ["a", "b"] {
        let mut writing = blobs.write(id(name)).await.unwrap();
        writing.write(long('a')).await.unwrap();
        drop(writing);
    }
    assert_eq!(get(&blobs, "a").await.unwrap(), "kept");
    assert_eq!(list(&blobs, "", 10).await, ["a"]);
}

pub(crate) async fn of_two_writings_the_last_to_finish_wins(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    let mut first = blobs.write(id("a")).await.unwrap();
    let mut second = blobs.write(id("a")).await.unwrap();
    for _ in 0..3 {
        first.write(Bytes::from_static(b"first ")).await.unwrap();
        second.write(Bytes::from_static(b"second ")).await.unwrap();
    }
    second.finish().await.unwrap();
    first.finish().await.unwrap();
    assert_eq!(get(&blobs, "a").await.unwrap(), "first first first ");
}

/// Or gets an error: what it has read is never from two objects.
pub(crate) async fn a_reader_reads_on_while_the_object_is_replaced(blobs: Subject) {
    blobs.create_container(BOX).await.unwrap();
    let mut writing = blobs.write(id("a")).await.unwrap();
    for _ in 0..4 {
        writing.write(long('a')).await.unwrap();
    }
    writing.finish().await.unwrap();
    let mut reading = blobs.read(id("a"), 0..=u64::MAX).await.unwrap();
    let first = reading.data.try_next().await.unwrap().unwrap();
    put(&blobs, "a", "b").await;
    let mut length = first.len();
    loop {
        match reading.data.try_next().await {
            Ok(Some(piece)) => {
                assert!(piece.iter().all(|byte| *byte == b'a'));
                length += piece.len();
            }
            Ok(None) => break assert_eq!(length, 4 * LONG),
            Err(_) => break assert!(length < 4 * LONG),
        }
    }
    assert_eq!(get(&blobs, "a").await.unwrap(), "b");
}
