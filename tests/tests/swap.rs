//! Parts of an app are swapped while it runs.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    thread,
};

use keyway_testing::{
    Answer, Finished, Keyway, Load, Opened, RunningApp, app, command, eventually, guest,
    server::{Nats, Postgres, Redis},
};
use tempfile::TempDir;

/// `front`, which asks a greeter, in an app whose components are its own copies.
fn greeting(arguments: &[&str]) -> RunningApp {
    let folder = app(r#"
        [app]
        name = "greeting"
        [component.front]
        source = "front.wasm"
        link."test:greet/greeter" = "greeter"
        [component.greeter]
        source = "greeter.wasm"
        [[trigger.http]]
        route = "/"
        component = "front"
    "#);
    for name in ["front", "greeter"] {
        copy(name, &folder.path().join(format!("{name}.wasm")));
    }
    RunningApp { keyway: Keyway::up_with(folder.path(), arguments), folder }
}

/// Puts a guest there as a compiler does: the file is whole when it gets its name.
fn copy(name: &str, to: &Path) {
    let half = to.with_extension("half");
    fs::copy(guest(name), &half).expect("copied");
    fs::rename(&half, to).expect("renamed");
}

/// One component, and nothing else.
fn alone(name: &str) -> Keyway {
    Keyway::up(guest(name))
}

fn worked(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

fn refused(finished: &Finished, reason: &str) {
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert!(finished.told().contains(reason), "{reason}\n{}", finished.stderr);
}

fn swap(keyway: &Keyway, name: &str, file: &Path, more: &[&str]) -> Finished {
    let mut arguments =
        vec!["swap".as_ref(), "component".as_ref(), name.as_ref(), file.as_os_str()];
    arguments.extend(more.iter().map(|more| std::ffi::OsStr::new(*more)));
    keyway.ask(arguments)
}

#[test]
fn a_component_is_swapped_under_load_and_back() {
    let keyway = alone("hello");
    let greeting = keyway.get("/").body;
    let either = greeting.clone();
    let load = Load::start(&keyway, 4, "/", move |answer| {
        answer.status == 200 && (answer.body == either || answer.body == "what?")
    });
    for _ in 0..3 {
        worked(&swap(&keyway, "hello", &guest("store"), &[]));
        assert_eq!(keyway.get("/").status, 500);
        worked(&keyway.ask(["swap", "--undo"]));
        assert_eq!(keyway.get("/").body, greeting);
    }
    // `store` without a store says so with a status of 500, and nothing else went wrong.
    let bad = load.stop().bad;
    assert!(bad.iter().all(|bad| bad == "500: no such store"), "{bad:?}");
    refused(&keyway.ask(["swap", "--undo"]), "there is nothing to undo");
}

#[test]
fn a_fused_component_is_swapped() {
    let app = greeting(&[]);
    app.expect(&[("/Ann", "Hello, Ann!")]);
    worked(&swap(&app, "greeter", &guest("greeter-other"), &[]));
    app.expect(&[("/Ann", "Good day, Ann!")]);
}

#[test]
fn a_component_that_does_not_fit_changes_nothing() {
    let app = greeting(&[]);
    refused(&swap(&app, "greeter", &guest("counter"), &[]), "test:greet/greeter");
    refused(&swap(&app, "greeter", &app.file("missing.wasm"), &[]), "has no file");
    refused(&swap(&app, "greeter", &app.file("keyway.toml"), &[]), "greeter");
    refused(&swap(&app, "greter", &guest("greeter"), &[]), "did you mean `greeter`?");
    app.expect(&[("/Ann", "Hello, Ann!")]);
    refused(&app.ask(["swap", "--undo"]), "there is nothing to undo");
}

#[test]
fn a_swap_takes_in_nothing_else_that_has_changed() {
    let app = greeting(&[]);
    fs::write(app.file("front.wasm"), b"half a compo").expect("written");
    refused(&swap(&app, "greeter", &guest("greeter-other"), &[]), "front");
    copy("hello", &app.file("front.wasm"));
    app.expect(&[("/Ann", "Hello, Ann!")]);
}

#[test]
fn a_canary_that_errs_is_taken_back() {
    let keyway = alone("hello");
    let greeting = keyway.get("/trap").body;
    let load = Load::start(&keyway, 2, "/trap", |_| true);
    let swapped = swap(&keyway, "hello", &guest("misbehave"), &["--canary", "10%", "--for", "60s"]);
    refused(&swapped, "the old one is back in service");
    load.stop();
    assert!((0..50).all(|_| keyway.get("/trap").body == greeting));
}

#[test]
fn a_canary_whose_answers_break_off_or_never_come_is_taken_back() {
    for (path, errors) in [("/trap-in-answer", "of the "), ("/hang", "of the ")] {
        let keyway = Keyway::up_with(guest("hello"), &["--time", "1s"]);
        let greeting = keyway.get(path).body;
        let load = Load::start(&keyway, 2, path, |_| true);
        let more = ["--canary", "50%", "--for", "300ms", "--max-errors", "0%"];
        refused(&swap(&keyway, "hello", &guest("misbehave"), &more), errors);
        load.stop();
        assert_eq!(keyway.get(path).body, greeting);
    }
}

#[test]
fn a_canary_that_does_well_gets_all_requests() {
    let keyway = alone("hello");
    let greeting = keyway.get("/").body;
    let load = Load::start(&keyway, 2, "/", |answer| answer.status == 200);
    let more = ["--canary", "20%", "--for", "1500ms"];
    worked(&swap(&keyway, "hello", &guest("misbehave"), &more));
    assert_eq!(load.stop().bad, [""; 0]);
    assert!((0..50).all(|_| keyway.get("/").body != greeting));
}

#[test]
fn a_canary_without_requests_is_taken_back() {
    let keyway = alone("hello");
    let more = ["--canary", "50%", "--for", "300ms"];
    refused(&swap(&keyway, "hello", &guest("misbehave"), &more), "got no requests");
    assert!(keyway.ask(["logs"]).stdout.contains("got no requests"));
    keyway.expect(&[("/", "Hello, world!\n")]);
    // What does the same as before has nothing to be tried in.
    worked(&swap(&keyway, "hello", &guest("hello"), &more));
}

#[test]
fn until_a_canary_is_ended_by_an_undo_both_answer_and_nothing_else_is_changed() {
    let keyway = alone("hello");
    let greeting = keyway.get("/").body;
    let shared = &keyway;
    thread::scope(|scope| {
        let more = ["--canary", "20%", "--for", "5m"];
        let swapping = scope.spawn(move || swap(shared, "hello", &guest("misbehave"), &more));
        assert!(eventually(|| keyway.ask(["status"]).stdout.contains("canary with")));
        refused(&swap(&keyway, "hello", &guest("left"), &[]), "a canary is running");
        let answers: Vec<_> = (0..50).map(|_| keyway.get("/").body).collect();
        let old = answers.iter().filter(|answer| **answer == greeting).count();
        assert!((30..50).contains(&old), "{old} of 50 went to the old one");
        assert!(!swapping.is_finished(), "it is decided early");
        worked(&keyway.ask(["swap", "--undo"]));
        refused(&swapping.join().expect("no panic"), "the canary was cancelled");
    });
    assert!((0..20).all(|_| keyway.get("/").body == greeting));
}

#[test]
fn a_reload_takes_in_what_the_manifest_says_now() {
    let app = RunningApp::up(
        r#"
        [app]
        name = "changing"
        [component.store]
        source = "{guest:store}"
        link."wasi:keyvalue/store" = "cache"
        [keyvalue.cache]
        backend = "memory"
        [[trigger.http]]
        route = "/"
        component = "store"
    "#,
    );
    app.expect(&[("/set/a/1", "done")]);
    assert_eq!(app.ask(["reload"]).stdout, "Nothing has changed.\n");
    let text = fs::read_to_string(app.file("keyway.toml")).expect("read");
    app.rewrite(|_| text.replace("\"cache\"", "{ to = \"cache\", access = \"read\" }"));
    assert_eq!(app.ask(["reload"]).stdout, "Reloaded.\n");
    // The store is the same, and is for reading only.
    app.expect(&[("/get/a", "1"), ("/set/a/2", "500: access denied")]);
    app.rewrite(|_| text.replace("route = \"/\"", "route = \"/api\""));
    worked(&app.ask(["reload"]));
    assert_eq!(app.get("/get/a").status, 404);
    app.rewrite(|_| "[app]\nname = \"".to_owned());
    refused(&app.ask(["reload"]), "this is not TOML");
    assert_eq!(app.get("/get/a").status, 404);
}

#[test]
fn a_watched_app_takes_in_changes_by_itself() {
    let app = greeting(&["--watch"]);
    let load = Load::start(&app, 2, "/Ann", |answer| {
        ["Hello, Ann!", "Good day, Ann!"].contains(&answer.text().as_str())
    });
    copy("greeter-other", &app.file("greeter.wasm"));
    app.wait_for_answer("/Ann", "Good day, Ann!");
    app.wait_for_stderr("Files have changed. Serving the new version:");
    // What is broken leaves the old one.
    fs::write(app.file("greeter.wasm"), b"\0asm nonsense").expect("written");
    app.wait_for_stderr("The previous version stays in service.");
    app.expect(&[("/Ann", "Good day, Ann!")]);
    app.rewrite(|text| text.replace("greeter.wasm", "other.wasm"));
    app.wait_for_stderr("has no file");
    // A file that was not there when it was named is seen when it comes.
    copy("greeter", &app.file("other.wasm"));
    app.wait_for_answer("/Ann", "Hello, Ann!");
    assert_eq!(load.stop().bad, [""; 0]);
}

#[test]
fn a_watched_app_keeps_what_was_swapped_until_its_files_change() {
    let app = greeting(&["--watch"]);
    worked(&swap(&app, "greeter", &guest("greeter-other"), &[]));
    // Each look at the files opens the manifest, once or twice.
    Opened::watch(&app.file("keyway.toml")).wait_for(20);
    app.expect(&[("/Ann", "Good day, Ann!")]);
    copy("front", &app.file("front.wasm"));
    app.wait_for_answer("/Ann", "Hello, Ann!");
}

/// An app whose requests all count in one store, and what was counted for sure.
struct Counting {
    keyway: RunningApp,
    load: Load,
}

impl Counting {
    fn start() -> Self {
        let keyway = RunningApp::up(
            r#"
            [app]
            name = "counting"
            [component.store]
            source = "{guest:store}"
            link."wasi:keyvalue/store" = "cache"
            [keyvalue.cache]
            backend = "memory"
            [[trigger.http]]
            route = "/"
            component = "store"
        "#,
        );
        assert!((0..50).all(|key| keyway.get(&format!("/set/key-{key}/{key}")).body == "done"));
        let is_counted = |answer: &Answer| answer.text().parse::<i64>().is_ok();
        let load = Load::start(&keyway, 4, "/increment/n/1", is_counted);
        Self { keyway, load }
    }

    fn swap_backend(&self, arguments: &[&str]) -> Finished {
        let all = ["swap", "backend", "cache", "--to"].iter().chain(arguments);
        self.keyway.ask(all)
    }

    /// Every request was answered, and each counts once.
    fn end(self) {
        let counted = self.load.stop();
        assert_eq!(counted.bad, [""; 0]);
        self.keyway.expect(&[("/get/n", &counted.good.to_string())]);
        let keys = self.keyway.get("/list").body;
        assert_eq!(keys.split(' ').count(), 51, "{keys}");
    }
}

#[test]
fn a_backend_is_swapped_under_load_with_its_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let (redis, postgres, nats) = (Redis::start(), Postgres::start(), Nats::start());
    let counting = Counting::start();
    // Servers of a busy machine may take longer than they usually have.
    let to_server = |arguments: &[&str]| {
        worked(&counting.swap_backend(&[arguments, &["--set", "timeout=20s"]].concat()));
    };
    let file = folder.path().join("new/cache.db");
    worked(&counting.swap_backend(&["sqlite", "--path", file.to_str().expect("text")]));
    assert!(file.is_file());
    assert!(counting.keyway.ask(["status"]).stdout.contains("SQLite in "));
    to_server(&["redis", "--url", &redis.url(), "--set", "prefix=app:"]);
    // Components are swapped meanwhile, for one that is another file and does the same.
    let other = folder.path().join("other.wasm");
    let mut bytes = fs::read(guest("store")).expect("read");
    bytes.extend_from_slice(b"\0\x06\x05other");
    fs::write(&other, bytes).expect("written");
    worked(&swap(&counting.keyway, "store", &other, &[]));
    let url = folder.path().join("url");
    fs::write(&url, postgres.url() + "\n").expect("written");
    to_server(&["postgres", "--url-from", url.to_str().expect("text")]);
    let status = counting.keyway.ask(["status"]).stdout;
    assert!(status.contains("PostgreSQL at") && !status.contains("secret"), "{status}");
    to_server(&["nats", "--url", &nats.url()]);
    worked(&counting.swap_backend(&["memory"]));
    counting.end();
}

#[test]
fn a_backend_that_cannot_be_swapped_goes_on() {
    let mut redis = Redis::start();
    let counting = Counting::start();
    let refuses = |arguments: &[&str], reason| refused(&counting.swap_backend(arguments), reason);
    refuses(&["reddis"], "did you mean `redis`?");
    refuses(&["redis"], "needs the setting `url`");
    refuses(&["redis", "--url", "http://x"], "does not begin with");
    refuses(&["redis", "--url", &redis.url_with("wrong")], "the old store stays in use");
    refuses(&["postgres", "--url", &redis.url().replace("redis", "postgres")], "the old store");
    refuses(&["sqlite", "--path", "/proc/no/such.db"], "cannot be opened");
    worked(&counting.swap_backend(&["redis", "--url", &redis.url()]));
    worked(&counting.swap_backend(&["memory"]));
    refuses(&["redis", "--url", &redis.url()], "is not empty");
    worked(&counting.swap_backend(&["redis", "--url", &redis.url(), "--delete-existing"]));
    worked(&counting.swap_backend(&["memory"]));
    redis.kill();
    refuses(&["redis", "--url", &redis.url(), "--delete-existing"], "the old store stays in use");
    counting.end();
}

/// Asks the admin API at `socket`, and returns the answer's status and body.
fn post(socket: &Path, path: &str, body: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).expect("the host listens");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: keyway\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("the host reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the host answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), answer)
}

#[test]
fn the_second_of_two_swaps_of_a_store_at_once_is_refused_and_an_undo_ends_the_first() {
    let app = keeping("backend = \"memory\"");
    let keyway = Keyway::up(app.path());
    keyway.expect(&[("/set/a/1", "done")]);
    // It takes connections and says nothing, so that a swap to it goes on.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", mute.local_addr().expect("an address"));
    let to_mute =
        ["swap", "backend", "cache", "--to", "redis", "--set", "timeout=60s", "--url", &url];
    thread::scope(|scope| {
        let first = scope.spawn(|| keyway.ask(to_mute));
        assert!(eventually(|| keyway.ask(["status"]).stdout.contains("preparing")));
        let socket = keyway.socket();
        for (path, sent) in [("/v1/stores/cache", r#"{"backend": "memory"}"#), ("/v1/reload", "")] {
            let (status, answer) = post(&socket, path, sent);
            assert_eq!(status, 409, "{path}: {answer}");
            assert!(answer.contains(r#""code":"busy""#), "{path}: {answer}");
            assert!(answer.contains("is being swapped"), "{path}: {answer}");
        }
        // What the answer offers is there.
        worked(&keyway.ask(["swap", "--undo"]));
        refused(
            &first.join().expect("no panic"),
            "the swap was cancelled, and the old store stays in use",
        );
    });
    keyway.expect(&[("/get/a", "1")]);
    worked(&keyway.ask(["swap", "backend", "cache", "--to", "memory"]));
    keyway.expect(&[("/get/a", "1")]);
    let (status, answer) = post(&keyway.socket(), "/v1/undo", "");
    assert_eq!(status, 409, "{answer}");
    for (path, sent, status) in [
        ("/v1/stores/other", r#"{"backend": "memory"}"#, 404),
        ("/v1/stores/cache", r#"{"backend": "none"}"#, 422),
        ("/v1/stores/cache", "nonsense", 400),
        ("/v1/components/store", r#"{"path": "a.wasm"}"#, 400),
        ("/v1/nothing", "", 404),
    ] {
        let answer = post(&keyway.socket(), path, sent);
        assert_eq!(answer.0, status, "{path}: {}", answer.1);
    }
}

#[test]
fn the_log_of_a_running_app_is_read_and_followed() {
    let keyway = RunningApp::up(
        r#"
        [app]
        name = "talking"
        [component.misbehave]
        source = "{guest:misbehave}"
        grant.stdout = true
        grant.stderr = true
        [[trigger.http]]
        route = "/"
        component = "misbehave"
    "#,
    );
    keyway.get("/stdout");
    keyway.wait_for_stdout("misbehave: ");
    let logs = keyway.ask(["logs"]);
    assert!(logs.stdout.contains(" misbehave: "), "{}", logs.stdout);
    let json = keyway.ask(["logs", "--json", "--component", "misbehave"]).stdout;
    assert!(json.lines().all(|line| line.contains(r#""component":"misbehave""#)), "{json}");
    let folder = tempfile::tempdir().expect("a folder");
    let shown = folder.path().join("shown");
    let mut follow = command();
    follow.args(["logs", "--follow", "--socket"]).arg(keyway.socket());
    let mut following =
        follow.stdout(File::create(&shown).expect("a file")).spawn().expect("it runs");
    let shows = |text| eventually(|| fs::read_to_string(&shown).expect("read").contains(text));
    assert!(shows(" misbehave: to stdout"), "what was logged before");
    assert_eq!(keyway.get("/late?ms=0").status, 200);
    assert!(shows(" misbehave: late"), "what is logged from then on");
    keyway.terminate();
    assert!(following.wait().expect("it ends").success());
}

#[test]
fn only_the_owner_may_use_the_admin_socket() {
    let keyway = alone("hello");
    let socket = keyway.socket();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().expect("a folder")), 0o700);
    assert!(keyway.ask(["status"]).stdout.starts_with("hello on http://127.0.0.1:"));
    keyway.stop();
    assert!(!socket.exists());
}

#[test]
fn a_command_says_which_host_it_would_ask() {
    let keyway = alone("hello");
    refused(&keyway.ask(["status", "--app", "other"]), "no host is running");
    refused(&keyway.ask(["reload", "--socket", "/no/such.sock"]), "/no/such.sock does not answer");
    let json = keyway.ask(["status", "--json"]).stdout;
    assert!(json.contains(r#""app": "hello""#) && json.contains(r#""requests": 0"#), "{json}");
}

/// The guest `store` with a store that is kept as `keyvalue` says.
fn keeping(keyvalue: &str) -> TempDir {
    app(&kept_by(keyvalue))
}

fn kept_by(keyvalue: &str) -> String {
    format!(
        r#"
        [app]
        name = "moving"
        [component.store]
        source = "{{guest:store}}"
        link."wasi:keyvalue/store" = "cache"
        [keyvalue.cache]
        {keyvalue}
        [[trigger.http]]
        route = "/"
        component = "store"
    "#
    )
}

/// Writes another manifest in place of the app's.
fn declare(app: &TempDir, keyvalue: &str) {
    let other = keeping(keyvalue);
    let manifest = "keyway.toml";
    fs::copy(other.path().join(manifest), app.path().join(manifest)).expect("copied");
}

#[test]
fn a_reload_moves_a_store_that_is_declared_elsewhere() {
    let app = keeping("backend = \"sqlite\"\npath = { file = \"where\" }");
    let place = app.path().join("where");
    fs::write(&place, "one.db\n").expect("written");
    let keyway = Keyway::up(app.path());
    keyway.expect(&[("/set/a/1", "done")]);
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    fs::write(&place, "two.db\n").expect("written");
    assert_eq!(keyway.ask(["reload"]).stdout, "Reloaded.\n");
    assert!(keyway.ask(["status"]).stdout.contains("two.db"));
    keyway.expect(&[("/get/a", "1"), ("/set/a/2", "done")]);
    // The one that it came from has what it had, and is not written over.
    fs::write(&place, "one.db\n").expect("written");
    let told = keyway.ask(["reload"]);
    refused(&told, "is not empty");
    assert!(told.told().contains("keyway swap backend cache --to sqlite"), "{}", told.stderr);
    keyway.expect(&[("/get/a", "2")]);
    // An undo moves no data.
    worked(&keyway.ask(["swap", "--undo"]));
    keyway.expect(&[("/get/a", "2")]);
    // The same place in another way.
    declare(&app, "backend = \"sqlite\"\npath = \"two.db\"\ntimeout = \"5s\"");
    worked(&keyway.ask(["reload"]));
    keyway.expect(&[("/get/a", "2")]);
}

#[test]
fn a_reload_keeps_a_backend_that_was_swapped() {
    let app = keeping("backend = \"sqlite\"\npath = \"cache.db\"");
    let keyway = Keyway::up(app.path());
    keyway.expect(&[("/set/a/1", "done")]);
    worked(&keyway.ask(["swap", "backend", "cache", "--to", "memory"]));
    keyway.expect(&[("/set/a/2", "done")]);
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    keyway.expect(&[("/get/a", "2")]);
    // What it came from has old data.
    declare(&app, "backend = \"sqlite\"\npath = \"cache.db\"\ntimeout = \"5s\"");
    refused(&keyway.ask(["reload"]), "is not empty");
    keyway.expect(&[("/get/a", "2")]);
    // The manifest says what serves.
    declare(&app, "backend = \"memory\"");
    worked(&keyway.ask(["reload"]));
    keyway.expect(&[("/get/a", "2")]);
    // And now it is declared elsewhere.
    declare(&app, "backend = \"sqlite\"\npath = \"other.db\"");
    worked(&keyway.ask(["reload"]));
    assert!(keyway.ask(["status"]).stdout.contains("other.db"));
    keyway.expect(&[("/get/a", "2")]);
}
