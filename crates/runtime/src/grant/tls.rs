//! The host's side of encrypted connections.

use std::sync::{Arc, LazyLock};

use rustls::{AlertDescription, CertificateError, ClientConfig, Error};

/// Whom connections to servers trust. Made once: it holds all certificates of the machine.
pub(crate) static CLIENT: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let client = keyway_capability::tls::client();
    Arc::new(client.expect("ring speaks all versions of TLS, and Mozilla trusts somebody"))
});

/// Why a server is not spoken to, and what its user can do about it.
pub(crate) fn explain(error: &Error) -> String {
    const TRUST: &str = "if it is yours, have this machine trust the certificate of its issuer, or name \
                         a file that has it in SSL_CERT_FILE";
    let (reason, advice) = match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                "its certificate has expired".to_owned(),
                "renew the certificate of the server, or set the clock of this machine",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                "its certificate is not valid yet".to_owned(),
                "set the clock of this machine, or get the server another certificate",
            ),
            CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                (
                    format!("its certificate is for {}", presented.join(", ")),
                    "call the server by a name of its certificate, or get it one for this name",
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                (
                    "its certificate is for another name".to_owned(),
                    "call the server by a name of its certificate, or get it one for this name",
                )
            }
            CertificateError::UnknownIssuer => {
                ("this machine does not trust the issuer of its certificate".to_owned(), TRUST)
            }
            error if keyway_capability::tls::is_authority(error) => (
                "its certificate is that of an authority, which this machine does not trust"
                    .to_owned(),
                "if it is yours, have this machine trust that very certificate, or name a file that \
                 has it in SSL_CERT_FILE",
            ),
            CertificateError::Revoked => {
                ("its certificate was revoked".to_owned(), "get the server another certificate")
            }
            error => (
                format!("its certificate is no good: {error}"),
                "get the server another certificate",
            ),
        },
        Error::InvalidMessage(_) => (
            format!("it does not speak TLS: {error}"),
            "check the port, or ask for the address by `http` if it is not encrypted",
        ),
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => (
            format!("it has no version or method of TLS in common with Keyway: {error}"),
            "have the server speak TLS 1.2 or 1.3",
        ),
        Error::AlertReceived(alert) => {
            (format!("it refuses the connection: {alert:?}"), "look into the log of the server")
        }
        error => (error.to_string(), "look into the log of the server"),
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
            (CertificateError::NotValidForName, "another name", "by a name of its certificate"),
            (CertificateError::UnknownIssuer, "does not trust the issuer", "SSL_CERT_FILE"),
            (CertificateError::Revoked, "revoked", "another certificate"),
            (CertificateError::BadSignature, "no good", "another certificate"),
        ] {
            let text = explain(&Error::InvalidCertificate(error));
            assert!(text.contains(reason) && text.contains(advice), "{text}");
        }
    }
}
