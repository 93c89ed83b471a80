//! Parts of an app are swapped while it runs.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use keyway_testing::{
    Finished, Keyway, app, get, guest,
    server::{Nats, Postgres, Redis},
};
use tempfile::TempDir;

/// `front`, which asks a greeter, in an app whose components are its own copies.
fn greeting(arguments: &[&str]) -> RunningApp {
    let app = app(r#"
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
        copy(name, &app.path().join(format!("{name}.wasm")));
    }
    let keyway = Keyway::up_with(app.path(), arguments);
    (app, keyway)
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

fn body(keyway: &Keyway, path: &str) -> String {
    keyway.get(path).body
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

/// Sends requests without a pause, on `threads` threads, until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// `good` says whether an answer is.
    fn start(
        keyway: &Keyway,
        threads: usize,
        path: &str,
        good: impl Fn(u16, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let good = Arc::new(good);
        let thread = |_| {
            let (stop, good, path) = (Arc::clone(&stop), Arc::clone(&good), path.to_owned());
            let address = keyway.address();
            thread::spawn(move || {
                let mut bad = Vec::new();
                while !stop.load(Relaxed) {
                    let answer = get(address, &path);
                    if !good(answer.status, &answer.body) {
                        bad.push(format!("{}: {}", answer.status, answer.body));
                    }
                }
                bad
            })
        };
        Self { threads: (0..threads).map(thread).collect(), stop }
    }

    /// All answers that were not good.
    fn stop(self) -> Vec<String> {
        self.stop.store(true, Relaxed);
        let ended = self.threads.into_iter().map(|thread| thread.join().expect("no panic"));
        ended.flatten().collect()
    }
}

/// Tries for a while.
fn until(mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if done() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_component_is_swapped_under_load_and_back() {
    let keyway = alone("hello");
    let greeting = body(&keyway, "/");
    let either = greeting.clone();
    let load = Load::start(&keyway, 4, "/", move |status, body| {
        status == 200 && (body == either || body == "what?")
    });
    for _ in 0..3 {
        worked(&swap(&keyway, "hello", &guest("store"), &[]));
        assert_eq!(keyway.get("/").status, 500);
        worked(&keyway.ask(["swap", "--undo"]));
        assert_eq!(body(&keyway, "/"), greeting);
    }
    // `store` without a store says so with a status of 500, and nothing else went wrong.
    let bad = load.stop();
    assert!(bad.iter().all(|bad| bad == "500: no such store"), "{bad:?}");
    refused(&keyway.ask(["swap", "--undo"]), "there is nothing to undo");
}

#[test]
fn a_fused_component_is_swapped() {
    let (app, keyway) = greeting(&[]);
    assert_eq!(body(&keyway, "/Ann"), "Hello, Ann!");
    worked(&swap(&keyway, "greeter", &guest("greeter-other"), &[]));
    assert_eq!(body(&keyway, "/Ann"), "Good day, Ann!");
    drop(app);
}

#[test]
fn a_component_that_does_not_fit_changes_nothing() {
    let (app, keyway) = greeting(&[]);
    refused(&swap(&keyway, "greeter", &guest("counter"), &[]), "test:greet/greeter");
    refused(&swap(&keyway, "greeter", &app.path().join("missing.wasm"), &[]), "has no file");
    refused(&swap(&keyway, "greeter", &app.path().join("keyway.toml"), &[]), "greeter");
    refused(&swap(&keyway, "greter", &guest("greeter"), &[]), "did you mean `greeter`?");
    assert_eq!(body(&keyway, "/Ann"), "Hello, Ann!");
    refused(&keyway.ask(["swap", "--undo"]), "there is nothing to undo");
}

#[test]
fn a_swap_takes_in_nothing_else_that_has_changed() {
    let (app, keyway) = greeting(&[]);
    fs::write(app.path().join("front.wasm"), b"half a compo").expect("written");
    refused(&swap(&keyway, "greeter", &guest("greeter-other"), &[]), "front");
    copy("hello", &app.path().join("front.wasm"));
    assert_eq!(body(&keyway, "/Ann"), "Hello, Ann!");
}

#[test]
fn a_canary_that_errs_is_taken_back() {
    let keyway = alone("hello");
    let greeting = body(&keyway, "/trap");
    let load = Load::start(&keyway, 2, "/trap", |_, _| true);
    let swapped = swap(&keyway, "hello", &guest("misbehave"), &["--canary", "10%", "--for", "60s"]);
    refused(&swapped, "the old one is back in service");
    load.stop();
    assert!((0..50).all(|_| body(&keyway, "/trap") == greeting));
}

#[test]
fn a_canary_whose_answers_break_off_or_never_come_is_taken_back() {
    for (path, errors) in [("/trap-in-answer", "of the "), ("/hang", "of the ")] {
        let keyway = Keyway::up_with(guest("hello"), &["--time", "1s"]);
        let greeting = body(&keyway, path);
        let load = Load::start(&keyway, 2, path, |_, _| true);
        let more = ["--canary", "50%", "--for", "300ms", "--max-errors", "0%"];
        refused(&swap(&keyway, "hello", &guest("misbehave"), &more), errors);
        load.stop();
        assert_eq!(body(&keyway, path), greeting);
    }
}

#[test]
fn a_canary_that_does_well_gets_all_requests() {
    let keyway = alone("hello");
    let greeting = body(&keyway, "/");
    let load = Load::start(&keyway, 2, "/", |status, _| status == 200);
    let file = guest("left");
    let started = Instant::now();
    let shared = &keyway;
    thread::scope(|scope| {
        let more = ["--canary", "20%", "--for", "1500ms"];
        let swapping = scope.spawn(move || swap(shared, "hello", &guest("misbehave"), &more));
        // While it is tried out both answer, and nothing else can be changed.
        assert!(until(|| keyway.ask(["status"]).stdout.contains("canary with")));
        refused(&swap(&keyway, "hello", &file, &[]), "a canary is running");
        let answers: Vec<_> = (0..50).map(|_| body(&keyway, "/")).collect();
        let old = answers.iter().filter(|answer| **answer == greeting).count();
        assert!((30..50).contains(&old), "{old} of 50 went to the old one");
        worked(&swapping.join().expect("no panic"));
    });
    assert!(started.elapsed() >= Duration::from_millis(1500));
    assert_eq!(load.stop(), Vec::<String>::new());
    assert_ne!(body(&keyway, "/"), greeting);
}

#[test]
fn a_canary_without_requests_is_taken_back() {
    let keyway = alone("hello");
    let more = ["--canary", "50%", "--for", "300ms"];
    refused(&swap(&keyway, "hello", &guest("misbehave"), &more), "got no requests");
    assert!(keyway.ask(["logs"]).stdout.contains("got no requests"));
    assert_eq!(body(&keyway, "/"), "Hello, world!\n");
    // What does the same as before has nothing to be tried in.
    worked(&swap(&keyway, "hello", &guest("hello"), &more));
}

#[test]
fn a_canary_is_ended_by_an_undo() {
    let keyway = alone("hello");
    let greeting = body(&keyway, "/");
    let shared = &keyway;
    thread::scope(|scope| {
        let more = ["--canary", "50%", "--for", "60s"];
        let swapping = scope.spawn(move || swap(shared, "hello", &guest("misbehave"), &more));
        assert!(until(|| keyway.ask(["status"]).stdout.contains("canary with")));
        worked(&keyway.ask(["swap", "--undo"]));
        refused(&swapping.join().expect("no panic"), "the canary was cancelled");
    });
    assert!((0..20).all(|_| body(&keyway, "/") == greeting));
}

#[test]
fn a_reload_takes_in_what_the_manifest_says_now() {
    let keyway = RunningApp::up(r#"
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
    "#);
    assert_eq!(body(&keyway, "/set/a/1"), "done");
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    let manifest = app.path().join("keyway.toml");
    let text = fs::read_to_string(&manifest).expect("read");
    fs::write(&manifest, text.replace("\"cache\"", "{ to = \"cache\", access = \"read\" }"))
        .expect("written");
    assert_eq!(keyway.ask(["reload"]).stdout, "Reloaded.\n");
    // The store is the same, and is for reading only.
    assert_eq!(body(&keyway, "/get/a"), "1");
    assert_eq!(body(&keyway, "/set/a/2"), "access denied");
    fs::write(&manifest, text.replace("route = \"/\"", "route = \"/api\"")).expect("written");
    worked(&keyway.ask(["reload"]));
    assert_eq!(keyway.get("/get/a").status, 404);
    fs::write(&manifest, "[app]\nname = \"").expect("written");
    refused(&keyway.ask(["reload"]), "this is not TOML");
    assert_eq!(keyway.get("/get/a").status, 404);
}

#[test]
fn a_watched_app_takes_in_changes_by_itself() {
    let (app, keyway) = greeting(&["--watch"]);
    let load = Load::start(&keyway, 2, "/Ann", |status, body| {
        status == 200 && ["Hello, Ann!", "Good day, Ann!"].contains(&body)
    });
    copy("greeter-other", &app.path().join("greeter.wasm"));
    assert!(until(|| body(&keyway, "/Ann") == "Good day, Ann!"), "{}", keyway.stderr());
    keyway.wait_for_stderr("Files have changed. Serving the new version:");
    // What is broken leaves the old one.
    fs::write(app.path().join("greeter.wasm"), b"\0asm nonsense").expect("written");
    keyway.wait_for_stderr("The previous version stays in service.");
    assert_eq!(body(&keyway, "/Ann"), "Good day, Ann!");
    let manifest = app.path().join("keyway.toml");
    let text = fs::read_to_string(&manifest).expect("read");
    fs::write(&manifest, text.replace("greeter.wasm", "other.wasm")).expect("written");
    keyway.wait_for_stderr("has no file");
    // A file that was not there when it was named is seen when it comes.
    copy("greeter", &app.path().join("other.wasm"));
    assert!(until(|| body(&keyway, "/Ann") == "Hello, Ann!"), "{}", keyway.stderr());
    assert_eq!(load.stop(), Vec::<String>::new());
}

#[test]
fn a_watched_app_keeps_what_was_swapped_until_its_files_change() {
    let (app, keyway) = greeting(&["--watch"]);
    worked(&swap(&keyway, "greeter", &guest("greeter-other"), &[]));
    // Long enough for several looks at the files.
    thread::sleep(Duration::from_secs(1));
    assert_eq!(body(&keyway, "/Ann"), "Good day, Ann!", "{}", keyway.stderr());
    copy("front", &app.path().join("front.wasm"));
    assert!(until(|| body(&keyway, "/Ann") == "Hello, Ann!"), "{}", keyway.stderr());
}

/// An app whose requests all count in one store, and what was counted for sure.
struct Counting {
    _app: TempDir,
    keyway: Keyway,
    counted: Arc<AtomicI64>,
    load: Option<Load>,
}

impl Counting {
    fn start() -> Self {
        let keyway = RunningApp::up(r#"
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
        "#);
        assert!((0..50).all(|key| body(&keyway, &format!("/set/key-{key}/{key}")) == "done"));
        let counted = Arc::new(AtomicI64::new(0));
        let counts = Arc::clone(&counted);
        let load = Load::start(&keyway, 4, "/increment/n/1", move |status, body| {
            counts.fetch_add(i64::from(status == 200), Relaxed);
            status == 200 && body.parse::<i64>().is_ok()
        });
        Self { _app: app, keyway, counted, load: Some(load) }
    }

    fn swap_backend(&self, arguments: &[&str]) -> Finished {
        let all = ["swap", "backend", "cache", "--to"].iter().chain(arguments);
        self.keyway.ask(all)
    }

    /// Every request was answered, and each counts once.
    fn end(mut self) {
        let bad = self.load.take().map(Load::stop).unwrap_or_default();
        assert_eq!(bad, Vec::<String>::new());
        let count = body(&self.keyway, "/get/n");
        assert_eq!(count, self.counted.load(Relaxed).to_string());
        let keys = body(&self.keyway, "/list");
        assert_eq!(keys.split(' ').count(), 51, "{keys}");
    }
}

#[test]
fn a_backend_is_swapped_under_load_with_its_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let (redis, postgres, nats) = (Redis::start(), Postgres::start(), Nats::start());
    let counting = Counting::start();
    let file = folder.path().join("new/cache.db");
    worked(&counting.swap_backend(&["sqlite", "--path", file.to_str().expect("text")]));
    assert!(file.is_file());
    assert!(counting.keyway.ask(["status"]).stdout.contains("SQLite in "));
    worked(&counting.swap_backend(&["redis", "--url", &redis.url(), "--set", "prefix=app:"]));
    // Components are swapped meanwhile, for one that is another file and does the same.
    let other = folder.path().join("other.wasm");
    let mut bytes = fs::read(guest("store")).expect("read");
    bytes.extend_from_slice(b"\0\x06\x05other");
    fs::write(&other, bytes).expect("written");
    worked(&swap(&counting.keyway, "store", &other, &[]));
    let url = folder.path().join("url");
    fs::write(&url, postgres.url() + "\n").expect("written");
    worked(&counting.swap_backend(&["postgres", "--url-from", url.to_str().expect("text")]));
    let status = counting.keyway.ask(["status"]).stdout;
    assert!(status.contains("PostgreSQL at") && !status.contains("secret"), "{status}");
    worked(&counting.swap_backend(&["nats", "--url", &nats.url()]));
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
    assert_eq!(body(&keyway, "/set/a/1"), "done");
    // It takes connections and says nothing, so that a swap to it goes on.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", mute.local_addr().expect("an address"));
    let to_mute =
        ["swap", "backend", "cache", "--to", "redis", "--set", "timeout=60s", "--url", &url];
    thread::scope(|scope| {
        let first = scope.spawn(|| keyway.ask(to_mute));
        assert!(until(|| keyway.ask(["status"]).stdout.contains("preparing")));
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
    assert_eq!(body(&keyway, "/get/a"), "1");
    worked(&keyway.ask(["swap", "backend", "cache", "--to", "memory"]));
    assert_eq!(body(&keyway, "/get/a"), "1");
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
    let keyway = RunningApp::up(r#"
        [app]
        name = "talking"
        [component.misbehave]
        source = "{guest:misbehave}"
        grant.stdout = true
        grant.stderr = true
        [[trigger.http]]
        route = "/"
        component = "misbehave"
    "#);
    keyway.get("/stdout");
    keyway.wait_for_stdout("misbehave: ");
    let logs = keyway.ask(["logs"]);
    assert!(logs.stdout.contains(" misbehave: "), "{}", logs.stdout);
    let json = keyway.ask(["logs", "--json", "--component", "misbehave"]).stdout;
    assert!(json.lines().all(|line| line.contains(r#""component":"misbehave""#)), "{json}");
    thread::scope(|scope| {
        let follows = scope.spawn(|| keyway.ask(["logs", "--follow"]));
        thread::sleep(Duration::from_millis(300));
        keyway.get("/stdout");
        keyway.terminate();
        let followed = follows.join().expect("no panic").stdout;
        assert!(followed.matches(" misbehave: ").count() >= 2, "{followed}");
    });
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
    assert_eq!(body(&keyway, "/set/a/1"), "done");
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    fs::write(&place, "two.db\n").expect("written");
    assert_eq!(keyway.ask(["reload"]).stdout, "Reloaded.\n");
    assert!(keyway.ask(["status"]).stdout.contains("two.db"));
    assert_eq!(body(&keyway, "/get/a"), "1");
    assert_eq!(body(&keyway, "/set/a/2"), "done");
    // The one that it came from has what it had, and is not written over.
    fs::write(&place, "one.db\n").expect("written");
    let told = keyway.ask(["reload"]);
    refused(&told, "is not empty");
    assert!(told.told().contains("keyway swap backend cache --to sqlite"), "{}", told.stderr);
    assert_eq!(body(&keyway, "/get/a"), "2");
    // An undo moves no data.
    worked(&keyway.ask(["swap", "--undo"]));
    assert_eq!(body(&keyway, "/get/a"), "2");
    // The same place in another way.
    declare(&app, "backend = \"sqlite\"\npath = \"two.db\"\ntimeout = \"5s\"");
    worked(&keyway.ask(["reload"]));
    assert_eq!(body(&keyway, "/get/a"), "2");
}

#[test]
fn a_reload_keeps_a_backend_that_was_swapped() {
    let app = keeping("backend = \"sqlite\"\npath = \"cache.db\"");
    let keyway = Keyway::up(app.path());
    assert_eq!(body(&keyway, "/set/a/1"), "done");
    worked(&keyway.ask(["swap", "backend", "cache", "--to", "memory"]));
    assert_eq!(body(&keyway, "/set/a/2"), "done");
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    assert_eq!(body(&keyway, "/get/a"), "2");
    // What it came from has old data.
    declare(&app, "backend = \"sqlite\"\npath = \"cache.db\"\ntimeout = \"5s\"");
    refused(&keyway.ask(["reload"]), "is not empty");
    assert_eq!(body(&keyway, "/get/a"), "2");
    // The manifest says what serves.
    declare(&app, "backend = \"memory\"");
    worked(&keyway.ask(["reload"]));
    assert_eq!(body(&keyway, "/get/a"), "2");
    // And now it is declared elsewhere.
    declare(&app, "backend = \"sqlite\"\npath = \"other.db\"");
    worked(&keyway.ask(["reload"]));
    assert!(keyway.ask(["status"]).stdout.contains("other.db"));
    assert_eq!(body(&keyway, "/get/a"), "2");
}
