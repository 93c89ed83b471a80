//! The request headers that Spin's host sets: the matched route, the rest of the path, and the
//! client. Spin's SDKs and its file server read them, so a client must never be able to send them
//! itself. It does not know which components expect them: that is for whoever makes routes.

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use super::Peer;

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

const ALL: [HeaderName; 7] = [
    PATH_INFO,
    FULL_URL,
    MATCHED_ROUTE,
    BASE_PATH,
    RAW_COMPONENT_ROUTE,
    COMPONENT_ROUTE,
    CLIENT_ADDR,
];

/// Begins the headers with what the parts of a route that stand for any have matched. Keyway has no
/// such routes, so nobody else may set these headers either.
const PATH_MATCH: &str = "spin-path-match-";

/// What Spin's headers say of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpinRoute {
    /// The route with its base, without what stands for any path below it.
    prefix: String,
    is_exact: bool,
    matched: HeaderValue,
    raw: HeaderValue,
    component: HeaderValue,
}

impl SpinRoute {
    /// Of a route as [`Routes`](super::Routes) has it, which begins with `base`; `is_exact` where it is
    /// for that path alone.
    #[must_use]
    pub fn new(route: &str, base: &str, is_exact: bool) -> Self {
        let prefix = route.trim_end_matches('/');
        let own = prefix.strip_prefix(base.trim_end_matches('/')).unwrap_or(prefix);
        let below = if is_exact { "" } else { "/..." };
        let raw = if is_exact && own.is_empty() { "/".to_owned() } else { format!("{own}{below}") };
        SpinRoute {
            is_exact,
            matched: value(&format!("{prefix}{below}")),
            component: value(if is_exact { &raw } else { own }),
            raw: value(&raw),
            prefix: prefix.to_owned(),
        }
    }

    /// Sets the headers of a request that matched the route.
    pub fn describe<B>(&self, request: &mut Request<B>, from: &Peer) {
        let path = request.uri().path();
        let path_info = match path.strip_prefix(&self.prefix) {
            Some(rest) if !self.is_exact => value(rest),
            _ => HeaderValue::from_static(""),
        };
        let full_url = {
            let header = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
            let authority = request.uri().authority().map(http::uri::Authority::as_str);
            let host = authority.or_else(header).unwrap_or("localhost");
            let path = request.uri().path_and_query().map_or(path, |path| path.as_str());
            value(&format!("{}://{host}{path}", from.scheme))
        };
        let headers = request.headers_mut();
        headers.insert(PATH_INFO, path_info);
        headers.insert(FULL_URL, full_url);
        headers.insert(MATCHED_ROUTE, self.matched.clone());
        // Spin's host says so whatever the base is.
        headers.insert(BASE_PATH, HeaderValue::from_static("/"));
        headers.insert(RAW_COMPONENT_ROUTE, self.raw.clone());
        headers.insert(COMPONENT_ROUTE, self.component.clone());
        headers.insert(CLIENT_ADDR, value(&from.address.to_string()));
    }
}

/// Routes, targets and addresses have no characters that a header cannot have.
fn value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Removes the headers that only a host may set.
pub(super) fn remove_forged(headers: &mut HeaderMap) {
    // Few requests have any, so they are looked for at once.
    if !headers.keys().any(|name| name.as_str().starts_with("spin-")) {
        return;
    }
    for name in ALL {
        headers.remove(name);
    }
    let matches: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(PATH_MATCH)).cloned().collect();
    for name in matches {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::uri::Scheme;

    use super::*;

    fn told(route: &SpinRoute, path: &str) -> [String; 7] {
        let mut request =
            Request::get(path).header("host", "a.example:8080").body(()).expect("it is valid");
        let address = "192.0.2.1:5000".parse().expect("it is valid");
        route.describe(&mut request, &Peer { address, scheme: Scheme::HTTPS });
        ALL.map(|name| request.headers()[name].to_str().expect("it is valid").to_owned())
    }

    #[test]
    fn a_route_is_described_as_spin_does() {
        let client = "192.0.2.1:5000";
        for (route, base, is_exact, path, expected) in [
            (
                "/shop",
                "",
                false,
                "/shop/items/7?x=1",
                ["/items/7", "/shop/...", "/shop/...", "/shop"],
            ),
            ("/shop", "", false, "/shop", ["", "/shop/...", "/shop/...", "/shop"]),
            ("/shop", "", false, "/shop/", ["/", "/shop/...", "/shop/...", "/shop"]),
            ("/", "", false, "/a%20b/", ["/a%20b/", "/...", "/...", ""]),
            ("/a", "", true, "/a", ["", "/a", "/a", "/a"]),
            ("/", "", true, "/", ["", "", "/", "/"]),
            (
                "/base/shop",
                "/base",
                false,
                "/base/shop/x",
                ["/x", "/base/shop/...", "/shop/...", "/shop"],
            ),
            ("/base", "/base", false, "/base/x", ["/x", "/base/...", "/...", ""]),
            ("/base", "/base", true, "/base", ["", "/base", "/", "/"]),
        ] {
            let [path_info, matched, raw, component] = expected;
            let url = format!("https://a.example:8080{path}");
            assert_eq!(
                told(&SpinRoute::new(route, base, is_exact), path),
                [path_info, url.as_str(), matched, "/", raw, component, client],
                "{route} {path}"
            );
        }
    }

    #[test]
    fn nothing_of_spins_is_taken_from_a_client() {
        let mut headers = HeaderMap::new();
        let all = ALL;
        let forged = all.iter().map(HeaderName::as_str).chain(["spin-path-match-id"]);
        for name in forged.chain(["spin-own", "accept"]) {
            headers.append(
                HeaderName::try_from(name).expect("it is valid"),
                HeaderValue::from_static("1"),
            );
            headers.append(
                HeaderName::try_from(name).expect("it is valid"),
                HeaderValue::from_static("2"),
            );
        }
        remove_forged(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "spin-own"]);
    }
}
