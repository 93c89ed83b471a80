//! How a server listens and how long it waits.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How a server listens, and what it puts up with. The defaults suit a host on the open network.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that serve, each with its own runtime and its own listening socket.
    pub threads: usize,
    /// Certificate and key; without them the server speaks cleartext.
    pub tls: Option<Tls>,
    /// How long a connection may stay without a request: after it was made, between requests, and
    /// while the head of one arrives. It is looked at twice in that time, so that a connection
    /// lives at most half as long again.
    pub header_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long a client may take nothing of an answer that is ready for it. A connection ends
    /// then, or a stream of HTTP/2 alone.
    pub write_timeout: Duration,
    /// How many bytes the head of a request may have.
    pub header_bytes: u32,
    /// How many connections may be open. Beyond them, clients wait to be accepted.
    pub max_connections: usize,
    /// How many requests one HTTP/2 connection may have under way.
    pub max_streams: u32,
    /// How many connections may wait in the kernel to be accepted, for each thread.
    pub backlog: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: available_parallelism().map_or(1, NonZeroUsize::get),
            tls: None,
            header_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            header_bytes: 64 * 1024,
            max_connections: 16 * 1024,
            max_streams: 250,
            backlog: 4096,
        }
    }
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Tls {
    /// The certificate, followed by those of its issuers, as PEM.
    pub cert_pem: Vec<u8>,
    /// The private key, as PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key_pem: Vec<u8>,
}

/// Leaves the key out.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's text is not PEM.
    #[error("the TLS certificate cannot be read: {0}; it has to be PEM text")]
    Certificate(pem::Error),
    /// There is no certificate in the text.
    #[error("the TLS certificate's text has no `BEGIN CERTIFICATE` in it")]
    NoCertificate,
    /// The key is locked by a password, which nobody could give when the server starts.
    #[error(
        "the TLS key is encrypted: decrypt it, such as by `openssl pkey -in KEY -out NEW`, and let \
         only the server's user read it"
    )]
    EncryptedKey,
    /// The key's text is not PEM, or has no private key.
    #[error("the TLS key cannot be read: {0}; it has to be the PEM text of a private key")]
    Key(pem::Error),
    /// The two do not go together, or are of a kind that is not supported.
    #[error("the TLS certificate and key cannot be used: {0}")]
    Pair(#[from] rustls::Error),
}

impl Tls {
    /// The settings that each handshake begins with: TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
    pub(super) fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = CertificateDer::pem_slice_iter(without_mark(&self.cert_pem))
            .collect::<Result<Vec<_>, _>>()
            .map_err(TlsError::Certificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = without_mark(&self.key_pem);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match is_encrypted(key) {
            true => TlsError::EncryptedKey,
            false => TlsError::Key(error),
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Tickets let a client come back without the costly half of a handshake, on any thread.
        config.ticketer = ring::Ticketer::new()?;
        Ok(Arc::new(config))
    }
}

/// A text without the byte order mark that some editors write before it.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Whether a private key is encrypted, as PKCS #8 says it or as OpenSSL did before.
fn is_encrypted(pem: &[u8]) -> bool {
    let says = |mark: &[u8]| pem.windows(mark.len()).any(|part| part == mark);
    says(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || says(b"Proc-Type: 4,ENCRYPTED")
}
