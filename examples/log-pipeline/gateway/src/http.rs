//! Reads a request's body and writes an answer over `wasi:http`. Knows no routes.

use std::fmt;

use serde_json::{Value, json};
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

/// The largest body that is taken.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The most that `wasi:io` lets a guest write in one blocking call.
const MAX_WRITE_BYTES: usize = 4096;

/// Why a request's body is no text to work with.
#[derive(Debug)]
pub enum BodyError {
    TooLarge,
    NotUtf8,
    Broken,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "The body is larger than 64 KiB.",
            Self::NotUtf8 => "The body is not UTF-8 text.",
            Self::Broken => "The body broke off before its end.",
        })
    }
}

/// Reads the whole body as text.
pub fn text(request: IncomingRequest) -> Result<String, BodyError> {
    let body = request.consume().map_err(|()| BodyError::Broken)?;
    let bytes = read(&body)?;
    String::from_utf8(bytes).map_err(|_| BodyError::NotUtf8)
}

fn read(body: &IncomingBody) -> Result<Vec<u8>, BodyError> {
    let stream = body.stream().map_err(|()| BodyError::Broken)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(MAX_BODY_BYTES as u64) {
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(BodyError::Broken),
        }
        if bytes.len() > MAX_BODY_BYTES {
            return Err(BodyError::TooLarge);
        }
    }
}

/// A response that is complete before its first byte is sent.
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    pub fn json(status: u16, value: &Value) -> Self {
        let body = format!("{value}\n");
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("content-length", body.len().to_string()),
        ];
        Self { status, headers, body }
    }

    /// `{"error": "…"}`.
    pub fn error(status: u16, error: &str) -> Self {
        Self::json(status, &json!({ "error": error }))
    }

    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

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
        // A client that has gone away is no fault of the gateway: there is nobody left to tell.
        if write(&body, self.body.as_bytes()).is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().expect("a body's stream is taken once");
    bytes.chunks(MAX_WRITE_BYTES).try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}
