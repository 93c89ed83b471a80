//! Exports `test:right/right`, which hands on what `test:tally/tally` says next.

wit_bindgen::generate!({ path: "../wit/diamond.wit", world: "right-side", generate_all });

struct Right;

export!(Right);

impl exports::test::right::right::Guest for Right {
    fn next() -> u32 {
        test::tally::tally::next()
    }
}
