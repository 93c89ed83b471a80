//! Exports `test:greet/greeter`, and asks WASI 0.3 for its environment.

wit_bindgen::generate!({ path: "../wit/greet.wit", world: "greeting" });

struct Greeter;

export!(Greeter);

impl exports::test::greet::greeter::Guest for Greeter {
    fn greet(name: String) -> String {
        let variables = wasip3::cli::environment::get_environment();
        let greeting = variables.into_iter().find(|(name, _)| name == "GREETING");
        format!("{}, {name}!", greeting.map_or("Hello".to_owned(), |(_, value)| value))
    }
}
