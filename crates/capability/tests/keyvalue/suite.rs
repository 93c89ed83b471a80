//! What every store does, on any backend.

mod counting;
mod listing;
mod many;
mod plain;
mod swapping;
mod watching;

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use keyway_capability::keyvalue::Store;

pub(crate) use counting::*;
pub(crate) use listing::*;
pub(crate) use many::*;
pub(crate) use plain::*;
pub(crate) use swapping::*;
pub(crate) use watching::*;

/// A test for each case.
macro_rules! cases {
    ($open:path) => {
        $crate::suite::cases!($open:
            a_missing_key_has_no_value
            a_value_is_read_as_it_was_set
            a_later_value_replaces_an_earlier_one
            a_deleted_key_is_gone
            deleting_a_missing_key_is_no_error
            a_key_may_be_any_text
            a_key_that_is_too_long_is_refused
            a_key_with_a_nul_is_refused
            a_value_may_be_long
            an_empty_store_lists_nothing
            pages_hold_every_key_once
            a_prefix_is_no_pattern
            keys_that_stay_are_listed_while_others_come_and_go
            a_deleted_key_is_not_listed
            a_counter_begins_at_zero
            a_counter_is_a_decimal_text
            what_is_no_counter_is_not_incremented
            a_counter_does_not_overflow
            increments_at_once_are_all_counted
            an_unsigned_counter_stays_unsigned
            a_swap_needs_the_expected_value
            a_swap_may_expect_no_value
            of_many_swaps_one_wins
            a_counter_made_of_swaps_is_exact
            many_values_come_in_the_order_of_their_keys
            many_keys_are_set_and_deleted
            of_a_key_set_twice_at_once_the_last_value_counts
            nothing_at_once_is_no_error
            a_wrong_key_among_many_changes_nothing
            a_watcher_is_told_of_changes
            a_watcher_is_told_of_its_prefix_only
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

type Subject = Arc<dyn Store>;

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

async fn get(store: &Subject, key: &str) -> Option<Bytes> {
    store.get(key).await.unwrap()
}

async fn set(store: &Subject, key: &str, value: &str) {
    store.set(key, bytes(value)).await.unwrap();
}

/// All keys, in pages of `limit`, with those that are listed twice.
pub(crate) async fn list(store: &Subject, prefix: &str, limit: usize) -> Vec<String> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.list_keys(prefix, cursor.as_deref(), limit).await.unwrap();
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return keys;
        }
    }
}

fn set_of(keys: impl IntoIterator<Item = impl Into<String>>) -> BTreeSet<String> {
    keys.into_iter().map(Into::into).collect()
}
