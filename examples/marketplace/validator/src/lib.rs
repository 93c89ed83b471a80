//! Implements `market:identity/validator`: checks JSON Web Tokens against a set of public keys.
//!
//! The keys lie in a folder that it may read, and what it expects of a token is in its environment:
//! nothing else is granted to it.

mod bindings {
    wit_bindgen::generate!({ world: "jwt-validator", path: "wit" });
    use super::Validator;
    export!(Validator);
}

mod token;

use std::{env, fs};

use bindings::exports::market::identity::validator::{Guest, Identity};
use jsonwebtoken::jwk::JwkSet;

/// The public keys: a JWK set, RFC 7517.
const KEYS: &str = "/keys/jwks.json";

struct Validator;

impl Guest for Validator {
    fn validate(token: String) -> Result<Identity, String> {
        let keys = keys()?;
        let expected =
            token::Expected { issuer: variable("ISSUER")?, audience: variable("AUDIENCE")? };
        let claims = token::check(&token, &keys, &expected).map_err(|error| error.to_string())?;
        Ok(Identity { subject: claims.sub, plan: claims.plan, expires: claims.exp })
    }
}

fn keys() -> Result<JwkSet, String> {
    let text = fs::read_to_string(KEYS)
        .map_err(|error| format!("The keys in {KEYS} cannot be read: {error}."))?;
    serde_json::from_str(&text).map_err(|error| format!("{KEYS} is not a key set: {error}."))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("The variable {name} is not set."))
}
