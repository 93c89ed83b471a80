//! What a component reaches is what it was granted, even when it is fused with another.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    thread,
    time::Duration,
};

use keyway_testing::{Keyway, RunningApp, finish, guest, server::Port};

/// A server that answers every connection with 200, at a free port.
fn origin() -> SocketAddr {
    slow_origin(Duration::ZERO)
}

/// The same, which takes its time to answer, and none to connect.
fn slow_origin(delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                let mut buffer = [0; 4096];
                // A probe that only connects sends nothing.
                if stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {
                    thread::sleep(delay);
                    // It closes, and says so: else the next request may come by this connection.
                    let answer =
                        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                    let _ = stream.write_all(answer);
                }
            });
        }
    });
    address
}

/// `reach-front` fused with `reach-inner`, each with grants of its own.
fn fused(front: &str, inner: &str) -> RunningApp {
    RunningApp::up(&format!(
        r#"
        [app]
        name = "reach"
        [component.reach-front]
        source = "{{guest:reach-front}}"
        link."test:reach/reach" = "reach-inner"
        {front}
        [component.reach-inner]
        source = "{{guest:reach-inner}}"
        {inner}
        [[trigger.http]]
        route = "/"
        component = "reach-front"
    "#
    ))
}

fn alone(grant: &str) -> RunningApp {
    RunningApp::up(&format!(
        r#"
        [app]
        name = "reach"
        [component.reach]
        source = "{{guest:reach}}"
        {grant}
        [[trigger.http]]
        route = "/"
        component = "reach"
    "#
    ))
}

#[test]
fn without_grants_nothing_is_reached() {
    let origin = origin();
    let keyway = alone("");
    let body = |path: &str| keyway.get(path).body;
    let url = format!("/http?url=http://{origin}/");
    assert!(body(&url).contains("HttpRequestDenied"), "{}", body(&url));
    keyway.wait_for_stderr(&format!("component.reach.grant.http = [\"http://{origin}\"]"));
    assert_eq!(body("/env"), "");
    assert_eq!(body("/preopens"), "");
    for path in [format!("/tcp?addr={origin}"), format!("/udp?addr={origin}")] {
        assert!(body(&path).contains("access-denied"), "{path}: {}", body(&path));
    }
    assert!(body("/listen?addr=127.0.0.1:0").contains("access-denied"));
    assert!(!body("/resolve?name=localhost").contains("127.0.0.1"));
    keyway.wait_for_stderr("component.reach.grant.tcp = [\"ADDRESS:PORT\"]");
    keyway.wait_for_stderr("component.reach.grant.udp = [\"ADDRESS:PORT\"]");
    assert!(body(&url).contains("HttpRequestDenied"));
    let stderr = keyway.stderr();
    assert_eq!(stderr.matches("grant.http").count(), 1, "told once:\n{stderr}");
}

#[test]
fn http_is_granted_to_one_of_two_fused_components() {
    let origin = origin();
    let url = format!("http?url=http://{origin}/");
    let grant = format!("grant.http = [\"http://{origin}\"]");
    let keyway = fused(&grant, "");
    let body = |path: &str| keyway.get(path).body;
    assert_eq!(body(&format!("/own/{url}")), "200");
    assert!(body(&format!("/inner/{url}")).contains("HttpRequestDenied"));
    let keyway = fused("", &grant);
    let body = |path: &str| keyway.get(path).body;
    assert!(body(&format!("/own/{url}")).contains("HttpRequestDenied"));
    assert_eq!(body(&format!("/inner/{url}")), "200");
}

#[test]
fn environment_arguments_and_folders_are_apart_in_one_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("note"), "from the host").expect("written");
    let files = |access: &str| {
        format!(
            "grant.files = [{{ host = \"{}\", guest = \"/data\", access = \"{access}\" }}]",
            folder.path().display()
        )
    };
    let front = format!("grant.env = {{ WHO = \"front\" }}\n{}", files("read"));
    let keyway = fused(&front, "grant.env = { WHO = \"inner\" }");
    let body = |path: &str| keyway.get(path).body;
    assert_eq!(body("/own/env").trim(), "WHO=front");
    assert_eq!(body("/inner/env").trim(), "WHO=inner");
    assert_eq!(body("/own/read?path=/data/note"), "from the host");
    assert_ne!(body("/inner/read?path=/data/note"), "from the host");
    assert_ne!(body("/own/write?path=/data/note"), "written");
    let keyway = fused("", &files("read-write"));
    assert_eq!(keyway.get("/inner/write?path=/data/new").body, "written");
    assert!(folder.path().join("new").is_file());
}

#[test]
fn a_folder_is_not_left() {
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret"), "secret").expect("written");
    let folder = outside.path().join("granted");
    std::fs::create_dir(&folder).expect("made");
    std::os::unix::fs::symlink(outside.path(), folder.join("up")).expect("linked");
    std::os::unix::fs::symlink("/etc", folder.join("etc")).expect("linked");
    let grant = format!(
        "grant.files = [{{ host = \"{}\", guest = \"/data\", access = \"read-write\" }}]",
        folder.display()
    );
    let keyway = alone(&grant);
    for path in ["/data/../secret", "/data/up/secret", "/etc/hostname", "/data/etc/hostname"] {
        let body = keyway.get(&format!("/read?path={path}")).body;
        assert!(!body.contains("secret") || body.contains("error"), "{path}: {body}");
        let host = std::fs::read_to_string("/etc/hostname").unwrap_or("none".into());
        assert_ne!(body, host, "{path}");
    }
}

#[test]
fn asking_for_folders_without_a_grant_is_told_once_to_who_wants_to_know() {
    let keyway =
        Keyway::up_where(guest("reach"), &[], &[("KEYWAY_LOG", "warn,keyway_runtime=info")]);
    for _ in 0..2 {
        // There is no folder in which the file could be looked for. What that is called depends on the
        // release of Rust's library.
        let error = keyway.get("/read?path=/etc/hostname").body;
        assert!(["NotFound", "Uncategorized"].contains(&error.as_str()), "{error}");
    }
    keyway.wait_for_stderr("to grant one, add the flag: --dir FOLDER::/FOLDER");
    assert_eq!(keyway.get("/tcp?addr=127.0.0.1:9").body, "access-denied");
    keyway.wait_for_stderr("TCP is not granted; to grant it, add the flag: --net ADDRESS:PORT");
    assert_eq!(keyway.stderr().matches("--dir").count(), 1);
}

#[test]
fn a_folder_within_another_cannot_be_led_elsewhere() {
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret"), "secret").expect("written");
    let inner = outside.path().join("granted/inner");
    std::fs::create_dir_all(&inner).expect("made");
    let outer = outside.path().join("granted");
    let app = alone(&format!(
        r#"grant.files = [
            {{ host = "{}", guest = "/data", access = "read-write" }},
            {{ host = "{}", guest = "/inner", access = "read" }},
        ]"#,
        outer.display(),
        inner.display()
    ));
    let body = |path: &str| app.get(path).body;
    assert_eq!(body("/relink?name=inner&target=.."), "linked");
    assert!(inner.join("secret").is_file(), "the link leads outside");
    assert_eq!(body("/read?path=/inner/secret"), "NotFound");
    // The next start would follow the link.
    let checked = finish(["check", &app.folder.path().display().to_string()]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let said = checked.stderr.replace('│', "");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("which `reach` can change"), "{said}");
}

#[test]
fn sockets_are_granted_by_address_and_port() {
    let (origin, other) = (origin(), origin());
    let keyway = alone(&format!("grant.tcp = [\"{origin}\"]"));
    let body = |path: &str| keyway.get(path).body;
    assert_eq!(body(&format!("/tcp?addr={origin}")), "connected");
    assert!(body(&format!("/tcp?addr={other}")).contains("access-denied"));
    keyway.wait_for_stderr(&format!("component.reach.grant.tcp = [\"{other}\"]"));
    assert!(body("/listen?addr=127.0.0.1:0").contains("access-denied"));
}

#[test]
fn sockets_are_made_for_those_who_may_use_them() {
    let keyway = alone("");
    assert_eq!(keyway.get("/sockets?count=2000").body, "0");
    // Another protocol's grant is none.
    let keyway = alone("grant.udp = [\"127.0.0.1:9\"]");
    assert_eq!(keyway.get("/sockets?count=2000").body, "0");
    let keyway = alone("grant.tcp = [\"127.0.0.1:9\"]");
    assert_eq!(keyway.get("/sockets?count=2").body, "2");
}

#[test]
fn a_name_does_not_lead_to_an_address_that_is_not_public() {
    let origin = origin();
    let port = origin.port();
    // The name is granted, but nothing says that it may be this machine.
    let keyway = alone(&format!("grant.http = [\"http://*.localhost:{port}\"]"));
    let denied = keyway.get(&format!("/http?url=http://x.localhost:{port}/")).body;
    assert_ne!(denied, "200");
    let keyway = alone(&format!("grant.http = [\"http://localhost:{port}\"]"));
    let allowed = keyway.get(&format!("/http?url=http://localhost:{port}/")).body;
    assert_eq!(allowed, "200");
}

#[test]
fn time_to_connect_and_time_to_the_first_byte_are_apart() {
    let origin = slow_origin(Duration::from_secs(2));
    let keyway = alone(&format!("grant.http = [\"http://{origin}\"]"));
    let ask = |times: &str| keyway.get(&format!("/http?url=http://{origin}/&{times}")).body;
    assert_eq!(ask("connect=1000"), "200", "an answer may take longer than connecting");
    assert!(ask("first-byte=500").contains("ConnectionReadTimeout"));
    assert!(ask("connect=60000&first-byte=500").contains("ConnectionReadTimeout"));
    assert_eq!(ask("connect=1000&first-byte=20000"), "200");
}

/// A server that refuses every handshake with an alert, `handshake_failure` (RFC 8446, section 6).
fn alerting() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 16384];
            // Whoever hangs up has seen it.
            if stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0)
                && stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).is_ok()
            {
                let _ = stream.read(&mut buffer);
            }
        }
    });
    address
}

#[test]
fn failures_of_tls_are_told_apart() {
    // Nobody vouches for this server.
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let cert = file("cert.pem", made.cert.pem());
    let key = file("key.pem", made.signing_key.serialize_pem());
    let server = Keyway::up_with(guest("hello"), &["--tls-cert", &cert, "--tls-key", &key]);
    for (port, expected) in
        [(server.address().port(), "TlsCertificateError"), (alerting().port(), "TlsAlertReceived")]
    {
        let grant = format!("grant.http = [\"https://localhost:{port}\"]");
        let keyway = alone(&grant);
        let of_0_2 = keyway.get(&format!("/http?url=https://localhost:{port}/")).body;
        assert!(of_0_2.contains(expected), "{expected}: {of_0_2}");
        let keyway =
            Keyway::up_with(guest("fetch-p3"), &["--http", &format!("https://localhost:{port}")]);
        let of_0_3 = keyway.get(&format!("/https/localhost:{port}")).body;
        assert!(of_0_3.contains(expected), "{expected}: {of_0_3}");
    }
}

#[test]
fn clocks_and_randomness_are_given_unless_taken_away() {
    let keyway = alone("");
    assert_eq!(keyway.get("/clock").status, 200);
    assert_eq!(keyway.get("/random").status, 200);
    let keyway = alone("grant.clocks = false\ngrant.random = false");
    assert_eq!(keyway.get("/clock").status, 500);
    keyway.wait_for_stderr("component.reach.grant.clocks = true");
    assert_eq!(keyway.get("/random").status, 500);
    keyway.wait_for_stderr("component.reach.grant.random = true");
}

#[test]
fn output_is_shown_with_the_name_of_the_component_that_wrote_it() {
    let keyway = fused("grant.stdout = true", "grant.stdout = true");
    assert_eq!(keyway.get("/own/stdout").status, 200);
    keyway.wait_for_stdout("reach-front: ");
    assert_eq!(keyway.get("/inner/stdout").status, 200);
    keyway.wait_for_stdout("reach-inner: ");
    let keyway = alone("");
    assert_eq!(keyway.get("/stdout").status, 200);
    keyway.wait_for_stderr("component.reach.grant.stdout = true");
}

#[test]
fn output_cannot_pass_itself_off_as_that_of_another() {
    let keyway = alone("grant.stdout = true");
    assert_eq!(keyway.get("/forge").status, 200);
    keyway.wait_for_stdout("reach: 1\\rother: forged");
    keyway.wait_for_stdout("reach: 2\\u{1b}[2K\\u{1b}[Gother: forged");
    keyway.wait_for_stdout("reach: 3\\u{9b}Gother:\tforged, dürch");
    assert!(!keyway.stdout().contains(['\r', '\u{1b}', '\u{9b}']));
}

#[test]
fn a_look_up_that_is_not_granted_is_refused_and_told_once() {
    let keyway = alone("");
    for _ in 0..3 {
        let answer = keyway.get("/resolve?name=localhost").body;
        assert!(answer.contains("access-denied"), "{answer}");
    }
    keyway.wait_for_stderr("component.reach.grant.tcp = [\"ADDRESS:PORT\"]");
    assert_eq!(keyway.stderr().matches("looking up a name").count(), 1);
}

/// What a component hears first that `ask` has bind a socket and tell `peer`: a stranger speaks
/// before the peer does.
fn heard_first(peer: &UdpSocket, ask: impl FnOnce() -> String + Send) -> String {
    thread::scope(|scope| {
        let asked = scope.spawn(ask);
        let (_, bound) = peer.recv_from(&mut [0; 16]).expect("the component tells where it is");
        let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        stranger.send_to(b"a stranger", bound).expect("it is sent");
        peer.send_to(b"the peer", bound).expect("it is sent");
        asked.join().expect("it is answered")
    })
}

#[test]
fn udp_is_heard_from_all_only_where_listening_is_granted() {
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    // A test that fails shall not wait for a component that told nothing.
    peer.set_read_timeout(Some(Duration::from_secs(60))).expect("it is set");
    let at = peer.local_addr().expect("an address");
    // One for each version: an instance may end after its answer.
    let ports = [(); 2].map(|()| Port::take());
    let granted = ports.each_ref().map(|port| format!("127.0.0.1:{port}"));
    let listen = granted.each_ref().map(|address| format!("{{ listen = \"{address}\" }}"));
    let udp = format!("grant.udp = [\"{at}\", {}]", listen.join(", "));
    let of_0_2 = alone(&udp);
    let of_0_3 = RunningApp::up(&format!(
        r#"
        [app]
        name = "hear"
        [component.hear]
        source = "{{guest:fetch-p3}}"
        {udp}
        [[trigger.http]]
        route = "/"
        component = "hear"
    "#
    ));
    for (locals, first) in [
        (["0.0.0.0:0"; 2], "the peer"),
        (["127.0.0.1:0"; 2], "the peer"),
        (granted.each_ref().map(String::as_str), "a stranger"),
    ] {
        let path = format!("/hear?addr={}&tell={at}", locals[0]);
        let heard = heard_first(&peer, || of_0_2.get(&path).body);
        assert_eq!(heard, first, "by WASI 0.2 at {}", locals[0]);
        let path = format!("/hear/{}/{at}", locals[1]);
        let heard = heard_first(&peer, || of_0_3.get(&path).body);
        assert_eq!(heard, first, "by WASI 0.3 at {}", locals[1]);
    }
}

#[test]
fn what_is_done_to_a_folder_beyond_its_grant_is_told_once() {
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret"), "secret").expect("written");
    let folder = outside.path().join("granted");
    std::fs::create_dir(&folder).expect("made");
    std::os::unix::fs::symlink("..", folder.join("up")).expect("linked");
    let keyway =
        alone(&format!("grant.files = [{{ host = \"{}\", guest = \"/data\" }}]", folder.display()));
    let body = |path: &str| keyway.get(path).body;
    for _ in 0..2 {
        assert_ne!(body("/write?path=/data/new"), "written");
        assert_ne!(body("/read?path=/data/up/secret"), "secret");
    }
    keyway.wait_for_stderr(
        "component.reach.grant.files = [{ host = \"FOLDER\", guest = \"/data\", \
         access = \"read-write\" }]",
    );
    keyway.wait_for_stderr("a path that leads out of its folders");
    assert_eq!(keyway.stderr().matches("read-write").count(), 1, "{}", keyway.stderr());
    assert_eq!(keyway.stderr().matches("leads out").count(), 1, "{}", keyway.stderr());
    let keyway =
        Keyway::up_with(guest("reach"), &["--dir", &format!("{}::/data:ro", folder.display())]);
    assert_ne!(keyway.get("/write?path=/data/new").body, "written");
    keyway.wait_for_stderr("add the flag: --dir FOLDER::/data");
}
