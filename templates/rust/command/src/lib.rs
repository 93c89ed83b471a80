//! Greets whoever is named on the command line.

mod greeting;

wit_bindgen::generate!({ path: "wit", generate_all });

use std::io::Write;

use exports::wasi::cli::run::Guest;

struct Component;

export!(Component);

impl Guest for Component {
    fn run() -> Result<(), ()> {
        let name = std::env::args().nth(1);
        println!("{}", greeting::greeting(name.as_deref().unwrap_or("world")));
        // At the end of a `main` this would happen by itself.
        std::io::stdout().flush().map_err(drop)
    }
}
