//! The certificates that verify servers.

use rustls::RootCertStore;

/// Those that this machine trusts (also by `SSL_CERT_FILE` and `SSL_CERT_DIR`), and where it has
/// none, as in a bare container, those that Mozilla's programs trust.
pub fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
