//! The log parser of the example `log-pipeline`, in six languages: each takes the place of any
//! other by one line of the manifest, or by `keyway swap`, and answers the same.

use std::fs;

use keyway_testing::{Answer, Keyway, RunningApp, example};

/// The folders of the parsers.
const PARSERS: [&str; 6] =
    ["parser", "parser-c", "parser-cpp", "parser-go", "parser-javascript", "parser-python"];

/// The most that 64 bits hold.
const LARGEST: u64 = u64::MAX;

/// The pipeline with another parser, which is one line of its manifest.
fn pipeline(parser: &str) -> RunningApp {
    let pipeline = example("log-pipeline");
    let manifest = fs::read_to_string(pipeline.join("keyway.toml")).expect("the manifest");
    assert_eq!(manifest.matches("source = \"parser\"").count(), 1, "the line to change");
    let manifest = manifest
        .replace("source = \"parser\"", &format!("source = \"{parser}\""))
        .replace("source = \"", &format!("source = \"{}/", pipeline.display()));
    RunningApp::up(&manifest)
}

fn parse(keyway: &Keyway, line: &str) -> Answer {
    keyway.request("POST", "/parse", "", line.as_bytes())
}

/// What the gateway answers for a line that can be read, and for one that cannot.
fn entry(timestamp: u64, severity: &str, message: &str) -> (u16, String) {
    let (severity, message) = (json(severity), json(message));
    let entry =
        format!("{{\"timestamp\":{timestamp},\"severity\":{severity},\"message\":{message}}}\n");
    (200, entry)
}

fn refusal(error: &str) -> (u16, String) {
    (422, format!("{{\"error\":{}}}\n", json(error)))
}

/// A string of JSON, with the escapes that the lines here need.
fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\u{0}'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Lines whose time is the point of them, with what it means.
const TIMES: [(&str, u64); 15] = [
    ("0", 0),
    ("1772366400", 1_772_366_400),
    ("18446744073709551615", LARGEST),
    ("000000000000000000000000018446744073709551615", LARGEST),
    ("9007199254740993", 9_007_199_254_740_993),
    ("1970-01-01T00:00:00Z", 0),
    ("1969-12-31T23:30:00-00:30", 0),
    ("2024-02-29T12:00:00.999Z", 1_709_208_000),
    ("2024-02-29t12:00:00.0000000000000000001z", 1_709_208_000),
    ("2024-02-29T12:00:00+02:00", 1_709_200_800),
    ("2000-02-29T00:00:00-00:30", 951_784_200),
    ("2016-12-31T23:59:60Z", 1_483_228_799),
    ("2017-01-01T01:59:60.5+02:00", 1_483_228_799),
    ("2023-12-31T18:29:60-05:30", 1_704_067_199),
    ("9999-12-31T23:59:59-23:59", 253_402_387_139),
];

/// Times that are none.
const NO_TIMES: [&str; 35] = [
    "noon",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "0x10",
    "1_000",
    "١٢٣",
    "１２３",
    "2024-02-29",
    "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "0000-02-30T00:00:00Z",
    "2024-00-01T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-01-00T00:00:00Z",
    "2024-04-31T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T00:00:61Z",
    "2024-01-01T23:59:60Z",
    "2024-01-31T12:59:60Z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.Z",
    "2024-01-01T00:00:00,5Z",
    "2024-01-01T00:00:00+24:00",
    "2024-01-01T00:00:00+00:60",
    "2024-01-01T00:00:00+0100",
    "2024-01-01T00:00:00ZZ",
    "2024-01-01_00:00:00Z",
    "2024-1-1T0:0:0Z",
    "２０２４-01-01T00:00:00Z",
    "+2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00Z\u{a0}",
    "1\u{0}",
];

/// Whole lines, with what is answered.
fn lines() -> Vec<(String, (u16, String))> {
    let malformed = || refusal("Malformed log entry");
    let mut lines = vec![
        (String::new(), malformed()),
        (" ".to_owned(), malformed()),
        ("1 INFO".to_owned(), malformed()),
        ("1 INFO \t\r\n".to_owned(), malformed()),
        ("no time".to_owned(), malformed()),
        ("1\u{a0}INFO\u{a0}message here".to_owned(), malformed()),
        ("1 INFO x".to_owned(), entry(1, "INFO", "x")),
        (
            "  \t1 \n warn \r\n  disk  almost\tfull \u{c}\n".to_owned(),
            entry(1, "WARN", "disk  almost\tfull"),
        ),
        (
            "1 cRiTiCaL Größe 大きさ 🦀 \"quoted\" \\".to_owned(),
            entry(1, "CRITICAL", "Größe 大きさ 🦀 \"quoted\" \\"),
        ),
        (
            "1 INFO \u{a0}\u{2003}\u{feff}\u{85}\u{b}".to_owned(),
            entry(1, "INFO", "\u{a0}\u{2003}\u{feff}\u{85}\u{b}"),
        ),
        ("1 INFO a\u{0}b\u{1c}".to_owned(), entry(1, "INFO", "a\u{0}b\u{1c}")),
        (format!("1 INFO {}x", " ".repeat(30_000)), entry(1, "INFO", "x")),
        (
            format!("1 INFO x{}y", " ".repeat(30_000)),
            entry(1, "INFO", &format!("x{}y", " ".repeat(30_000))),
        ),
    ];
    lines.extend(
        TIMES.map(|(time, seconds)| (format!("{time} INFO x"), entry(seconds, "INFO", "x"))),
    );
    lines.extend(NO_TIMES.map(|time| {
        let error =
            format!("The time `{time}` is neither decimal Unix seconds nor a valid RFC 3339 time.");
        (format!("{time} INFO x"), refusal(&error))
    }));
    for time in [
        "18446744073709551616".to_owned(),
        "99999999999999999999999".to_owned(),
        "9".repeat(20_000),
    ] {
        let error = format!("The time `{time}` is too large: it must fit into 64 bits.");
        lines.push((format!("{time} INFO x"), refusal(&error)));
    }
    for time in ["1969-12-31T23:59:59Z", "0000-02-29T00:00:00Z", "0000-01-01T00:00:00+23:59"] {
        let error = format!("The time `{time}` is before 1970-01-01T00:00:00Z.");
        lines.push((format!("{time} INFO x"), refusal(&error)));
    }
    // Letters whose capitals are ASCII's, and one that only looks the same.
    for severity in ["LOUD", "INFO:", "warnıng", "ſ", "ΙNFO", "INFO\u{0}", "Größe🦀"] {
        let error = format!(
            "The severity `{severity}` is unknown: use one of \
             TRACE, DEBUG, INFO, NOTICE, WARN, WARNING, ERROR, CRITICAL, FATAL."
        );
        lines.push((format!("1 {severity} x"), refusal(&error)));
    }
    lines
}

#[test]
fn a_parser_in_any_language_answers_the_same() {
    let lines = lines();
    for parser in PARSERS {
        let keyway = pipeline(parser);
        for (line, expected) in &lines {
            let answer = parse(&keyway, line);
            assert_eq!(&(answer.status, answer.body), expected, "{parser}: {line:?}");
        }
    }
}

#[test]
fn a_parser_is_swapped_for_one_in_another_language_while_it_runs() {
    let keyway = pipeline("parser");
    for parser in PARSERS.into_iter().cycle().skip(1).take(PARSERS.len()) {
        let file = example("log-pipeline").join(parser).join(format!("{parser}.wasm"));
        let swapped = keyway.ask([
            "swap".as_ref(),
            "component".as_ref(),
            "parser".as_ref(),
            file.as_os_str(),
        ]);
        assert_eq!(swapped.code, Some(0), "{parser}: {}", swapped.stderr);
        let answer = parse(&keyway, "1772366400 WARN disk is full");
        assert_eq!((answer.status, answer.body), entry(1_772_366_400, "WARN", "disk is full"));
    }
}
