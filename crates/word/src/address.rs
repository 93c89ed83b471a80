//! A server's address, which may hold a password and is never printed with it.
//!
//! An address is hidden as a whole text is read that should be one, and wrongly rather too much of it
//! than too little. For addresses within other text see [`hide`](crate::hide).

use std::{fmt, net::Ipv6Addr};

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The address of a server, as it was given: a URL, or a list of `key=value` as libpq takes it.
/// `Display` and `Debug` leave its secrets out.
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
    #[error("the address `{address}` of {backend} is not valid: {reason}")]
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
    ///
    /// # Errors
    /// If it is wrong. The error says what to write.
    pub fn check(&self, backend: &'static str, schemes: &[&str]) -> Result<(), AddressError> {
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

    /// The address with its password, for the connecting client only.
    pub fn secret(&self) -> &str {
        &self.url
    }

    /// The error for an address that the backend's own client refuses, for `reason`.
    pub fn refuse(&self, backend: &'static str, reason: impl fmt::Display) -> AddressError {
        let address = self.to_string();
        // A client may repeat the address in its reason, or the part that it stumbled over.
        let reason = reason.to_string().replace(&*self.url, &self.redacted);
        let is_hidden = |word: &str| self.url.contains(word) && !self.redacted.contains(word);
        let words = reason.split_inclusive([' ', '`', '"', '\'']).map(|word| {
            let plain = word.trim_end_matches([' ', '`', '"', '\'', ':', ',', ';', '.']);
            if is_hidden(plain) { word.replacen(plain, "***", 1) } else { word.to_owned() }
        });
        AddressError::Form { address, backend, reason: words.collect() }
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

/// What the names of secret parameters have in them.
const SECRETS: [&str; 12] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accountkey",
    "account_key",
    "credential",
    "signature",
    "private",
];

/// Whether a text can only be meant as an address, and not as a name: a URL, or `key=value`.
pub fn is_address(text: &str) -> bool {
    text.contains("://") || text.contains('=') || text.contains('@')
}

/// A text that may be an address, or may have been meant as one, without its secrets.
pub fn shown(text: &str) -> String {
    redact(text)
}

/// The address without the password before the host and among the parameters. Whoever mistypes one
/// must not find the password in a log: what may be part of one is hidden, and sometimes more.
fn redact(url: &str) -> String {
    // First, because a password among the parameters can hold what the rest is looked for by.
    let url = hide_parameters(url);
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains([':', '@']) => (format!("{scheme}://"), rest),
        _ => (String::new(), &*url),
    };
    // A password may hold any `@` but the last, escaped or not.
    let Some((user, rest)) = rest.rsplit_once('@') else {
        return format!("{scheme}{}", hide_all_but_ports(rest));
    };
    let user = match user.split_once(':') {
        Some((name, _)) => format!("{name}:***@"),
        None if scheme.starts_with("postgres") || user.is_empty() => format!("{user}@"),
        // NATS takes a token in the user's place, and elsewhere a password gets there by mistake.
        None => "***@".to_owned(),
    };
    format!("{scheme}{user}{}", hide_all_but_ports(rest))
}

/// Hides the values of secret parameters. In a URL each goes as far as the next parameter; among
/// those of libpq, which have spaces between them, nothing after it is shown: a password may be
/// quoted, or should have been.
fn hide_parameters(url: &str) -> String {
    let is_url = url.split('=').next().is_some_and(|start| start.contains("://"));
    let mut shown = String::new();
    let mut rest = url;
    while let Some((before, value)) = rest.split_once('=') {
        shown.extend([before, "="]);
        let name = before.trim_end().rsplit(['?', '&', ';', ' ', '\t', '\n', '\r']).next();
        rest = value;
        if name.is_some_and(is_secret) {
            shown.push_str("***");
            rest = if is_url { next_parameter(value) } else { "" };
        }
    }
    shown + rest
}

/// From the next `&` on that stands before a parameter's name: others may be part of a password.
fn next_parameter(value: &str) -> &str {
    let is_name = |text: &str| {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || b"_-.%".contains(&b);
        let end = text.bytes().position(|byte| !is_part(byte));
        end.is_some_and(|end| end > 0 && text[end..].starts_with('='))
    };
    let mut ends = value.match_indices('&').map(|(at, _)| at);
    ends.find(|at| is_name(&value[at + 1..])).map_or("", |at| &value[at..])
}

/// Whether a parameter of this name is a secret.
pub(crate) fn is_secret(parameter: &str) -> bool {
    let name = percent_decode_str(parameter).decode_utf8_lossy().to_ascii_lowercase();
    name == "sig" || SECRETS.iter().any(|secret| name.contains(secret))
}

/// How long an address of IPv6 can be, with an address of IPv4 at its end.
const MAX_IPV6: usize = 45;

/// Hides what follows a `:` unless that is a port: `user:password` is what a URL is left with whose
/// host was forgotten.
fn hide_all_but_ports(rest: &str) -> String {
    let mut shown = 0;
    while let Some(found) = rest[shown..].find(['[', ':']) {
        let at = shown + found;
        let after = &rest[at + 1..];
        shown = at + 1;
        if rest[at..].starts_with('[') {
            // The colons of an address of IPv6 are not the one before a port.
            let end = after.bytes().take(MAX_IPV6 + 1).position(|byte| byte == b']');
            let address = end.map(|end| &after[..end]);
            if let Some(address) = address.filter(|text| text.parse::<Ipv6Addr>().is_ok()) {
                shown += address.len() + 1;
            }
            continue;
        }
        let end = after.find([',', '/', '?', '#']).unwrap_or(after.len());
        let is_port = after[..end].is_empty() || after[..end].parse::<u16>().is_ok();
        if !is_port {
            return format!("{}***", &rest[..shown]);
        }
    }
    rest.to_owned()
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
            ("postgres://host/db?a=b@c&password=secret", "postgres://host/db?a=b@c&password=***"),
            ("postgres://host/db?password=sec@ret&a=b", "postgres://host/db?password=***&a=b"),
            ("postgres://host/db?P%61ssword=secret", "postgres://host/db?P%61ssword=***"),
            ("postgres://me:s/e@c/r@host/db", "postgres://me:***@host/db"),
            ("postgres://me:sec?ret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:secret@one:1,two:2/db", "postgres://me:***@one:1,two:2/db"),
            ("postgres://me@host/db", "postgres://me@host/db"),
            ("nats://secret@host", "nats://***@host"),
            ("nats://host:4222", "nats://host:4222"),
            ("me:secret@host", "me:***@host"),
            ("redis://secret@host", "redis://***@host"),
            ("redis://default:secret", "redis://default:***"),
            ("redis://default:secret/0", "redis://default:***"),
            ("redis://default:sec/ret?a=b", "redis://default:***"),
            ("redis://default:1:secret", "redis://default:***"),
            ("redis://default:6379:secret", "redis://default:***"),
            ("redis:///default:secret", "redis:///default:***"),
            ("redis//default:secret", "redis//default:***"),
            ("redis:default:secret", "redis:***"),
            ("redis:/default:secret@host", "redis:***@host"),
            ("redis://[secret:secret]", "redis://[secret:***"),
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
            ("redis://:secret@[::1]:6379", "redis://:***@[::1]:6379"),
            ("redis://host:/0", "redis://host:/0"),
            ("postgres://host/db?password=sec&ret&a=b", "postgres://host/db?password=***&a=b"),
            ("postgres://host/db?password=sec&ret", "postgres://host/db?password=***"),
            ("host=h user=me password = 'sec ret'", "host=h user=me password =***"),
            ("host=h password=sec\\ ret dbname=a", "host=h password=***"),
            ("password='sec&ret=' host=h", "password=***"),
            ("host=h\tpassword\n=\nsecret", "host=h\tpassword\n=***"),
            ("host=h sslpassword=secret", "host=h sslpassword=***"),
            ("dbname=postgres://me:secret@host/db", "dbname=postgres://me:***@host/db"),
            ("data/store.db", "data/store.db"),
            ("http://h?api_key=a&sig=b&signal=c", "http://h?api_key=***&sig=***&signal=c"),
        ] {
            assert_eq!(redact(url), shown);
        }
        for part in ["?pass=&", "&", "[", ":1,", "a=", "@"] {
            let long = format!("http://h?pass={}", part.repeat(1_000_000 / part.len()));
            assert!(!redact(&long).is_empty(), "and in a moment");
        }
        let address = Address::from("redis://:secret@host");
        assert!(!format!("{address} {address:?}").contains("secret"));
        let refused = address.refuse("Redis", "cannot parse redis://:secret@host");
        assert!(!refused.to_string().contains("secret"));
        let refused = Address::from("postgres://me:a?secret@host").refuse(
            "PostgreSQL",
            "invalid connection string: unknown option `secret@host`: it is none",
        );
        assert_eq!(
            refused.to_string(),
            "the address `postgres://me:***@host` of PostgreSQL is not valid: invalid connection \
             string: unknown option `***`: it is none"
        );
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
