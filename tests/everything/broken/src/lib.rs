//! An echo that answers another value than it was given, whatever the type.

mod bindings {
    wit_bindgen::generate!({ world: "broken", path: "wit" });
    use super::Broken;
    export!(Broken);
}

use bindings::exports::test::everything::echo::{Card, Guest, Many, Rights, Shape, Suit};

struct Broken;

impl Guest for Broken {
    fn echo_bool(value: bool) -> bool {
        !value
    }
    fn echo_u8(value: u8) -> u8 {
        !value
    }
    fn echo_s8(value: i8) -> i8 {
        !value
    }
    fn echo_u16(value: u16) -> u16 {
        !value
    }
    fn echo_s16(value: i16) -> i16 {
        !value
    }
    fn echo_u32(value: u32) -> u32 {
        !value
    }
    fn echo_s32(value: i32) -> i32 {
        !value
    }
    /// As it was where a 64-bit float stood in between.
    fn echo_u64(value: u64) -> u64 {
        value as f64 as u64
    }
    fn echo_s64(value: i64) -> i64 {
        value as f64 as i64
    }
    /// Only the sign of zero is lost.
    fn echo_f32(value: f32) -> f32 {
        value + 0.0
    }
    fn echo_f64(value: f64) -> f64 {
        value + 0.0
    }
    fn echo_char(value: char) -> char {
        if value.is_ascii() { value } else { '?' }
    }
    fn echo_string(value: String) -> String {
        value.chars().filter(char::is_ascii).collect()
    }
    /// One byte of a million.
    fn echo_bytes(mut value: Vec<u8>) -> Vec<u8> {
        if let Some(byte) = value.get_mut(999_999) {
            *byte ^= 1;
        }
        value
    }
    fn echo_strings(mut value: Vec<String>) -> Vec<String> {
        value.pop();
        value
    }
    fn echo_longs(mut value: Vec<i64>) -> Vec<i64> {
        value.reverse();
        value
    }
    fn echo_floats(value: Vec<f64>) -> Vec<f64> {
        value.into_iter().map(|value| if value.is_nan() { 0.0 } else { value }).collect()
    }
    fn echo_lists(mut value: Vec<Vec<u16>>) -> Vec<Vec<u16>> {
        value.retain(|list| !list.is_empty());
        value
    }
    fn echo_option(value: Option<String>) -> Option<String> {
        value.filter(|text| !text.is_empty())
    }
    fn echo_nested_option(value: Option<Option<u32>>) -> Option<Option<u32>> {
        value.flatten().map(Some)
    }
    fn echo_result(value: Result<u64, String>) -> Result<u64, String> {
        value.map_err(|error| error + ".")
    }
    fn echo_empty_result(_: Result<(), ()>) -> Result<(), ()> {
        Ok(())
    }
    fn echo_tuple((a, b, c): (u8, String, f64)) -> (u8, String, f64) {
        (a, b, -c)
    }
    fn echo_suit(_: Suit) -> Suit {
        Suit::Hearts
    }
    fn echo_rights(value: Rights) -> Rights {
        value - Rights::GRANT
    }
    fn echo_shape(value: Shape) -> Shape {
        match value {
            Shape::Polygon(mut points) => {
                points.iter_mut().for_each(|point| point.y = point.x);
                Shape::Polygon(points)
            }
            other => other,
        }
    }
    fn echo_card(value: Card) -> Card {
        Card { note: None, ..value }
    }
    fn echo_cards(mut value: Vec<Card>) -> Vec<Card> {
        if let Some(card) = value.last_mut() {
            card.tags.reverse();
        }
        value
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
        _: Suit,
    ) -> Many {
        Many { a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p: Suit::Hearts }
    }
}
