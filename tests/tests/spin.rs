//! Components written for Spin keep values and read variables as they do there.

use std::{fs, path::Path};

use keyway_testing::{Keyway, RunningApp, app, finish, guest, server::Redis};
use tempfile::TempDir;

/// An app of one guest with what stands in its table, and with stores and configurations.
fn up(guest: &str, component: &str, backends: &str) -> RunningApp {
    RunningApp::up(&manifest(guest, component, backends))
}

fn manifest(guest: &str, component: &str, backends: &str) -> String {
    format!(
        r#"
        [app]
        name = "moved"
        [component.moved]
        source = "{{guest:{guest}}}"
        {component}
        {backends}
        [[trigger.http]]
        route = "/"
        component = "moved"
    "#
    )
}

const MEMORY: &str = "[keyvalue.cache]\nbackend = \"memory\"";
const VALUES: &str = "[config.main]\nbackend = \"values\"\nlevel = \"info\"";

#[test]
fn a_store_of_spin_is_one_of_the_manifest() {
    let link = r#"link."fermyon:spin/key-value" = { default = "cache", sessions = "other" }"#;
    let stores = format!("{MEMORY}\n[keyvalue.other]\nbackend = \"memory\"");
    let app = up("spin-store", link, &stores);
    app.expect(&[
        ("/get/a", "none"),
        ("/set/a/1", "done"),
        ("/get/a", "1"),
        ("/exists/a", "true"),
        ("/sessions:/exists/a", "false"),
        ("/set/b/2", "done"),
        ("/keys", "a b"),
        ("/delete/a", "done"),
        ("/exists/a", "false"),
        // More than a page of them.
        ("/sessions:/fill/2100", "2100"),
        // By the interface of WASI too, in the form that Spin has.
        ("/many/none/x/y", "none=none x=1 y=1"),
        ("/keys", "b x y"),
    ]);
}

#[test]
fn the_same_store_is_kept_on_a_server() {
    let redis = Redis::start();
    let store = format!("[keyvalue.cache]\nbackend = \"redis\"\nurl = \"{}\"", redis.url());
    let link = r#"link."fermyon:spin/key-value" = { default = "cache" }"#;
    let app = up("spin-store", link, &store);
    app.expect(&[("/set/a/1", "done"), ("/get/a", "1"), ("/keys", "a")]);
}

#[test]
fn a_store_without_a_link_is_denied() {
    let app = up("spin-store", "", "");
    app.expect(&[
        ("/get/a", "500: Error::AccessDenied"),
        ("/other:/keys", "500: Error::AccessDenied"),
    ]);
    app.wait_for_stderr(
        r#"component.moved.link."fermyon:spin/key-value" = { "default" = "STORE" }"#,
    );
}

#[test]
fn a_store_for_reading_is_not_written() {
    let link = r#"link."fermyon:spin/key-value" = { to = "cache", access = "read" }"#;
    let app = up("spin-store", link, MEMORY);
    app.expect(&[("/get/a", "none"), ("/set/a/1", "500: Error::AccessDenied")]);
}

#[test]
fn variables_come_from_a_configuration() {
    let link = r#"link."fermyon:spin/variables" = "main""#;
    let app = up("spin-store", link, VALUES);
    app.expect(&[
        ("/variable/level", "info"),
        ("/variable/other", "undefined"),
        ("/variable/Level", "invalid name"),
    ]);
    let app = up("spin-store", "", "");
    app.expect(&[("/variable/level", "undefined")]);
    app.wait_for_stderr(r#"component.moved.link."fermyon:spin/variables" = "CONFIG""#);
}

#[test]
fn the_first_interfaces_of_spin_work_too() {
    let links =
        "link.\"fermyon:spin/key-value\" = \"cache\"\nlink.\"fermyon:spin/config\" = \"main\"";
    let app = up("spin-first", links, &format!("{MEMORY}\n{VALUES}"));
    app.expect(&[
        ("/get/a", "500: Error::NoSuchKey"),
        ("/set/a/1", "done"),
        ("/get/a", "1"),
        ("/keys", "a"),
        ("/guess/0", "500: Error::InvalidStore"),
        ("/guess/3", "500: Error::InvalidStore"),
        ("/closed", "500: Error::InvalidStore"),
        ("/config/level", "info"),
        ("/config/other", "provider"),
        ("/config/a-b", "invalid key"),
    ]);
    let app = up("spin-first", "", "");
    app.expect(&[("/keys", "500: Error::AccessDenied"), ("/config/level", "provider")]);
}

#[test]
fn the_interfaces_of_spin_4_do_not_block() {
    let links = "link.\"spin:key-value/key-value\" = \"cache\"\nlink.\"spin:variables/variables\" = \"main\"";
    let app = up("spin-async", links, &format!("{MEMORY}\n{VALUES}"));
    app.expect(&[
        ("/get/a", "none"),
        ("/set/a/1", "true"),
        ("/get/a", "1"),
        // Streamed, page by page.
        ("/fill/2100", "2100"),
        ("/variable/level", "info"),
    ]);
    let app = up("spin-async", "", "");
    app.expect(&[("/get/a", "Error::AccessDenied")]);
    app.wait_for_stderr(
        r#"component.moved.link."spin:key-value/key-value" = { "default" = "STORE" }"#,
    );
}

#[test]
fn a_link_of_spin_needs_the_import() {
    let link = r#"link."fermyon:spin/key-value" = "cache""#;
    let app = app(&manifest("hello", link, MEMORY));
    let checked = finish(["check".as_ref(), app.path().as_os_str()]);
    assert!(checked.stderr.contains("`moved` does not import"), "{}", checked.stderr);
}

/// A folder with a `spin.toml` whose sources are guests, `{guest:NAME}`.
fn spin_app(manifest: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = manifest.to_owned();
    while let Some((before, rest)) = text.split_once("{guest:") {
        let (name, after) = rest.split_once('}').expect("the name ends");
        text = format!("{before}{}{after}", guest(name).display());
    }
    fs::write(folder.path().join("spin.toml"), text).expect("written");
    folder
}

const SPIN_APP: &str = r#"
    spin_manifest_version = 2

    [application]
    name = "moved"
    version = "1.0.0"
    description = "As it was written for Spin"
    authors = ["Somebody"]

    [variables]
    level = { default = "info" }
    token = { required = true, secret = true }

    [[trigger.http]]
    route = "/..."
    component = "kept"

    [[trigger.http]]
    route = "/exactly"
    component = "hello"

    [component.kept]
    source = "{guest:spin-store}"
    key_value_stores = ["default", "my_store"]
    sqlite_databases = ["default"]
    allowed_outbound_hosts = ["https://example.com"]
    environment = { LANG = "C" }
    variables = { greeting = "level {{ level }}, {{token}}", level = "{{ level }}" }
    [component.kept.build]
    command = "cargo build"

    [component.hello]
    source = "{guest:hello}"
"#;

#[test]
fn a_spin_toml_runs_as_it_is() {
    let app = spin_app(SPIN_APP);
    let environment = [("SPIN_VARIABLE_TOKEN", "s3cret")];
    let keyway = Keyway::up_where(app.path(), &[], &environment);
    keyway.expect(&[
        ("/get/a", "none"),
        ("/set/a/1", "done"),
        ("/my_store:/exists/a", "false"),
        ("/other:/exists/a", "500: Error::AccessDenied"),
        ("/variable/level", "info"),
        ("/variable/greeting", "level info, s3cret"),
        ("/variable/token", "undefined"),
    ]);
    let kept = keyway.get("/variable/level").body;
    let exactly = keyway.get("/exactly").body;
    assert_ne!(exactly, kept);
    // What is below an exact route is not its own.
    assert_eq!(keyway.get("/exactly/get/a").body, "what?");
    keyway.stop();
    assert!(app.path().join(".keyway/key-value.db").is_file());
    // What was kept is there again; and a variable that is set counts before its default.
    let environment = [("SPIN_VARIABLE_TOKEN", "x"), ("SPIN_VARIABLE_LEVEL", "debug")];
    let keyway = Keyway::up_where(app.path().join("spin.toml"), &[], &environment);
    keyway.expect(&[("/get/a", "1"), ("/variable/level", "debug")]);
}

fn check(path: &Path) -> String {
    finish(["check".as_ref(), path.as_os_str()]).stderr
}

#[test]
fn a_required_variable_that_is_not_set_is_told() {
    let app = spin_app(SPIN_APP);
    let told = finish(["check".as_ref(), app.path().as_os_str()]).told();
    assert!(told.contains("`SPIN_VARIABLE_TOKEN`, which is not set"), "{told}");
}

#[test]
fn what_keyway_does_not_have_of_spin_is_told_with_its_place() {
    let manifest = r#"
        spin_manifest_version = 2
        [application]
        name = "moved"
        [[trigger.redis]]
        channel = "a"
        component = "a"
        [[trigger.http]]
        route = "/a/:id"
        component = "a"
        [component.a]
        source = { url = "https://example.com/a.wasm", digest = "sha256:00" }
        ai_models = ["llama2-chat"]
        allowed_outbound_hosts = ["mysql://db"]
        key_value_store = ["default"]
    "#;
    let told = check(spin_app(manifest).path());
    for part in [
        "the trigger `redis`",
        "a variable part in a route",
        "a component from a URL",
        "language models",
        "`mysql://db` cannot be granted",
        "did you mean `key_value_stores`?",
        "spin.toml:",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let old = check(spin_app("spin_version = \"1\"\nname = \"a\"").path());
    assert!(old.contains("version 2 of Spin's manifest"), "{old}");
}

#[test]
fn a_component_talks_to_the_servers_of_redis_that_it_is_granted() {
    let redis = Redis::start();
    let url = redis.url();
    let server = url.trim_start_matches("redis://").split('/').next().expect("a server");
    let host = server.rsplit('@').next().expect("a host");
    let app = up("spin-redis", &format!("grant.redis = [\"{host}\"]"), "");
    let at = |command: &str| format!("/{server}/{command}");
    for (command, answer) in [
        ("get", "none"),
        ("set", "done"),
        ("get", "value"),
        ("incr", "1"),
        ("incr", "2"),
        ("incr-text", "Error::TypeError"),
        ("del", "1"),
        ("publish", "done"),
        ("members", "2 1 b"),
        ("execute", "7 x"),
    ] {
        app.expect(&[(&at(command), answer)]);
    }
    app.expect(&[("/10.255.255.1/get", "Error::InvalidAddress")]);
    app.wait_for_stderr(r#"component.moved.grant.redis = ["10.255.255.1:6379"]"#);
}

/// What a component says that it is told by headers of Spin's host, without the client's port.
fn told_of(keyway: &Keyway, path: &str) -> Vec<String> {
    let forged = "spin-path-info: /forged\r\nspin-path-info: /twice\r\nSpin-Client-Addr: 1.2.3.4:5\r\n\
                  spin-full-url: http://forged/\r\nspin-path-match-id: forged\r\n";
    let answer = keyway.request("GET", path, forged, b"");
    let lines = answer.body.lines().filter(|line| line.starts_with("spin-"));
    let mut lines: Vec<_> = lines
        .map(|line| match line.split_once("127.0.0.1:") {
            Some(("spin-client-addr: ", _)) => "spin-client-addr: 127.0.0.1".to_owned(),
            _ => line.replace(&keyway.address().to_string(), "HOST"),
        })
        .collect();
    lines.sort();
    lines
}

/// The same, as it should be.
fn told_by_spin(path: &str, path_info: &str, route: &str, below_base: &str) -> Vec<String> {
    let component = below_base.strip_suffix("/...").unwrap_or(below_base);
    vec![
        "spin-base-path: /".to_owned(),
        "spin-client-addr: 127.0.0.1".to_owned(),
        format!("spin-component-route: {component}"),
        format!("spin-full-url: http://HOST{path}"),
        format!("spin-matched-route: {route}"),
        format!("spin-path-info: {path_info}"),
        format!("spin-raw-component-route: {below_base}"),
    ]
}

#[test]
fn components_of_a_spin_toml_are_told_where_their_requests_matched() {
    let app = spin_app(
        r#"
        spin_manifest_version = 2
        [application]
        name = "moved"
        [application.trigger.http]
        base = "base/"
        [[trigger.http]]
        route = "/old/..."
        component = "old"
        [[trigger.http]]
        route = "/new/..."
        component = "new"
        [[trigger.http]]
        route = "one/headers"
        component = "old"
        [component.old]
        source = "{guest:misbehave}"
        [component.new]
        source = "{guest:target-p3}"
    "#,
    );
    let keyway = Keyway::up(app.path());
    for (path, path_info, route) in [
        ("/base/old/a/headers?x=1", "/a/headers", "/old/..."),
        ("/base/new/a%20b/headers", "/a%20b/headers", "/new/..."),
        ("/base/one/headers", "", "/one/headers"),
    ] {
        let expected = told_by_spin(path, path_info, &format!("/base{route}"), route);
        assert_eq!(told_of(&keyway, path), expected);
    }
    assert_eq!(keyway.get("/old/headers").status, 404, "it is served below its base");
}

#[test]
fn a_component_of_spin_in_a_manifest_of_keyways_is_told_the_same() {
    let app = RunningApp::up(
        r#"
        [app]
        name = "moved"
        [component.imports]
        source = "{guest:spin-store}"
        [component.says-so]
        source = "{guest:target-p3}"
        [component.other]
        source = "{guest:misbehave}"
        [[trigger.http]]
        route = "/"
        component = "imports"
        [[trigger.http]]
        route = "/shop"
        component = "says-so"
        spin = true
        [[trigger.http]]
        route = "/other"
        component = "other"
    "#,
    );
    let expected = told_by_spin("/headers", "/headers", "/...", "/...");
    assert_eq!(told_of(&app, "/headers"), expected);
    let expected = told_by_spin("/shop/headers", "/headers", "/shop/...", "/shop/...");
    assert_eq!(told_of(&app, "/shop/headers"), expected);
    // Others get nothing, of clients neither.
    assert_eq!(told_of(&app, "/other/headers"), [""; 0]);
}

#[test]
fn names_that_spin_refuses_are_refused() {
    let manifest = r#"
        spin_manifest_version = 2
        [application]
        name = "moved"
        [variables]
        API_KEY = { default = "x" }
        my-var = { default = "1" }
        "a.b" = { default = "1" }
        a__b = { default = "1" }
        good_1 = { default = "1" }
        [[trigger.http]]
        route = "/..."
        component = "a"
        [component.a]
        source = "{guest:hello}"
        variables = { Upper = "{{ good_1 }}", fine = "{{ API_KEY }}" }
    "#;
    let checked = finish(["check".as_ref(), spin_app(manifest).path().as_os_str()]);
    let told = checked.told();
    assert_eq!(checked.code, Some(1), "{told}");
    for name in ["API_KEY", "my-var", "a.b", "a__b", "Upper"] {
        let problem = format!("`{name}` is not a valid variable name");
        assert!(told.contains(&problem), "{name}: {told}");
    }
    assert!(told.contains("`api_key`") && !told.contains("`good_1` is"), "{told}");
}
