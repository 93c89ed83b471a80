//! Exports `test:reach/reach`, which tries to reach things with the rights of
//! the component behind the link.

wit_bindgen::generate!({ path: "../wit/reach.wit", world: "reaching" });

struct Inner;

export!(Inner);

impl exports::test::reach::reach::Guest for Inner {
    fn reach(request: String) -> String {
        probe::probe(&request)
    }
}
