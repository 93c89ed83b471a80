//! Changes in a store start components that watch it.

use keyway_testing::{
    RunningApp, app, eventually, finish,
    server::{Nats, Redis},
};

/// Two components and their store, which one changes and the other watches.
fn manifest(store: &str, link: &str, trigger: &str) -> String {
    format!(
        r#"
        [app]
        name = "watched"
        [component.store]
        source = "{{guest:store}}"
        link."wasi:keyvalue/store" = "shared"
        [component.watcher]
        source = "{{guest:store-watcher}}"
        link."wasi:keyvalue/store" = {link}
        [keyvalue.shared]
        {store}
        [[trigger.keyvalue]]
        component = "watcher"
        {trigger}
        [[trigger.http]]
        route = "/"
        component = "store"
    "#
    )
}

const MEMORY: &str = "backend = \"memory\"";
const LINK: &str = "\"shared\"";
const TRIGGER: &str = "prefix = \"in-\"";

fn up(store: &str, link: &str, trigger: &str) -> RunningApp {
    RunningApp::up(&manifest(store, link, trigger))
}

/// Changes a key until that is seen: a watch that has just begun may miss the first.
fn is_watched(app: &RunningApp, key: &str) {
    let mut attempt = 0;
    let is_seen = eventually(|| {
        attempt += 1;
        app.get(&format!("/set/{key}/{attempt}"));
        app.get(&format!("/get/seen-{key}")).text() != "none"
    });
    assert!(is_seen, "nobody is told:\n{}", app.stderr());
}

fn tells_of_changes(store: &str) {
    let app = up(store, LINK, TRIGGER);
    is_watched(&app, "in-begin");
    for number in 0..20 {
        app.expect(&[(&format!("/set/in-{number}/{number}"), "done")]);
    }
    app.expect(&[("/set/other/1", "done")]);
    for number in 0..20 {
        app.wait_for_answer(&format!("/get/seen-in-{number}"), &number.to_string());
    }
    app.expect(&[("/delete/in-7", "done")]);
    app.wait_for_answer("/get/gone-in-7", "gone");
    app.expect(&[("/get/seen-other", "none")]);
}

#[test]
fn a_component_is_told_of_changes_in_memory() {
    tells_of_changes(MEMORY);
}

#[test]
fn a_component_is_told_of_changes_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    tells_of_changes(&format!("backend = \"sqlite\"\npath = \"{}\"", path.display()));
}

#[test]
fn a_component_is_told_of_changes_in_redis() {
    let redis = Redis::start();
    tells_of_changes(&format!("backend = \"redis\"\nurl = \"{}\"", redis.url()));
}

#[test]
fn a_component_is_told_of_changes_in_nats() {
    let nats = Nats::start();
    tells_of_changes(&format!("backend = \"nats\"\nurl = \"{}\"", nats.url()));
}

#[test]
fn a_component_that_traps_is_told_of_the_next_change() {
    let app = up(MEMORY, LINK, TRIGGER);
    is_watched(&app, "in-begin");
    app.get("/set/in-a/trap");
    app.get("/set/in-b/2");
    app.wait_for_answer("/get/seen-in-b", "2");
    app.wait_for_stderr("a change to `in-a` was not handled");
}

#[test]
fn a_component_sees_no_changes_beyond_its_link() {
    let link = "{ to = \"shared\", prefix = \"in-\" }";
    let app = up(MEMORY, link, "");
    app.get("/set/other/1");
    app.get("/set/in-a/1");
    // It may not write what it copies.
    app.wait_for_stderr("a change to `in-a` was not handled");
    assert!(!app.stderr().contains("`other`"));
}

#[test]
fn a_component_is_told_by_the_backend_that_took_the_place_of_another() {
    let redis = Redis::start();
    let app = up(MEMORY, LINK, TRIGGER);
    is_watched(&app, "in-begin");
    let url = redis.url();
    let swapped = app.ask(["swap", "backend", "shared", "--to", "redis", "--url", &url]);
    assert_eq!(swapped.code, Some(0), "{}", swapped.stderr);
    is_watched(&app, "in-after");
}

#[test]
fn a_reload_gives_changes_to_the_next_component() {
    let app = up(MEMORY, LINK, TRIGGER);
    is_watched(&app, "in-begin");
    app.rewrite(|text| text.replace(TRIGGER, "prefix = \"now-\""));
    assert_eq!(app.ask(["reload"]).code, Some(0));
    is_watched(&app, "now-a");
    app.get("/set/in-late/1");
    app.get("/set/now-late/1");
    app.wait_for_answer("/get/seen-now-late", "1");
    app.expect(&[("/get/seen-in-late", "none")]);
}

#[test]
fn what_cannot_be_watched_is_told() {
    for (from, to, told) in [
        (TRIGGER, "store = \"other\"", "watches `other`, which it cannot open"),
        (TRIGGER, "prefx = \"in-\"", "there is no key `prefx`"),
        ("\"watcher\"", "\"watchr\"", "changes in `default` lead to `watchr`"),
        ("{guest:store-watcher}", "{guest:store}", "which does not watch a store"),
    ] {
        let app = app(&manifest(MEMORY, LINK, TRIGGER).replace(from, to));
        let finished = finish(["check".as_ref(), app.path().as_os_str()]);
        assert_eq!(finished.code, Some(1), "{to}");
        assert!(finished.told().contains(told), "{to}: {}", finished.told());
    }
}
