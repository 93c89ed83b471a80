//! What reads and writes bodies.

use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// How much is written or read at once.
const CHUNK_BYTES: u64 = 64 * 1024;

/// Announces 100 bytes, writes 10 and ends the body.
pub fn half(out: ResponseOutparam) {
    let headers = Fields::new();
    headers.set("content-length", &[b"100".to_vec()]).expect("a new response may have a length");
    let (stream, body) = reply::open(out, headers);
    reply::write(&stream, b"0123456789");
    drop(stream);
    // The host may refuse to end a body that is too short; either is an end.
    let _ = OutgoingBody::finish(body, None);
}

/// Answers 204 and leaves the body open, as if there were one.
pub fn no_content(out: ResponseOutparam) -> OutgoingBody {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(204).expect("204 is a status");
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(out, Ok(response));
    body
}

/// Answers, and answers again by a right that the first answer used up.
pub fn twice(out: ResponseOutparam) {
    let handle = out.handle();
    ResponseOutparam::set(out, Ok(OutgoingResponse::new(Fields::new())));
    // SAFETY: none is claimed; the host has to notice that the handle is gone.
    let again = unsafe { ResponseOutparam::from_handle(handle) };
    ResponseOutparam::set(again, Ok(OutgoingResponse::new(Fields::new())));
}

/// Begins an answer of no announced length.
pub fn begin(out: ResponseOutparam) -> (OutputStream, OutgoingBody) {
    let (stream, body) = reply::open(out, Fields::new());
    reply::write(&stream, b"0123456789");
    (stream, body)
}

/// Answers with `bytes` bytes.
pub fn big(out: ResponseOutparam, bytes: u64) {
    let (stream, body) = reply::open(out, Fields::new());
    let chunk = vec![b'x'; CHUNK_BYTES as usize];
    let mut left = bytes;
    while left > 0 {
        let take = left.min(CHUNK_BYTES);
        write_chunk(&stream, &chunk[..take as usize]);
        left -= take;
    }
    reply::close(stream, body);
}

/// Reads all of the request's body and answers how many bytes it has.
pub fn count(request: &IncomingRequest, out: ResponseOutparam) {
    let mut bytes = 0;
    each_chunk(request, |chunk| bytes += chunk.len());
    reply::text(out, &bytes.to_string());
}

/// Sends the request's body back, each chunk as it comes.
pub fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let (stream, body) = reply::open(out, Fields::new());
    each_chunk(request, |chunk| write_chunk(&stream, chunk));
    reply::close(stream, body);
}

/// Sends the request's trailers back, once its body has come to its end.
pub fn trailers(request: &IncomingRequest, out: ResponseOutparam) {
    let body = request.consume().expect("the body is taken once");
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    let received = trailers.get().expect("they are ready").expect("they are taken once");
    let received = received.expect("the body is whole");
    let headers = Fields::new();
    let names = [b"x-sum".to_vec()];
    headers.set("trailer", &names).expect("a new response may announce trailers");
    let (stream, body) = reply::open(out, headers);
    drop(stream);
    OutgoingBody::finish(body, received).expect("an empty body may have trailers");
}

/// Answers the request's headers, one a line.
pub fn headers(request: &IncomingRequest, out: ResponseOutparam) {
    let lines: String = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(&value)))
        .collect();
    reply::text(out, &lines);
}

/// Calls `take` with each chunk of the request's body.
fn each_chunk(request: &IncomingRequest, mut take: impl FnMut(&[u8])) {
    let body: IncomingBody = request.consume().expect("the body is taken once");
    let stream: InputStream = body.stream().expect("the stream is taken once");
    loop {
        match stream.blocking_read(CHUNK_BYTES) {
            Ok(chunk) => take(&chunk),
            Err(StreamError::Closed) => return,
            Err(StreamError::LastOperationFailed(error)) => {
                panic!("the body broke off: {}", error.to_debug_string())
            }
        }
    }
}

/// Writes `chunk` in as few pieces as the stream permits, and flushes it.
fn write_chunk(stream: &OutputStream, chunk: &[u8]) {
    let writable = stream.subscribe();
    let mut rest = chunk;
    while !rest.is_empty() {
        writable.block();
        let permitted = stream.check_write().expect("the body is open") as usize;
        let (piece, later) = rest.split_at(permitted.min(rest.len()));
        stream.write(piece).expect("as much was permitted");
        rest = later;
    }
    stream.flush().expect("the body is open");
    writable.block();
}
