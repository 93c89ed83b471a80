//! Whether a component of WASI 0.3 is told what became of its answer.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    sync::mpsc,
    thread,
    time::Duration,
};

use keyway_testing::RunningApp;

/// Longer than a component takes to say what it is told.
const PATIENCE: Duration = Duration::from_secs(60);

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

#[test]
fn a_component_is_told_that_its_answer_was_sent() {
    let (server, noted) = witness();
    for instances in [ALONE, SHARED[0], SHARED[1]] {
        let keyway = up(server, instances);
        let answer = keyway.get(&format!("/after/{server}"));
        assert_eq!((answer.status, answer.body.len()), (200, 4096));
        let told = noted.recv_timeout(PATIENCE);
        assert_eq!(told.as_deref(), Ok("/sent"), "{instances}");
        // There is nothing to send but the head.
        let head = keyway.request("HEAD", &format!("/after/{server}"), "", b"");
        assert_eq!(head.status, 200, "{head:?}");
        let told = noted.recv_timeout(PATIENCE);
        assert_eq!(told.as_deref(), Ok("/sent"), "HEAD, {instances}");
    }
}

#[test]
fn a_component_that_others_share_is_told_that_its_answer_was_not_sent() {
    let (server, noted) = witness();
    for instances in SHARED {
        let keyway = up(server, instances);
        let mut sent = keyway.send(&format!("/endless/{server}"));
        sent.wait_for("....");
        drop(sent);
        let told = noted.recv_timeout(PATIENCE);
        assert_eq!(told.as_deref(), Ok("/lost"), "{instances}");
    }
}
