//! `limit` and `instances` of a component: sizes, times and counts.

use crate::Code;
use std::time::Duration;

use super::table::{Table, Value};
use crate::limit::{Limit, Reuse};

const KEYS: &[&str] =
    &["memory", "tables", "core-instances", "time", "cpu", "body", "concurrency", "queue"];

/// As much as 32-bit addresses reach, and as the pool's slots reserve.
const MEMORY_AT_MOST_BYTES: u64 = 4 << 30;

pub(super) fn read(table: &Table<'_>) -> Limit {
    table.only_of(KEYS, &[("instances", "core-instances")]);
    let mut limit = Limit::default();
    let get = |key: &str| table.get(key);
    if let Some(bytes) =
        get("memory").and_then(|value| size(&value, 64 << 10, MEMORY_AT_MOST_BYTES))
    {
        limit.memory_bytes = bytes;
    }
    if let Some(bytes) = get("body").and_then(|value| size(&value, 0, u64::MAX)) {
        limit.body_bytes = Some(bytes);
    }
    if let Some(time) = get("time").and_then(|value| time(&value)) {
        limit.time = time;
    }
    if let Some(time) = get("cpu").and_then(|value| time(&value)) {
        limit.cpu = time;
    }
    let read = |key: &str, at_least, at_most, into: &mut usize| {
        if let Some(count) = get(key).and_then(|value| count(&value, at_least, at_most)) {
            *into = count;
        }
    };
    read("tables", 1, 10_000_000, &mut limit.table_elements);
    read("core-instances", 1, 10_000, &mut limit.core_instances);
    read("concurrency", 1, 65_535, &mut limit.concurrency);
    read("queue", 0, 1_000_000, &mut limit.queue);
    limit
}

/// How many requests an instance answers.
pub(super) fn read_reuse(table: &Table<'_>) -> Reuse {
    table.only(&["reuse", "concurrent", "idle"]);
    let requests = table.required("reuse").and_then(|value| count(&value, 1, 1_000_000));
    let mut reuse = Reuse { requests: requests.unwrap_or(1), ..Reuse::default() };
    if let Some(value) = table.get("concurrent") {
        // If the other is wrong, only that is reported.
        let at_most = requests.unwrap_or(usize::MAX).min(10_000);
        reuse.concurrent = count(&value, 1, at_most).unwrap_or(1);
    }
    if let Some(idle) = table.get("idle").and_then(|value| time(&value)) {
        reuse.idle = idle;
    }
    reuse
}

/// A size in bytes, as a number or with a unit.
pub(super) fn size(value: &Value<'_>, at_least: u64, at_most: u64) -> Option<u64> {
    let bytes = match (value.as_integer(), value.as_str()) {
        (Some(bytes), _) => u64::try_from(bytes).ok(),
        (None, Some(text)) => parse_size(text),
        (None, None) => return value.neither("a size such as \"64MiB\""),
    };
    match bytes.filter(|bytes| (at_least..=at_most).contains(bytes)) {
        Some(bytes) => Some(bytes),
        None => {
            let message = format!("`{}` is not a valid size", value.path);
            let help = match bytes {
                None => "write a number of bytes, or one with a unit, such as \"64MiB\"".to_owned(),
                Some(_) => range_help(at_least, at_most),
            };
            value.wrong(Code::Size, message, Some(help));
            None
        }
    }
}

fn range_help(at_least: u64, at_most: u64) -> String {
    format!("use a value from {} to {}", show_size(at_least), show_size(at_most))
}

/// The size in the largest unit that divides it, as [`parse_size`] reads it.
fn show_size(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.iter().find(|(bits, _)| bytes > 0 && bytes.is_multiple_of(1 << bits));
    unit.map_or_else(|| format!("{bytes}B"), |(bits, unit)| format!("{}{unit}", bytes >> bits))
}

/// A whole number with a unit: powers of 1024 (`KiB`) or of 1000 (`kB`).
fn parse_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// A time with a unit, longer than zero.
pub(super) fn time(value: &Value<'_>) -> Option<Duration> {
    const AT_MOST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let Some(text) = value.as_str() else {
        return value.neither("a time such as \"2s\"");
    };
    let wrong = |message: String| {
        let help = "write a time such as \"500ms\", \"2s\" or \"1m 30s\"".to_owned();
        value.wrong(Code::Time, message, Some(help));
        None
    };
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => wrong(format!("`{}` has to be longer than zero", value.path)),
        Ok(time) if time > AT_MOST => wrong(format!("`{}` is longer than a year", value.path)),
        Ok(time) => Some(time),
        Err(_) => wrong(format!("`{text}` is not a time")),
    }
}

fn count(value: &Value<'_>, at_least: usize, at_most: usize) -> Option<usize> {
    let number = value.integer()?;
    match usize::try_from(number).ok().filter(|count| (at_least..=at_most).contains(count)) {
        Some(count) => Some(count),
        None => {
            let message = format!("`{}` cannot be {number}", value.path);
            value.wrong(
                Code::Range,
                message,
                Some(format!("use a value from {at_least} to {at_most}")),
            );
            None
        }
    }
}

#[cfg(test)]
mod test {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_have_units_of_1024_and_of_1000() {
        let cases = [
            ("0", Some(0)),
            ("512", Some(512)),
            ("512B", Some(512)),
            ("64KiB", Some(64 << 10)),
            ("64 MiB", Some(64 << 20)),
            ("2GiB", Some(2 << 30)),
            ("1TiB", Some(1 << 40)),
            ("5kB", Some(5_000)),
            ("5KB", Some(5_000)),
            ("5MB", Some(5_000_000)),
            ("5GB", Some(5_000_000_000)),
            ("5TB", Some(5_000_000_000_000)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("16777216TiB", None),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("+1", None),
            ("1.5MiB", None),
            ("64mib", None),
            ("64 MiB ", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_size(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_size_that_is_shown_reads_as_itself(bits in 0_u32..64, number: u64) {
            // Shifted, so that all units come up.
            let bytes = (number >> bits) << (bits / 2);
            prop_assert_eq!(parse_size(&show_size(bytes)), Some(bytes));
        }

        #[test]
        fn no_text_is_too_odd_for_a_size(text: String) {
            let _ = parse_size(&text);
        }
    }
}
