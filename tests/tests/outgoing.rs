//! What servers see of a component's requests, and how it gets on with servers that are difficult.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use keyway_testing::{Keyway, RunningApp, app};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A server that hands each connection to `serve`, with its number.
fn server(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream, number));
        }
    });
    address
}

/// The head of the next request; none where the client has closed.
fn head(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// A server that answers every request, and the head of the last one, in lower case.
fn noting() -> (SocketAddr, Arc<Mutex<String>>) {
    let last = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&last);
    let address = server(move |stream, _| {
        let mut stream = BufReader::new(stream);
        while let Some(head) = head(&mut stream) {
            *noted.lock().expect("nothing panics") = head.to_ascii_lowercase();
            stream.get_mut().write_all(ANSWER).expect("it is taken");
        }
    });
    (address, last)
}

/// An app that asks `origin` as its own requests say.
fn asking(origin: &str) -> RunningApp {
    asking_where("reach", origin, &[])
}

fn asking_where(guest: &str, origin: &str, environment: &[(&str, &str)]) -> RunningApp {
    let folder = app(&format!(
        r#"
        [app]
        name = "asking"
        [component.asks]
        source = "{{guest:{guest}}}"
        grant.http = ["{origin}"]
        [[trigger.http]]
        route = "/"
        component = "asks"
    "#
    ));
    RunningApp { keyway: Keyway::up_where(folder.path(), &[], environment), folder }
}

/// A certificate for `localhost`, in a file, and a server of HTTP/2 that has it. It closes each
/// connection at the second request, in order. What it sees goes to `seen`.
fn server_of_http_2(seen: &Arc<Mutex<Vec<String>>>) -> (tempfile::TempDir, SocketAddr) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("written");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they go together");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("it need not wait");
    let seen = Arc::clone(seen);
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        for number in 0.. {
            let (stream, _) = listener.accept().await.expect("a connection");
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.expect("a handshake");
                let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
                let mut is_first = true;
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let host = request.headers().get("host");
                    let line = format!("{number} {} {} {host:?}", request.method(), request.uri());
                    seen.lock().expect("nothing panics").push(line);
                    if is_first {
                        let answer = http::Response::new(());
                        respond.send_response(answer, true).expect("it is sent");
                    } else {
                        connection.abrupt_shutdown(h2::Reason::NO_ERROR);
                    }
                    is_first = false;
                }
            });
        }
    };
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(serve);
    });
    (folder, address)
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn an_idempotent_request_is_sent_again_where_a_kept_connection_is_closed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let address = {
        let seen = Arc::clone(&seen);
        // Each connection answers once, and is closed by the next request.
        server(move |stream, number| {
            let mut stream = BufReader::new(stream);
            for is_answered in [true, false] {
                let Some(head) = head(&mut stream) else { return };
                let method = head.split(' ').next().unwrap_or_default().to_owned();
                seen.lock().expect("nothing panics").push((number, method));
                if is_answered {
                    stream.get_mut().write_all(ANSWER).expect("it is taken");
                }
            }
        })
    };
    let keyway = asking(&format!("http://{address}"));
    let ask = |method: &str| {
        let path = format!("/http?method={method}&url=http://{address}/");
        keyway.get(&path).body
    };
    for method in ["GET", "GET", "PUT", "OPTIONS", "DELETE"] {
        assert_eq!(ask(method), "200", "{method}");
    }
    // There is no telling whether this one was read.
    let refused = ask("POST");
    assert!(refused.contains("ConnectionTerminated"), "{refused}");
    let seen = seen.lock().expect("nothing panics");
    let expected = [
        (0, "GET"),
        (0, "GET"),
        (1, "GET"),
        (1, "PUT"),
        (2, "PUT"),
        (2, "OPTIONS"),
        (3, "OPTIONS"),
        (3, "DELETE"),
        (4, "DELETE"),
        (4, "POST"),
    ];
    assert_eq!(*seen, expected.map(|(number, method)| (number, method.to_owned())));
}

#[test]
fn a_server_of_http_2_may_close_its_connections_and_is_told_its_authority_alone() {
    for (guest, path) in [("reach", "/http?url=https://"), ("fetch-p3", "/https/")] {
        let seen = Arc::default();
        let (folder, address) = server_of_http_2(&seen);
        let server = format!("localhost:{}", address.port());
        let certificate = folder.path().join("cert.pem").display().to_string();
        let environment = [("SSL_CERT_FILE", certificate.as_str())];
        let keyway = asking_where(guest, &format!("https://{server}"), &environment);
        for _ in 0..3 {
            let answer = keyway.get(&format!("{path}{server}")).body;
            assert_eq!(answer, "200", "{guest}: {}", keyway.stderr());
        }
        let line = |number| format!("{number} GET https://{server}/ None");
        let expected = [0, 0, 1, 1, 2].map(line);
        assert_eq!(*seen.lock().expect("nothing panics"), expected, "{guest}");
    }
}

#[test]
fn a_request_that_a_fresh_connection_fails_is_not_sent_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let address = {
        let count = Arc::clone(&count);
        server(move |stream, _| {
            head(&mut BufReader::new(stream)).expect("a request");
            count.fetch_add(1, SeqCst);
        })
    };
    let keyway = asking(&format!("http://{address}"));
    let refused = keyway.get(&format!("/http?url=http://{address}/")).body;
    assert!(refused.contains("ConnectionTerminated"), "{refused}");
    assert_eq!(count.load(SeqCst), 1);
}

#[test]
fn a_server_of_http_1_is_told_its_host_once() {
    let (address, seen) = noting();
    let keyway = asking(&format!("http://{address}"));
    for url in [format!("http://{address}/a?b"), format!("http://user:secret@{address}/a?b")] {
        assert_eq!(keyway.get(&format!("/http?url={url}")).body, "200");
        let head = seen.lock().expect("nothing panics");
        assert!(head.starts_with("get /a?b http/1.1\r\n"), "{head}");
        assert_eq!(head.matches(&format!("\r\nhost: {address}\r\n")).count(), 1, "{head}");
        assert_eq!(head.matches("host:").count(), 1, "{head}");
    }
}

#[test]
fn a_server_is_told_that_there_is_no_body_where_it_may_expect_one() {
    let (address, seen) = noting();
    let keyway = asking(&format!("http://{address}"));
    for (method, is_told) in [("POST", true), ("PUT", true), ("GET", false)] {
        let path = format!("/http?method={method}&url=http://{address}/");
        assert_eq!(keyway.get(&path).body, "200");
        let head = seen.lock().expect("nothing panics");
        assert_eq!(head.contains("\r\ncontent-length: 0\r\n"), is_told, "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
}

#[test]
fn an_answer_may_have_many_fields() {
    let address = server(|stream, _| {
        let mut stream = BufReader::new(stream);
        head(&mut stream).expect("a request");
        let fields: String = (0..1000).map(|number| format!("x-{number}: {number}\r\n")).collect();
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        stream.get_mut().write_all(answer.as_bytes()).expect("it is taken");
    });
    let keyway = asking(&format!("http://{address}"));
    assert_eq!(keyway.get(&format!("/http?url=http://{address}/")).body, "200");
}
