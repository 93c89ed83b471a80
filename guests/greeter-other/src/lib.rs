//! Exports `test:greet/greeter`, which greets in another way than `greeter`.

wit_bindgen::generate!({ path: "../wit/greet.wit", world: "greeting" });

struct Greeter;

export!(Greeter);

impl exports::test::greet::greeter::Guest for Greeter {
    fn greet(name: String) -> String {
        format!("Good day, {name}!")
    }
}
