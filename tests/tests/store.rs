//! Components keep keys and values in the stores that the manifest links them to.

use keyway_testing::{
    Keyway, app, finish, get,
    server::{Nats, Postgres, Redis},
};
use tempfile::TempDir;

/// The guest `store`, linked by `link`, in an app with `stores`.
fn manifest(link: &str, stores: &str) -> String {
    format!(
        r#"
        [app]
        name = "keep"
        [component.store]
        source = "{{guest:store}}"
        link."wasi:keyvalue/store" = {link}
        {stores}
        [[trigger.http]]
        route = "/"
        component = "store"
    "#
    )
}

fn up(link: &str, stores: &str) -> (TempDir, Keyway) {
    let app = app(&manifest(link, stores));
    let keyway = Keyway::up(app.path());
    (app, keyway)
}

/// The answer's body, after its status if that is not 200.
fn ask(keyway: &Keyway, path: &str) -> String {
    let answer = get(keyway.address(), path);
    if answer.status == 200 { answer.body } else { format!("{}: {}", answer.status, answer.body) }
}

fn asked(keyway: &Keyway, conversation: &[(&str, &str)]) {
    for (path, answer) in conversation {
        assert_eq!(ask(keyway, path), *answer, "{path}\n{}", keyway.stderr());
    }
}

/// What every backend does, through the interface and the manifest. All else is in the
/// conformance suite of `crates/capability`.
fn keeps(backend: &str) {
    let (_app, keyway) = up(r#""cache""#, &format!("[keyvalue.cache]\n{backend}"));
    asked(
        &keyway,
        &[
            ("/get/a", "none"),
            ("/set/a/1", "done"),
            ("/get/a", "1"),
            ("/exists/a", "true"),
            ("/increment/a/41", "42"),
            ("/increment/n/-2", "-2"),
            ("/list", "a n"),
            ("/swap/a/42/43", "swapped"),
            ("/swap/a/43/interfere", "failed, it is something else"),
            ("/delete/a", "done"),
            ("/exists/a", "false"),
            ("/many/x/y/z", "none y=y z=z"),
        ],
    );
}

#[test]
fn a_component_keeps_values_in_memory() {
    keeps(r#"backend = "memory""#);
}

#[test]
fn a_component_keeps_values_in_sqlite_beside_the_manifest() {
    let stores = "[keyvalue.cache]\nbackend = \"sqlite\"\npath = \"cache.db\"";
    let (app, keyway) = up(r#""cache""#, stores);
    asked(&keyway, &[("/set/a/1", "done")]);
    keyway.stop();
    assert!(app.path().join("cache.db").is_file());
    let keyway = Keyway::up(app.path());
    asked(&keyway, &[("/get/a", "1")]);
    keeps("backend = \"sqlite\"\npath = \"other.db\"");
}

#[test]
fn a_component_keeps_values_in_redis() {
    let redis = Redis::start();
    keeps(&format!("backend = \"redis\"\nurl = \"{}\"", redis.url()));
}

#[test]
fn a_component_keeps_values_in_postgres() {
    let postgres = Postgres::start();
    keeps(&format!("backend = \"postgres\"\nurl = \"{}\"", postgres.url()));
}

#[test]
fn a_component_keeps_values_in_nats() {
    let nats = Nats::start();
    keeps(&format!("backend = \"nats\"\nurl = \"{}\"", nats.url()));
}

#[test]
fn the_first_draft_of_the_interface_works_too() {
    let app = app(r#"
        [app]
        name = "keep"
        [component.store]
        source = "{guest:store-first-draft}"
        link."wasi:keyvalue/store" = "cache"
        [keyvalue.cache]
        backend = "memory"
        [[trigger.http]]
        route = "/"
        component = "store"
    "#);
    let keyway = Keyway::up(app.path());
    asked(
        &keyway,
        &[
            ("/get/a", "None"),
            ("/set/a/1", "done"),
            ("/get/a", r#"Some(Ok("1"))"#),
            ("/increment/n/7", "7"),
            ("/many/a", r#"[Some(("a", [49]))]"#),
            // More than a page, so that it goes by cursors, which are numbers here.
            ("/fill/2500", "done"),
            ("/list", "2502"),
        ],
    );
}

#[test]
fn a_link_names_several_stores() {
    let stores = "[keyvalue.cache]\nbackend = \"memory\"\n[keyvalue.pg]\nbackend = \"memory\"";
    let (_app, keyway) = up(r#"{ default = "cache", sessions = "pg" }"#, stores);
    asked(
        &keyway,
        &[
            ("/set/a/cached", "done"),
            ("/sessions:/set/a/session", "done"),
            ("/default:/get/a", "cached"),
            ("/sessions:/get/a", "session"),
            // By the names that the link gives, and no others.
            ("/pg:/get/a", "500: no such store"),
        ],
    );
    keyway.wait_for_stderr(r#"component.store.link."wasi:keyvalue/store" = { "pg" = "STORE" }"#);
}

#[test]
fn a_store_answers_to_its_own_name() {
    let (_app, keyway) = up(r#""cache""#, "[keyvalue.cache]\nbackend = \"memory\"");
    asked(&keyway, &[("/cache:/set/a/1", "done"), ("/default:/get/a", "1"), ("/get/a", "1")]);
}

#[test]
fn a_link_may_be_for_reading_only() {
    let link = r#"{ to = "cache", access = "read" }"#;
    let (_app, keyway) = up(link, "[keyvalue.cache]\nbackend = \"memory\"");
    asked(
        &keyway,
        &[
            ("/get/a", "none"),
            ("/set/a/1", "500: access denied"),
            ("/increment/a/1", "500: access denied"),
            ("/swap/a/none/1", "500: access denied"),
            ("/many/a/b", "500: access denied"),
        ],
    );
    keyway.wait_for_stderr(r#"access = "read-write""#);
}

#[test]
fn a_link_may_be_for_some_keys_only() {
    let link = r#"{ to = "cache", prefix = "mine-" }"#;
    let (_app, keyway) = up(link, "[keyvalue.cache]\nbackend = \"memory\"");
    asked(&keyway, &[("/set/mine-a/1", "done"), ("/list", "mine-a")]);
    let refused = ask(&keyway, "/set/yours/1");
    assert!(refused.starts_with("500: ") && refused.contains("mine-"), "{refused}");
}

#[test]
fn a_link_may_have_a_quota() {
    let link = r#"{ to = "cache", quota = "1KiB" }"#;
    let (_app, keyway) = up(link, "[keyvalue.cache]\nbackend = \"memory\"");
    let half = "x".repeat(600);
    asked(&keyway, &[(&format!("/set/a/{half}"), "done")]);
    let refused = ask(&keyway, &format!("/set/b/{half}"));
    assert!(refused.contains("1024 bytes"), "{refused}");
    asked(&keyway, &[("/get/b", "none"), (&format!("/set/a/{half}"), "done")]);
}

#[test]
fn two_fused_components_have_different_stores() {
    let app = app(r#"
        [app]
        name = "keep"
        [component.front]
        source = "{guest:store-front}"
        link."test:store/keep" = "inner"
        link."wasi:keyvalue/store" = "one"
        [component.inner]
        source = "{guest:store-inner}"
        link."wasi:keyvalue/store" = "other"
        [keyvalue.one]
        backend = "memory"
        [keyvalue.other]
        backend = "memory"
        [[trigger.http]]
        route = "/"
        component = "front"
    "#);
    let keyway = Keyway::up(app.path());
    asked(
        &keyway,
        &[
            ("/own/set/a/1", "done"),
            ("/inner/get/a", "none"),
            ("/inner/set/a/2", "done"),
            ("/own/get/a", "1"),
            ("/inner/get/a", "2"),
        ],
    );
}

#[test]
fn one_of_two_fused_components_has_no_store() {
    let app = app(r#"
        [app]
        name = "keep"
        [component.front]
        source = "{guest:store-front}"
        link."test:store/keep" = "inner"
        [component.inner]
        source = "{guest:store-inner}"
        link."wasi:keyvalue/store" = "other"
        [keyvalue.other]
        backend = "memory"
        [[trigger.http]]
        route = "/"
        component = "front"
    "#);
    let keyway = Keyway::up(app.path());
    asked(&keyway, &[("/own/get/a", "500: Error::NoSuchStore"), ("/inner/set/a/2", "done")]);
    keyway
        .wait_for_stderr(r#"component.front.link."wasi:keyvalue/store" = { "default" = "STORE" }"#);
}

#[test]
fn an_address_comes_from_the_environment_or_a_file() {
    let redis = Redis::start();
    let app = app(&manifest(
        r#"{ default = "cache", other = "same" }"#,
        r#"
        [keyvalue.cache]
        backend = "redis"
        url = { env = "CACHE_URL" }
        [keyvalue.same]
        backend = "redis"
        url = { file = "url" }
    "#,
    ));
    std::fs::write(app.path().join("url"), redis.url() + "\n").expect("written");
    let keyway = Keyway::up_where(app.path(), &[], &[("CACHE_URL", &redis.url())]);
    asked(&keyway, &[("/set/a/1", "done"), ("/other:/get/a", "1")]);
    let without = finish(["check", app.path().to_str().expect("text")]);
    assert!(without.stderr.contains("the variable `CACHE_URL`, which is not set"));
}

#[test]
fn wrong_stores_are_all_told_at_once() {
    let app = app(&manifest(
        r#"{ default = "cashe", a = "cache", b = { to = "lite", acces = "read" }, c = "pg" }"#,
        r#"
        [keyvalue.cache]
        backend = "reddis"
        [keyvalue.lite]
        backend = "sqlite"
        paht = "x.db"
        [keyvalue.pg]
        backend = "postgres"
        url = "https://example.com"
        [keyvalue.spare]
        backend = "memory"
    "#,
    ));
    let checked = finish(["check".as_ref(), app.path().as_os_str()]);
    assert_eq!(checked.code, Some(1));
    for part in ["there is no store `cashe`", "did you mean `cache`?", "no key `acces`"] {
        assert!(checked.stderr.contains(part), "{part}\n{}", checked.stderr);
    }
    let mut text = std::fs::read_to_string(app.path().join("keyway.toml")).expect("read");
    text = text.replace("cashe", "cache").replace("acces =", "access =");
    std::fs::write(app.path().join("keyway.toml"), &text).expect("written");
    let checked = finish(["check".as_ref(), app.path().as_os_str()]);
    assert!(checked.stderr.contains("nothing uses the store `spare`"), "{}", checked.stderr);
    let text = text.replace("[keyvalue.spare]\n        backend = \"memory\"", "");
    std::fs::write(app.path().join("keyway.toml"), &text).expect("written");
    let checked = finish(["check".as_ref(), app.path().as_os_str()]);
    for part in ["did you mean `redis`?", "did you mean `path`?", "does not begin with"] {
        assert!(checked.stderr.contains(part), "{part}\n{}", checked.stderr);
    }
}

#[test]
fn a_link_to_a_store_needs_the_import() {
    let app = app(&manifest(r#""cache""#, "[keyvalue.cache]\nbackend = \"memory\"")
        .replace("{guest:store}", "{guest:hello}"));
    let checked = finish(["check".as_ref(), app.path().as_os_str()]);
    assert!(
        checked.stderr.contains("`store` does not import `wasi:keyvalue/store`"),
        "{}",
        checked.stderr
    );
}

#[test]
fn a_server_that_is_gone_is_told_and_found_again() {
    let mut redis = Redis::start();
    let store = format!("backend = \"redis\"\nurl = \"{}\"\ntimeout = \"500ms\"", redis.url());
    let stores = format!("[keyvalue.cache]\n{store}\n[keyvalue.near]\nbackend = \"memory\"");
    let (_app, keyway) = up(r#"{ default = "cache", near = "near" }"#, &stores);
    asked(&keyway, &[("/set/a/1", "done")]);
    redis.kill();
    let refused = ask(&keyway, "/get/a");
    assert!(refused.starts_with("500: other: ") && refused.contains("Redis"), "{refused}");
    // Others go on.
    asked(&keyway, &[("/near:/set/a/1", "done")]);
    redis.restart();
    let mut answers = (0..100).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ask(&keyway, "/get/a")
    });
    assert!(answers.any(|answer| answer == "1"));
}

#[test]
fn a_login_that_is_refused_is_told_at_the_start() {
    let redis = Redis::start();
    let url = redis.url_with("wrong");
    let stores = format!("[keyvalue.cache]\nbackend = \"redis\"\nurl = \"{url}\"");
    let (_app, keyway) = up(r#""cache""#, &stores);
    keyway.wait_for_stderr("the store `cache` does not answer");
    assert!(!keyway.stderr().contains("wrong@"), "{}", keyway.stderr());
    assert!(ask(&keyway, "/get/a").starts_with("500: "));
}
