//! What one app of a host does is not at the expense of another.

use keyway_testing::{Keyway, Sent, app, eventually};

/// A manifest of an app that does by path what it should not, for the requests of a host of its name.
fn misbehaving(name: &str) -> String {
    format!(
        r#"
        [app]
        name = "{name}"
        [component.misbehave]
        source = "{{guest:misbehave}}"
        limit.cpu = "5m"
        limit.time = "5m"
        [[trigger.http]]
        host = "{name}.test"
        route = "/"
        component = "misbehave"
    "#
    )
}

/// One that is held up by its requests for `/hold`, which have no time to wait elsewhere.
fn holding(name: &str) -> String {
    format!(
        r#"
        [app]
        name = "{name}"
        [component.hold]
        source = "{{guest:misbehave}}"
        limit.concurrency = 600
        limit.time = "5m"
        [component.short]
        source = "{{guest:misbehave}}"
        limit.time = "1s"
        [[trigger.http]]
        host = "{name}.test"
        route = "/hang"
        component = "hold"
        [[trigger.http]]
        host = "{name}.test"
        route = "/"
        component = "short"
    "#
    )
}

fn deploy(host: &Keyway, manifest: &str) {
    let app = app(manifest);
    let deployed = host.ask(["deploy".as_ref(), app.path().as_os_str()]);
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
}

/// Sends a GET to an app, and leaves its answer to be read later.
fn send(host: &Keyway, name: &str, path: &str) -> Sent {
    host.send_bytes(format!(
        "GET {path} HTTP/1.1\r\nHost: {name}.test\r\nConnection: close\r\n\r\n"
    ))
}

/// What `keyway apps` counts of an app and another at the same time.
fn counted(host: &Keyway, key: &str, names: [&str; 2]) -> [u64; 2] {
    let listed = host.ask(["apps", "--json"]).stdout;
    let apps: serde_json::Value = serde_json::from_str(&listed).expect(&listed);
    let apps = apps.as_array().expect("a list");
    names.map(|name| {
        let app = apps.iter().find(|app| app["name"] == name);
        app.and_then(|app| app[key].as_u64()).expect(&listed)
    })
}

#[test]
fn an_app_with_one_long_request_computes_as_much_as_one_with_many() {
    let data = tempfile::tempdir().expect("a folder");
    let host = Keyway::host(data.path(), &["--threads", "1"]);
    ["many", "one"].iter().for_each(|name| deploy(&host, &misbehaving(name)));
    let computed = || counted(&host, "computed_ms", ["many", "one"]);
    let _many: Vec<_> = (0..20).map(|_| send(&host, "many", "/loop")).collect();
    assert!(eventually(|| computed()[0] > 500));
    let _one = send(&host, "one", "/loop");
    assert!(eventually(|| computed()[1] > 100));
    let [many_before, one_before] = computed();
    assert!(eventually(|| computed()[1] > one_before + 1_000));
    let [many, one] = computed();
    let (many, one) = (many - many_before, one - one_before);
    // Equal, as far as the clock of a busy machine is right.
    assert!(one * 3 > many * 2 && many * 3 > one * 2, "{one} ms of {}", one + many);
    // A short request waits for none of them.
    assert_eq!(host.get_of("one.test", "/").text(), "ok");
}

#[test]
fn a_flood_to_one_app_leaves_room_for_another_and_tells_those_that_wait() {
    let data = tempfile::tempdir().expect("a folder");
    let host = Keyway::host(data.path(), &[]);
    deploy(&host, &holding("flooded"));
    deploy(&host, &misbehaving("other"));
    // As many as an app may have instances that has half of them all.
    let mut held: Vec<_> = (0..512).map(|_| send(&host, "flooded", "/hang")).collect();
    let instances = || counted(&host, "instances", ["flooded", "other"])[0];
    assert!(eventually(|| instances() == 512));
    let waited = host.get_of("flooded.test", "/");
    assert_eq!(
        (waited.status, waited.header("retry-after")),
        (503, Some("1")),
        "{}",
        host.stderr()
    );
    for _ in 0..20 {
        assert_eq!(host.get_of("other.test", "/").text(), "ok");
    }
    // A client that goes gives its place to the next.
    held.truncate(500);
    assert!(eventually(|| host.get_of("flooded.test", "/").status == 200));
}
