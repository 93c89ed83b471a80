//! What the HTTP handlers among the guests share: answering a request whole.

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::OutputStream;

/// The most that one `blocking-write-and-flush` may take.
const WRITE_LIMIT: usize = 4096;

/// The path of `request` without its query; `/` where the request has none.
pub fn path(request: &IncomingRequest) -> String {
    let target = request.path_with_query().unwrap_or_default();
    match target.split('?').next() {
        Some("") | None => "/".to_owned(),
        Some(path) => path.to_owned(),
    }
}

/// The number that the query gives as `key`; 0 where it gives none.
pub fn number(request: &IncomingRequest, key: &str) -> u64 {
    let target = request.path_with_query().unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0)
}

/// Answers 200 with `text` as the whole body.
pub fn text(out: ResponseOutparam, text: &str) {
    let (stream, body) = open(out, Fields::new());
    write(&stream, text.as_bytes());
    close(stream, body);
}

/// Answers 500 with `text` as the whole body.
pub fn failure(out: ResponseOutparam, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(500).expect("500 is a status");
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("a new body has its stream");
    write(&stream, text.as_bytes());
    close(stream, body);
}

/// Answers 200 with `headers` and hands back the body, still to be written.
pub fn open(out: ResponseOutparam, headers: Fields) -> (OutputStream, OutgoingBody) {
    let response = OutgoingResponse::new(headers);
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("a new body has its stream");
    (stream, body)
}

/// Writes all of `bytes`, or traps where the client is gone.
pub fn write(stream: &OutputStream, bytes: &[u8]) {
    for piece in bytes.chunks(WRITE_LIMIT) {
        stream.blocking_write_and_flush(piece).expect("the body takes what is written");
    }
}

/// Ends the body that `stream` belongs to.
pub fn close(stream: OutputStream, body: OutgoingBody) {
    // The stream is the body's child and has to go first.
    drop(stream);
    OutgoingBody::finish(body, None).expect("the body is as long as announced");
}
