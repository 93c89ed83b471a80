//! Exports functions that take and return values of all types, as they were given.

wit_bindgen::generate!({ path: "../wit/values.wit", world: "values", generate_all });

use exports::test::values::{echo, handles, other};
use test::values::types::{Access, Entry, Level, Shape};

struct Values;

export!(Values);

impl Guest for Values {
    fn version() -> String {
        "1".to_owned()
    }

    fn fail(how: String) {
        match how.as_str() {
            "panic" => panic!("asked to panic"),
            "loop" => loop {
                std::hint::spin_loop();
            },
            _ => println!("printed {how}"),
        }
    }

    async fn greet(name: String) -> String {
        format!("Hello, {name}!")
    }
}

impl echo::Guest for Values {
    fn numbers(a: u8, b: i64, c: u64, d: f32, e: f64) -> (u8, i64, u64, f32, f64) {
        (a, b, c, d, e)
    }

    fn text(text: String, letter: char) -> (String, char) {
        (text, letter)
    }

    fn shapes(all: Vec<Shape>) -> Vec<Shape> {
        all
    }

    fn nested(
        value: Option<Option<bool>>,
        level: Level,
        access: Access,
    ) -> (Option<Option<bool>>, Level, Access) {
        (value, level, access)
    }

    fn outcome(fails: bool) -> Result<Entry, String> {
        match fails {
            true => Err("as asked".to_owned()),
            false => Ok(Entry { id: u64::MAX, name: "ö".to_owned(), at: None }),
        }
    }

    fn nothing() {}

    fn length(bytes: Vec<u8>) -> u32 {
        bytes.len() as u32
    }
}

struct Handle;

impl handles::Guest for Values {
    type Handle = Handle;

    fn take(_: handles::Handle) {}
}

impl handles::GuestHandle for Handle {
    fn new() -> Self {
        Self
    }

    fn get(&self) -> u32 {
        1
    }
}

impl other::Guest for Values {
    fn nothing() -> String {
        "not the other".to_owned()
    }
}
