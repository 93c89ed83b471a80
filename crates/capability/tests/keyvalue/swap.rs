//! Swapping a store's backend while it is used.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use keyway_capability::{
    Origin, Outage,
    keyvalue::{
        Backend, Change, Error, Store, Swapping,
        memory::Memory,
        open,
        redis::Options,
        swapping::{Existing, Phase, SwapError},
    },
};
use keyway_testing::server::Redis;

use crate::{
    backend, block_on,
    faulty::{Fault, Faulty},
    load::{Load, content},
};

fn swapping(store: Arc<dyn Store>) -> (Arc<Swapping>, Arc<dyn Store>) {
    let swapping = Arc::new(Swapping::new(store));
    (Arc::clone(&swapping), swapping)
}

fn memory() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn every_backend_follows_another_under_load() {
    let (_folder, sqlite) = backend::sqlite();
    let (_redis, redis) = backend::redis();
    let (_postgres, postgres) = backend::postgres();
    let (_nats, nats) = backend::nats();
    block_on(async {
        let (swapping, store) = swapping(memory());
        let load = Load::start(&store).await;
        for target in [sqlite, redis, postgres, nats, memory()] {
            let swapped = swapping.swap(Arc::clone(&target), Existing::Refuse).await.unwrap();
            assert!(swapped.copied >= 150, "{swapped:?}");
            assert_eq!(swapping.origin(), target.origin());
        }
        let done = load.stop().await;
        assert_eq!(done.failed, 0);
        done.check(&*store).await;
    });
}

#[test]
fn many_swaps_lose_nothing() {
    block_on(async {
        let (swapping, store) = swapping(Faulty::new(None));
        let load = Load::start(&store).await;
        let mut target = memory();
        for number in 0..100 {
            target = if number % 2 == 0 { Faulty::new(None) } else { memory() };
            let swapped = swapping.swap(Arc::clone(&target), Existing::Refuse).await.unwrap();
            assert_eq!(swapped.repaired, 0);
        }
        let done = load.stop().await;
        assert_eq!(done.failed, 0);
        done.check(&*target).await;
    });
}

/// Errors after which an operation is not done, and may be done.
fn errors() -> [(Error, bool); 2] {
    let at = Origin::new("the faulty store");
    let late = Error::Outage(Outage::TimedOut { at: at.clone(), after: Duration::from_secs(2) });
    [(Error::Failed { at, reason: "it was told to".to_owned() }, false), (late, true)]
}

#[test]
fn a_target_that_fails_at_any_point_leaves_the_old_store_complete() {
    block_on(async {
        let operations = ["list_keys", "set", "delete", "set_many", "delete_many", "get_many"];
        for operation in operations {
            for (error, is_done) in errors() {
                let mut fired = 0;
                for after in 0..8 {
                    let fault = Fault { operation, after, is_done, error: error.clone() };
                    fired += usize::from(fail_target(fault).await);
                }
                assert!(fired > 0, "no {operation} ever failed");
            }
        }
    });
}

/// Whether the fault came about.
async fn fail_target(fault: Fault) -> bool {
    let old = Arc::new(Memory::new());
    let (swapping, store) = swapping(Arc::<Memory>::clone(&old));
    let load = Load::start(&store).await;
    let target = Faulty::new(Some(fault.clone()));
    let outcome = swapping.swap(Arc::<Faulty>::clone(&target), Existing::Refuse).await;
    let done = load.stop().await;
    match outcome {
        Ok(_) => {
            // If it came about, then when the target served: a writer was told.
            assert_eq!(done.failed, usize::from(!target.is_armed()), "{fault:?}");
            false
        }
        Err(error) => {
            assert_eq!(error, SwapError::Target(fault.error.clone()));
            assert!(!target.is_armed());
            assert_eq!(done.failed, 0, "{fault:?}");
            done.check(&*old).await;
            // The next one goes well.
            let next = memory();
            swapping.swap(Arc::clone(&next), Existing::Refuse).await.unwrap();
            done.check(&*next).await;
            true
        }
    }
}

#[test]
fn an_old_store_that_fails_goes_on_being_the_one() {
    block_on(async {
        for operation in ["exists", "list_keys", "get_many"] {
            for after in 0..4 {
                let [(error, _), _] = errors();
                let fault = Fault { operation, after, is_done: false, error: error.clone() };
                let old = Faulty::new(Some(fault));
                old.inner.set("key", bytes("value")).await.unwrap();
                let (swapping, store) = swapping(Arc::<Faulty>::clone(&old));
                let outcome = swapping.swap(memory(), Existing::Refuse).await;
                assert_eq!(outcome.is_err(), !old.is_armed(), "{outcome:?}");
                if let Err(error) = outcome {
                    assert!(matches!(error, SwapError::Old(_)), "{error}");
                    store.set("key", bytes("later")).await.unwrap();
                    assert_eq!(old.inner.get("key").await.unwrap(), Some(bytes("later")));
                }
            }
        }
    });
}

async fn wait_for(swapping: &Swapping, phase: Phase) {
    let mut progress = swapping.progress();
    let reached = progress.wait_for(|progress| progress.phase == phase);
    let reached = tokio::time::timeout(Duration::from_secs(20), reached).await;
    reached.expect("the swap gets there").unwrap();
}

#[test]
fn a_write_in_doubt_ends_the_swap() {
    block_on(async {
        let [_, (error, is_done)] = errors();
        // The writes before it are those that fill the store.
        let fault = Fault { operation: "increment", after: 0, is_done, error: error.clone() };
        let old = Faulty::new(Some(fault));
        let (swapping, store) = swapping(Arc::<Faulty>::clone(&old));
        let target = Faulty::new(None);
        let swap = swapping.swap(target, Existing::Refuse);
        let increment = async {
            wait_for(&swapping, Phase::Copying).await;
            store.increment("counter", 1).await
        };
        let (swapped, incremented) = tokio::join!(swap, increment);
        assert_eq!(incremented, Err(error.clone()));
        assert_eq!(swapped, Err(SwapError::Old(error)));
        assert_eq!(store.increment("counter", 1).await, Ok(2));
    });
}

#[test]
fn a_write_that_nobody_waits_for_reaches_the_target() {
    block_on(async {
        let (swapping, store) = swapping(Faulty::new(None));
        for number in 0..200 {
            let target = Faulty::new(None);
            let swap = swapping.swap(Arc::<Faulty>::clone(&target), Existing::Refuse);
            let give_up = async {
                wait_for(&swapping, Phase::Copying).await;
                let mut increment = pin!(store.increment("counter", 1));
                for _ in 0..number % 8 {
                    if futures::poll!(increment.as_mut()).is_ready() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            };
            let (swapped, ()) = tokio::join!(swap, give_up);
            assert_eq!(swapped.unwrap().repaired, 0);
            assert_eq!(content(&*store).await, content(&target.inner).await);
        }
    });
}

#[test]
fn a_swap_may_be_cancelled_at_any_point() {
    block_on(async {
        let (swapping, store) = swapping(Faulty::new(None));
        let load = Load::start(&store).await;
        let mut cancelled = 0;
        for polls in (0..400).step_by(9) {
            let mut swap = Box::pin(swapping.swap(Faulty::new(None), Existing::Refuse));
            for _ in 0..polls {
                if let Poll::Ready(outcome) = futures::poll!(swap.as_mut()) {
                    outcome.unwrap();
                    break;
                }
                tokio::task::yield_now().await;
            }
            cancelled += usize::from(swapping.progress().borrow().phase != Phase::Idle);
            drop(swap);
            assert_eq!(swapping.progress().borrow().phase, Phase::Idle);
        }
        assert!(cancelled > 0);
        let done = load.stop().await;
        assert_eq!(done.failed, 0);
        done.check(&*store).await;
    });
}

#[test]
fn a_swap_that_is_cancelled_at_any_point_leaves_the_old_store_and_an_empty_target() {
    block_on(async {
        let operations = ["list_keys", "set", "delete", "set_many", "get_many", "watch"];
        for operation in operations {
            let (swapping, store) = swapping(memory());
            store.set("key", bytes("value")).await.unwrap();
            let _watcher = store.watch("").await.unwrap();
            let target = Faulty::stuck(operation);
            let swap = swapping.swap(Arc::<Faulty>::clone(&target), Existing::Refuse);
            let cancel = async {
                target.reached().await;
                swapping.cancel().await
            };
            let (swapped, is_cancelled) = tokio::join!(swap, cancel);
            assert_eq!((swapped, is_cancelled), (Err(SwapError::Cancelled), true), "{operation}");
            assert!(content(&*target).await.is_empty(), "{operation}");
            assert_eq!(store.get("key").await.unwrap(), Some(bytes("value")));
            assert!(!swapping.cancel().await, "there is none under way");
            swapping.swap(target, Existing::Refuse).await.unwrap();
        }
    });
}

#[test]
fn one_swap_goes_on_at_a_time() {
    block_on(async {
        let (swapping, _) = swapping(memory());
        let target = Faulty::stuck("list_keys");
        let first = swapping.swap(Arc::<Faulty>::clone(&target), Existing::Refuse);
        let second = async {
            target.reached().await;
            let second = swapping.swap(memory(), Existing::Refuse).await;
            swapping.cancel().await;
            second
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!((first, second), (Err(SwapError::Cancelled), Err(SwapError::UnderWay)));
    });
}

#[test]
fn a_target_that_has_keys_is_refused_or_emptied() {
    block_on(async {
        let (swapping, store) = swapping(memory());
        store.set("key", bytes("value")).await.unwrap();
        let target = memory();
        target.set("other", bytes("value")).await.unwrap();
        let error = swapping.swap(Arc::clone(&target), Existing::Refuse).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store in memory is not empty: it has the key `other`; name an empty store, or \
             delete its keys"
        );
        assert_eq!(target.get("other").await.unwrap(), Some(bytes("value")));
        swapping.swap(Arc::clone(&target), Existing::Delete).await.unwrap();
        assert_eq!(content(&*target).await, content(&*store).await);
        assert_eq!(store.get("other").await.unwrap(), None);
        assert_eq!(store.get("key").await.unwrap(), Some(bytes("value")));
    });
}

#[test]
fn a_store_is_not_swapped_for_itself() {
    block_on(async {
        let same = memory();
        let (swapping, store) = swapping(Arc::clone(&same));
        store.set("key", bytes("value")).await.unwrap();
        for existing in [Existing::Refuse, Existing::Delete] {
            let error = swapping.swap(Arc::clone(&same), existing).await.unwrap_err();
            assert!(matches!(error, SwapError::SameStore { .. }), "{error}");
        }
        assert_eq!(content(&*store).await.len(), 1);
    });
}

#[test]
fn a_listing_that_a_swap_interrupts_leaves_no_key_out() {
    block_on(async {
        let (_redis, redis) = backend::redis();
        let (swapping, store) = swapping(redis);
        let keys: Vec<_> = (0..100).map(|number| (format!("{number}"), Bytes::new())).collect();
        store.set_many(&keys).await.unwrap();
        let first = store.list_keys("", None, 10).await.unwrap();
        swapping.swap(memory(), Existing::Refuse).await.unwrap();
        let mut listed = first.keys;
        let mut cursor = first.cursor;
        while let Some(from) = cursor {
            let page = store.list_keys("", Some(&from), 10).await.unwrap();
            listed.extend(page.keys);
            cursor = page.cursor;
        }
        assert!(keys.iter().all(|(key, _)| listed.contains(key)));
        let error = store.list_keys("", Some("nonsense"), 10).await.unwrap_err();
        assert!(matches!(error, Error::WrongCursor { .. }), "{error}");
    });
}

#[test]
fn a_watcher_goes_on_across_swaps() {
    block_on(async {
        let (_redis, redis) = backend::redis();
        let (_folder, sqlite) = backend::sqlite();
        let (swapping, store) = swapping(memory());
        let mut changes = store.watch("watched/").await.unwrap();
        let mut expected = Vec::new();
        for (number, target) in [redis, sqlite, memory()].into_iter().enumerate() {
            for part in ["before", "after"] {
                let (key, value) = (format!("watched/{part}/{number}"), bytes("value"));
                store.set(&key, value.clone()).await.unwrap();
                store.set("other", value.clone()).await.unwrap();
                expected.push(Change::Set { key, value });
                if part == "before" {
                    swapping.swap(Arc::clone(&target), Existing::Refuse).await.unwrap();
                }
            }
        }
        for change in expected {
            let told = tokio::time::timeout(Duration::from_secs(20), changes.next()).await;
            assert_eq!(told.expect("a change is told of").unwrap().unwrap(), change);
        }
    });
}

#[test]
fn a_target_that_keeps_watchers_waiting_does_not_keep_writes_waiting() {
    block_on(async {
        let (swapping, store) = swapping(memory());
        let mut changes = store.watch("").await.unwrap();
        let swap = swapping.swap(Faulty::mute(), Existing::Refuse);
        let write = async {
            wait_for(&swapping, Phase::Moving).await;
            store.set("key", bytes("value")).await
        };
        let both = async { tokio::join!(swap, write) };
        let both = tokio::time::timeout(Duration::from_secs(20), both).await;
        let (swapped, written) = both.expect("the swap is given up");
        assert!(
            matches!(swapped, Err(SwapError::Target(Error::Outage(Outage::TimedOut { .. })))),
            "{swapped:?}"
        );
        written.unwrap();
        let change = Change::Set { key: "key".to_owned(), value: bytes("value") };
        assert_eq!(changes.next().await, Some(Ok(change)));
    });
}

#[test]
fn a_part_of_the_store_that_serves_is_no_target() {
    block_on(async {
        let server = Redis::start();
        let with_prefix = |prefix: &str| {
            let options = Options { prefix: prefix.to_owned(), ..Options::new(server.url()) };
            open(&Backend::Redis(options)).unwrap()
        };
        for (old, target) in [("", "app:"), ("app:", "")] {
            let old = with_prefix(old);
            old.set("app:1", bytes("1")).await.unwrap();
            let (swapping, store) = swapping(old);
            for existing in [Existing::Delete, Existing::Refuse] {
                let swapped = swapping.swap(with_prefix(target), existing).await;
                assert!(swapped.is_err(), "{swapped:?}");
                assert_eq!(store.get("app:1").await.unwrap(), Some(bytes("1")));
                assert_eq!(store.list_keys("", None, 10).await.unwrap().keys.len(), 1);
            }
            store.delete("app:1").await.unwrap();
        }
    });
}
