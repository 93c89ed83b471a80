//! Compare and swap.

use keyway_capability::keyvalue::Swap;
use tokio::task::JoinSet;

use super::*;

pub(crate) async fn a_swap_needs_the_expected_value(store: Subject) {
    set(&store, "key", "one").await;
    let lost = store.swap("key", Some(&bytes("other")), bytes("two")).await.unwrap();
    assert_eq!(lost, Swap::Lost { current: Some(bytes("one")) });
    assert_eq!(get(&store, "key").await, Some(bytes("one")));
    let done = store.swap("key", Some(&bytes("one")), bytes("two")).await.unwrap();
    assert_eq!(done, Swap::Done);
    assert_eq!(get(&store, "key").await, Some(bytes("two")));
    // An empty value is a value, and bytes that are no text are compared as well.
    let odd = Bytes::from_static(&[0, 0xff]);
    assert_eq!(store.swap("key", Some(&bytes("two")), odd.clone()).await.unwrap(), Swap::Done);
    assert_eq!(store.swap("key", Some(&odd), Bytes::new()).await.unwrap(), Swap::Done);
    assert_eq!(store.swap("key", Some(&Bytes::new()), bytes("x")).await.unwrap(), Swap::Done);
}

pub(crate) async fn a_swap_may_expect_no_value(store: Subject) {
    let lost = store.swap("key", Some(&bytes("one")), bytes("two")).await.unwrap();
    assert_eq!(lost, Swap::Lost { current: None });
    assert_eq!(store.swap("key", None, bytes("one")).await.unwrap(), Swap::Done);
    let lost = store.swap("key", None, bytes("two")).await.unwrap();
    assert_eq!(lost, Swap::Lost { current: Some(bytes("one")) });
    store.delete("key").await.unwrap();
    assert_eq!(store.swap("key", None, bytes("three")).await.unwrap(), Swap::Done);
    assert_eq!(get(&store, "key").await, Some(bytes("three")));
    set(&store, "empty", "").await;
    let lost = store.swap("empty", None, bytes("two")).await.unwrap();
    assert_eq!(lost, Swap::Lost { current: Some(Bytes::new()) });
}

pub(crate) async fn of_many_swaps_one_wins(store: Subject) {
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let value = bytes(&number.to_string());
            (value.clone(), store.swap("key", None, value).await.unwrap())
        });
    }
    let mut outcomes = tasks.join_all().await;
    let winner = outcomes.iter().position(|(_, swap)| *swap == Swap::Done).expect("one wins");
    let (value, _) = outcomes.swap_remove(winner);
    assert_eq!(get(&store, "key").await, Some(value.clone()));
    for (_, swap) in outcomes {
        assert_eq!(swap, Swap::Lost { current: Some(value.clone()) });
    }
}

pub(crate) async fn a_counter_made_of_swaps_is_exact(store: Subject) {
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut current = get(&store, "counter").await;
            for _ in 0..20 {
                loop {
                    let count: u32 = current
                        .as_deref()
                        .map_or(0, |value| std::str::from_utf8(value).unwrap().parse().unwrap());
                    let next = bytes(&(count + 1).to_string());
                    match store.swap("counter", current.as_ref(), next.clone()).await.unwrap() {
                        Swap::Done => {
                            current = Some(next);
                            break;
                        }
                        Swap::Lost { current: fresh } => current = fresh,
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(get(&store, "counter").await, Some(bytes("80")));
}
