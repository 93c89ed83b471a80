//! Tells the topics for answers that came with messages from those that a component made up.

use std::{fmt, sync::Arc};

use rustls::crypto::ring;

use super::{Error, topic};

/// Marks the ways back of a broker. Who has the mark was given it with a message, and may answer by
/// a topic that nobody may send to otherwise: `_INBOX.…`.
#[derive(Clone)]
pub(super) struct Seal(Arc<str>);

impl Seal {
    pub(super) fn new() -> Self {
        Self(random_word().into())
    }

    /// The topic for an answer, as it is given out. The space is what no topic has.
    pub(super) fn close(&self, topic: &str) -> String {
        format!("{} {topic}", self.0)
    }

    /// The topic for an answer, whether it has the mark or not.
    pub(super) fn strip<'a>(&self, topic: &'a str) -> &'a str {
        self.way_back(topic).unwrap_or(topic)
    }

    /// The topic that is sent to.
    ///
    /// # Errors
    /// If it cannot be one, or is kept for others and was not given out.
    pub(super) fn open<'a>(&self, topic: &'a str) -> Result<&'a str, Error> {
        match self.way_back(topic) {
            Some(way_back) => topic::check_form(way_back).map(|()| way_back),
            None => topic::check(topic).map(|()| topic),
        }
    }

    fn way_back<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(&*self.0)?.strip_prefix(' ')
    }
}

impl Default for Seal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

/// A word of 128 bits that nobody can guess.
pub(super) fn random_word() -> String {
    let mut bytes = [0; 16];
    let random = ring::default_provider().secure_random;
    random.fill(&mut bytes).expect("the system gives random bytes, as it does for TLS");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_leads_to_an_inbox() {
        let seal = Seal::new();
        let closed = seal.close("_INBOX.1");
        assert_eq!(seal.open(&closed), Ok("_INBOX.1"));
        assert_eq!(seal.strip(&closed), "_INBOX.1");
        assert_eq!(seal.open("orders.paid"), Ok("orders.paid"));
        assert!(seal.open("_INBOX.1").is_err());
        assert!(Seal::new().open(&closed).is_err());
        assert!(seal.open(&seal.close("a..b")).is_err());
    }
}
