//! Exports `test:count/counter`, a resource that counts from one.

use std::cell::Cell;

wit_bindgen::generate!({ path: "../wit/count.wit", world: "counting" });

struct Component;

export!(Component);

impl exports::test::count::counter::Guest for Component {
    type Counter = Counter;
}

struct Counter {
    count: Cell<u32>,
}

impl exports::test::count::counter::GuestCounter for Counter {
    fn new() -> Self {
        Self { count: Cell::new(0) }
    }

    fn increment(&self) -> u32 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }
}
