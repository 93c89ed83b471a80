//! A server's URL, which may hold a password and is never printed with it.

use std::fmt;

use thiserror::Error;

/// The URL of a server, as it was given. `Display` and `Debug` leave its password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Box<str>,
    redacted: Box<str>,
}

/// Why a text is not the address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Another scheme, or none.
    #[error("the address `{address}` of {backend} does not begin with {schemes}")]
    Scheme {
        /// The address, without its password.
        address: String,
        /// The backend it is for.
        backend: &'static str,
        /// What it may begin with.
        schemes: String,
    },
    /// No server is named.
    #[error("the address `{address}` of {backend} names no server; write `{example}`")]
    Server {
        /// The address, without its password.
        address: String,
        /// The backend it is for.
        backend: &'static str,
        /// An address that is right.
        example: String,
    },
    /// The backend's own client does not understand it.
    #[error("the address `{address}` of {backend} is wrong: {reason}")]
    Form {
        /// The address, without its password.
        address: String,
        /// The backend it is for.
        backend: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Address {
    /// Refuses an address whose scheme is none of `schemes`, or that names no server.
    pub(crate) fn check(
        &self,
        backend: &'static str,
        schemes: &[&str],
    ) -> Result<(), AddressError> {
        let address = || self.to_string();
        let parts = self.url.split_once("://");
        let Some((scheme, rest)) = parts.filter(|(scheme, _)| schemes.contains(scheme)) else {
            let named: Vec<_> = schemes.iter().map(|scheme| format!("`{scheme}://`")).collect();
            let schemes = named.join(" or ");
            return Err(AddressError::Scheme { address: address(), backend, schemes });
        };
        let (user, host) = split_user(rest);
        if host.is_empty() || host.starts_with([':', '/', '?']) {
            let user = if user.is_empty() { "" } else { "user:password@" };
            let example = format!("{scheme}://{user}127.0.0.1");
            return Err(AddressError::Server { address: address(), backend, example });
        }
        Ok(())
    }

    /// The URL with its password, for the client that connects and nobody else.
    pub(crate) fn secret(&self) -> &str {
        &self.url
    }

    /// The error for an address that the backend's own client refuses, for `reason`.
    pub(crate) fn refuse(&self, backend: &'static str, reason: impl fmt::Display) -> AddressError {
        let address = self.to_string();
        // A client may repeat the address in its reason.
        let reason = reason.to_string().replace(&*self.url, &self.redacted);
        AddressError::Form { address, backend, reason }
    }
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        Self { redacted: redact(&url).into(), url: url.into() }
    }
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

/// Splits what follows the scheme into the user's part and the rest, at the last `@` before the
/// path: a password may hold an `@` of its own.
fn split_user(rest: &str) -> (&str, &str) {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        // A password may hold a `/` that should have been escaped; it is not shown either.
        None => rest.rfind('@').map_or(("", rest), |at| (&rest[..at], &rest[at + 1..])),
    }
}

/// The URL without the password before the host and in the query.
fn redact(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let (user, rest) = split_user(rest);
    let user = match user.split_once(':') {
        Some((name, _)) => format!("{name}:***@"),
        // NATS takes a token in the user's place.
        None if user.is_empty() => String::new(),
        None if scheme.starts_with("nats") || scheme.starts_with("tls") => "***@".to_owned(),
        None => format!("{user}@"),
    };
    let Some((path, query)) = rest.split_once('?') else {
        return format!("{scheme}{user}{rest}");
    };
    let query: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{scheme}{user}{path}?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("redis://:secret@host:1/0", "redis://:***@host:1/0"),
            ("postgres://me:secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:sec@ret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:sec/ret@host/db", "postgres://me:***@host/db"),
            ("postgres://host/db?password=secret&a=b", "postgres://host/db?password=***&a=b"),
            ("postgres://me@host/db", "postgres://me@host/db"),
            ("nats://secret@host", "nats://***@host"),
            ("nats://host:4222", "nats://host:4222"),
            ("me:secret@host", "me:***@host"),
        ] {
            assert_eq!(redact(url), shown);
        }
        let address = Address::from("redis://:secret@host");
        assert!(!format!("{address} {address:?}").contains("secret"));
        let refused = address.refuse("Redis", "cannot parse redis://:secret@host");
        assert!(!refused.to_string().contains("secret"));
    }

    #[test]
    fn a_wrong_address_says_what_to_write() {
        let wrong = Address::from("http://host").check("Redis", &["redis", "rediss"]).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "the address `http://host` of Redis does not begin with `redis://` or `rediss://`"
        );
        let wrong = Address::from("redis://:secret@/0").check("Redis", &["redis"]).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "the address `redis://:***@/0` of Redis names no server; write \
             `redis://user:password@127.0.0.1`"
        );
    }
}
