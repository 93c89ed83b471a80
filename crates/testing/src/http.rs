//! HTTP/1.1 by hand: one request per connection, whatever the response, so that a test sees exactly
//! what arrived.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::wait::PATIENCE;

/// What a client of HTTP/2 begins with, and a `GET /` on its first stream: the preface, no
/// settings, and a head that ends the request (`:method: GET`, `:scheme: http` and `:path: /` of
/// the static table, and `:authority: a`).
pub const HTTP2_GET: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\0\x04\0\0\0\0\0\
    \0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a";

/// Reads until `text` has come, and returns all that came.
///
/// # Panics
/// If the end comes first.
pub fn read_until(stream: &mut impl Read, text: &str) -> String {
    let mut read = Vec::new();
    read_more(stream, &mut read, text);
    String::from_utf8_lossy(&read).into_owned()
}

/// Adds to what was `read`, until `text` is in it.
fn read_more(stream: &mut impl Read, read: &mut Vec<u8>, text: &str) {
    let mut piece = [0; 4096];
    while split(read, text.as_bytes()).is_none() {
        let count = stream.read(&mut piece).expect("more comes");
        assert!(count > 0, "the end came before {text:?}: {}", String::from_utf8_lossy(read));
        read.extend_from_slice(&piece[..count]);
    }
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status; 0 if the connection was closed without an answer.
    pub status: u16,
    /// The head without its first line.
    pub head: String,
    /// The body, with its chunks put together; what there is of it, if it broke off.
    pub body: String,
    /// Whether the body came to its end.
    pub complete: bool,
}

impl Answer {
    /// Its body, after its status if that is not 200.
    pub fn text(&self) -> String {
        let Self { status, body, .. } = self;
        if *status == 200 { body.clone() } else { format!("{status}: {body}") }
    }

    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.trim())
    }
}

/// Sends a GET for `path`.
///
/// # Panics
/// If no answer comes.
pub fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, "", b"")
}

/// Sends a request with further header lines (each ended by `\r\n`) and a body.
///
/// # Panics
/// If no answer comes.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    let host = if headers.to_ascii_lowercase().contains("host:") {
        String::new()
    } else {
        format!("Host: {address}\r\n")
    };
    let length = body.len();
    let mut sent = send(
        address,
        format!(
            "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        ),
    );
    // A server may answer before it has read the body, and close.
    let _ = sent.stream.write_all(body);
    sent.answer()
}

/// Sends `bytes` as they are, and leaves the connection open.
///
/// # Panics
/// If nothing can be sent.
pub fn send(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Sent {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    stream.write_all(bytes.as_ref()).expect("it is taken");
    Sent { stream, read: Vec::new() }
}

/// A request, or a part of one, whose answer is read later. When this is dropped, its client has
/// gone.
#[derive(Debug)]
pub struct Sent {
    stream: TcpStream,
    /// What has been read of the answer.
    read: Vec<u8>,
}

impl Sent {
    /// Sends more.
    ///
    /// # Panics
    /// If the server takes no more.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it is taken");
    }

    /// Reads until `text` has come, and returns all that has.
    ///
    /// # Panics
    /// If the end comes first.
    pub fn wait_for(&mut self, text: &str) -> String {
        read_more(&mut self.stream, &mut self.read, text);
        String::from_utf8_lossy(&self.read).into_owned()
    }

    /// Whether anything has come that was not read yet, or the connection has ended.
    ///
    /// # Panics
    /// If that cannot be found out.
    pub fn is_answered(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a connection need not wait");
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("a connection may wait");
        peeked.map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock)
    }

    /// The answer, when it has come to its end.
    ///
    /// # Panics
    /// If what comes is no answer.
    pub fn answer(mut self) -> Answer {
        // A connection that is cut ends the answer where it is.
        let _ = self.stream.read_to_end(&mut self.read);
        parse(&self.read)
    }
}

fn parse(bytes: &[u8]) -> Answer {
    if bytes.is_empty() {
        return Answer { status: 0, head: String::new(), body: String::new(), complete: false };
    }
    let (head, body) = split(bytes, b"\r\n\r\n").unwrap_or((bytes, b""));
    let head = String::from_utf8_lossy(head);
    let (status, head) = head.split_once("\r\n").unwrap_or((&head, ""));
    let code = status.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = code.unwrap_or_else(|| panic!("this is no answer: {status:?}"));
    let lower = head.to_ascii_lowercase();
    let (body, complete) = if lower.contains("transfer-encoding: chunked") {
        chunks(body)
    } else {
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.trim().parse().ok());
        (body.to_owned(), length.is_none_or(|length: usize| length == body.len()))
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status, head: head.to_owned(), body, complete }
}

/// The bytes before and after `mark`.
fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

/// A chunk may end within a character, so that text is made of all of them together.
fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some((size, after)) = split(rest, b"\r\n") else { return (body, false) };
        let size = std::str::from_utf8(size).ok();
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        match size {
            None => return (body, false),
            Some(0) => return (body, true),
            Some(size) => {
                body.extend_from_slice(&after[..size.min(after.len())]);
                let Some(next) = after.get(size..) else { return (body, false) };
                rest = next.strip_prefix(b"\r\n").unwrap_or_default();
            }
        }
    }
}
