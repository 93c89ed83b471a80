//! The server that `wasi:http` is held to: it answers each path in a way of its own, right or
//! wrong.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// Starts it on a free port, for as long as the test's process runs.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // One that fails is its client's to notice.
            thread::spawn(move || drop(answer(stream)));
        }
    });
    address
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    match path.split('?').next().unwrap_or_default() {
        "/length" => stream.write_all(
            b"HTTP/1.1 200 OK\r\nx-own: 1\r\nconnection: close\r\ncontent-length: 5\r\n\r\nsized",
        ),
        "/chunks" => chunks(&mut stream, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        "/trailers" => {
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntrailer: x-end\r\n";
            let body = "transfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\nx-end: yes\r\n\r\n";
            stream.write_all(format!("{head}{body}").as_bytes())
        }
        "/empty" => stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"),
        "/status" => {
            stream.write_all(b"HTTP/1.1 499 Odd\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        }
        "/short" => stream
            .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 50\r\n\r\npart"),
        "/short-chunks" => chunks(&mut stream, "3\r\none\r\n5\r\ntw"),
        "/close" => Ok(()),
        "/garbage" => stream.write_all(b"this is no HTTP at all\r\n\r\n"),
        "/large-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            (0..100_000).try_for_each(|n| stream.write_all(format!("x-{n}: {n}\r\n").as_bytes()))
        }
        "/never" => wait(&mut stream),
        "/head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n")?;
            wait(&mut stream)
        }
        "/stalls" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\npart")?;
            wait(&mut stream)
        }
        _ => echo(&mut stream, &mut reader, &head),
    }
}

fn chunks(stream: &mut TcpStream, chunks: &str) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(format!("{head}{chunks}").as_bytes())
}

/// Until the client is gone.
fn wait(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.read(&mut [0]).map(drop)
}

/// What was sent, with its lines ended as text has them.
fn echo(
    stream: &mut TcpStream,
    reader: &mut BufReader<TcpStream>,
    head: &str,
) -> std::io::Result<()> {
    let lower = head.to_lowercase();
    let mut body = Vec::new();
    if let Some((_, rest)) = lower.split_once("content-length: ") {
        let length = rest.lines().next().and_then(|length| length.parse().ok()).unwrap_or(0);
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    } else if lower.contains("transfer-encoding: chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            if length == 0 {
                break;
            }
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..length]);
        }
        trailers(reader, &mut body)?;
    }
    let mut said = head.replace("\r\n", "\n").into_bytes();
    said.extend(body);
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
    stream.write_all(format!("{head}{}\r\n\r\n", said.len()).as_bytes())?;
    stream.write_all(&said)
}

/// Adds what follows the last chunk, up to an empty line.
fn trailers(reader: &mut BufReader<TcpStream>, said: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            return Ok(());
        }
        said.extend_from_slice(line.replace("\r\n", "\n").as_bytes());
    }
}
