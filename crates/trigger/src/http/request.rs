//! What a request must be before a handler gets it: its target, its host and its codings, where hyper
//! takes more than HTTP allows. It also makes requests of both versions look the same.

use std::net::Ipv6Addr;

use http::header::{COOKIE, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Version};

use super::reply::Reply;
use super::spin;
use super::wire::Line;

/// Checks a request, and brings it into the form that handlers get.
pub(super) fn admit<B>(request: &mut Request<B>, line: Line<'_>) -> Result<(), Reply> {
    check_host(request)?;
    if request.method() == Method::CONNECT {
        return Err(Reply::NoTunnels);
    }
    check_target(request)?;
    check_codings(request.headers())?;
    match request.version() {
        Version::HTTP_11 => override_host(request),
        Version::HTTP_2 => {
            join_cookies(request.headers_mut());
            name_host(request, line);
        }
        _ => name_host(request, line),
    }
    spin::remove_forged(request.headers_mut());
    Ok(())
}

/// The host that an admitted request is for: that of its URI (HTTP/2's `:authority`, or an absolute
/// form of HTTP/1.1), or else of its `Host` header.
pub(super) fn host_of<B>(request: &Request<B>) -> Option<&str> {
    let header = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    request.uri().host().or_else(header).filter(|host| !host.is_empty())
}

/// HTTP/1.1 demands one `Host` in any case (RFC 9112, section 3.2); an empty one is valid and names
/// none. HTTP/2 has `:authority`, from which a `Host` beside it must not differ (RFC 9113, section
/// 8.3.1).
fn check_host<B>(request: &Request<B>) -> Result<(), Reply> {
    let mut headers = request.headers().get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(host), None) => {
            Some(host.to_str().ok().filter(|host| is_authority(host)).ok_or(Reply::BadHost)?)
        }
        (None, _) if request.version() != Version::HTTP_11 => None,
        _ => return Err(Reply::BadHost),
    };
    let Some(authority) = request.uri().authority().map(Authority::as_str) else { return Ok(()) };
    if !is_authority(authority) {
        return Err(Reply::BadHost);
    }
    let differs = |host: &str| !host.eq_ignore_ascii_case(authority);
    match header {
        Some(host) if request.version() == Version::HTTP_2 && differs(host) => {
            Err(Reply::OtherHost)
        }
        _ => Ok(()),
    }
}

/// Whether a text is what a request may name its host with: a host and perhaps a port (RFC 9110,
/// section 7.2), without user information (section 4.2.4).
fn is_authority(text: &str) -> bool {
    let (is_host, rest) = match text.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, rest)) => (address.parse::<Ipv6Addr>().is_ok(), rest),
            None => return false,
        },
        None => {
            let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&b);
            (host.bytes().all(is_part), rest)
        }
    };
    let is_port = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
    };
    is_host && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// A target is a path, alone or after a scheme and a host, and `*` for `OPTIONS` alone (RFC 9112,
/// section 3.2). What has neither scheme nor slash looks to hyper like the host of `CONNECT`.
fn check_target<B>(request: &Request<B>) -> Result<(), Reply> {
    let uri = request.uri();
    let is_host_alone = uri.authority().is_some() && uri.scheme().is_none();
    let is_path = uri.path().starts_with('/');
    let is_server = uri.path() == "*" && request.method() == Method::OPTIONS;
    if is_host_alone || !(is_path || is_server) { Err(Reply::BadTarget) } else { Ok(()) }
}

/// `chunked` is the only coding that hyper undoes, and it is there once (RFC 9112, section 6.1).
fn check_codings(headers: &HeaderMap) -> Result<(), Reply> {
    let mut is_chunked = false;
    for value in headers.get_all(TRANSFER_ENCODING) {
        let value = value.to_str().map_err(|_| Reply::BadCoding)?;
        for coding in value.split(',').map(str::trim).filter(|coding| !coding.is_empty()) {
            if !coding.eq_ignore_ascii_case("chunked") {
                return Err(Reply::UnknownCoding);
            }
            if is_chunked {
                return Err(Reply::BadCoding);
            }
            is_chunked = true;
        }
    }
    Ok(())
}

/// A target with a host overrides the header (RFC 9112, section 3.2.2).
fn override_host<B>(request: &mut Request<B>) {
    if let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
}

/// Gives a request that names no host the address that it came to: components cannot do without one,
/// and a server may take it for the default (RFC 9110, section 7.2; RFC 9112, section 3.3).
fn name_host<B>(request: &mut Request<B>, line: Line<'_>) {
    if request.uri().authority().is_some() || request.headers().contains_key(HOST) {
        return;
    }
    let address = line.address().ok();
    if let Some(host) = address.and_then(|address| address.to_string().try_into().ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

/// HTTP/2 may send cookies apart from each other, and others know one field only (RFC 9113, section
/// 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let all = headers.get_all(COOKIE);
    if all.iter().nth(1).is_none() {
        return;
    }
    let all: Vec<_> = all.iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_perhaps_a_port() {
        for host in
            ["", "a", "a:", "a.b:80", "a:65535", "127.0.0.1:0", "[::1]", "[::1]:80", "a%20b"]
        {
            assert!(is_authority(host), "{host}");
        }
        for host in [
            "u@a",
            "a/b",
            "a:b",
            "a:65536",
            "a:99999999",
            "a:+1",
            "a:1:2",
            "::1",
            "[::1",
            "[]",
            "[::1]x",
            "[::1]:x",
            "[a]",
            "a b",
            "a]",
            "\u{e4}",
        ] {
            assert!(!is_authority(host), "{host}");
        }
    }
}
