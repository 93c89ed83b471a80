//! The certificates that servers are checked with.

use rustls::RootCertStore;

/// Those that this machine trusts.
///
/// # Errors
/// Why there are none.
pub(crate) fn roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map(ToString::to_string);
        return Err(reason.unwrap_or_else(|| "there are none".to_owned()));
    }
    Ok(roots)
}
