//! Which servers' certificates are trusted.
//!
//! rustls refuses a certificate of an authority as a server's own, though what `openssl req -x509`
//! makes is both. OpenSSL, and with it curl, take it where the machine trusts that very certificate,
//! and so is it here.

use std::{collections::HashSet, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

/// How connections are encrypted to servers that this machine trusts (also by `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`), or that Mozilla's programs trust, where it trusts none, as in a bare container.
///
/// # Errors
/// If rustls cannot be set up so.
pub fn client() -> Result<ClientConfig, Error> {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::warn!(%error, "some of this machine's trusted certificates cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs.iter().cloned());
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    trusting(roots, loaded.certs)
}

/// Trusts what is issued by one of `roots`, and each of `certificates` as a server's own.
fn trusting(
    roots: RootCertStore,
    certificates: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let chains =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
    let verifier = Verifier { chains, trusted: certificates.into_iter().collect() };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Whether a server is refused because its certificate is that of an authority.
pub fn is_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other)
        if matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)))
}

/// Checks certificates as rustls does, and in one case less strictly.
#[derive(Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    /// The certificates that are trusted, whole.
    trusted: HashSet<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.chains.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The time was checked before that, the name is after it; and that the server has the
            // key, the handshake shows.
            Err(Error::InvalidCertificate(error))
                if is_authority(&error) && self.trusted.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;

    /// A certificate that signs itself, of an authority for `localhost`.
    fn authority() -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().clone()
    }

    fn verify(
        trusted: &CertificateDer<'static>,
        shown: &CertificateDer<'static>,
        name: &str,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).expect("a root");
        let provider = Arc::new(ring::default_provider());
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .expect("a verifier");
        let verifier = Verifier { chains, trusted: HashSet::from([trusted.clone()]) };
        let name = ServerName::try_from(name).expect("a name");
        verifier.verify_server_cert(shown, &[], &name, &[], now)
    }

    #[test]
    fn an_authority_is_a_server_where_it_is_trusted_itself() {
        let (own, other) = (authority(), authority());
        let now = UnixTime::now();
        verify(&own, &own, "localhost", now).expect("it is trusted");
        let refused = verify(&other, &own, "localhost", now).expect_err("another is trusted");
        assert!(matches!(&refused, Error::InvalidCertificate(error) if is_authority(error)));
        for (name, now) in [
            ("example.com", now),
            ("localhost", UnixTime::since_unix_epoch(Duration::from_secs(5_000_000_000))),
        ] {
            let refused = verify(&own, &own, name, now).expect_err("wrong name, or too late");
            assert!(!matches!(&refused, Error::InvalidCertificate(error) if is_authority(error)));
        }
    }
}
