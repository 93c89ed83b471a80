//! Exports `test:tally/tally`, whose count lives as long as the instance.

use std::sync::atomic::{AtomicU32, Ordering};

wit_bindgen::generate!({ path: "../wit/diamond.wit", world: "bottom", generate_all });

static COUNT: AtomicU32 = AtomicU32::new(0);

struct Tally;

export!(Tally);

impl exports::test::tally::tally::Guest for Tally {
    fn next() -> u32 {
        COUNT.fetch_add(1, Ordering::Relaxed) + 1
    }
}
