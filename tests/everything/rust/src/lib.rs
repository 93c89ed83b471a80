//! Echoes everything, and checks the echo that it is linked to.

mod bindings {
    wit_bindgen::generate!({
        world: "both",
        path: "wit",
        additional_derives: [Clone],
    });
    use super::Both;
    export!(Both);
}

mod check;

use bindings::exports::test::everything::{
    check_rust::Guest as CheckGuest,
    echo::{Card, Guest, Many, Rights, Shape, Suit},
};

struct Both;

impl CheckGuest for Both {
    fn check() -> Vec<String> {
        check::differences()
    }
}

/// Defines functions that answer what they were given.
macro_rules! echo {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(fn $name(value: $type) -> $type {
            value
        })*
    };
}

impl Guest for Both {
    echo! {
        echo_bool: bool,
        echo_u8: u8,
        echo_s8: i8,
        echo_u16: u16,
        echo_s16: i16,
        echo_u32: u32,
        echo_s32: i32,
        echo_u64: u64,
        echo_s64: i64,
        echo_f32: f32,
        echo_f64: f64,
        echo_char: char,
        echo_string: String,
        echo_bytes: Vec<u8>,
        echo_strings: Vec<String>,
        echo_longs: Vec<i64>,
        echo_floats: Vec<f64>,
        echo_lists: Vec<Vec<u16>>,
        echo_option: Option<String>,
        echo_nested_option: Option<Option<u32>>,
        echo_result: Result<u64, String>,
        echo_empty_result: Result<(), ()>,
        echo_tuple: (u8, String, f64),
        echo_suit: Suit,
        echo_rights: Rights,
        echo_shape: Shape,
        echo_card: Card,
        echo_cards: Vec<Card>,
    }

    fn echo_many(
        a: bool,
        b: u8,
        c: i8,
        d: u16,
        e: i16,
        f: u32,
        g: i32,
        h: u64,
        i: i64,
        j: f32,
        k: f64,
        l: char,
        m: String,
        n: Vec<u8>,
        o: Option<u64>,
        p: Suit,
    ) -> Many {
        Many { a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p }
    }
}
