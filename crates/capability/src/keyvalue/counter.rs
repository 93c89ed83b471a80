//! Counters as values: an `i64` in decimal, without a plus sign, leading zeros or spaces, as Redis
//! writes it. All backends read and write them this way.

use bytes::Bytes;

use super::{Error, Store};

/// Reads a counter; `None` if the value is not one.
pub fn parse(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = match digits.as_bytes() {
        [b'0'] => text == "0",
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // What is left to refuse is what does not fit.
    if is_canonical { text.parse().ok() } else { None }
}

/// Writes a counter.
pub fn format(count: i64) -> Bytes {
    count.to_string().into()
}

/// The counter after `delta` was added to the value of `key`.
///
/// # Errors
/// If the value is not a counter, or the sum does not fit an `i64`.
pub(crate) fn add(key: &str, value: Option<&[u8]>, delta: i64) -> Result<i64, Error> {
    let count = match value {
        Some(value) => parse(value).ok_or_else(|| Error::NotACounter { key: key.to_owned() })?,
        None => 0,
    };
    count.checked_add(delta).ok_or_else(|| Error::Overflow { key: key.to_owned() })
}

/// Adds to a counter that has no sign, as the first draft of `wasi:keyvalue/atomics` has it.
///
/// # Errors
/// As [`Store::increment`]; [`Error::Overflow`] too if `delta` or the sum is not both an `i64` and
/// a `u64`. A sum below zero, which only a counter that was below zero has, is nevertheless kept.
pub async fn increment_unsigned(store: &dyn Store, key: &str, delta: u64) -> Result<u64, Error> {
    let overflow = || Error::Overflow { key: key.to_owned() };
    let delta = i64::try_from(delta).map_err(|_| overflow())?;
    let count = store.increment(key, delta).await?;
    u64::try_from(count).map_err(|_| overflow())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_has_one_form() {
        for count in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            assert_eq!(parse(&format(count)), Some(count));
        }
        for text in
            ["", "-", "-0", "+1", "01", "-01", " 1", "1 ", "1.0", "one", "9223372036854775808"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse(&[0xff]), None);
    }
}
