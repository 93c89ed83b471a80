//! Text from outside, such as from components and their compilers, before it is shown.

use std::{borrow::Cow, fmt::Write};

/// `text` with its control characters escaped, all but tabs, so that it cannot move the cursor of
/// a terminal, begin a line, or pass itself off as another's.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_shown = |c: char| c == '\t' || !c.is_control();
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_shown(c) {
            printable.push(c);
        } else {
            printable.extend(c.escape_default());
        }
    }
    Cow::Owned(printable)
}

/// As [`printable`], for bytes that need not be UTF-8; what is not, is escaped as well.
pub fn printable_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return printable(text);
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Cow::Owned(text)
}

/// The most characters of a name from outside that are repeated.
const MAX_SHOWN: usize = 256;

/// A name from outside, cut where it is longer than any that is meant.
pub fn shortened(name: Cow<'_, str>) -> Cow<'_, str> {
    match name.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            printable("plain \"text\" \\ with\ttabs, ü and 接口"),
            "plain \"text\" \\ with\ttabs, ü and 接口"
        );
        assert_eq!(printable("a\rb\nc"), "a\\rb\\nc");
        assert_eq!(printable("\u{1b}[2K\u{9b}1A\u{7f}\0"), "\\u{1b}[2K\\u{9b}1A\\u{7f}\\u{0}");
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened("ü".repeat(256).into()), "ü".repeat(256));
        assert_eq!(shortened("ü".repeat(257).into()), "ü".repeat(256) + "…");
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(printable_bytes("ü\r".as_bytes()), "ü\\r");
        assert_eq!(printable_bytes(b"a\x9b\xffb\x1b\xc3"), "a\\x9b\\xffb\\u{1b}\\xc3");
    }
}
