//! What streams in and out of a unit, and what the head of an answer says of it.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};
use http_body_util::combinators::UnsyncBoxBody;

use crate::Failure;

/// A body that streams, as it goes in and out of a unit.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The other end's stream failed.
    #[error("the body broke off: {0}")]
    Transfer(#[from] hyper::Error),
    /// The unit failed while it was sending its answer.
    #[error("the component broke off its response: {0}")]
    Unit(#[from] Failure),
    /// The component reported an error in place of the rest of the body.
    #[error("the component broke off its response: {0}")]
    Guest(String),
}

/// How long a body is by its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// The head does not say.
    Open,
    /// As many bytes.
    Bytes(u64),
    /// The head has what is no number.
    Unreadable,
}

impl Length {
    /// What these headers say.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        headers.get(CONTENT_LENGTH).map_or(Self::Open, |length| {
            let bytes = length.to_str().ok().and_then(|length| length.parse().ok());
            bytes.map_or(Self::Unreadable, Self::Bytes)
        })
    }

    /// As many bytes, if the head says so.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Open | Self::Unreadable => None,
        }
    }
}

/// Whether a body follows the head of an answer with this status to a request of this method. If
/// not, its length is that of a body which is not sent (RFC 9110, sections 6.4.1 and 8.6).
#[must_use]
pub fn has_body(method: &Method, status: StatusCode) -> bool {
    let is_bodyless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    method != Method::HEAD && !is_bodyless
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_length_is_read_where_there_is_one() {
        let of = |text: &'static str| {
            let value = HeaderValue::from_static(text);
            Length::of(&HeaderMap::from_iter([(CONTENT_LENGTH, value)]))
        };
        assert_eq!(Length::of(&HeaderMap::new()), Length::Open);
        assert_eq!(of("12"), Length::Bytes(12));
        assert_eq!(of("12").bytes(), Some(12));
        assert_eq!(of("12, 12"), Length::Unreadable);
        assert_eq!(of("-1"), Length::Unreadable);
        assert_eq!(of("-1").bytes(), None);
    }

    #[test]
    fn no_body_follows_some_heads() {
        assert!(has_body(&Method::GET, StatusCode::NOT_FOUND));
        assert!(!has_body(&Method::HEAD, StatusCode::OK));
        assert!(!has_body(&Method::GET, StatusCode::NO_CONTENT));
        assert!(!has_body(&Method::POST, StatusCode::NOT_MODIFIED));
    }
}
