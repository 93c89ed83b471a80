//! What components open leaves file descriptors to the host.

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::{SocketAddr, TcpListener},
    thread,
};

use keyway_testing::{Keyway, RunningApp, app};

/// So few that components could easily have them all.
const DESCRIPTORS: u32 = 256;

/// `reach` with `grant`, and `hello`, in a process that may have few descriptors.
fn with_few(grant: &str) -> RunningApp {
    let folder = app(&format!(
        r#"
        [app]
        name = "few"
        [component.reach]
        source = "{{guest:reach}}"
        {grant}
        [component.hello]
        source = "{{guest:hello}}"
        [[trigger.http]]
        route = "/"
        component = "reach"
        [[trigger.http]]
        route = "/hello"
        component = "hello"
    "#
    ));
    RunningApp { keyway: Keyway::up_with_descriptors(folder.path(), DESCRIPTORS), folder }
}

/// Asserts that new clients are answered, and that nothing of the host's failed.
fn serves(keyway: &Keyway) {
    for _ in 0..8 {
        assert_eq!(keyway.get("/hello").status, 200);
    }
    assert!(!keyway.stderr().contains("Too many open files"), "{}", keyway.stderr());
}

#[test]
fn sockets_of_components_keep_no_client_out() {
    let keyway = with_few("grant.tcp = [\"127.0.0.1:9\"]");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..4 {
                    // A quarter of all is what one instance may hold; these are kept for a second.
                    keyway.get("/sockets?count=50");
                }
            });
        }
        keyway.wait_for_stderr("`ulimit -n` raises that");
        serves(&keyway);
    });
}

/// A server at all addresses of this machine that keeps its connections.
fn keeping() -> SocketAddr {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                // Requests are small enough to come whole.
                while stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0)
                    && stream.write_all(answer).is_ok()
                {}
            });
        }
    });
    address
}

#[test]
fn connections_that_are_kept_make_room_for_others() {
    let port = keeping().port();
    let servers: Vec<_> = (1..=250).map(|number| format!("127.0.0.{number}:{port}")).collect();
    let mut granted = String::new();
    for server in &servers {
        write!(granted, "\"http://{server}\",").expect("text takes all");
    }
    let keyway = with_few(&format!("grant.http = [{granted}]"));
    for server in &servers {
        let answer = keyway.get(&format!("/http?url=http://{server}/")).body;
        assert_eq!(answer, "200", "{server}: {}", keyway.stderr());
    }
    serves(&keyway);
}
