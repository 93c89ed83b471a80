//! What every place for containers does, on any backend.

mod container;
mod listing;
mod object;
mod streaming;

use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc};

use bytes::Bytes;
use futures::TryStreamExt;
use keyway_capability::blobstore::{Blobs, Error, ObjectId};

pub(crate) use container::*;
pub(crate) use listing::*;
pub(crate) use object::*;
pub(crate) use streaming::*;

/// A test for each case.
macro_rules! cases {
    ($open:path) => {
        $crate::suite::cases!($open:
            a_container_is_made_and_deleted
            a_container_is_made_once
            a_missing_container_is_told_of
            a_container_may_have_any_name
            a_deleted_container_takes_its_objects_along
            a_missing_object_is_told_of
            an_object_is_read_as_it_was_written
            a_later_object_replaces_an_earlier_one
            a_deleted_object_is_gone
            deleting_a_missing_object_is_no_error
            an_object_may_have_any_name
            a_wrong_name_is_refused
            an_object_may_be_empty
            an_object_is_known_by_its_size_and_time
            an_object_is_copied
            an_object_is_moved
            an_object_is_copied_and_moved_over_itself
            a_part_is_read
            an_object_appears_when_it_is_whole
            a_writing_that_is_given_up_changes_nothing
            of_two_writings_the_last_to_finish_wins
            a_reader_reads_on_while_the_object_is_replaced
            an_empty_container_lists_nothing
            pages_hold_every_object_once
            a_prefix_is_no_pattern
            a_container_is_cleared
        );
    };
    ($open:path: $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::run($open, $crate::suite::$case);
            }
        )*
    };
}
pub(crate) use cases;

type Subject = Arc<dyn Blobs>;

/// The container that most cases use.
const BOX: &str = "box";

pub(crate) fn id(name: &str) -> ObjectId<'_> {
    ObjectId { container: BOX, name }
}

pub(crate) async fn put(blobs: &Subject, name: &str, text: &str) {
    let mut writing = blobs.write(id(name)).await.unwrap();
    writing.write(Bytes::copy_from_slice(text.as_bytes())).await.unwrap();
    writing.finish().await.unwrap();
}

pub(crate) async fn get(blobs: &Subject, name: &str) -> Result<String, Error> {
    part(blobs, name, 0..=u64::MAX).await
}

async fn part(blobs: &Subject, name: &str, part: RangeInclusive<u64>) -> Result<String, Error> {
    let reading = blobs.read(id(name), part).await?;
    let bytes = reading.bytes;
    let pieces: Vec<Bytes> = reading.data.try_collect().await?;
    let all = pieces.concat();
    assert_eq!(all.len() as u64, bytes);
    Ok(String::from_utf8(all).unwrap())
}

/// All objects, in pages of `limit`.
async fn list(blobs: &Subject, prefix: &str, limit: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let page = blobs.list(BOX, prefix, cursor.as_deref(), limit).await.unwrap();
        names.extend(page.objects.into_iter().map(|object| object.name));
        cursor = page.cursor;
        if cursor.is_none() {
            return names;
        }
    }
}

fn set_of(names: impl IntoIterator<Item = impl Into<String>>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}
