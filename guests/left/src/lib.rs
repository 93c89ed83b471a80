//! Exports `test:left/left`, which hands on what `test:tally/tally` says next.

wit_bindgen::generate!({ path: "../wit/diamond.wit", world: "left-side", generate_all });

struct Left;

export!(Left);

impl exports::test::left::left::Guest for Left {
    fn next() -> u32 {
        test::tally::tally::next()
    }
}
