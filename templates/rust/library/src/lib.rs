//! Implements the interface `greeter`, see `wit/world.wit`.

mod greeting;

wit_bindgen::generate!({ path: "wit", generate_all });

use exports::example::{{word}}::greeter::Guest;

struct Component;

export!(Component);

impl Guest for Component {
    fn greet(name: String) -> String {
        greeting::greeting(&name)
    }
}
