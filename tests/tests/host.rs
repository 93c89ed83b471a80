//! One host serves many apps, which come and go while it runs.

use std::{fs, path::Path};

use keyway_testing::{Finished, Keyway, Load, app, command, eventually, guest};
use tempfile::TempDir;

/// A manifest of an app that answers with its own name, for the requests of a host of that name.
fn named(name: &str) -> String {
    format!(
        r#"
        [app]
        name = "{name}"
        [component.config]
        source = "{{guest:config}}"
        link."wasi:config/store" = "main"
        grant.stderr = true
        [config.main]
        backend = "values"
        name = "{name}"
        [[trigger.http]]
        host = "{name}.test"
        route = "/"
        component = "config"
    "#
    )
}

/// One that keeps what it is told in a file of its own.
fn keeping(name: &str) -> String {
    format!(
        r#"
        [app]
        name = "{name}"
        [component.store]
        source = "{{guest:store}}"
        link."wasi:keyvalue/store" = "main"
        [keyvalue.main]
        backend = "sqlite"
        path = "data/main.db"
        [[trigger.http]]
        host = "{name}.test"
        route = "/"
        component = "store"
    "#
    )
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn worked(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

fn refused(finished: &Finished, reasons: &[&str]) {
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    for reason in reasons {
        assert!(finished.told().contains(reason), "{reason}\n{}", finished.stderr);
    }
}

fn deploy(host: &Keyway, path: &Path, more: &[&str]) -> Finished {
    host.ask(
        ["deploy".as_ref(), path.as_os_str()].into_iter().chain(more.iter().map(AsRef::as_ref)),
    )
}

fn answers_as(host: &Keyway, name: &str) {
    let answer = host.get_of(&format!("{name}.test"), "/get/name");
    assert_eq!((answer.status, answer.text()), (200, name.to_owned()), "{}", host.stderr());
}

/// An app, as `keyway apps` lists it; null if it does not.
fn listed(host: &Keyway, name: &str) -> serde_json::Value {
    let listed = host.ask(["apps", "--json"]).stdout;
    let apps: serde_json::Value = serde_json::from_str(&listed).expect(&listed);
    let mut apps = apps.as_array().expect("a list").iter();
    apps.find(|app| app["name"] == name).cloned().unwrap_or_default()
}

fn state(host: &Keyway, name: &str) -> String {
    listed(host, name)["state"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn apps_are_deployed_answer_each_for_itself_and_are_there_after_a_restart() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    for name in ["one", "two"] {
        let app = app(&named(name));
        worked(&deploy(&host, app.path(), &[]));
        // What was deployed is the host's own: the folder that it came from is gone here.
    }
    worked(&deploy(&host, &guest("hello"), &["--route", "/hello", "--route", "hello.test/"]));
    answers_as(&host, "one");
    answers_as(&host, "two");
    assert_eq!(host.get("/hello/x").text(), "Hello, world!\n");
    assert_eq!(host.get_of("hello.test", "/").text(), "Hello, world!\n");
    assert_eq!(host.get_of("three.test", "/").status, 404);
    host.kill();

    let host = Keyway::host(data.path(), &[]);
    assert_eq!(state(&host, "one"), "asleep");
    answers_as(&host, "one");
    answers_as(&host, "two");
    assert_eq!(host.get("/hello").text(), "Hello, world!\n");
    assert_eq!(state(&host, "one"), "awake");
    worked(&host.ask(["undeploy", "two"]));
    assert_eq!(host.get_of("two.test", "/get/name").status, 404);
    assert_eq!(state(&host, "two"), "none");
    assert!(host.stop().success());

    let host = Keyway::host(data.path(), &[]);
    assert_eq!((state(&host, "one"), state(&host, "two")), ("asleep".into(), "none".into()));
}

#[test]
fn an_app_is_replaced_under_load_and_keeps_its_data() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    let manifest = keeping("kept").replace("host = \"kept.test\"", "");
    let first = app(&manifest);
    worked(&deploy(&host, first.path(), &[]));
    assert_eq!(host.get("/set/a/1").text(), "done");
    let load = Load::start(&host, 4, "/get/a", |answer| answer.text() == "1");
    load.wait_for_good(20);
    let second = app(&manifest.replace("[keyvalue.main]", "limit.time = \"20s\"\n[keyvalue.main]"));
    for app in [&second, &first, &second] {
        worked(&deploy(&host, app.path(), &[]));
    }
    load.wait_for_good(20);
    let answers = load.stop();
    assert_eq!(answers.bad, [] as [String; 0]);
    host.kill();
    let host = Keyway::host(data.path(), &[]);
    assert_eq!(host.get("/get/a").text(), "1");
}

#[test]
fn an_app_that_nobody_calls_sleeps_and_wakes_with_its_data() {
    let data = folder();
    let host = Keyway::host(data.path(), &["--idle", "1s"]);
    worked(&deploy(&host, app(&keeping("kept")).path(), &[]));
    let in_memory =
        keeping("fleeting").replace("\"sqlite\"\n        path = \"data/main.db\"", "\"memory\"");
    worked(&deploy(&host, app(&in_memory).path(), &[]));
    for name in ["kept.test", "fleeting.test"] {
        assert_eq!(host.get_of(name, "/set/a/1").text(), "done");
    }
    assert!(eventually(|| state(&host, "kept") == "asleep"));
    for name in ["kept.test", "fleeting.test"] {
        assert_eq!(host.get_of(name, "/get/a").text(), "1", "{name}");
    }
    assert_eq!(state(&host, "kept"), "awake");
    // What only its memory has would be lost.
    assert_eq!(state(&host, "fleeting"), "awake");
}

#[test]
fn a_route_that_another_app_has_is_refused_with_both_names() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    worked(&deploy(&host, app(&named("one")).path(), &[]));
    let clash = named("two").replace("two.test", "one.test");
    refused(
        &deploy(&host, app(&clash).path(), &[]),
        &[
            "the route `/` for the host `one.test` of `two` is taken by the app `one`",
            "another route",
        ],
    );
    answers_as(&host, "one");
    // Nothing of it is left, and its own routes are free for it.
    assert_eq!(state(&host, "two"), "none");
    assert!(!data.path().join("apps/two").exists());
    worked(&deploy(&host, app(&named("two")).path(), &[]));
    answers_as(&host, "two");
    // An app may keep its own.
    worked(&deploy(&host, app(&named("one")).path(), &[]));
}

#[test]
fn what_is_wrong_is_told_and_changes_nothing() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    worked(&deploy(&host, app(&named("one")).path(), &[]));
    let broken = app(&named("one").replace("wasi:config/store", "wasi:config/stor"));
    refused(&deploy(&host, broken.path(), &[]), &["wasi:config/stor"]);
    let outside = named("one").replace(
        "grant.stderr = true",
        "grant.files = [{ host = \"../elsewhere\", guest = \"/x\", access = \"read\" }]",
    );
    let parent = folder();
    let inner = parent.path().join("app");
    fs::create_dir_all(parent.path().join("elsewhere")).expect("made");
    fs::rename(app(&outside).keep(), &inner).expect("moved");
    refused(&deploy(&host, &inner, &[]), &["leads out of the app's folder", "whole path"]);
    refused(
        &deploy(&host, app(&named("one")).path(), &["--name", "No Name"]),
        &["`No Name`", "--name"],
    );
    refused(&host.ask(["undeploy", "oen"]), &["no app `oen`", "`one`"]);
    refused(&host.ask(["stop", "nobody"]), &["no app `nobody`"]);
    answers_as(&host, "one");
    // Another host must not write to the same folder.
    let mut other = command();
    other.args(["host", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let other = other.output().expect("it is started");
    let told = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(!other.status.success() && told.contains("in use by another host"), "{told}");
    // A host of one app takes no others.
    let up = Keyway::up(guest("hello"));
    let deployed = up.ask(["deploy".as_ref(), guest("hello").as_os_str()]);
    refused(&deployed, &["no host is running that takes apps", "keyway host"]);
}

#[test]
fn a_deployment_that_breaks_off_leaves_the_apps_as_they_were() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    worked(&deploy(&host, app(&named("one")).path(), &[]));
    host.kill();
    // A first deployment that ended before its release was served, and a later one.
    fs::create_dir_all(data.path().join("apps/half/releases/1")).expect("made");
    fs::create_dir_all(data.path().join("apps/one/releases/2")).expect("made");
    fs::write(data.path().join("apps/one/releases/2/keyway.toml"), "[app]").expect("written");
    let host = Keyway::host(data.path(), &[]);
    assert_eq!((state(&host, "half"), state(&host, "one")), ("none".into(), "asleep".into()));
    assert!(!data.path().join("apps/half").exists());
    assert!(!data.path().join("apps/one/releases/2").exists());
    answers_as(&host, "one");
}

#[test]
fn a_deployment_that_cannot_be_served_leaves_the_app_that_serves() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    let sqlite = "\"sqlite\"\n        path = \"data/main.db\"";
    worked(&deploy(&host, app(&keeping("kept").replace(sqlite, "\"memory\"")).path(), &[]));
    assert_eq!(host.get_of("kept.test", "/set/a/1").text(), "done");
    // It is in order, and the file is a folder.
    let broken = keeping("kept").replace("data/main.db", "/proc").replace("kept.test", "new.test");
    refused(&deploy(&host, app(&broken).path(), &[]), &["/proc"]);
    assert_eq!(host.get_of("kept.test", "/get/a").text(), "1");
    assert_eq!(host.get_of("new.test", "/get/a").status, 404);
    assert_eq!(state(&host, "kept"), "awake");
    // A new one is not there afterwards.
    refused(&deploy(&host, app(&broken).path(), &["--name", "other"]), &["/proc"]);
    assert_eq!(state(&host, "other"), "none");
    host.kill();
    let host = Keyway::host(data.path(), &[]);
    assert_eq!(host.get_of("kept.test", "/get/a").text(), "none");
}

#[test]
fn what_an_app_has_written_outlives_all_deployments() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    // One component may write to a folder that another one reads, which holds the database too.
    let manifest = keeping("kept").replace(
        "[keyvalue.main]",
        r#"
        grant.files = [{ host = "data", guest = "/data", access = "read-write" }]
        [component.reader]
        source = "{guest:hello}"
        grant.files = [{ host = "data", guest = "/data", access = "read" }]
        [[trigger.http]]
        host = "kept.test"
        route = "/hello"
        component = "reader"
        [keyvalue.main]"#,
    );
    let app = app(&manifest);
    fs::create_dir(app.path().join("data")).expect("made");
    fs::write(app.path().join("data/seed.txt"), "first").expect("written");
    worked(&deploy(&host, app.path(), &[]));
    assert_eq!(host.get_of("kept.test", "/set/a/1").text(), "done");
    let kept = data.path().join("apps/kept/data/data");
    assert!(kept.join("main.db").exists());
    assert_eq!(fs::read_to_string(kept.join("seed.txt")).expect("it came along"), "first");
    fs::write(app.path().join("data/seed.txt"), "second").expect("written");
    worked(&deploy(&host, app.path(), &[]));
    assert_eq!(host.get_of("kept.test", "/get/a").text(), "1");
    assert_eq!(fs::read_to_string(kept.join("seed.txt")).expect("it is there"), "first");
    worked(&deploy(&host, app.path(), &[]));
    // The one before may have requests that are under way.
    let releases = fs::read_dir(data.path().join("apps/kept/releases")).expect("a folder");
    assert_eq!(releases.count(), 2);
    worked(&host.ask(["undeploy", "kept"]));
    assert!(!data.path().join("apps/kept").exists());
    let removing = fs::read_dir(data.path().join("removing")).expect("a folder");
    assert_eq!(removing.count(), 0);
}

#[test]
fn a_stopped_app_answers_503_until_it_is_started() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    worked(&deploy(&host, app(&named("one")).path(), &[]));
    worked(&deploy(&host, app(&named("two")).path(), &[]));
    worked(&host.ask(["stop", "one"]));
    assert_eq!(host.get_of("one.test", "/get/name").status, 503);
    answers_as(&host, "two");
    assert_eq!(state(&host, "one"), "stopped");
    host.kill();
    let host = Keyway::host(data.path(), &[]);
    assert_eq!(host.get_of("one.test", "/get/name").status, 503);
    worked(&host.ask(["start", "one"]));
    answers_as(&host, "one");
}

#[test]
fn each_app_has_its_own_status_log_and_swaps() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    for name in ["one", "two"] {
        worked(&deploy(&host, app(&named(name)).path(), &[]));
    }
    refused(&host.ask(["status", "--app", "none"]), &["no host is running"]);
    let status = host.ask(["status", "--app", "one"]);
    assert!(status.stdout.contains("one on http://") && !status.stdout.contains("two on"));
    assert_eq!(host.get_of("one.test", "/log/heard").text(), "logged");
    host.wait_for_stderr("one/config: ");
    let logs = |name: &str| host.ask(["logs", "--app", name]).stdout;
    assert!(eventually(|| logs("one").contains("heard")));
    assert!(!logs("two").contains("heard"));
    refused(&host.ask(["swap", "component", "config", "x.wasm"]), &["2 apps are running"]);
    let hello = guest("hello");
    let swap = ["swap".as_ref(), "component".as_ref(), "config".as_ref(), hello.as_os_str()];
    let swapped = host.ask(swap.into_iter().chain(["--app".as_ref(), "one".as_ref()]));
    refused(&swapped, &["wasi:config/store"]);
    answers_as(&host, "one");
}

#[test]
fn what_each_app_uses_is_counted_and_outlives_its_sleep() {
    let data = folder();
    let host = Keyway::host(data.path(), &["--idle", "1s"]);
    worked(&deploy(&host, app(&named("one")).path(), &[]));
    let busy = named("busy").replace("{guest:config}", "{guest:misbehave}");
    let busy = busy.replace("link.\"wasi:config/store\" = \"main\"", "limit.cpu = \"500ms\"");
    let (before, after) = busy.split_at(busy.find("[config.main]").expect("it is there"));
    let busy = format!("{before}{}", &after[after.find("[[trigger").expect("it is there")..]);
    worked(&deploy(&host, app(&busy).path(), &[]));
    for _ in 0..3 {
        answers_as(&host, "one");
    }
    assert_eq!(host.get_of("busy.test", "/loop").status, 504);
    assert!(eventually(|| state(&host, "busy") == "asleep"));
    let (one, busy) = (listed(&host, "one"), listed(&host, "busy"));
    let number = |app: &serde_json::Value, key: &str| app[key].as_u64().expect("a number");
    let counted = |app| (number(app, "requests"), number(app, "errors"));
    assert_eq!((counted(&one), counted(&busy)), ((3, 0), (1, 1)));
    // It is ended at a tick after its limit, by a clock that ticks every few milliseconds.
    assert!(number(&busy, "computed_ms") >= 400, "{busy}");
    assert!(number(&one, "computed_ms") < 400, "{one}");
}

#[test]
fn a_folder_of_apps_is_served_as_it_changes() {
    let (data, apps) = (folder(), folder());
    let put = |name: &str, manifest: &str| {
        let to = apps.path().join(name);
        fs::create_dir_all(&to).expect("made");
        fs::rename(app(manifest).keep().join("keyway.toml"), to.join("keyway.toml"))
            .expect("moved");
    };
    put("one", &named("one"));
    fs::copy(guest("hello"), apps.path().join("plain.wasm")).expect("copied");
    let folder = apps.path().to_str().expect("a path in UTF-8");
    let host = Keyway::host(data.path(), &["--apps", folder]);
    answers_as(&host, "one");
    assert_eq!(host.get("/").text(), "Hello, world!\n");
    put("two", &named("two"));
    assert!(eventually(|| host.get_of("two.test", "/get/name").text() == "two"));
    put(
        "one",
        &named("one").replace("name = \"one\"\n        [[", "name = \"changed\"\n        [["),
    );
    assert!(eventually(|| host.get_of("one.test", "/get/name").text() == "changed"));
    // What is wrong keeps the app as it was, and its route free of others.
    put("one", "[app]\nname = 1\n");
    assert!(eventually(|| state(&host, "one") == "failed"));
    assert_eq!(host.get_of("one.test", "/get/name").text(), "changed");
    refused(&host.ask(["undeploy", "two"]), &["is in the folder of apps"]);
    fs::rename(apps.path().join("two"), apps.path().join("renamed")).expect("renamed");
    assert!(eventually(|| ["awake", "asleep"].contains(&state(&host, "renamed").as_str())));
    assert_eq!(host.get_of("two.test", "/get/name").text(), "two");
    assert_eq!(state(&host, "two"), "none");
    fs::remove_dir_all(apps.path().join("renamed")).expect("removed");
    // What is left for its host is the app for any.
    assert!(eventually(|| host.get_of("two.test", "/get/name").text() == "Hello, world!\n"));
    assert_eq!(state(&host, "two"), "none");
}

#[test]
fn folders_and_secrets_go_along_with_an_app() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    let app = app(&named("one").replace(
        "name = \"one\"\n        [[",
        "name = { file = \"secret/name.txt\" }\n        [[",
    ));
    fs::create_dir(app.path().join("secret")).expect("made");
    fs::write(app.path().join("secret/name.txt"), "one\n").expect("written");
    worked(&deploy(&host, app.path(), &[]));
    drop(app);
    answers_as(&host, "one");
    host.kill();
    let host = Keyway::host(data.path(), &[]);
    answers_as(&host, "one");
}

#[test]
fn an_app_stays_awake_as_long_as_its_manifest_says() {
    let data = folder();
    let host = Keyway::host(data.path(), &[]);
    let tired = named("tired").replace(
        "name = \"tired\"\n        [comp",
        "name = \"tired\"\n        idle = \"1s\"\n        [comp",
    );
    for manifest in [&tired, &named("other")] {
        worked(&deploy(&host, app(manifest).path(), &[]));
    }
    answers_as(&host, "tired");
    answers_as(&host, "other");
    assert!(eventually(|| state(&host, "tired") == "asleep"));
    // That has the minute of the host.
    assert_eq!(state(&host, "other"), "awake");
}
