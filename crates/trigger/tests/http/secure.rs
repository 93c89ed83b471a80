//! TLS: what is agreed upon in the handshake, and handshakes that do not get on.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use keyway_trigger::http::{BindError, Failure, Options, Peer, Server, Tls, TlsError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client::{Raw, empty};
use super::served::{LONG, Served, body};

fn certificate() -> Tls {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    Tls {
        cert_pem: made.cert.pem().into_bytes(),
        key_pem: made.signing_key.serialize_pem().into_bytes(),
    }
}

async fn scheme(
    _: Request<Incoming>,
    from: Peer,
) -> Result<Response<keyway_trigger::http::Body>, Failure> {
    Ok(Response::new(body(from.scheme.to_string())))
}

fn serve(options: Options) -> (Served, Tls) {
    let tls = certificate();
    let options = Options { tls: Some(tls.clone()), ..options };
    (Served::with(options, LONG, scheme), tls)
}

async fn connect(served: &Served, tls: &Tls, alpn: &[&str]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(&tls.cert_pem).expect("a certificate");
    roots.add(root).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks all versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(served.address).await.expect("the server listens");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake")
}

#[tokio::test]
async fn a_certificate_may_come_from_any_editor() {
    let plain = certificate();
    let marked = |pem: &[u8]| [&b"\xef\xbb\xbf"[..], pem].concat();
    let tls = Tls { cert_pem: marked(&plain.cert_pem), key_pem: marked(&plain.key_pem) };
    let options = Options { tls: Some(tls), ..Options::default() };
    let served = Served::with(options, LONG, scheme);
    let stream = connect(&served, &plain, &["h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn clients_choose_http_2() {
    let (served, tls) = serve(Options::default());
    let stream = connect(&served, &tls, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    let request = Request::get("https://localhost/").body(empty()).expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, "https");
}

#[tokio::test]
async fn clients_choose_http_1_1_or_nothing() {
    let (served, tls) = serve(Options::default());
    for alpn in [&["http/1.1"][..], &[]] {
        let stream = connect(&served, &tls, alpn).await;
        let (mut client, connection) =
            http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        let request =
            Request::get("/").header("host", "localhost").body(empty()).expect("a request");
        let response = client.send_request(request).await.expect("an answer");
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, "https");
    }
}

/// Many systems give a process 1,024 descriptors unless it asks for more.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, raised).expect("up to the maximum is permitted");
}

#[tokio::test]
async fn a_slow_handshake_holds_nobody_up() {
    const HANDSHAKE: Duration = Duration::from_secs(5);
    raise_descriptor_limit();
    let (served, tls) =
        serve(Options { threads: 1, handshake_timeout: HANDSHAKE * 2, ..Options::default() });
    // Some say nothing, and some stop in the middle of their first message.
    let slow: Vec<_> = (0..1100)
        .map(|number| {
            let mut raw = Raw::to(served.address);
            if number % 2 == 0 {
                raw.send(b"\x16\x03\x01\x02\x00\x01");
            }
            raw
        })
        .collect();
    let connecting = connect(&served, &tls, &["h2"]);
    let stream = timeout(HANDSHAKE, connecting).await.expect("it waits for none of them");
    drop((stream, slow));
    assert!(served.end().drained);
}

#[test]
fn a_handshake_that_takes_too_long_is_ended() {
    let handshake_timeout = Duration::from_millis(50);
    let (served, _) = serve(Options { handshake_timeout, ..Options::default() });
    let mut silent = [(); 3].map(|()| Raw::to(served.address));
    for client in &mut silent {
        assert_eq!(client.until_end(), "");
    }
}

#[test]
fn cleartext_to_a_secure_port_is_refused() {
    let (served, _) = serve(Options::default());
    let mut raw = Raw::to(served.address);
    raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!raw.until_end().contains("HTTP"));
}

#[test]
fn a_certificate_that_is_of_no_use_is_explained() {
    let bind = |tls| {
        let any = "127.0.0.1:0".parse().expect("an address");
        match Server::bind(any, Options { tls: Some(tls), ..Options::default() }) {
            Err(BindError::Tls(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let (one, other) = (certificate(), certificate());
    let error = bind(Tls { cert_pem: b"text".to_vec(), ..one.clone() });
    assert!(matches!(error, TlsError::NoCertificate), "{error}");
    let error = bind(Tls { key_pem: b"text".to_vec(), ..one.clone() });
    assert!(matches!(error, TlsError::Key(_)), "{error}");
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let error = bind(Tls { key_pem: locked.into(), ..one.clone() });
    assert!(matches!(error, TlsError::EncryptedKey), "{error}");
    let locked = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0\n\n\
                  MAAA\n-----END RSA PRIVATE KEY-----\n";
    let error = bind(Tls { key_pem: locked.into(), ..one.clone() });
    assert!(matches!(error, TlsError::EncryptedKey), "{error}");
    let error = bind(Tls { key_pem: other.key_pem, ..one.clone() });
    assert!(matches!(error, TlsError::Pair(_)), "{error}");
    assert!(!format!("{one:?}").contains("key"));
}
