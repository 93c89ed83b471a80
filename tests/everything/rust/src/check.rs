//! Calls the imported echo with values at the edges of every type.

use std::fmt::Debug;

use crate::bindings::test::everything::echo::{self, Card, Many, Point, Rights, Shape, Suit};

/// Texts that a language may treat in a way of its own: none at all, a zero inside, more than one
/// byte or one unit of UTF-16 for a letter, the last character of all, and a long one.
fn texts() -> Vec<String> {
    let texts =
        ["", "plain", "a\0b", "Größe", "大きさ", "🦀 crab", "e\u{301}", "\u{FEFF}x", "\u{10FFFF}"];
    texts.into_iter().map(str::to_owned).chain(["ä🦀".repeat(4_000)]).collect()
}

const F64S: [f64; 9] = [
    0.0,
    -0.0,
    0.1,
    f64::MAX,
    f64::MIN_POSITIVE,
    5e-324,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

const F32S: [f32; 9] = [
    0.0,
    -0.0,
    0.1,
    f32::MAX,
    f32::MIN_POSITIVE,
    1e-45,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

/// The last one that a float holds exactly is 2^53; one more is where it goes wrong.
const S64S: [i64; 6] = [0, -1, i64::MIN, i64::MAX, 9_007_199_254_740_993, -9_007_199_254_740_993];

const U64S: [u64; 4] = [0, 9_007_199_254_740_993, 1 << 63, u64::MAX];

const SUITS: [Suit; 4] = [Suit::Clubs, Suit::Diamonds, Suit::Hearts, Suit::Spades];

/// What came back as another value than it went.
pub(crate) fn differences() -> Vec<String> {
    let mut found = Vec::new();
    numbers(&mut found);
    lists(&mut found);
    compounds(&mut found);
    records(&mut found);
    found
}

/// Values are compared by how they are written: that holds NaN equal to itself, and tells the two
/// zeros apart.
fn compare<T: Debug>(found: &mut Vec<String>, function: &str, given: &T, answer: &T) {
    let (given, answer) = (format!("{given:?}"), format!("{answer:?}"));
    if given != answer {
        found.push(format!("{function}: gave {given:.200}, got {answer:.200}"));
    }
}

/// Asks for each value and compares the answers.
fn each<T: Debug + Clone>(
    found: &mut Vec<String>,
    function: &str,
    values: impl IntoIterator<Item = T>,
    echo: impl Fn(T) -> T,
) {
    for value in values {
        compare(found, function, &value, &echo(value.clone()));
    }
}

fn numbers(found: &mut Vec<String>) {
    each(found, "echo-bool", [false, true], echo::echo_bool);
    each(found, "echo-u8", [0, 1, u8::MAX], echo::echo_u8);
    each(found, "echo-s8", [0, -1, i8::MIN, i8::MAX], echo::echo_s8);
    each(found, "echo-u16", [0, u16::MAX], echo::echo_u16);
    each(found, "echo-s16", [-1, i16::MIN, i16::MAX], echo::echo_s16);
    each(found, "echo-u32", [0, 1 << 31, u32::MAX], echo::echo_u32);
    each(found, "echo-s32", [-1, i32::MIN, i32::MAX], echo::echo_s32);
    each(found, "echo-u64", U64S, echo::echo_u64);
    each(found, "echo-s64", S64S, echo::echo_s64);
    each(found, "echo-f32", F32S, echo::echo_f32);
    each(found, "echo-f64", F64S, echo::echo_f64);
    each(found, "echo-char", ['\0', 'a', 'ß', '大', '🦀', '\u{10FFFF}'], echo::echo_char);
}

fn lists(found: &mut Vec<String>) {
    each(found, "echo-string", texts(), |value| echo::echo_string(&value));
    let million = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    for bytes in [vec![], vec![0, 255], million] {
        let answer = echo::echo_bytes(&bytes);
        if answer != bytes {
            found.push(format!(
                "echo-bytes: gave {} bytes, got {} others",
                bytes.len(),
                answer.len()
            ));
        }
    }
    each(found, "echo-strings", [vec![], texts()], |value| echo::echo_strings(&value));
    each(found, "echo-longs", [vec![], S64S.to_vec()], |value| echo::echo_longs(&value));
    each(found, "echo-floats", [vec![], F64S.to_vec()], |value| echo::echo_floats(&value));
    let lists = [vec![], vec![vec![]], vec![vec![0, u16::MAX], vec![], vec![7]]];
    each(found, "echo-lists", lists, |value| echo::echo_lists(&value));
}

fn compounds(found: &mut Vec<String>) {
    let options = [None, Some(String::new()), Some("Größe 🦀".to_owned())];
    each(found, "echo-option", options, |value| echo::echo_option(value.as_deref()));
    let nested = [None, Some(None), Some(Some(0)), Some(Some(u32::MAX))];
    each(found, "echo-nested-option", nested, echo::echo_nested_option);
    let results = [Ok(u64::MAX), Ok(0), Err(String::new()), Err("Größe 🦀".to_owned())];
    each(found, "echo-result", results, |value| {
        echo::echo_result(value.as_ref().copied().map_err(String::as_str))
    });
    each(found, "echo-empty-result", [Ok(()), Err(())], echo::echo_empty_result);
    let tuples = [(0, String::new(), f64::NAN), (255, "Größe 🦀".to_owned(), -0.0)];
    each(found, "echo-tuple", tuples, |(a, b, c)| echo::echo_tuple((a, &b, c)));
    each(found, "echo-suit", SUITS, echo::echo_suit);
    let rights = [
        Rights::empty(),
        Rights::READ,
        Rights::GRANT,
        Rights::WRITE | Rights::AUDIT,
        Rights::all(),
    ];
    each(found, "echo-rights", rights, echo::echo_rights);
    each(found, "echo-shape", shapes(), |value| echo::echo_shape(&value));
}

fn shapes() -> [Shape; 5] {
    let points = F64S.map(|x| Point { x, y: -x });
    [
        Shape::Nothing,
        Shape::Circle(f64::NEG_INFINITY),
        Shape::Polygon(vec![]),
        Shape::Polygon(points.to_vec()),
        Shape::Label("Größe 🦀".to_owned()),
    ]
}

fn cards() -> Vec<Card> {
    let empty = Card {
        name: String::new(),
        id: 0,
        balance: 0,
        note: None,
        tags: vec![],
        rights: Rights::empty(),
        suit: Suit::Clubs,
        shape: Shape::Nothing,
    };
    let full = shapes().map(|shape| Card {
        name: "Größe 🦀".to_owned(),
        id: u64::MAX,
        balance: i64::MIN,
        note: Some(String::new()),
        tags: texts(),
        rights: Rights::all(),
        suit: Suit::Spades,
        shape,
    });
    [empty].into_iter().chain(full).collect()
}

fn records(found: &mut Vec<String>) {
    each(found, "echo-card", cards(), |value| echo::echo_card(&value));
    each(found, "echo-cards", [vec![], cards()], |value| echo::echo_cards(&value));
    let least = Many {
        a: false,
        b: 0,
        c: i8::MIN,
        d: 0,
        e: i16::MIN,
        f: 0,
        g: i32::MIN,
        h: 0,
        i: i64::MIN,
        j: f32::NEG_INFINITY,
        k: f64::NAN,
        l: '\0',
        m: String::new(),
        n: vec![],
        o: None,
        p: Suit::Clubs,
    };
    let most = Many {
        a: true,
        b: u8::MAX,
        c: i8::MAX,
        d: u16::MAX,
        e: i16::MAX,
        f: u32::MAX,
        g: i32::MAX,
        h: u64::MAX,
        i: i64::MAX,
        j: f32::MAX,
        k: f64::MAX,
        l: '\u{10FFFF}',
        m: "Größe 🦀".to_owned(),
        n: vec![0, 255],
        o: Some(u64::MAX),
        p: Suit::Spades,
    };
    each(
        found,
        "echo-many",
        [least, most],
        |Many { a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p }| {
            echo::echo_many(a, b, c, d, e, f, g, h, i, j, k, l, &m, &n, o, p)
        },
    );
}
