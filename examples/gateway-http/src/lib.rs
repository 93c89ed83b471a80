//! Reads a request's body and writes an answer over `wasi:http`. Knows no routes: those are the
//! examples' own.

use std::fmt;

use serde_json::{Value, json};
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

/// The most that `wasi:io` lets a guest write in one blocking call.
const MAX_WRITE_BYTES: usize = 4096;

/// The most that is asked for at once.
const MAX_READ_BYTES: usize = 64 * 1024;

/// Why a request's body cannot be worked with.
#[derive(Debug)]
pub enum BodyError {
    /// It is larger than this many KiB.
    TooLarge(usize),
    /// It was to be text.
    NotUtf8,
    /// The client broke it off.
    Broken,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(kib) => write!(f, "The body is larger than {kib} KiB."),
            Self::NotUtf8 => f.write_str("The body is not UTF-8 text."),
            Self::Broken => f.write_str("The body broke off before its end."),
        }
    }
}

impl From<BodyError> for Answer {
    fn from(error: BodyError) -> Self {
        let status = if matches!(error, BodyError::TooLarge(_)) { 413 } else { 400 };
        Self::error(status, &error.to_string())
    }
}

/// Reads the whole body, of at most `max_kib` KiB, as text.
///
/// # Errors
/// If it is larger, or no text.
pub fn text(request: IncomingRequest, max_kib: usize) -> Result<String, BodyError> {
    String::from_utf8(bytes(request, max_kib)?).map_err(|_| BodyError::NotUtf8)
}

/// Reads the whole body, of at most `max_kib` KiB.
///
/// # Errors
/// If it is larger.
pub fn bytes(request: IncomingRequest, max_kib: usize) -> Result<Vec<u8>, BodyError> {
    let body = request.consume().map_err(|()| BodyError::Broken)?;
    read(&body, max_kib)
}

fn read(body: &IncomingBody, max_kib: usize) -> Result<Vec<u8>, BodyError> {
    let stream = body.stream().map_err(|()| BodyError::Broken)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(MAX_READ_BYTES as u64) {
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(BodyError::Broken),
        }
        if bytes.len() > max_kib * 1024 {
            return Err(BodyError::TooLarge(max_kib));
        }
    }
}

/// A response that is complete before its first byte is sent.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// A body of any type.
    pub fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![
            ("content-type", content_type.to_owned()),
            ("content-length", body.len().to_string()),
        ];
        Self { status, headers, body }
    }

    /// A value of JSON, in a line.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::new(status, "application/json", format!("{value}\n").into_bytes())
    }

    /// `{"error": "…"}`.
    pub fn error(status: u16, error: &str) -> Self {
        Self::json(status, &json!({ "error": error }))
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends it.
    ///
    /// # Panics
    /// If a header or the status is none that HTTP allows.
    pub fn send(self, out: ResponseOutparam) {
        let fields = Fields::new();
        for (name, value) in &self.headers {
            fields
                .append(name, value.as_bytes())
                .expect("our own header names and values are valid");
        }
        let response = OutgoingResponse::new(fields);
        response.set_status_code(self.status).expect("our own statuses are valid");
        let body = response.body().expect("a response's body is taken once");
        ResponseOutparam::set(out, Ok(response));
        // A client that has disconnected is not the gateway's error, and no one is left to tell.
        if write(&body, &self.body).is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().expect("a body's stream is taken once");
    bytes.chunks(MAX_WRITE_BYTES).try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}
