//! The host's side of encrypted connections.

use std::sync::{Arc, LazyLock};

use rustls::{AlertDescription, CertificateError, ClientConfig, Error};

/// Whom connections to servers trust. Made once: it holds all certificates of the machine.
pub(crate) static CLIENT: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let client = keyway_capability::tls::client();
    Arc::new(
        client.expect("ring supports all versions of TLS, and Mozilla trusts some authorities"),
    )
});

/// Why a server is not spoken to, and what its user can do about it.
pub(crate) fn explain(error: &Error) -> String {
    const TRUST: &str = "if it is yours, make this machine trust its issuer's certificate, or name \
                         a file with that certificate in SSL_CERT_FILE";
    let (reason, advice) = match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                "its certificate has expired".to_owned(),
                "renew the server's certificate, or correct this machine's clock",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                "its certificate is not valid yet".to_owned(),
                "correct this machine's clock, or replace the server's certificate",
            ),
            CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                (
                    format!("its certificate is for {}", presented.join(", ")),
                    "address the server by a name in its certificate, or get it a certificate for \
                     this name",
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                (
                    "its certificate is for another name".to_owned(),
                    "address the server by a name in its certificate, or get it a certificate for \
                     this name",
                )
            }
            CertificateError::UnknownIssuer => {
                ("this machine does not trust the issuer of its certificate".to_owned(), TRUST)
            }
            CertificateError::BadSignature => (
                "this machine trusts an issuer of that name, but with another key than the one \
                 that signed its certificate"
                    .to_owned(),
                TRUST,
            ),
            error if keyway_capability::tls::is_authority(error) => (
                "its certificate is a certificate authority's, which this machine does not trust"
                    .to_owned(),
                "if it is yours, make this machine trust exactly that certificate, or name a file \
                 with it in SSL_CERT_FILE",
            ),
            CertificateError::Revoked => {
                ("its certificate was revoked".to_owned(), "replace the server's certificate")
            }
            error => (
                format!("its certificate is not valid: {error}"),
                "replace the server's certificate",
            ),
        },
        Error::InvalidMessage(_) => (
            format!("it does not speak TLS: {error}"),
            "check the port, or use an `http` address if it is not encrypted",
        ),
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => (
            format!("it has no TLS version or cipher in common with Keyway: {error}"),
            "enable TLS 1.2 or 1.3 on the server",
        ),
        Error::AlertReceived(alert) => {
            (format!("it rejected the connection: {alert:?}"), "check the server's log")
        }
        error => (error.to_string(), "check the server's log"),
    };
    format!("{reason}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_certificate_that_is_refused_says_what_to_do() {
        for (error, reason, advice) in [
            (CertificateError::Expired, "has expired", "renew"),
            (CertificateError::NotValidYet, "not valid yet", "clock"),
            (CertificateError::NotValidForName, "another name", "by a name in its certificate"),
            (CertificateError::UnknownIssuer, "does not trust the issuer", "SSL_CERT_FILE"),
            (CertificateError::Revoked, "revoked", "replace the server"),
            (CertificateError::BadSignature, "with another key", "SSL_CERT_FILE"),
            (CertificateError::BadEncoding, "not valid", "replace the server"),
        ] {
            let text = explain(&Error::InvalidCertificate(error));
            assert!(text.contains(reason) && text.contains(advice), "{text}");
        }
    }
}
