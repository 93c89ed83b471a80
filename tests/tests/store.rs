//! Components keep keys and values in the stores that the manifest links them to.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use keyway_testing::{
    Keyway, RunningApp, app, finish,
    server::{Nats, Postgres, Redis},
};

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

fn up(link: &str, stores: &str) -> RunningApp {
    RunningApp::up(&manifest(link, stores))
}

/// What every backend does, through the interface and the manifest. All else is in the
/// conformance suite of `crates/capability`.
fn keeps(backend: &str) {
    let app = up(r#""cache""#, &format!("[keyvalue.cache]\n{backend}"));
    app.expect(&[
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
    ]);
}

#[test]
fn a_component_keeps_values_in_memory() {
    keeps(r#"backend = "memory""#);
}

#[test]
fn a_component_keeps_values_in_sqlite_beside_the_manifest() {
    let stores = "[keyvalue.cache]\nbackend = \"sqlite\"\npath = \"cache.db\"";
    let app = up(r#""cache""#, stores);
    app.expect(&[("/set/a/1", "done")]);
    app.keyway.stop();
    assert!(app.folder.path().join("cache.db").is_file());
    Keyway::up(app.folder.path()).expect(&[("/get/a", "1")]);
    keeps("backend = \"sqlite\"\npath = \"other.db\"");
}

#[test]
fn a_file_in_a_folder_that_is_not_text_is_refused_and_not_put_elsewhere() {
    let stores = "[keyvalue.cache]\nbackend = \"sqlite\"\npath = \"cache.db\"";
    let outer = app(&manifest(r#""cache""#, stores));
    let inner = outer.path().join(OsStr::from_bytes(b"in \xff"));
    fs::create_dir(&inner).expect("made");
    fs::copy(outer.path().join("keyway.toml"), inner.join("keyway.toml")).expect("copied");
    let refused = finish(["up".as_ref(), inner.as_os_str()]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let told = refused.told();
    assert!(told.contains("its `path` lies in") && told.contains("not text in UTF-8"), "{told}");
    assert_eq!(fs::read_dir(outer.path()).expect("read").count(), 2);
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
    let app = RunningApp::up(
        r#"
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
    "#,
    );
    app.expect(&[
        ("/get/a", "None"),
        ("/set/a/1", "done"),
        ("/get/a", r#"Some(Ok("1"))"#),
        ("/increment/n/7", "7"),
        ("/many/a", r#"[Some(("a", [49]))]"#),
        // More than a page, so that it goes by cursors, which are numbers here.
        ("/fill/2500", "done"),
        ("/list", "2502"),
    ]);
}

#[test]
fn a_link_names_several_stores() {
    let stores = "[keyvalue.cache]\nbackend = \"memory\"\n[keyvalue.pg]\nbackend = \"memory\"";
    let app = up(r#"{ default = "cache", sessions = "pg" }"#, stores);
    app.expect(&[
        ("/set/a/cached", "done"),
        ("/sessions:/set/a/session", "done"),
        ("/default:/get/a", "cached"),
        ("/sessions:/get/a", "session"),
        // By the names that the link gives, and no others.
        ("/pg:/get/a", "500: no such store"),
    ]);
    app.wait_for_stderr(r#"component.store.link."wasi:keyvalue/store" = { "pg" = "STORE" }"#);
}

#[test]
fn a_store_answers_to_its_own_name() {
    let app = up(r#""cache""#, "[keyvalue.cache]\nbackend = \"memory\"");
    app.expect(&[("/cache:/set/a/1", "done"), ("/default:/get/a", "1"), ("/get/a", "1")]);
}

#[test]
fn a_link_may_be_for_reading_only() {
    let link = r#"{ to = "cache", access = "read" }"#;
    let app = up(link, "[keyvalue.cache]\nbackend = \"memory\"");
    app.expect(&[
        ("/get/a", "none"),
        ("/set/a/1", "500: access denied"),
        ("/increment/a/1", "500: access denied"),
        ("/swap/a/none/1", "500: access denied"),
        ("/many/a/b", "500: access denied"),
    ]);
    app.wait_for_stderr(r#"access = "read-write""#);
}

#[test]
fn a_link_may_be_for_some_keys_only() {
    let link = r#"{ to = "cache", prefix = "mine-" }"#;
    let app = up(link, "[keyvalue.cache]\nbackend = \"memory\"");
    app.expect(&[("/set/mine-a/1", "done"), ("/list", "mine-a")]);
    let refused = app.get("/set/yours/1").text();
    assert!(refused.starts_with("500: ") && refused.contains("mine-"), "{refused}");
}

#[test]
fn a_link_may_have_a_quota() {
    let link = r#"{ to = "cache", quota = "1KiB" }"#;
    let app = up(link, "[keyvalue.cache]\nbackend = \"memory\"");
    let half = "x".repeat(600);
    app.expect(&[(&format!("/set/a/{half}"), "done")]);
    let refused = app.get(&format!("/set/b/{half}")).text();
    assert!(refused.contains("1024 bytes"), "{refused}");
    app.expect(&[("/get/b", "none"), (&format!("/set/a/{half}"), "done")]);
}

#[test]
fn two_fused_components_have_different_stores() {
    let app = RunningApp::up(
        r#"
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
    "#,
    );
    app.expect(&[
        ("/own/set/a/1", "done"),
        ("/inner/get/a", "none"),
        ("/inner/set/a/2", "done"),
        ("/own/get/a", "1"),
        ("/inner/get/a", "2"),
    ]);
}

#[test]
fn one_of_two_fused_components_has_no_store() {
    let app = RunningApp::up(
        r#"
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
    "#,
    );
    app.expect(&[("/own/get/a", "500: Error::NoSuchStore"), ("/inner/set/a/2", "done")]);
    app.wait_for_stderr(r#"component.front.link."wasi:keyvalue/store" = { "default" = "STORE" }"#);
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
    fs::write(app.path().join("url"), redis.url() + "\n").expect("written");
    let keyway = Keyway::up_where(app.path(), &[], &[("CACHE_URL", &redis.url())]);
    keyway.expect(&[("/set/a/1", "done"), ("/other:/get/a", "1")]);
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
    let mut text = fs::read_to_string(app.path().join("keyway.toml")).expect("read");
    text = text.replace("cashe", "cache").replace("acces =", "access =");
    fs::write(app.path().join("keyway.toml"), &text).expect("written");
    let checked = finish(["check".as_ref(), app.path().as_os_str()]);
    assert!(checked.stderr.contains("nothing uses the store `spare`"), "{}", checked.stderr);
    let text = text.replace("[keyvalue.spare]\n        backend = \"memory\"", "");
    fs::write(app.path().join("keyway.toml"), &text).expect("written");
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
    let app = up(r#"{ default = "cache", near = "near" }"#, &stores);
    app.expect(&[("/set/a/1", "done")]);
    redis.kill();
    let refused = app.get("/get/a").text();
    assert!(refused.starts_with("500: other: ") && refused.contains("Redis"), "{refused}");
    // Others go on.
    app.expect(&[("/near:/set/a/1", "done")]);
    redis.restart();
    app.wait_for_answer("/get/a", "1");
}

#[test]
fn a_login_that_is_refused_is_told_at_the_start() {
    let redis = Redis::start();
    let url = redis.url_with("wrong");
    let stores = format!("[keyvalue.cache]\nbackend = \"redis\"\nurl = \"{url}\"");
    let app = up(r#""cache""#, &stores);
    app.wait_for_stderr("the store `cache` does not answer");
    assert!(!app.stderr().contains("wrong@"), "{}", app.stderr());
    assert!(app.get("/get/a").text().starts_with("500: "));
}
