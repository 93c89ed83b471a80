//! Bodies of any length pass through a component, and memory does not grow with them.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use keyway_testing::{Keyway, guest};

const GIBIBYTE: u64 = 1 << 30;

/// What a body may cost the host at most: buffers of sockets and streams, nothing of its length.
const BUFFERS_KILOBYTES: u64 = 64 << 10;

/// The most memory that the process ever held (`VmHWM`).
fn peak_kilobytes(keyway: &Keyway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", keyway.pid())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes.expect("the kernel tells the peak")
}

/// Sends the head of a request and hands out the connection.
fn begin(keyway: &Keyway, line: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(keyway.address()).expect("it accepts");
    write!(stream, "{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")
        .expect("the head is taken");
    stream
}

#[test]
fn a_gibibyte_is_uploaded_at_constant_memory() {
    let keyway = Keyway::up(guest("misbehave"));
    let before = peak_kilobytes(&keyway);
    let length = format!("Content-Length: {GIBIBYTE}\r\n");
    let mut stream = begin(&keyway, "POST /count-body", &length);
    let block = vec![b'x'; 1 << 20];
    for _ in 0..GIBIBYTE >> 20 {
        stream.write_all(&block).expect("the body is taken");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains(&GIBIBYTE.to_string()), "{answer}");
    assert!(peak_kilobytes(&keyway) < before + BUFFERS_KILOBYTES);
}

#[test]
fn a_gibibyte_is_downloaded_at_constant_memory() {
    let keyway = Keyway::up(guest("misbehave"));
    let before = peak_kilobytes(&keyway);
    let stream = begin(&keyway, &format!("GET /big?bytes={GIBIBYTE}"), "");
    let mut reader = BufReader::with_capacity(1 << 20, stream);
    let mut line = String::new();
    while reader.read_line(&mut line).expect("the head") > 2 {}
    let mut received = 0;
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).expect("a chunk's size");
        let size = u64::from_str_radix(size.trim(), 16).expect("a chunk's size is a number");
        if size == 0 {
            break;
        }
        let chunk = std::io::copy(&mut reader.by_ref().take(size + 2), &mut std::io::sink());
        assert_eq!(chunk.expect("a chunk"), size + 2);
        received += size;
    }
    assert_eq!(received, GIBIBYTE);
    assert!(peak_kilobytes(&keyway) < before + BUFFERS_KILOBYTES);
}

#[test]
fn a_client_that_reads_nothing_holds_up_its_component_only() {
    let keyway = Keyway::up(guest("misbehave"));
    let before = peak_kilobytes(&keyway);
    // Nobody reads these; each is stopped by the full buffers between it and its client.
    let unread: Vec<_> =
        (0..16).map(|_| begin(&keyway, &format!("GET /big?bytes={GIBIBYTE}"), "")).collect();
    for _ in 0..100 {
        assert_eq!(keyway.get("/").body, "ok");
    }
    assert!(peak_kilobytes(&keyway) < before + 16 * (4 << 10) + BUFFERS_KILOBYTES);
    drop(unread);
}
