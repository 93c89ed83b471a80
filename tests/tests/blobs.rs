//! Components keep objects in the containers that the manifest links them to.

use keyway_testing::{
    Keyway, app, finish, get, request,
    server::{Moto, Nats},
};
use tempfile::TempDir;

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

fn up(link: &str, places: &str) -> (TempDir, Keyway) {
    let link = format!("link.\"wasi:blobstore/blobstore\" = {link}");
    let app = app(&manifest(&link, places));
    let keyway = Keyway::up(app.path());
    (app, keyway)
}

const MEMORY: &str = "[blobstore.pictures]\nbackend = \"memory\"";

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
    let (_app, keyway) = up(r#""pictures""#, &format!("[blobstore.pictures]\n{backend}"));
    asked(
        &keyway,
        &[
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
        ],
    );
    let missing = ask(&keyway, "/get/box/a");
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
    let (app, keyway) = up(r#""pictures""#, places);
    asked(&keyway, &[("/create/box", "box"), ("/put/box/a/text", "done")]);
    keyway.stop();
    assert_eq!(std::fs::read(app.path().join("data/box/a")).unwrap(), b"text");
    let keyway = Keyway::up(app.path());
    asked(&keyway, &[("/get/box/a", "text")]);
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
    let (_app, keyway) = up(r#""pictures""#, MEMORY);
    asked(&keyway, &[("/create/box", "box")]);
    let refused = ask(&keyway, "/fill-late/box/a/2");
    assert!(refused.contains("call `write-data` before writing more"), "{refused}");
    asked(&keyway, &[("/has/box/a", "false"), ("/fill/box/a/2", "done")]);
}

#[test]
fn a_component_without_a_link_has_no_containers() {
    let app = app(&manifest("", ""));
    let keyway = Keyway::up(app.path());
    asked(
        &keyway,
        &[
            ("/create/box", "500: no container `box` is granted"),
            ("/exists/box", "500: no container `box` is granted"),
            ("/get/box/a", "500: no container `box` is granted"),
            ("/copy/box/a/box/b", "500: no container `box` is granted"),
        ],
    );
    keyway.wait_for_stderr(
        r#"component.blobs.link."wasi:blobstore/blobstore" = { "box" = "PLACE" }"#,
    );
}

#[test]
fn a_link_names_several_places() {
    let places = "[blobstore.one]\nbackend = \"memory\"\n[blobstore.other]\nbackend = \"memory\"";
    let link = r#"{ box = "one", attic = { to = "other", quota = "1KiB" } }"#;
    let (_app, keyway) = up(link, places);
    asked(
        &keyway,
        &[
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
        ],
    );
    let refused = ask(&keyway, "/fill/attic/d/1");
    assert!(refused.contains("over the quota") && refused.contains("1024 bytes"), "{refused}");
    asked(&keyway, &[("/list/attic", "b c")]);
}

#[test]
fn a_link_may_be_for_reading_only() {
    let app = app(r#"
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
    "#);
    let keyway = Keyway::up(app.path());
    let write = |path: &str| {
        let answer = request(keyway.address(), "GET", path, "Host: writer.test\r\n", b"");
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    write("/create/box");
    write("/put/box/a/text");
    write("/put/box/b/text");
    asked(&keyway, &[("/get/box/a", "text"), ("/list/box", "a")]);
    for path in ["/put/box/a/changed", "/delete/box/a", "/clear/box", "/drop/box", "/create/new"] {
        let refused = ask(&keyway, path);
        assert!(refused.contains("is read-only"), "{path}: {refused}");
    }
    let refused = ask(&keyway, "/get/box/b");
    assert!(refused.contains("which covers names that begin with `a`"), "{refused}");
    keyway.wait_for_stderr(r#"access = "read-write""#);
}

#[test]
fn memory_survives_a_reload() {
    let (app, keyway) = up(r#""pictures""#, MEMORY);
    asked(&keyway, &[("/create/box", "box"), ("/put/box/a/text", "done")]);
    let file = app.path().join("keyway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        format!("{text}\n[[trigger.http]]\nroute = \"/more\"\ncomponent = \"blobs\""),
    )
    .unwrap();
    let reloaded = keyway.ask(["reload"]);
    assert_eq!(reloaded.code, Some(0), "{}", reloaded.stderr);
    asked(&keyway, &[("/get/box/a", "text")]);
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
    let (_app, keyway) = up(r#""pictures""#, &places);
    keyway.wait_for_stderr("has no bucket `missing`: create it, or name one that exists");
}

#[test]
fn a_reload_notices_a_setting_that_stands_elsewhere() {
    let places = "[blobstore.pictures]\nbackend = \"folder\"\npath = { file = \"where\" }";
    let link = "link.\"wasi:blobstore/blobstore\" = \"pictures\"";
    let app = app(&manifest(link, places));
    let place = app.path().join("where");
    std::fs::write(&place, "one\n").expect("written");
    let keyway = Keyway::up(app.path());
    asked(&keyway, &[("/create/box", "box"), ("/put/box/a/text", "done")]);
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    std::fs::write(&place, "two\n").expect("written");
    assert_eq!(keyway.ask(["reload"]).stdout, "Reloaded.\n");
    asked(&keyway, &[("/exists/box", "false")]);
}
