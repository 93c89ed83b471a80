//! The responses that the server sends itself, without calling a handler.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};

use super::Body;

/// Where the server says whether it takes requests: 200 `ok`, or 503 `draining` while it stops.
pub const HEALTH: &str = "/.well-known/keyway/health";

/// An answer of the server's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Healthy,
    Draining,
    /// No route leads on.
    NoRoute,
    /// RFC 9112, section 3.2: a request of HTTP/1.1 has one valid `Host`.
    BadHost,
    /// RFC 9113, section 8.3.1: a `Host` beside `:authority` says the same.
    OtherHost,
    /// RFC 9112, section 3.2: the target is a path, or `*` of `OPTIONS`.
    BadTarget,
    /// RFC 9112, section 6.1: a body is chunked once.
    BadCoding,
    /// The same: codings that the server does not know.
    UnknownCoding,
    /// RFC 9112, sections 6.1 and 7.1.2: where the request ends is not beyond doubt.
    BadFraming,
    /// `CONNECT` asks for a tunnel, which is a proxy's business (RFC 9110, section 9.3.6).
    NoTunnels,
    /// The handler answered with a status from 100 to 199, after which no body can come.
    NotFinal,
}

impl Reply {
    pub(super) fn response(self) -> Response<Body> {
        let (status, says) = match self {
            Reply::Healthy => (StatusCode::OK, "ok"),
            Reply::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
            Reply::NoRoute => (StatusCode::NOT_FOUND, "Nothing is served at this address.\n"),
            Reply::BadHost => (
                StatusCode::BAD_REQUEST,
                "The request must name its host in exactly one valid Host header.\n",
            ),
            Reply::OtherHost => (
                StatusCode::BAD_REQUEST,
                "The request names one host in :authority and another in its Host header.\n",
            ),
            Reply::BadTarget => (
                StatusCode::BAD_REQUEST,
                "The target of the request must be a path that begins with a slash.\n",
            ),
            Reply::BadCoding => {
                (StatusCode::BAD_REQUEST, "The body of the request must be chunked exactly once.\n")
            }
            Reply::UnknownCoding => (
                StatusCode::NOT_IMPLEMENTED,
                "The only transfer coding that this server supports is chunked.\n",
            ),
            Reply::BadFraming => (
                StatusCode::BAD_REQUEST,
                "The request has both Content-Length and Transfer-Encoding, or trailers with a \
                 line that does not end in CRLF.\n",
            ),
            Reply::NoTunnels => {
                (StatusCode::NOT_IMPLEMENTED, "This server does not open tunnels.\n")
            }
            Reply::NotFinal => {
                (StatusCode::BAD_GATEWAY, "The service did not send a complete response.\n")
            }
        };
        let mut response = text(status, says);
        if matches!(self, Reply::Healthy | Reply::Draining) {
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        // Where the request ends is not beyond doubt.
        if matches!(self, Reply::BadCoding | Reply::UnknownCoding | Reply::BadFraming) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A short answer in words.
pub(super) fn text(status: StatusCode, says: &'static str) -> Response<Body> {
    let body = Full::new(Bytes::from_static(says.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
