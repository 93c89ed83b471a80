//! How a log line is read: `<time> <severity> <message>`. Knows nothing of components.
//!
//! The rules are those of the example's README, which the parsers in other languages follow too.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The severities that are known, in upper case.
const SEVERITIES: [&str; 9] =
    ["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL"];

/// Where the `T` between date and time stands.
const SEPARATOR: usize = "2024-02-29".len();

/// A line's three parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub timestamp: u64,
    /// One of [`SEVERITIES`].
    pub severity: &'static str,
    /// The rest of the line, with the white space inside it kept.
    pub message: &'a str,
}

/// Reads one line; white space around it and between its first parts does not count.
///
/// # Errors
/// `Malformed log entry` if it has fewer than three parts, else a sentence that names the part
/// that cannot be read.
pub fn read(raw: &str) -> Result<Line<'_>, String> {
    let malformed = || "Malformed log entry".to_owned();
    let (time, rest) = split(raw.trim_matches(is_white)).ok_or_else(malformed)?;
    let (severity, message) = split(rest).ok_or_else(malformed)?;
    Ok(Line { timestamp: timestamp(time)?, severity: self::severity(severity)?, message })
}

/// White space is ASCII's: other spaces belong to the words that they stand in.
fn is_white(letter: char) -> bool {
    letter.is_ascii_whitespace()
}

/// The first word, and what follows the white space after it.
fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once(is_white).map(|(word, rest)| (word, rest.trim_start_matches(is_white)))
}

/// Reads decimal Unix seconds or an RFC 3339 time, whose fraction of a second is dropped.
fn timestamp(text: &str) -> Result<u64, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .map_err(|_| format!("The time `{text}` is too large: it must fit into 64 bits."));
    }
    // The crate takes any byte for the separator.
    let is_separated = matches!(text.as_bytes().get(SEPARATOR), Some(b'T' | b't'));
    let time =
        OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| is_separated).ok_or_else(|| {
            format!("The time `{text}` is neither decimal Unix seconds nor a valid RFC 3339 time.")
        })?;
    u64::try_from(time.unix_timestamp())
        .map_err(|_| format!("The time `{text}` is before 1970-01-01T00:00:00Z."))
}

fn severity(text: &str) -> Result<&'static str, String> {
    SEVERITIES.into_iter().find(|known| known.eq_ignore_ascii_case(text)).ok_or_else(|| {
        format!("The severity `{text}` is unknown: use one of {}.", SEVERITIES.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::{Line, read, timestamp};

    #[test]
    fn a_line_has_three_parts() {
        let line = read("1700000000 warn  disk  almost full\n").expect("a well-formed line");
        assert_eq!(
            line,
            Line { timestamp: 1_700_000_000, severity: "WARN", message: "disk  almost full" }
        );
    }

    #[test]
    fn fewer_parts_are_malformed() {
        for raw in ["", " ", "1700000000", "1700000000 INFO", "1700000000 INFO  \n", "no time"] {
            assert_eq!(read(raw), Err("Malformed log entry".to_owned()), "{raw:?}");
        }
    }

    #[test]
    fn an_unknown_severity_is_named() {
        let error = read("1 LOUD boom").expect_err("an unknown severity");
        assert!(error.starts_with("The severity `LOUD` is unknown"), "{error}");
    }

    #[test]
    fn rfc_3339_times_become_unix_seconds() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T12:00:00.999Z", 1_709_208_000),
            ("2024-02-29T12:00:00+02:00", 1_709_200_800),
            ("2000-02-29t00:00:00-00:30", 951_784_200),
            ("2016-12-31T23:59:60Z", 1_483_228_799),
        ] {
            assert_eq!(timestamp(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn wrong_times_are_refused() {
        for text in [
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01_00:00:00Z",
            "2024-01-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "18446744073709551616",
            "-1",
            "noon",
        ] {
            assert!(timestamp(text).is_err(), "{text}");
        }
    }
}
