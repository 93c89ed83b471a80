//! Secrets within other text: a manifest that is shown with its faults, and a line of the log.
//!
//! An [`Address`](crate::Address) hides itself. This is the net below: what the program says passes
//! through it, even where another crate's error repeats an address.

use std::{borrow::Cow, ops::Range};

use crate::address::is_secret;

/// What ends an address or a value in a text.
const ENDS: [char; 9] = ['"', '\'', '`', ' ', '\t', '\n', '\r', '<', '>'];

/// Names whose values are never shown, though they are not called secret.
const HEADERS: [&str; 4] = ["authorization", "cookie", "api-key", "api_key"];

/// `text` with `***` in place of the secrets in it.
pub fn hide(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(replaced(text, &secrets, |_| "***".to_owned()))
}

/// `text` with as many `*` in place of the secrets as they have bytes, so that places in it stay.
pub fn star(text: &str) -> String {
    replaced(text, &secrets(text), |secret| "*".repeat(secret.len()))
}

fn replaced(text: &str, secrets: &[Range<usize>], by: fn(&str) -> String) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for secret in secrets {
        shown.push_str(&text[from..secret.start]);
        shown.push_str(&by(&text[secret.clone()]));
        from = secret.end;
    }
    shown + &text[from..]
}

/// Where secrets stand, in order and apart from each other.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> =
        users(text).chain(bare_users(text)).chain(values(text)).collect();
    found.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found.into_iter().filter(|range| !range.is_empty()) {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// What stands before the `@` of a URL: its password, or all if it may be a token.
fn users(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(scheme, mark)| {
        let start = scheme + mark.len();
        let rest = &text[start..];
        let address = &rest[..rest.find(ENDS).unwrap_or(rest.len())];
        let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
        let at = authority.rfind('@').or_else(|| {
            // A password may hold a `/` that should have been escaped. Of a port there are digits.
            let (_, port) = authority.rsplit_once(':')?;
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) || port.ends_with(']');
            if is_port { None } else { address.rfind('@') }
        })?;
        let user = &address[..at];
        let named = user.find(':').map_or(0, |colon| colon + 1);
        Some(start + named..start + at)
    })
}

/// The password in `user:password@host`, where the scheme of a URL was forgotten. Names of WIT have the
/// same form (`wasi:http@0.2.0`), and end in a version.
fn bare_users(text: &str) -> impl Iterator<Item = Range<usize>> {
    let words = text.split(ENDS).scan(0, |start, word| {
        let at = *start;
        // Each of the ends is one byte long.
        *start += word.len() + 1;
        Some((at, word))
    });
    words.filter_map(|(start, word)| {
        let (user, host) = word.rsplit_once('@')?;
        let colon = user.find(':')?;
        let is_version =
            host.starts_with(|first: char| first.is_ascii_digit()) && host.split('.').count() < 4;
        (!user.contains('/') && !is_version).then(|| start + colon + 1..start + user.len())
    })
}

/// The values of what is called a secret: `password=…`, `secret_key = "…"`, `authorization: …`.
fn values(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(['=', ':']).filter_map(|(at, mark)| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let quoted = before.strip_suffix(['"', '\'']);
        let name = quoted.unwrap_or(before);
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.%".contains(c);
        let name = &name[name.trim_end_matches(is_part).len()..];
        let lower = name.to_ascii_lowercase();
        let is_header = HEADERS.iter().any(|header| lower.ends_with(header));
        // In prose a colon goes on with a sentence; in JSON and in headers with a value.
        let counts = match mark {
            "=" => is_header || is_secret(name),
            _ => is_header || (quoted.is_some() && is_secret(name)),
        };
        counts.then(|| value(text, at + 1, is_header))
    })
}

/// The value that begins at `start`, perhaps in quotes. A header's goes on to the end of its line.
fn value(text: &str, start: usize, is_header: bool) -> Range<usize> {
    let rest = &text[start..];
    let start = start + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
    let rest = &text[start..];
    let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c));
    let inner = start + quote.map_or(0, char::len_utf8);
    if rest.starts_with(['{', '[']) {
        // A table says where a secret is, and is none.
        return start..start;
    }
    let mut is_escaped = false;
    let end = text[inner..].find(|c: char| {
        if is_escaped || c == '\\' {
            is_escaped = !is_escaped;
            return false;
        }
        match quote {
            Some(quote) => c == quote || c == '\n',
            None if is_header => ['\n', '\r', '"'].contains(&c),
            None => ENDS.contains(&c) || ['&', ',', ';', ')', '}'].contains(&c),
        }
    });
    inner..end.map_or(text.len(), |end| inner + end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_hidden_within_other_text() {
        for (text, expected) in [
            ("url = \"redis://:hunter2@h:1/0\"\nx", "url = \"redis://:***@h:1/0\"\nx"),
            ("'postgres://u:p@ü@h' nats://t0ken@h", "'postgres://u:***@h' nats://***@h"),
            ("postgres://u:sec/ret@h/db it is", "postgres://u:***@h/db it is"),
            ("http://h/a@b \"https://x\"", "http://h/a@b \"https://x\""),
            ("http://h:80/a@b http://[::1]/a@b", "http://h:80/a@b http://[::1]/a@b"),
            ("://", "://"),
            ("at redis://h?password=secret&a=b.", "at redis://h?password=***&a=b."),
            ("\"host=h password=secret port=1\"", "\"host=h password=*** port=1\""),
            ("\"host=h password='sec ret' port=1\"", "\"host=h password='***' port=1\""),
            ("password=sec\\ ret port=1", "password=*** port=1"),
            ("secret_key = \"a\\\"b\"\nregion = \"x\"", "secret_key = \"***\"\nregion = \"x\""),
            ("\"token\" = 'abc'", "\"token\" = '***'"),
            ("token = { env = \"TOKEN\" }", "token = { env = \"TOKEN\" }"),
            ("{\"password\": \"secret\", \"a\": 1}", "{\"password\": \"***\", \"a\": 1}"),
            ("Authorization: Bearer abc def\nHost: x", "Authorization: ***\nHost: x"),
            ("{\"authorization\": \"Bearer abc\"}", "{\"authorization\": \"***\"}"),
            ("wrong password: check it", "wrong password: check it"),
            ("wasi:http/types@0.2.0 a=b", "wasi:http/types@0.2.0 a=b"),
            ("`wasi:http@0.2.0-rc` and a:b/c@ü", "`wasi:http@0.2.0-rc` and a:b/c@ü"),
            ("\"me:secret@host\" me:secret@10.0.0.1:80", "\"me:***@host\" me:***@10.0.0.1:80"),
        ] {
            assert_eq!(hide(text), expected);
            assert_eq!(star(text).len(), text.len());
        }
        assert_eq!(star("redis://:hunter2@h"), "redis://:*******@h");
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text: String) {
            prop_assert_eq!(star(&text).len(), text.len());
            let _ = hide(&text);
        }

        #[test]
        fn no_password_of_an_address_is_left(password in "[a-zA-Z0-9@!$%*]{6,20}") {
            // A part of it would show too, between the mark that it ends with and the host.
            let url = format!("cannot reach postgres://me:{password}@host:5432/db");
            let shown = hide(&url).into_owned();
            prop_assert!(!shown.contains(&password), "{}", shown);
        }
    }
}
