//! Clients: a raw one that sends any bytes, and hyper's over both versions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::served::LONG;

/// A connection that sends given bytes.
pub(crate) struct Raw(BufReader<TcpStream>);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head[9..12].parse().expect("a status line")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let of_name =
            |line: &&str| line.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name));
        let line = self.head.lines().skip(1).find(of_name)?;
        Some(line[name.len() + 1..].trim())
    }
}

impl Raw {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(LONG)).expect("a timeout can be set");
        Raw(BufReader::new(stream))
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_ref()).expect("the connection is open");
        self
    }

    /// `GET` of a path.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).answer()
    }

    /// Reads the head of an answer.
    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.0.read_line(&mut head).expect("an answer");
            assert_ne!(read, 0, "the connection ended after: {head:?}");
        }
        head
    }

    /// Reads an answer with a `Content-Length`.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = Answer { head: self.head(), body: String::new() };
        let length =
            answer.header("content-length").map_or(0, |text| text.parse().expect("a number"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        answer.body = String::from_utf8(body).expect("text");
        answer
    }

    /// Reads so many bytes.
    pub(crate) fn exactly(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).expect("so many come");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads until the server closes.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("the connection closes in order");
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Reads until the connection ends, in order or not.
    pub(crate) fn until_end(&mut self) -> String {
        let mut rest = Vec::new();
        let end = self.0.read_to_end(&mut rest);
        let too_late = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(!end.as_ref().is_err_and(too_late), "the connection stays open");
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// Sends `bytes` on a connection of their own and reads until the server closes it.
pub(crate) fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    Raw::to(address).send(bytes).rest()
}

/// hyper's client of HTTP/1.1.
pub(crate) async fn http1<B>(address: SocketAddr) -> http1::SendRequest<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    sender
}

/// hyper's client of HTTP/2, which says so beforehand.
pub(crate) async fn http2<B>(address: SocketAddr) -> http2::SendRequest<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    sender
}

/// No body.
pub(crate) fn empty() -> Full<Bytes> {
    Full::default()
}
