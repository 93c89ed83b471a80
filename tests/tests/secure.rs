//! `keyway up --tls-cert FILE --tls-key FILE`: HTTPS, in the version that the client asks for.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use keyway_testing::{Keyway, app, finish, guest};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};

/// A certificate for `localhost` and its key, as files.
struct Identity {
    folder: tempfile::TempDir,
    root: CertificateDer<'static>,
}

impl Identity {
    fn new() -> Self {
        let names = ["localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("written");
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem())
            .expect("written");
        Self { folder, root: made.cert.der().clone() }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn serve(&self) -> Keyway {
        let (cert, key) = (self.file("cert.pem"), self.file("key.pem"));
        let arguments = ["--tls-cert", &cert, "--tls-key", &key, "--threads", "1"];
        Keyway::up_with(guest("hello"), &arguments)
    }

    /// A connection of a client that offers `alpn`; its handshake is not done yet.
    fn connect(
        &self,
        address: SocketAddr,
        alpn: &[&str],
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks all versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        StreamOwned::new(client, TcpStream::connect(address).expect("it accepts"))
    }
}

#[test]
fn http_1_1_is_spoken_to_clients_that_choose_it_or_nothing() {
    let identity = Identity::new();
    let keyway = identity.serve();
    for alpn in [&["http/1.1"][..], &[]] {
        let mut stream = identity.connect(keyway.address(), alpn);
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .expect("a handshake");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("Hello, world!"), "{answer}");
    }
}

#[test]
fn http_2_is_spoken_to_clients_that_choose_it() {
    let identity = Identity::new();
    let keyway = identity.serve();
    let mut stream = identity.connect(keyway.address(), &["h2", "http/1.1"]);
    stream.write_all(keyway_testing::HTTP2_GET).expect("a handshake");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    keyway_testing::read_until(&mut stream, "Hello, world!");
}

#[test]
fn a_slow_handshake_holds_nobody_up() {
    let identity = Identity::new();
    let keyway = identity.serve();
    // There is one thread. Some say nothing, and some stop in the middle of their first message.
    let slow: Vec<_> = (0..40)
        .map(|number| {
            let mut stream = TcpStream::connect(keyway.address()).expect("it accepts");
            if number % 2 == 0 {
                stream.write_all(b"\x16\x03\x01\x02\x00\x01").expect("it is taken");
            }
            stream
        })
        .collect();
    let mut stream = identity.connect(keyway.address(), &["h2"]);
    stream.write_all(keyway_testing::HTTP2_GET).expect("a handshake");
    keyway_testing::read_until(&mut stream, "Hello, world!");
    drop(slow);
}

#[test]
fn a_certificate_that_is_of_no_use_is_explained() {
    let (identity, other) = (Identity::new(), Identity::new());
    let hello = guest("hello").display().to_string();
    let cases = [
        (identity.file("none.pem"), identity.file("key.pem"), "none.pem"),
        (identity.file("key.pem"), identity.file("key.pem"), "certificate"),
        (identity.file("cert.pem"), identity.file("cert.pem"), "key"),
        (identity.file("cert.pem"), other.file("key.pem"), "key"),
    ];
    for (cert, key, word) in cases {
        let arguments = ["up", &hello, "--listen", "127.0.0.1:0", "--tls-cert", &cert];
        let ended = finish(arguments.into_iter().chain(["--tls-key", &key]));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(word), "{word:?} is not in {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

/// An app whose component does what its name says.
fn client(guest: &str, grant: &str) -> tempfile::TempDir {
    app(&format!(
        r#"
        [app]
        name = "client"
        [component.client]
        source = "{{guest:{guest}}}"
        {grant}
        [[trigger.http]]
        route = "/"
        component = "client"
    "#
    ))
}

#[test]
fn a_component_encrypts_its_own_connections_where_the_machine_trusts_the_server() {
    let identity = Identity::new();
    let server = identity.serve();
    let port = server.address().port();
    let app = client("tls", &format!("grant.tcp = [\"127.0.0.1:{port}\"]"));
    let certificate = identity.file("cert.pem");
    let trusting = Keyway::up_where(app.path(), &[], &[("SSL_CERT_FILE", &certificate)]);
    let answer = trusting.get(&format!("/{port}/localhost"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("Hello, world!\n"), "{}", answer.body);
    let other = trusting.get(&format!("/{port}/example.com"));
    assert_eq!(other.status, 500);
    assert!(other.body.contains("not valid for name"), "{}", other.body);
    let nameless = trusting.get(&format!("/{port}/no%20name"));
    assert!(nameless.body.contains("the server's name"), "{}", nameless.body);
    trusting.wait_for_stderr("TLS to example.com failed: its certificate is for");
    // Where the host is asked for its stack, a component is still not told of it.
    let doubting = Keyway::up_where(app.path(), &[], &[("RUST_BACKTRACE", "1")]);
    let answer = doubting.get(&format!("/{port}/localhost"));
    assert!(!answer.body.contains("backtrace"), "{}", answer.body);
    assert!(
        answer.body.contains("UnknownIssuer") || answer.body.contains("CaUsedAsEndEntity"),
        "{}",
        answer.body
    );
}

#[test]
fn a_component_without_sockets_has_no_tls() {
    let app = client("tls", "");
    let keyway = Keyway::up(app.path());
    assert_eq!(keyway.get("/1/localhost").status, 500);
}

/// A server that has a certificate made from `params`, and answers 200; its port.
fn server_with(params: CertificateParams) -> (u16, String) {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("they go together");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = ServerConnection::new(Arc::clone(&config)).expect("a server");
            let mut stream = StreamOwned::new(server, stream);
            // A client that refuses the certificate sends nothing.
            if stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).expect("it is taken");
            }
        }
    });
    (port, certificate.pem())
}

/// What such a certificate says where nothing is wrong with it.
fn for_name(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}

fn authority() -> CertificateParams {
    let mut params = for_name("localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A certificate whose issuer has this name: its own, when it signs itself.
fn called(name: &str, mut params: CertificateParams) -> CertificateParams {
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

#[test]
fn a_server_whose_certificate_is_refused_is_told_with_the_reason() {
    let (trusted_authority, own) = server_with(authority());
    let (other_authority, _) = server_with(called("other authority", authority()));
    let mut params = for_name("localhost");
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let (expired, old) = server_with(params);
    let (wrong_name, other) = server_with(for_name("other.example"));
    let (unknown, _) = server_with(called("unknown", for_name("localhost")));
    let (namesake, _) = server_with(for_name("localhost"));
    let plain = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let no_tls = plain.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let ports =
        [trusted_authority, other_authority, expired, wrong_name, unknown, namesake, no_tls];
    let grants = ports.map(|port| format!("\"https://localhost:{port}\"")).join(", ");
    let app = client("reach", &format!("grant.http = [{grants}]"));
    let trusted = app.path().join("trusted.pem");
    fs::write(&trusted, [own, old, other].concat()).expect("written");
    let trusted = trusted.display().to_string();
    let keyway = Keyway::up_where(app.path(), &[], &[("SSL_CERT_FILE", &trusted)]);
    let ask = |port| keyway.get(&format!("/http?url=https://localhost:{port}/")).body;
    // A certificate that signs itself, as `openssl req -x509` makes it, is trusted as itself.
    assert_eq!(ask(trusted_authority), "200", "{}", keyway.stderr());
    for (port, error, reason, advice) in [
        (
            other_authority,
            "TlsCertificateError",
            "a certificate authority's",
            "exactly that certificate",
        ),
        (expired, "TlsCertificateError", "its certificate has expired", "renew"),
        (wrong_name, "TlsCertificateError", "other.example", "by a name in its certificate"),
        (unknown, "TlsCertificateError", "does not trust the issuer", "SSL_CERT_FILE"),
        (namesake, "TlsCertificateError", "with another key", "SSL_CERT_FILE"),
        (no_tls, "TlsProtocolError", "does not speak TLS", "an `http` address"),
    ] {
        let answer = ask(port);
        assert!(answer.contains(error), "{port}: {answer}");
        keyway.wait_for_stderr(&format!("HTTPS to localhost:{port} failed"));
        let stderr = keyway.stderr();
        let line = stderr.lines().find(|line| line.contains(&format!("localhost:{port} failed")));
        let line = line.expect("it was there");
        assert!(line.contains(reason) && line.contains(advice), "{line}");
    }
}

#[test]
fn outgoing_https_trusts_whom_the_machine_trusts() {
    let identity = Identity::new();
    let server = identity.serve();
    let url = format!("https://localhost:{}", server.address().port());
    let app = client("reach", &format!("grant.http = [\"{url}\"]"));
    let certificate = identity.file("cert.pem");
    let trusting = Keyway::up_where(app.path(), &[], &[("SSL_CERT_FILE", &certificate)]);
    let answer = trusting.get(&format!("/http?url={url}/"));
    assert_eq!(answer.body, "200");
}
