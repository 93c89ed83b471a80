//! When a token counts. Knows nothing of components.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::{Error, ErrorKind},
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use serde::Deserialize;

/// Far more than a token needs: nothing larger is looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far the clocks of two machines may be apart.
const LEEWAY_SECONDS: u64 = 30;

/// Who has to have issued a token, and for whom.
#[derive(Debug)]
pub struct Expected {
    pub issuer: String,
    pub audience: String,
}

/// What is read of a token. What has to be there is asked for when it is checked, which tells more
/// than a text that cannot be read.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    #[serde(default)]
    pub sub: String,
    #[serde(default)]
    pub exp: u64,
    pub plan: Option<String>,
}

/// Why a token does not count.
#[derive(Debug)]
pub enum Refusal {
    TooLarge,
    /// No key has this identifier; none was given where there are several keys.
    NoKey(Option<String>),
    /// The key cannot be used to sign.
    WrongKey,
    Token(Error),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::TooLarge => {
                return write!(f, "The token is larger than {MAX_TOKEN_BYTES} bytes.");
            }
            Self::NoKey(Some(id)) => return write!(f, "No key is known by the identifier `{id}`."),
            Self::NoKey(None) => return f.write_str("The token does not say which key signed it."),
            Self::WrongKey => return f.write_str("The key is not for RS256, ES256 or EdDSA."),
            Self::Token(error) => error,
        };
        f.write_str(match error.kind() {
            ErrorKind::InvalidSignature => "The signature is wrong.",
            ErrorKind::ExpiredSignature => "The token has expired.",
            ErrorKind::ImmatureSignature => "The token is not valid yet.",
            ErrorKind::InvalidIssuer => "The token comes from another issuer.",
            ErrorKind::InvalidAudience => "The token is for another audience.",
            ErrorKind::InvalidAlgorithm => "The token's algorithm does not match its key.",
            ErrorKind::MissingRequiredClaim(claim) => {
                return write!(f, "The token has no claim `{claim}`.");
            }
            _ => "The token cannot be read.",
        })
    }
}

/// Checks the signature, then the claims.
///
/// # Errors
/// If the token does not count.
pub fn check(token: &str, keys: &JwkSet, expected: &Expected) -> Result<Claims, Refusal> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Refusal::TooLarge);
    }
    let header = decode_header(token).map_err(Refusal::Token)?;
    let jwk = find(keys, header.kid)?;
    let key = DecodingKey::from_jwk(jwk).map_err(Refusal::Token)?;
    // The key decides, not the token: else a public key could be passed off as a shared secret.
    let mut validation = Validation::new(algorithm(jwk).ok_or(Refusal::WrongKey)?);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_issuer(&[&expected.issuer]);
    validation.set_audience(&[&expected.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode(token, &key, &validation).map(|token| token.claims).map_err(Refusal::Token)
}

/// The key that the token names; it may name none where there is one only.
fn find(keys: &JwkSet, id: Option<String>) -> Result<&Jwk, Refusal> {
    match (id, keys.keys.as_slice()) {
        (Some(id), _) => keys.find(&id).ok_or(Refusal::NoKey(Some(id))),
        (None, [key]) => Ok(key),
        (None, _) => Err(Refusal::NoKey(None)),
    }
}

/// The one algorithm that a key is for.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        // A shared secret would let everyone who checks tokens issue them.
        _ => return None,
    };
    let named = jwk.common.key_algorithm.map(|named| named.to_string());
    named.is_none_or(|named| named == format!("{algorithm:?}")).then_some(algorithm)
}
