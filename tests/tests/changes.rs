//! Changes in a store start components that watch it.

use std::{
    thread,
    time::{Duration, Instant},
};

use keyway_testing::{
    Keyway, app, finish, get,
    server::{Nats, Redis},
};
use tempfile::TempDir;

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

fn up(store: &str, link: &str, trigger: &str) -> (TempDir, Keyway) {
    let app = app(&manifest(store, link, trigger));
    let keyway = Keyway::up(app.path());
    (app, keyway)
}

fn ask(keyway: &Keyway, path: &str) -> String {
    get(keyway.address(), path).body
}

/// Waits until the key has the value.
fn comes_to(keyway: &Keyway, key: &str, value: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let now = ask(keyway, &format!("/get/{key}"));
        if now == value {
            return;
        }
        assert!(Instant::now() < end, "{key} is {now} and not {value}:\n{}", keyway.stderr());
        thread::sleep(Duration::from_millis(20));
    }
}

/// Changes a key until it is told of: a watch that has just begun may miss the first.
fn is_watched(keyway: &Keyway, key: &str) {
    for attempt in 1.. {
        ask(keyway, &format!("/set/{key}/{attempt}"));
        thread::sleep(Duration::from_millis(200));
        if ask(keyway, &format!("/get/seen-{key}")) != "none" {
            return;
        }
        assert!(attempt < 50, "nobody is told:\n{}", keyway.stderr());
    }
}

fn tells_of_changes(store: &str) {
    let (_app, keyway) = up(store, LINK, TRIGGER);
    is_watched(&keyway, "in-begin");
    for number in 0..20 {
        assert_eq!(ask(&keyway, &format!("/set/in-{number}/{number}")), "done");
    }
    assert_eq!(ask(&keyway, "/set/other/1"), "done");
    for number in 0..20 {
        comes_to(&keyway, &format!("seen-in-{number}"), &number.to_string());
    }
    assert_eq!(ask(&keyway, "/delete/in-7"), "done");
    comes_to(&keyway, "gone-in-7", "gone");
    assert_eq!(ask(&keyway, "/get/seen-other"), "none");
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
    let (_app, keyway) = up(MEMORY, LINK, TRIGGER);
    is_watched(&keyway, "in-begin");
    ask(&keyway, "/set/in-a/trap");
    ask(&keyway, "/set/in-b/2");
    comes_to(&keyway, "seen-in-b", "2");
    keyway.wait_for_stderr("a change to `in-a` was not handled");
}

#[test]
fn a_component_sees_no_changes_beyond_its_link() {
    let link = "{ to = \"shared\", prefix = \"in-\" }";
    let (_app, keyway) = up(MEMORY, link, "");
    ask(&keyway, "/set/other/1");
    ask(&keyway, "/set/in-a/1");
    // It may not write what it copies.
    keyway.wait_for_stderr("a change to `in-a` was not handled");
    assert!(!keyway.stderr().contains("`other`"));
}

#[test]
fn a_component_is_told_by_the_backend_that_took_the_place_of_another() {
    let redis = Redis::start();
    let (_app, keyway) = up(MEMORY, LINK, TRIGGER);
    is_watched(&keyway, "in-begin");
    let url = redis.url();
    let swapped = keyway.ask(["swap", "backend", "shared", "--to", "redis", "--url", &url]);
    assert_eq!(swapped.code, Some(0), "{}", swapped.stderr);
    is_watched(&keyway, "in-after");
}

#[test]
fn a_reload_gives_changes_to_the_next_component() {
    let (app, keyway) = up(MEMORY, LINK, TRIGGER);
    is_watched(&keyway, "in-begin");
    let path = app.path().join("keyway.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(&path, text.replace(TRIGGER, "prefix = \"now-\"")).expect("written");
    assert_eq!(keyway.ask(["reload"]).code, Some(0));
    is_watched(&keyway, "now-a");
    ask(&keyway, "/set/in-late/1");
    ask(&keyway, "/set/now-late/1");
    comes_to(&keyway, "seen-now-late", "1");
    assert_eq!(ask(&keyway, "/get/seen-in-late"), "none");
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
