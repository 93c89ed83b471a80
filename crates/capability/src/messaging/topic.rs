//! Topics, and patterns of them, as NATS writes both.

use std::{fmt, str::FromStr};

use rustls::crypto::ring;
use thiserror::Error;

/// The longest topic, in bytes.
pub const TOPIC_LIMIT_BYTES: usize = 255;

/// What the topics of answers begin with, in NATS and in memory.
pub(super) const INBOX: &str = "_INBOX";

/// What topics look like.
const RULE: &str =
    "it has to be words joined by `.`, without spaces, `*` and `>`, at most 255 bytes";

/// Why some are not sent to.
const RESERVED: &str = "its first word is reserved for the server's own data and for replies; use \
                        a word other than `_INBOX`, without `$`";

/// Refuses a topic that cannot be sent to by name: one that not every backend accepts, or that is
/// reserved. What is written to `$KV` or `$JS` of NATS has no link, and no link's rights.
pub(super) fn check(topic: &str) -> Result<(), super::Error> {
    check_form(topic)?;
    let first = topic.split('.').next().unwrap_or_default();
    if first.starts_with('$') || first == INBOX {
        return Err(wrong(topic, RESERVED));
    }
    Ok(())
}

/// Refuses a topic that not every backend can take.
pub(super) fn check_form(topic: &str) -> Result<(), super::Error> {
    if is_path(topic, |word| !word.contains(['*', '>'])) { Ok(()) } else { Err(wrong(topic, RULE)) }
}

/// A word of 128 bits that nobody can guess.
pub(super) fn random_word() -> String {
    let mut bytes = [0; 16];
    let random = ring::default_provider().secure_random;
    random.fill(&mut bytes).expect("the system gives random bytes, as it does for TLS");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

fn wrong(topic: &str, rule: &'static str) -> super::Error {
    super::Error::Topic { topic: topic.chars().take(TOPIC_LIMIT_BYTES).collect(), rule }
}

fn is_path(text: &str, is_word: impl Fn(&str) -> bool) -> bool {
    let is_plain = |word: &str| {
        !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    text.len() <= TOPIC_LIMIT_BYTES && text.split('.').all(|word| is_plain(word) && is_word(word))
}

/// A topic in which `*` stands for any word, and `>` at its end for one or more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(String);

/// Why a text is no [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a valid topic: it has to be words joined by `.`, where `*` stands for any word, \
     and `>` at the end for any words that follow"
)]
pub struct PatternError(String);

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let words = text.strip_suffix(".>").unwrap_or(if text == ">" { "*" } else { text });
        let is_word = |word: &str| word == "*" || !word.contains(['*', '>']);
        if is_path(words, is_word) && text.len() <= TOPIC_LIMIT_BYTES {
            Ok(Self(text.to_owned()))
        } else {
            Err(PatternError(text.to_owned()))
        }
    }
}

impl Pattern {
    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for a topic.
    pub fn matches(&self, topic: &str) -> bool {
        let mut words = topic.split('.');
        for part in self.0.split('.') {
            match (part, words.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (part, Some(word)) if part == word => {}
                _ => return false,
            }
        }
        words.next().is_none()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_its_topics() {
        for (pattern, topics, others) in [
            ("a.b", &["a.b"][..], &["a", "a.c", "a.b.c"][..]),
            ("a.*", &["a.b", "a.c"], &["a", "b.a", "a.b.c"]),
            ("*.b", &["a.b", "c.b"], &["b", "a.c"]),
            ("a.>", &["a.b", "a.b.c"], &["a", "b.a"]),
            (">", &["a", "a.b"], &[]),
        ] {
            let pattern: Pattern = pattern.parse().unwrap();
            assert!(topics.iter().all(|topic| pattern.matches(topic)), "{pattern}");
            assert!(!others.iter().any(|topic| pattern.matches(topic)), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_topic_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a b", "a.>.b", "a*", "a\n", &"x".repeat(256)] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
            assert!(check(text).is_err(), "{text:?}");
        }
        assert!(check("orders.paid").is_ok());
        assert!(check("orders.*").is_err() && check(">").is_err());
    }

    #[test]
    fn what_is_kept_for_others_is_refused() {
        for topic in
            ["$KV.bucket.key", "$JS.API.STREAM.DELETE.a", "$SYS", "$", "_INBOX.1", "_INBOX"]
        {
            assert!(check(topic).is_err() && check_form(topic).is_ok(), "{topic}");
        }
        for topic in ["orders.$KV", "orders._INBOX", "_INBOXES.1", "US$"] {
            assert!(check(topic).is_ok(), "{topic}");
        }
    }
}
