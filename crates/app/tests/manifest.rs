//! A manifest with everything in it becomes the app that it says; no text brings the reader down.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use keyway_app::{
    Access, App, Code, Component, ComponentName, Doubts, Draft, HostPattern, HttpGrant, HttpScheme,
    Limit, Manifest, Place, Problem, Reuse, SocketDirection, SocketGrant, Source,
};
use proptest::prelude::*;

const FULL: &str = r#"
[app]
name = "shop"
version = "1.2.3"

[component.gateway]
source = "target/gateway.wasm"
link."shop:cart/store@1.0.0" = "store"
link.price = { to = "price", mode = "fused" }

[component.gateway.grant]
http = [
    "https://*.example.com:8443",
    { url = "http://db.internal", addresses = ["10.0.0.0/8", "fd00::1"] },
]
files = [
    { host = "assets", guest = "/assets/" },
    { host = "/var/shop", guest = "/", access = "read-write" },
]
env = { LEVEL = "info" }
args = ["gateway", "--verbose"]
tcp = ["10.0.0.5:5432", "*:443", { listen = "[::1]:9000" }]
udp = ["10.0.0.0/8:*"]
stdout = true
stderr = true
clocks = false
random = false

[component.gateway.limit]
memory = "64MiB"
tables = 5
core-instances = 6
time = "1m 30s"
cpu = "500ms"
body = 1024
concurrency = 7
queue = 0

[component.gateway.instances]
reuse = 100
concurrent = 10
idle = "1m"

[component.store]
source = "oci://ghcr.io/shop/store:1.0"

[component.price]
source = "price"

[[trigger.http]]
route = "/cart/"
host = "Shop.Example.com"
component = "gateway"

[[trigger.http]]
route = "/"
component = "gateway"
"#;

fn full() -> App {
    App::from_toml("keyway.toml", FULL, Path::new("/app")).expect("the manifest is right")
}

fn component<'a>(app: &'a App, name: &str) -> &'a Component {
    let found = app.components.iter().find(|(key, _)| key.as_str() == name);
    found.expect("the app has the component").1
}

#[test]
fn an_app_has_its_components_links_and_triggers() {
    let app = full();
    assert_eq!((app.name.as_str(), app.version.as_deref()), ("shop", Some("1.2.3")));
    assert_eq!(app.folder, Path::new("/app"));
    let names: Vec<_> = app.components.keys().map(ComponentName::as_str).collect();
    assert_eq!(names, ["gateway", "price", "store"]);

    let source = |name| component(&app, name).source.value.clone();
    assert_eq!(source("gateway"), Source::Path(PathBuf::from("target/gateway.wasm")));
    assert_eq!(source("price"), Source::Path(PathBuf::from("price")));
    assert_eq!(source("store"), Source::Oci("oci://ghcr.io/shop/store:1.0".to_owned()));

    let gateway = component(&app, "gateway");
    let links: Vec<_> =
        gateway.links.components().map(|link| (link.import.as_str(), link.to.as_str())).collect();
    assert_eq!(links, [("price", "price"), ("shop:cart/store@1.0.0", "store")]);
    let price = gateway.links.components().next().expect("a link");
    let place = price.place.as_ref().expect("a link has a place");
    assert_eq!((place.line_column(), place.text.name.as_str()), ((9, 6), "keyway.toml"));
    assert_eq!(gateway.place.as_ref().map(Place::line_column), Some((6, 1)));

    let routes: Vec<_> = app
        .routes
        .iter()
        .map(|t| (t.host.as_deref(), t.route.as_str(), t.component.as_str()))
        .collect();
    assert_eq!(routes, [(Some("shop.example.com"), "/cart", "gateway"), (None, "/", "gateway")]);
}

#[test]
fn an_app_knows_its_components_and_unit_roots() {
    let app = full();
    let name = |text| ComponentName::new(text).expect("it is a name");
    assert_eq!(app.unit_roots().into_iter().collect::<Vec<_>>(), [&name("gateway")]);
    assert_eq!(app.component(&name("store")).map(|c| &c.name), Some(&name("store")));
    assert!(app.component(&name("checkout")).is_none());
}

#[test]
fn an_app_without_triggers_has_no_unit() {
    let text = "[app]\nname = \"a\"\n[component.c]\nsource = \"c.wasm\"\n";
    let app = App::from_toml("keyway.toml", text, Path::new("/app")).expect("it is an app");
    assert!(app.routes.is_empty());
    assert!(app.unit_roots().is_empty());
}

/// A chain of links too long to be followed by a function that calls itself.
#[test]
fn a_long_chain_of_links_is_followed_to_its_end() {
    const LENGTH: usize = 50_000;
    let mut text = "[app]\nname = \"chain\"\n".to_owned();
    for i in 0..LENGTH {
        let next = (i + 1) % LENGTH;
        text += &format!("[component.c{i}]\nsource = \"c\"\nlink.next = \"c{next}\"\n");
    }
    let problems = App::from_toml("keyway.toml", &text, Path::new("/app"));
    let problems = problems.expect_err("the chain is a cycle");
    let [problem] = problems.as_slice() else { panic!("there is one problem") };
    assert_eq!(problem.code, Code::LinkCycle);
    assert!(problem.message.ends_with("c49998 -> c49999 -> c0"), "the whole cycle is told");
}

#[test]
fn a_component_has_its_grants() {
    let app = full();
    let grant = &component(&app, "gateway").grant;
    let network = |text: &str| text.parse().expect("it is a network");
    assert_eq!(
        grant.http,
        [
            HttpGrant {
                scheme: HttpScheme::Https,
                host: HostPattern::Subdomain(".example.com".to_owned()),
                port: 8443,
                addresses: Vec::new(),
            },
            HttpGrant {
                scheme: HttpScheme::Http,
                host: HostPattern::Exact("db.internal".to_owned()),
                port: 80,
                addresses: vec![network("10.0.0.0/8"), network("fd00::1/128")],
            },
        ]
    );
    let files: Vec<_> =
        grant.files.iter().map(|f| (f.host.as_path(), f.guest.as_str(), f.access)).collect();
    assert_eq!(
        files,
        [
            (Path::new("assets"), "/assets", Access::Read),
            (Path::new("/var/shop"), "/", Access::ReadWrite),
        ]
    );
    let socket = |text: Option<&str>, port, direction| SocketGrant {
        network: text.map(network),
        port,
        direction,
    };
    assert_eq!(
        grant.tcp,
        [
            socket(Some("10.0.0.5/32"), Some(5432), SocketDirection::Connect),
            socket(None, Some(443), SocketDirection::Connect),
            socket(Some("::1/128"), Some(9000), SocketDirection::Listen),
        ]
    );
    assert_eq!(grant.udp, [socket(Some("10.0.0.0/8"), None, SocketDirection::Connect)]);
    assert_eq!(grant.env.get("LEVEL").map(String::as_str), Some("info"));
    assert_eq!(grant.args, ["gateway", "--verbose"]);
    assert_eq!(
        (grant.stdout, grant.stderr, grant.clocks, grant.random),
        (true, true, false, false)
    );
    assert_eq!(component(&app, "store").grant, keyway_app::Grant::default());
}

#[test]
fn a_component_has_its_limit() {
    let app = full();
    let expected = Limit {
        memory_bytes: 64 << 20,
        table_elements: 5,
        core_instances: 6,
        time: Duration::from_secs(90),
        cpu: Duration::from_millis(500),
        body_bytes: Some(1024),
        concurrency: 7,
        queue: 0,
        reuse: Reuse { requests: 100, concurrent: 10, idle: Duration::from_secs(60) },
    };
    assert_eq!(component(&app, "gateway").limit, expected);
    assert_eq!(component(&app, "store").limit, Limit::default());
}

/// Reads `text`, and looks at every problem as a program that shows it would.
fn read(text: &str) -> Vec<Problem> {
    let problems = App::from_toml("keyway.toml", text, Path::new("/app")).err().unwrap_or_default();
    for Problem { place, message, .. } in &problems {
        let place = place.as_ref().expect("a problem says where it is");
        assert!(text.get(place.span.clone()).is_some(), "{message} lies outside the text");
        assert!(place.line_column() >= (1, 1));
    }
    problems
}

/// The manifest with everything in it, with `to` in place of `from`, as far as it is understood.
fn draft(from: &str, to: &str) -> Draft {
    assert_eq!(FULL.matches(from).count(), 1, "{from}");
    let manifest = Manifest::parse("keyway.toml", &FULL.replace(from, to)).expect("it is TOML");
    *manifest.draft(Path::new("/app")).expect_err("it is wrong")
}

fn codes(draft: &Draft) -> Vec<Code> {
    draft.problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn what_is_right_in_a_wrong_manifest_is_understood() {
    let draft = draft("version = \"1.2.3\"", "colour = \"red\"");
    assert_eq!(codes(&draft), [Code::UnknownKey]);
    let app = draft.app;
    assert_eq!((app.components.len(), app.routes.len()), (3, 2));
    let (found, expected) = (component(&app, "gateway"), component(&full(), "gateway").clone());
    assert_eq!((&found.grant.tcp, &found.limit), (&expected.grant.tcp, &expected.limit));
    assert_eq!(found.links.components().count(), expected.links.components().count());
    let Doubts { uses, links, limits } = draft.doubts;
    assert!(!uses && links.is_empty() && limits.is_empty());
}

#[test]
fn what_a_wrong_part_may_have_meant_is_in_doubt() {
    let names = |names: &BTreeSet<ComponentName>| -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    };
    // What is wrong, and whether that leaves uses, links and limits in doubt.
    let cases = [
        ("mode = \"fused\"", "mode = \"wired\"", (true, true, false)),
        ("link.price", "lnk.price", (true, true, false)),
        ("to = \"price\"", "to = \"prize\"", (true, false, false)),
        ("tables = 5", "tables = -5", (false, false, true)),
        ("reuse = 100", "reuse = \"often\"", (false, false, true)),
        ("component.gateway.instances", "component.gateway.instance", (false, false, true)),
        ("source = \"price\"", "source = \"\"", (true, false, false)),
        ("route = \"/cart/\"", "route = \"cart\"", (true, false, false)),
        ("stdout = true", "stdout = 1", (false, false, false)),
    ];
    for (from, to, (uses, links, limits)) in cases {
        let draft = draft(from, to);
        assert_eq!(draft.doubts.uses, uses, "{to}");
        let gateway = |is: bool| if is { vec!["gateway".to_owned()] } else { Vec::new() };
        assert_eq!(names(&draft.doubts.links), gateway(links), "{to}");
        assert_eq!(names(&draft.doubts.limits), gateway(limits), "{to}");
        assert!(
            !codes(&draft)
                .iter()
                .any(|code| [Code::UnusedComponent, Code::UnusedBackend].contains(code)),
            "{to}"
        );
    }
}

#[test]
fn triggers_and_backends_that_are_wrong_are_not_in_a_draft() {
    let text = "[app]\nname = \"x\"\n[component.a]\nsource = \"a\"\n[keyvalue.cache]\n\
                backend = \"redis\"\nurl = 1.5\n[[trigger.http]]\nroute = \"/\"\n\
                component = \"b\"\n";
    let manifest = Manifest::parse("keyway.toml", text).expect("it is TOML");
    let draft = manifest.draft(Path::new(".")).expect_err("it is wrong");
    assert_eq!(codes(&draft), [Code::WrongType, Code::UnknownComponent]);
    assert!(draft.app.routes.is_empty() && draft.app.backends.is_empty());
    assert_eq!(draft.app.components.len(), 1);
}

/// Pieces of manifests, wrong and right, that make odd ones when they are put together.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[app]",
        "[component.a]",
        "[component]",
        "[[trigger.http]]",
        "[trigger]",
        "name",
        "source",
        "link",
        "grant",
        "limit",
        "http",
        "files",
        "env",
        "tcp",
        "route",
        "host",
        "component",
        "to",
        ".",
        "=",
        "\n",
        "\n",
        "\n",
        " ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "\"a\"",
        "\"/\"",
        "1",
        "-1",
        "1.5",
        "true",
        "1979-05-27",
        "\"64MiB\"",
        "\"https://[::1]:8\"",
        "\"*:443\"",
        "é",
        "\"oci://a/b:c@sha256:d\"",
        "#",
        "'''",
        "\\u0000",
    ];
    prop_oneof![9 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,4}"]
}

/// The manifest with everything in it, with `piece` in place of some bytes.
fn spoilt(start: usize, length: usize, piece: &str) -> String {
    let mut bytes = FULL.as_bytes().to_vec();
    let start = start % bytes.len();
    let end = (start + length).min(bytes.len());
    bytes.splice(start..end, piece.bytes());
    String::from_utf8(bytes).expect("the manifest is ASCII, the piece a string")
}

proptest! {
    #[test]
    fn arbitrary_text_is_read_without_a_panic(text: String) {
        read(&text);
    }

    #[test]
    fn nearly_toml_is_read_without_a_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        read(&pieces.concat());
    }

    #[test]
    fn a_spoilt_manifest_is_read_without_a_panic(start: usize, length in 0_usize..20, piece in piece()) {
        read(&spoilt(start, length, &piece));
    }
}
