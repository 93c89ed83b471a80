//! Components keep objects in the containers that the manifest links them to.

use keyway_testing::{
    Keyway, RunningApp, app, finish,
    server::{Moto, Nats},
};

/// The guest `blobs`, linked by `link`, in an app with `places`.
fn manifest(link: &str, places: &str) -> String {
    format!(
        r#"
        [app]
        name = "keep"
        [component.blobs]
        source = "{{guest:blobs}}"
        {link}
        {places}
        [[trigger.http]]
        route = "/"
        component = "blobs"
    "#
    )
}

fn up(link: &str, places: &str) -> RunningApp {
    let link = format!("link.\"wasi:blobstore/blobstore\" = {link}");
    RunningApp::up(&manifest(&link, places))
}

const MEMORY: &str = "[blobstore.pictures]\nbackend = \"memory\"";

/// What every backend does, through the interface and the manifest. All else is in the
/// conformance suite of `crates/capability`.
fn keeps(backend: &str) {
    let app = up(r#""pictures""#, &format!("[blobstore.pictures]\n{backend}"));
    app.expect(&[
        ("/exists/box", "false"),
        ("/create/box", "box"),
        ("/exists/box", "true"),
        ("/age/box", "true"),
        ("/put/box/a/0123456789", "done"),
        ("/get/box/a", "0123456789"),
        ("/get/box/a/3/5", "345"),
        ("/get/box/a/8/99", "89"),
        ("/get/box/a/99/100", ""),
        ("/size/box/a", "10"),
        ("/put-late/box/b/late", "done"),
        ("/get/box/b", "late"),
        ("/give-up/box/b/half", "gave up"),
        ("/get/box/b", "late"),
        ("/copy/box/a/box/c", "done"),
        ("/move/box/b/box/d", "done"),
        ("/list/box", "a c d"),
        ("/has/box/b", "false"),
        ("/delete/box/c", "done"),
        ("/fill/box/large/12", "done"),
        ("/measure/box/large", "12582912"),
        ("/clear/box", "done"),
        ("/list/box", ""),
        ("/drop/box", "done"),
        ("/exists/box", "false"),
    ]);
    let missing = app.get("/get/box/a").text();
    assert!(
        missing.starts_with("500: ") && missing.ends_with("has no container `box`"),
        "{missing}"
    );
}

#[test]
fn a_component_keeps_objects_in_memory() {
    keeps(r#"backend = "memory""#);
}

#[test]
fn a_component_keeps_objects_in_a_folder_beside_the_manifest() {
    let places = "[blobstore.pictures]\nbackend = \"folder\"\npath = \"data\"";
    let app = up(r#""pictures""#, places);
    app.expect(&[("/create/box", "box"), ("/put/box/a/text", "done")]);
    app.keyway.stop();
    assert_eq!(std::fs::read(app.folder.path().join("data/box/a")).unwrap(), b"text");
    Keyway::up(app.folder.path()).expect(&[("/get/box/a", "text")]);
    keeps("backend = \"folder\"\npath = \"other\"");
}

#[test]
fn a_component_keeps_objects_in_s3() {
    let moto = Moto::start();
    moto.make_bucket("pictures");
    let (access_key, secret_key) = moto.login();
    keeps(&format!(
        "backend = \"s3\"\nbucket = \"pictures\"\nurl = \"{}\"\naccess_key = \"{access_key}\"\n\
         secret_key = \"{secret_key}\"",
        moto.url()
    ));
}

#[test]
fn a_component_keeps_objects_in_nats() {
    let nats = Nats::start();
    keeps(&format!("backend = \"nats\"\nurl = \"{}\"", nats.url()));
}

#[test]
fn a_value_without_an_object_is_held_only_so_far() {
    let app = up(r#""pictures""#, MEMORY);
    app.expect(&[("/create/box", "box")]);
    let refused = app.get("/fill-late/box/a/2").text();
    assert!(refused.contains("call `write-data` before writing more"), "{refused}");
    app.expect(&[("/has/box/a", "false"), ("/fill/box/a/2", "done")]);
}

#[test]
fn a_component_without_a_link_has_no_containers() {
    let app = RunningApp::up(&manifest("", ""));
    app.expect(&[
        ("/create/box", "500: no container `box` is granted"),
        ("/exists/box", "500: no container `box` is granted"),
        ("/get/box/a", "500: no container `box` is granted"),
        ("/copy/box/a/box/b", "500: no container `box` is granted"),
    ]);
    app.wait_for_stderr(r#"component.blobs.link."wasi:blobstore/blobstore" = { "box" = "PLACE" }"#);
}

#[test]
fn a_link_names_several_places() {
    let places = "[blobstore.one]\nbackend = \"memory\"\n[blobstore.other]\nbackend = \"memory\"";
    let link = r#"{ box = "one", attic = { to = "other", quota = "1KiB" } }"#;
    let app = up(link, places);
    app.expect(&[
        ("/create/box", "box"),
        ("/create/attic", "attic"),
        ("/put/box/a/text", "done"),
        // From one backend to another.
        ("/copy/box/a/attic/b", "done"),
        ("/move/box/a/attic/c", "done"),
        ("/list/attic", "b c"),
        ("/list/box", ""),
        // By the names that the link gives, and no others.
        ("/create/cellar", "500: no container `cellar` is granted"),
    ]);
    let refused = app.get("/fill/attic/d/1").text();
    assert!(refused.contains("over the quota") && refused.contains("1024 bytes"), "{refused}");
    app.expect(&[("/list/attic", "b c")]);
}

#[test]
fn a_link_may_be_for_reading_only() {
    let app = RunningApp::up(
        r#"
        [app]
        name = "keep"
        [component.writer]
        source = "{guest:blobs}"
        link."wasi:blobstore/blobstore" = "pictures"
        [component.reader]
        source = "{guest:blobs}"
        link."wasi:blobstore/blobstore" = { to = "pictures", access = "read", prefix = "a" }
        [blobstore.pictures]
        backend = "memory"
        [[trigger.http]]
        route = "/"
        component = "reader"
        [[trigger.http]]
        route = "/"
        host = "writer.test"
        component = "writer"
    "#,
    );
    let write = |path: &str| {
        let answer = app.request("GET", path, "Host: writer.test\r\n", b"");
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    write("/create/box");
    write("/put/box/a/text");
    write("/put/box/b/text");
    app.expect(&[("/get/box/a", "text"), ("/list/box", "a")]);
    for path in ["/put/box/a/changed", "/delete/box/a", "/clear/box", "/drop/box", "/create/new"] {
        let refused = app.get(path).text();
        assert!(refused.contains("is read-only"), "{path}: {refused}");
    }
    let refused = app.get("/get/box/b").text();
    assert!(refused.contains("which covers names that begin with `a`"), "{refused}");
    app.wait_for_stderr(r#"access = "read-write""#);
}

#[test]
fn memory_survives_a_reload() {
    let app = up(r#""pictures""#, MEMORY);
    app.expect(&[("/create/box", "box"), ("/put/box/a/text", "done")]);
    app.rewrite(|text| {
        format!("{text}\n[[trigger.http]]\nroute = \"/more\"\ncomponent = \"blobs\"")
    });
    let reloaded = app.ask(["reload"]);
    assert_eq!(reloaded.code, Some(0), "{}", reloaded.stderr);
    app.expect(&[("/get/box/a", "text")]);
}

#[test]
fn wrong_places_are_told_with_their_lines() {
    let app = app(&manifest(
        r#"link."wasi:blobstore/blobstore" = { box = "one", b = "two", c = "three" }"#,
        "[blobstore.one]\nbackend = \"foldr\"\n[blobstore.two]\nbackend = \"s3\"\nbucket = \"b/c\"\n\
         [blobstore.three]\nbackend = \"nats\"\nurl = \"http://here\"",
    ));
    let told = finish(["check".as_ref(), app.path().as_os_str()]);
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    for part in ["did you mean `folder`?", "cannot be the name of a bucket", "does not begin with"]
    {
        assert!(told.told().contains(part), "{part}\n{}", told.stderr);
    }
}

#[test]
fn a_missing_bucket_is_told_at_the_start() {
    let moto = Moto::start();
    let places = format!(
        "[blobstore.pictures]\nbackend = \"s3\"\nbucket = \"missing\"\nurl = \"{}\"\n\
         access_key = \"me\"\nsecret_key = \"secret\"",
        moto.url()
    );
    let app = up(r#""pictures""#, &places);
    app.wait_for_stderr("has no bucket `missing`: create it, or name one that exists");
}

#[test]
fn a_reload_notices_a_setting_that_stands_elsewhere() {
    let places = "[blobstore.pictures]\nbackend = \"folder\"\npath = { file = \"where\" }";
    let link = "link.\"wasi:blobstore/blobstore\" = \"pictures\"";
    let app = app(&manifest(link, places));
    let place = app.path().join("where");
    std::fs::write(&place, "one\n").expect("written");
    let keyway = Keyway::up(app.path());
    keyway.expect(&[("/create/box", "box"), ("/put/box/a/text", "done")]);
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    std::fs::write(&place, "two\n").expect("written");
    assert_eq!(keyway.ask(["reload"]).stdout, "Reloaded.\n");
    keyway.expect(&[("/exists/box", "false")]);
}
