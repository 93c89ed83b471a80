//! Whether a component of WASI 0.3 is told what became of its answer.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use keyway_testing::{Keyway, app, get};
use tempfile::TempDir;

/// A server that notes which paths it is asked for.
fn witness() -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (note, noted) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("it is open"));
            while reader.read_line(&mut head).is_ok_and(|bytes| bytes > 2) {}
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            // Whoever asked may be gone, and the test may be over.
            let _ = stream.write_all(answer);
            let _ = note.send(path);
        }
    });
    (address, noted)
}

fn up(server: SocketAddr, instances: &str) -> RunningApp {
    RunningApp::up(&format!(
        r#"
        [app]
        name = "told"
        [component.fetch]
        source = "{{guest:fetch-p3}}"
        grant.http = ["http://{server}"]
        {instances}
        [[trigger.http]]
        route = "/"
        component = "fetch"
    "#
    ))
}

const ALONE: &str = "";
const SHARED: [&str; 2] =
    ["instances = { reuse = 10 }", "instances = { reuse = 10, concurrent = 2 }"];

fn send(keyway: &Keyway, method: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(keyway.address()).expect("it accepts");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it is taken");
    stream
}

#[test]
fn a_component_is_told_that_its_answer_was_sent() {
    let (server, noted) = witness();
    for instances in [ALONE, SHARED[0], SHARED[1]] {
        let keyway = up(server, instances);
        let answer = keyway.get(&format!("/after/{server}"));
        assert_eq!((answer.status, answer.body.len()), (200, 4096));
        let told = noted.recv_timeout(Duration::from_secs(30));
        assert_eq!(told.as_deref(), Ok("/sent"), "{instances}");
        // There is nothing to send but the head.
        let mut head = String::new();
        send(&keyway, "HEAD", &format!("/after/{server}"))
            .read_to_string(&mut head)
            .expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let told = noted.recv_timeout(Duration::from_secs(30));
        assert_eq!(told.as_deref(), Ok("/sent"), "HEAD, {instances}");
    }
}

#[test]
fn a_component_that_others_share_is_told_that_its_answer_was_not_sent() {
    let (server, noted) = witness();
    for instances in SHARED {
        let keyway = up(server, instances);
        let mut stream = send(&keyway, "GET", &format!("/endless/{server}"));
        let mut some = [0; 8192];
        stream.read_exact(&mut some).expect("it has begun");
        drop(stream);
        let told = noted.recv_timeout(Duration::from_secs(30));
        assert_eq!(told.as_deref(), Ok("/lost"), "{instances}");
    }
}
