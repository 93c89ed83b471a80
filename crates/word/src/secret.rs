//! Secrets within other text: a manifest that is shown with its faults, and a line of the log.
//!
//! An [`Address`](crate::Address) hides itself. This is the net below: what the program says passes
//! through it, even where another crate's error repeats an address.

use std::{borrow::Cow, ops::Range};

use crate::address::is_secret;

/// What ends an address or a value in a text.
const ENDS: [char; 9] = ['"', '\'', '`', ' ', '\t', '\n', '\r', '<', '>'];

/// Names whose values are never shown, though they are not called secret.
const HEADERS: [&str; 6] = ["authorization", "cookie", "api-key", "api_key", "apikey", "-token"];

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

/// The words of a text, each with where it begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(ENDS).scan(0, |start, word| {
        let at = *start;
        // Each of the ends is one byte long.
        *start += word.len() + 1;
        Some((at, word))
    })
}

/// What stands before the `@` of a URL: its password, or all if it may be a token.
fn users(text: &str) -> impl Iterator<Item = Range<usize>> {
    words(text).flat_map(|(begin, word)| {
        // Looked for once: a stranger's text may have any number of URLs in a word.
        let last_at = word.rfind('@');
        word.match_indices("://").filter_map(move |(scheme, mark)| {
            let start = scheme + mark.len();
            let authority = &word[start..];
            let authority =
                &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
            let at = authority.rfind('@').map(|at| start + at).or_else(|| {
                // A password may hold a `/` that should have been escaped. Of a port there are
                // digits.
                let (_, port) = authority.rsplit_once(':')?;
                let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) || port.ends_with(']');
                last_at.filter(|at| !is_port && *at > start)
            })?;
            let named = word[start..at].find(':').map_or(start, |colon| start + colon + 1);
            Some(begin + named..begin + at)
        })
    })
}

/// The password in `user:password@host`, where the scheme of a URL was forgotten. Names of WIT have the
/// same form (`wasi:http@0.2.0`), and end in a version.
fn bare_users(text: &str) -> impl Iterator<Item = Range<usize>> {
    words(text).filter_map(|(start, word)| {
        let (user, host) = word.rsplit_once('@')?;
        let colon = user.find(':')?;
        let is_secret = !user.contains('/') && !is_version(host);
        is_secret.then(|| start + colon + 1..start + user.len())
    })
}

/// Whether a text begins as a version does, and not as an address of IPv4 or a host's name.
fn is_version(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let is_alone = !rest.starts_with(|c: char| c.is_alphanumeric() || c == ':');
    !numbers.is_empty() && numbers.trim_end_matches('.').split('.').count() < 4 && is_alone
}

/// The values of what is called a secret: `password=…`, `secret_key = "…"`, `authorization: …`.
fn values(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut ends = Ends { text, bare: 0, line: 0 };
    text.match_indices(['=', ':']).filter_map(move |(at, mark)| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let quoted = before.strip_suffix(['"', '\'']);
        // JSON within a quoted text.
        let quoted = quoted.map(|name| name.strip_suffix('\\').unwrap_or(name));
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
        counts.then(|| ends.value(at + 1, is_header))
    })
}

/// Where values end. A value that begins within another without quotes ends where that does, so that
/// no text is read more than a few times, however many values it seems to have.
struct Ends<'a> {
    text: &'a str,
    /// Of the last value without quotes.
    bare: usize,
    /// Of the last header.
    line: usize,
}

impl Ends<'_> {
    /// The value that begins at `start`, perhaps in quotes. A header's goes on to the end of its line.
    fn value(&mut self, start: usize, is_header: bool) -> Range<usize> {
        let rest = &self.text[start..];
        let start = start + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
        let rest = &self.text[start..];
        if rest.starts_with(['{', '[']) {
            // A table says where a secret is, and is none.
            return start..start;
        }
        if let Some(inner) = rest.strip_prefix("\\\"") {
            let end = inner.find("\\\"").unwrap_or(inner.len());
            return start + 2..start + 2 + end;
        }
        if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
            let end = find_unescaped(&rest[1..], |c| c == quote || c == '\n');
            return start + 1..start + 1 + end;
        }
        let known = if is_header { &mut self.line } else { &mut self.bare };
        if start >= *known {
            *known = start
                + find_unescaped(rest, |c| match is_header {
                    true => ['\n', '\r', '"'].contains(&c),
                    false => ENDS.contains(&c) || ['&', ',', ';', ')', '}'].contains(&c),
                });
        }
        start..*known
    }
}

/// The place of the first such character without a `\` before it, or else the end.
fn find_unescaped(text: &str, is_end: impl Fn(char) -> bool) -> usize {
    let mut is_escaped = false;
    let end = text.find(|c: char| {
        if is_escaped || c == '\\' {
            is_escaped = !is_escaped;
            return false;
        }
        is_end(c)
    });
    end.unwrap_or(text.len())
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
            ("acme:store@1.0.0-rc.1, me:secret@1st.com", "acme:store@1.0.0-rc.1, me:***@1st.com"),
            ("X-Auth-Token: abc def\n", "X-Auth-Token: ***\n"),
            ("{\\\"password\\\": \\\"a b\\\", 1}", "{\\\"password\\\": \\\"***\\\", 1}"),
            ("AccountKey=a;x http://h?sig=a&b", "AccountKey=***;x http://h?sig=***&b"),
            ("token=token=a=b c", "token=*** c"),
            ("://a:b/://c:d/e@f", "://a:***@f"),
        ] {
            assert_eq!(hide(text), expected);
            assert_eq!(star(text).len(), text.len());
        }
        assert_eq!(star("redis://:hunter2@h"), "redis://:*******@h");
    }

    /// A stranger chooses what a log says of a request's path, or of a name that is opened.
    #[test]
    fn the_time_is_bounded_by_the_length() {
        let parts =
            ["://", "://a:b/", "pwd=", "token: ", "token=\"", "a:b@", "=", "\\\"token\\\":"];
        for part in parts {
            assert!(!star(&part.repeat(1_000_000 / part.len())).is_empty());
        }
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
