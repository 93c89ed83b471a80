//! Writers that know what a store must hold at the end, and readers that see no time go back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use keyway_capability::keyvalue::{Error, Store, Swap, counter};
use tokio::task::JoinSet;

/// How many writers there are.
const WRITERS: usize = 4;

/// Keys that no writer touches; more than are copied at a time.
const STILL: usize = 150;

/// Counters that all writers share.
const SHARED: [&str; 2] = ["shared/0", "shared/1"];

/// A counter made of compare-and-swap, shared by all writers.
const SWAPPED: &str = "swapped";

/// Load on a store, until it is stopped.
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    writers: JoinSet<Acknowledged>,
    readers: JoinSet<()>,
}

/// What writers were told is done.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// The last value of keys that one writer has for itself; `None` was deleted.
    own: BTreeMap<String, Option<String>>,
    /// What came to each counter.
    counted: BTreeMap<&'static str, i64>,
    /// How many writes failed.
    pub(crate) failed: usize,
}

impl Load {
    pub(crate) async fn start(store: &Arc<dyn Store>) -> Self {
        let still: Vec<_> = (0..STILL).map(|number| (still(number), still_value(number))).collect();
        store.set_many(&still).await.unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
        for number in 0..WRITERS {
            writers.spawn(write(Arc::clone(store), number, Arc::clone(&is_over)));
        }
        for key in [SHARED[0], SWAPPED, "writer/0/rising"] {
            readers.spawn(read_rising(Arc::clone(store), key, Arc::clone(&is_over)));
        }
        Self { is_over, writers, readers }
    }

    /// Ends the load and returns what was acknowledged.
    pub(crate) async fn stop(self) -> Acknowledged {
        self.is_over.store(true, Ordering::Relaxed);
        self.readers.join_all().await;
        let mut all = Acknowledged::default();
        for one in self.writers.join_all().await {
            all.own.extend(one.own);
            all.failed += one.failed;
            for (counter, count) in one.counted {
                *all.counted.entry(counter).or_default() += count;
            }
        }
        all
    }
}

impl Acknowledged {
    /// Sees to it that a store has what was acknowledged, and nothing else.
    pub(crate) async fn check(&self, store: &dyn Store) {
        let mut expected: BTreeMap<_, _> =
            (0..STILL).map(|number| (still(number), still_value(number))).collect();
        for (counter, count) in &self.counted {
            expected.insert((*counter).to_owned(), counter::format(*count));
        }
        for (key, value) in &self.own {
            if let Some(value) = value {
                expected.insert(key.clone(), Bytes::from(value.clone()));
            }
        }
        assert_eq!(content(store).await, expected);
    }
}

/// All that a store has.
pub(crate) async fn content(store: &dyn Store) -> BTreeMap<String, Bytes> {
    let mut content = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = store.list_keys("", cursor.as_deref(), 100).await.unwrap();
        let values = store.get_many(&page.keys).await.unwrap();
        let found = page.keys.into_iter().zip(values);
        content.extend(found.filter_map(|(key, value)| Some((key, value?))));
        cursor = page.cursor;
        if cursor.is_none() {
            return content;
        }
    }
}

fn still(number: usize) -> String {
    format!("still/{number}")
}

fn still_value(number: usize) -> Bytes {
    Bytes::from(vec![u8::try_from(number % 256).unwrap(); number])
}

async fn write(store: Arc<dyn Store>, writer: usize, is_over: Arc<AtomicBool>) -> Acknowledged {
    let mut done = Acknowledged::default();
    let mut round = 0_i64;
    // Each at least once, so that all keys are there.
    while round < 10 || !is_over.load(Ordering::Relaxed) {
        round += 1;
        let outcome = write_round(&store, writer, round, &mut done).await;
        done.failed += usize::from(outcome.is_err());
        tokio::task::yield_now().await;
    }
    done
}

async fn write_round(
    store: &Arc<dyn Store>,
    writer: usize,
    round: i64,
    done: &mut Acknowledged,
) -> Result<(), Error> {
    let shared = SHARED[usize::try_from(round).unwrap() % SHARED.len()];
    store.increment(shared, 1).await?;
    *done.counted.entry(shared).or_default() += 1;
    add_by_swap(store).await?;
    *done.counted.entry(SWAPPED).or_default() += 1;
    let rising = format!("writer/{writer}/rising");
    store.set(&rising, counter::format(round)).await?;
    done.own.insert(rising, Some(round.to_string()));
    let own = |number| format!("writer/{writer}/{number}");
    let (a, b, c) = (own(round % 5), own(5 + round % 5), own(10));
    if round % 3 == 0 {
        store.delete_many(&[a.clone(), c.clone()]).await?;
        done.own.extend([(a, None), (c, None)]);
        store.delete(&b).await?;
        done.own.insert(b, None);
    } else {
        let value = format!("value {round}");
        let bytes = Bytes::from(value.clone());
        store.set_many(&[(a.clone(), bytes.clone()), (c.clone(), bytes.clone())]).await?;
        done.own.extend([(a, Some(value.clone())), (c, Some(value.clone()))]);
        store.set(&b, bytes).await?;
        done.own.insert(b, Some(value));
    }
    Ok(())
}

async fn add_by_swap(store: &Arc<dyn Store>) -> Result<(), Error> {
    let mut current = store.get(SWAPPED).await?;
    loop {
        let count = current.as_deref().map_or(0, |value| counter::parse(value).unwrap());
        match store.swap(SWAPPED, current.as_ref(), counter::format(count + 1)).await? {
            Swap::Done => return Ok(()),
            Swap::Lost { current: fresh } => current = fresh,
        }
    }
}

async fn read_rising(store: Arc<dyn Store>, key: &'static str, is_over: Arc<AtomicBool>) {
    let mut last = 0;
    while !is_over.load(Ordering::Relaxed) {
        if let Ok(value) = store.get(key).await {
            let value = value.map_or(0, |value| counter::parse(&value).unwrap());
            assert!(value >= last, "{key} went from {last} back to {value}");
            last = value;
        }
        tokio::task::yield_now().await;
    }
}
