//! The routing table, compared with a model that tries every route.

use proptest::prelude::*;

use super::*;

fn routes(of: &[(Option<&str>, &str)]) -> Routes<usize> {
    let mut routes = Routes::new();
    for (number, (host, prefix)) in of.iter().enumerate() {
        routes.add(*host, prefix, number).expect("the routes differ");
    }
    routes
}

#[test]
fn a_prefix_ends_at_a_segment() {
    let routes = routes(&[(None, "/parse")]);
    for path in ["/parse", "/parse/", "/parse/x", "/parse//x"] {
        assert_eq!(routes.find(None, path), Some(&0), "{path}");
    }
    for path in ["/", "/parsex", "/pars", "//parse", "/x/parse", "*", ""] {
        assert_eq!(routes.find(None, path), None, "{path}");
    }
}

#[test]
fn the_longest_prefix_wins() {
    let routes = routes(&[(None, "/"), (None, "/a/b/c"), (None, "/a")]);
    assert_eq!(routes.find(None, "/a/b"), Some(&2));
    assert_eq!(routes.find(None, "/a/b/c/d"), Some(&1));
    assert_eq!(routes.find(None, "/b"), Some(&0));
    assert_eq!(routes.find(None, "*"), Some(&0));
}

#[test]
fn an_exact_host_comes_before_any() {
    let routes = routes(&[(None, "/a/b"), (Some("Example.com:80"), "/a"), (Some("[::1]"), "/")]);
    for host in ["example.com", "EXAMPLE.COM:8080", "example.com."] {
        assert_eq!(routes.find(Some(host), "/a/b"), Some(&1), "{host}");
    }
    assert_eq!(routes.find(Some("[::1]:3000"), "/a/b"), Some(&2));
    assert_eq!(routes.find(Some("[::1]"), "/a/b"), Some(&2));
    assert_eq!(routes.find(Some("other.com"), "/a/b"), Some(&0));
    assert_eq!(routes.find(Some("other.com"), "/a"), None);
    assert_eq!(routes.find(None, "/a/b"), Some(&0));
}

#[test]
fn a_route_is_a_path_and_there_once() {
    let mut routes = routes(&[(None, "/a"), (Some("x"), "/a")]);
    assert!(matches!(routes.add(None, "a", 9), Err(RouteError::Relative { .. })));
    assert!(matches!(routes.add(None, "/a?b", 9), Err(RouteError::NotAPath { .. })));
    assert!(matches!(routes.add(None, "/a/", 9), Err(RouteError::Taken { host: None, .. })));
    let twice = routes.add(Some("X"), "/a", 9).expect_err("the host has this route");
    assert_eq!(
        twice.to_string(),
        "the route `/a` is defined twice for the host `X`: each leads to one component"
    );
}

/// What the routing table promises, said as plainly as possible.
fn model(
    routes: &[(Option<String>, String)],
    host: Option<&str>,
    path: &str,
) -> Option<(Option<String>, String)> {
    let leads = |prefix: &str| {
        prefix == "/"
            || path
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let longest = |for_host: Option<&str>| {
        let of_host = |route: &&(Option<String>, String)| route.0.as_deref() == for_host;
        routes
            .iter()
            .filter(of_host)
            .filter(|(_, prefix)| leads(prefix))
            .max_by_key(|(_, prefix)| prefix.len())
    };
    host.and_then(|host| longest(Some(host))).or_else(|| longest(None)).cloned()
}

fn path() -> impl Strategy<Value = String> {
    "(/[ab]{1,2}){1,4}|/"
}

fn host() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[xy]\\.z")
}

proptest! {
    #[test]
    fn the_table_finds_what_the_model_finds(
        routes in proptest::collection::vec((host(), path()), 0..12),
        asked in proptest::collection::vec((host(), path()), 1..12),
    ) {
        let mut table = Routes::new();
        for route in &routes {
            // The same route twice changes nothing for the model.
            let _ = table.add(route.0.as_deref(), &route.1, route.clone());
        }
        for (host, path) in &asked {
            prop_assert_eq!(table.find(host.as_deref(), path).cloned(), model(&routes, host.as_deref(), path));
        }
    }

    #[test]
    fn no_input_panics(host in ".*", path in ".*", prefix in ".*") {
        let mut table = Routes::new();
        let _ = table.add(Some(&host), &prefix, ());
        let _ = table.find(Some(&host), &path);
    }
}
