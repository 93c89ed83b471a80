//! The trailers of an answer over HTTP/1.1 that its head did not announce. hyper sends those alone
//! whose names stand in a `Trailer` header, and a component need not know them before its body
//! ends; nor need they be announced (RFC 9110, section 6.6.2).
//!
//! So the answer waits until all before its end is written, and leaves its trailers with the
//! connection; and when hyper writes the last chunk, the connection writes one with trailers in its
//! place.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, HOST, MAX_FORWARDS, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName};

/// What hyper ends a chunked body with.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// What says how a message is to be read comes before it (RFC 9110, section 6.5.1).
const NOT_IN_TRAILERS: [HeaderName; 13] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    HOST,
    MAX_FORWARDS,
    SET_COOKIE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
];

/// Whether a client takes trailers (RFC 9110, section 10.1.4).
pub(super) fn are_wanted(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(TE).iter().filter_map(|value| value.to_str().ok());
    all.any(|value| value.split(',').any(|it| it.trim().eq_ignore_ascii_case("trailers")))
}

/// The last chunk with trailers.
pub(super) fn last_chunk(trailers: &HeaderMap) -> Bytes {
    let mut bytes = BytesMut::from(&LAST_CHUNK[..3]);
    for (name, value) in trailers {
        if !NOT_IN_TRAILERS.contains(name) {
            bytes.put_slice(name.as_str().as_bytes());
            bytes.put_slice(b": ");
            bytes.put_slice(value.as_bytes());
            bytes.put_slice(b"\r\n");
        }
    }
    bytes.put_slice(&LAST_CHUNK[3..]);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_frames_a_message_is_not_in_its_trailers() {
        let mut trailers = HeaderMap::new();
        assert_eq!(last_chunk(&trailers), LAST_CHUNK);
        trailers.insert("x-sum", HeaderValue::from_static("1"));
        trailers.append("x-sum", HeaderValue::from_static("2"));
        trailers.insert(CONTENT_LENGTH, HeaderValue::from_static("3"));
        assert_eq!(last_chunk(&trailers), "0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n");
    }
}
