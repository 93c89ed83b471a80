//! What apps and their components use is counted, and shown.

use keyway_testing::{Keyway, RunningApp, app};

const MANIFEST: &str = r#"
    [app]
    name = "counted"
    [component.misbehave]
    source = "{guest:misbehave}"
    grant.stderr = true
    [component.denied]
    source = "{guest:config}"
    [[trigger.http]]
    host = "counted.test"
    route = "/"
    component = "misbehave"
    [[trigger.http]]
    host = "denied.test"
    route = "/"
    component = "denied"
"#;

/// Asks for what is counted.
fn use_all(keyway: &Keyway) {
    let host = "Host: counted.test\r\n";
    let counted = keyway.request("POST", "/count-body", host, &[b'x'; 1_000]);
    assert_eq!(counted.text(), "1000");
    assert_eq!(keyway.get_of("counted.test", "/trap").status, 500);
    assert_ne!(keyway.get_of("denied.test", "/get/key").status, 404);
}

fn json(keyway: &Keyway, arguments: &[&str]) -> serde_json::Value {
    let told = keyway.ask(arguments).stdout;
    serde_json::from_str(&told).expect(&told)
}

fn numbers<const N: usize>(of: &serde_json::Value, keys: [&str; N]) -> [u64; N] {
    keys.map(|key| of[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {of}")))
}

fn is_counted(keyway: &Keyway) {
    let apps = json(keyway, &["apps", "--json"]);
    let keys = ["requests", "errors", "instances", "in_bytes"];
    let [requests, errors, instances, in_bytes] = numbers(&apps[0], keys);
    assert_eq!((requests, instances, in_bytes), (3, 3, 1_000), "{apps}");
    let [denials, out_bytes] = numbers(&apps[0], ["denials", "out_bytes"]);
    assert!(errors >= 1 && denials >= 1 && out_bytes >= 4, "{apps}");

    let status = json(keyway, &["status", "--json"]);
    let components = status[0]["components"].as_array().expect("a list");
    let component = |name: &str| {
        let component = components.iter().find(|component| component["name"] == name);
        component.cloned().unwrap_or_default()
    };
    let keys = ["requests", "errors", "instances", "denials", "in_bytes"];
    assert_eq!(numbers(&component("misbehave"), keys), [2, 1, 2, 0, 1_000], "{status}");
    let [requests, denials] = numbers(&component("denied"), ["requests", "denials"]);
    assert!(requests == 1 && denials >= 1, "{status}");
    let shown = keyway.ask(["status"]).stdout;
    assert!(shown.contains("2 instances") && shown.contains("1000 B in"), "{shown}");
}

#[test]
fn what_an_app_uses_that_has_its_host_to_itself_is_counted_by_component() {
    let app = RunningApp::up(MANIFEST);
    use_all(&app.keyway);
    is_counted(&app.keyway);
}

#[test]
fn what_an_app_of_many_uses_is_counted_by_component() {
    let data = tempfile::tempdir().expect("a folder");
    let host = Keyway::host(data.path(), &[]);
    let app = app(MANIFEST);
    let deployed = host.ask(["deploy".as_ref(), app.path().as_os_str()]);
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    use_all(&host);
    is_counted(&host);
    let listed = host.ask(["apps"]).stdout;
    assert!(listed.contains("DENIALS") && listed.contains("1000 B"), "{listed}");
}
