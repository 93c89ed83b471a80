//! What `keyway check`, `inspect` and `up` say of an app that is wrong.

use std::{fs::OpenOptions, io};

use keyway_testing::{Finished, Keyway, app, command, example, finish, finish_in, guest};

/// Runs `check` and `up` on the manifest; both have to fail in the same words.
fn refuse(manifest: &str, words: &[&str]) {
    let app = app(manifest);
    let path = app.path().display().to_string();
    for arguments in [vec!["check", &path], vec!["up", &path, "--listen", "127.0.0.1:0"]] {
        expect_words(&finish(arguments), words);
    }
}

fn expect_words(finished: &Finished, words: &[&str]) {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    // A long line is wrapped, with a bar before what follows.
    let said: String = finished.stderr.replace(['│', '×'], " ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{}", finished.stderr);
    }
    for bad in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
        assert!(!finished.stderr.contains(bad), "{}", finished.stderr);
    }
}

fn refuse_file(bytes: &[u8], words: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("component.wasm");
    std::fs::write(&file, bytes).expect("written");
    let file = file.display().to_string();
    expect_words(&finish(["check", &file]), words);
    expect_words(&finish(["up", &file, "--listen", "127.0.0.1:0"]), words);
}

#[test]
fn the_example_is_in_order() {
    let checked = finish(["check", &example("log-pipeline").display().to_string()]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("log-pipeline is valid: 4 components, 1 unit"));
}

#[test]
fn a_missing_file_says_what_to_give() {
    let words = ["there is no file or folder /no/such/app", "manifest"];
    expect_words(&finish(["up", "/no/such/app"]), &words);
    let folder = tempfile::tempdir().expect("a folder");
    expect_words(&finish(["check", &folder.path().display().to_string()]), &["has no keyway.toml"]);
}

#[test]
fn an_unknown_key_says_the_nearest() {
    refuse(
        "[app]\nname = \"x\"\n[component.a]\nsourse = \"a.wasm\"\n",
        &["there is no key `sourse` in `component.a`", "did you mean `source`?", "keyway.toml:4:1"],
    );
}

#[test]
fn a_wrong_type_says_what_is_expected() {
    refuse("[app]\nname = 1\n", &["`app.name` has to be a string, not an integer"]);
}

#[test]
fn a_file_that_is_no_component_is_refused() {
    refuse_file(b"hello", &["not a WebAssembly file", "use a complete `.wasm` file"]);
    let hello = std::fs::read(guest("hello")).expect("built");
    refuse_file(&hello[..hello.len() / 2], &["truncated"]);
    // A core module that exports nothing and says nothing of WASI.
    refuse_file(b"\0asm\x01\0\0\0", &["core module cannot be adapted"]);
}

#[test]
fn a_component_alone_is_in_order_whatever_it_is_for() {
    for (name, words) in [
        ("greeter", &["greeter is valid: a library", "keyway call"] as &[&str]),
        ("left", &["left is valid: a library", "It needs a link for test:tally/tally"]),
        ("command", &["command is valid: a command", "keyway run"]),
        ("message-worker", &["is valid: it handles messages"]),
        ("hello", &["hello is valid: 1 component, 1 unit, 1 trigger"]),
    ] {
        let checked = finish(["check", &guest(name).display().to_string()]);
        assert_eq!(checked.code, Some(0), "{name}: {checked:?}");
        for word in words {
            assert!(checked.stdout.contains(word), "{word} is not in {}", checked.stdout);
        }
    }
    // One that is to be served, and cannot be by itself.
    let front = finish(["check", &guest("front").display().to_string()]);
    expect_words(&front, &["the import `test:greet/greeter`"]);
}

#[test]
fn inspect_and_call_show_what_is_built() {
    let app = app(r#"
        [app]
        name = "half"
        [component.greeter]
        source = "{guest:greeter}"
        [component.front]
        source = "./front.wasm"
        link."test:greet/greeter" = "greeter"
        [[trigger.http]]
        route = "/"
        component = "front"
    "#);
    let missing = ["the component `front` has no file front.wasm"];
    for (arguments, shown) in [
        (&["inspect"] as &[&str], "greeter ("),
        (&["call"], "keyway call . 'greet("),
        (&["call", "."], "greet"),
    ] {
        let said = finish_in(app.path(), arguments);
        assert!(said.stdout.contains(shown), "{arguments:?}: {said:?}");
        expect_words(&said, &missing);
    }
    let called = finish_in(app.path(), ["call", "greet(\"Ann\")"]);
    assert_eq!((called.code, called.stdout.trim()), (Some(0), "\"Hello, Ann!\""), "{called:?}");
    // What is asked for may be in the component that is missing.
    expect_words(&finish_in(app.path(), ["call", "other()"]), &missing);
}

#[test]
fn help_begins_with_what_the_program_does() {
    for arguments in [&["--help"] as &[&str], &["help"]] {
        let help = finish(arguments);
        assert_eq!(help.code, Some(0), "{help:?}");
        assert!(help.stdout.starts_with("Run services"), "{}", help.stdout);
    }
    let (by_flag, by_command) = (finish(["up", "--help"]), finish(["help", "up"]));
    assert_eq!(by_command.code, Some(0), "{by_command:?}");
    assert_eq!(by_command.stdout, by_flag.stdout);
}

#[test]
fn what_cannot_be_written_makes_a_command_fail() {
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let hello = guest("hello");
    for arguments in [&["inspect"] as &[&str], &["inspect", "--json"], &["check"], &["wit"]] {
        let output = command().args(arguments).arg(&hello).stdout(full()).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("cannot write to standard output: No space left"), "{said}");
        // Nor is there room for saying so.
        let output = command().args(arguments).arg(&hello).stdout(full()).stderr(full()).output();
        assert_eq!(output.expect("it runs").status.code(), Some(1), "{arguments:?}");
    }
    let unheard = command().arg("no-such-command").stderr(full()).output();
    assert_eq!(unheard.expect("it runs").status.code(), Some(1));
}

#[test]
fn a_reader_that_has_seen_enough_is_not_an_error() {
    let hello = guest("hello");
    for arguments in [vec!["inspect".as_ref(), hello.as_os_str()], vec!["--help".as_ref()]] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let output = command().args(&arguments).stdout(writer).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_route_needs_a_component_that_answers_http() {
    refuse(
        r#"
        [app]
        name = "x"
        [component.greeter]
        source = "{guest:greeter}"
        [[trigger.http]]
        route = "/"
        component = "greeter"
        "#,
        &["which does not answer HTTP", "test:greet/greeter"],
    );
}

#[test]
fn an_import_that_nothing_meets_says_who_could() {
    refuse(
        r#"
        [app]
        name = "x"
        [component.front]
        source = "{guest:front}"
        link."test:nothing/at-all" = "greeter"
        [component.greeter]
        source = "{guest:greeter}"
        [[trigger.http]]
        route = "/"
        component = "front"
        "#,
        &[
            "nothing satisfies the import `test:greet/greeter` of the component `front`",
            "link.\"test:greet/greeter\" = \"greeter\"",
            "has no import `test:nothing/at-all`",
        ],
    );
}

#[test]
fn a_link_to_another_type_names_both_sides() {
    refuse(
        r#"
        [app]
        name = "x"
        [component.front]
        source = "{guest:front}"
        link."test:greet/greeter" = "counter"
        [component.counter]
        source = "{guest:counter}"
        [[trigger.http]]
        route = "/"
        component = "front"
        "#,
        &["`front` imports `test:greet/greeter`, which `counter` does not export"],
    );
}

#[test]
fn a_function_of_another_type_is_named() {
    let greeter = r#"
        (component
            (core module $module (func (export "greet") (param i32) (result i32) local.get 0))
            (core instance $core (instantiate $module))
            (func $greet (param "name" u32) (result u32) (canon lift (core func $core "greet")))
            (instance $greeter (export "greet" (func $greet)))
            (export "test:greet/greeter" (instance $greeter)))
        "#;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other-greeter.wasm");
    std::fs::write(&file, wat::parse_str(greeter).expect("it is right")).expect("written");
    let manifest = r#"
        [app]
        name = "x"
        [component.front]
        source = "{guest:front}"
        link."test:greet/greeter" = "other"
        [component.other]
        source = "FILE"
        [[trigger.http]]
        route = "/"
        component = "front"
        "#;
    refuse(
        &manifest.replace("FILE", &file.display().to_string()),
        &[
            "`front` imports `test:greet/greeter`",
            "`other` exports has a different type",
            "greet front imports func(name: string) -> string other exports func(name: u32) -> u32",
        ],
    );
}

#[test]
fn a_route_is_there_once() {
    refuse(
        r#"
        [app]
        name = "x"
        [component.hello]
        source = "{guest:hello}"
        [[trigger.http]]
        route = "/"
        component = "hello"
        [[trigger.http]]
        route = "/"
        component = "hello"
        "#,
        &["the route `/` is already defined, at line"],
    );
}

#[test]
fn a_reference_that_cannot_be_read_is_shown() {
    refuse(
        "[app]\nname = \"x\"\n[component.a]\nsource = \"oci://\"\n",
        &["oci://", "keyway.toml:4"],
    );
}

#[test]
fn a_manifest_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = folder.path().join("keyway.toml");
    // Root may read any file, but nobody reads a folder as one.
    std::fs::create_dir(&manifest).expect("made");
    let path = folder.path().display().to_string();
    expect_words(&finish(["check", &path]), &["keyway.toml"]);
    std::fs::remove_dir(&manifest).expect("removed");
    std::fs::write(&manifest, b"[app]\nname = \"\xff\"\n").expect("written");
    expect_words(&finish(["check", &path]), &["keyway.toml", "UTF-8"]);
    expect_words(&finish(["up", &path, "--listen", "127.0.0.1:0"]), &["keyway.toml", "UTF-8"]);
}

#[test]
fn a_cycle_is_shown() {
    refuse(
        r#"
        [app]
        name = "x"
        [component.left]
        source = "{guest:left}"
        link."test:tally/tally" = "right"
        [component.right]
        source = "{guest:right}"
        link."test:tally/tally" = "left"
        [[trigger.http]]
        route = "/"
        component = "left"
        "#,
        &["the links form a cycle: left -> right -> left"],
    );
}

/// An app of one component with this limit.
fn limited(limit: &str) -> String {
    format!(
        r#"
        [app]
        name = "x"
        [component.hello]
        source = "{{guest:hello}}"
        limit = {{ {limit} }}
        [[trigger.http]]
        route = "/"
        component = "hello"
        "#
    )
}

#[test]
fn a_limit_has_to_leave_room_for_a_start() {
    refuse(&limited("memory = \"64GiB\""), &["use a value from 64KiB to 4GiB"]);
    let words = ["`limit.memory` of `hello` is \"64KiB\", but its unit needs", "keyway.toml:6"];
    refuse(&limited("memory = \"64KiB\""), &words);
    refuse(&limited("tables = 1"), &["`limit.tables` of `hello` is 1, but its unit needs"]);
    refuse(&limited("core-instances = 1"), &["set `limit.core-instances` to"]);
}

#[test]
fn a_limit_that_is_lowered_is_checked_also_when_all_is_known() {
    let path = app(&limited("memory = \"64MiB\""));
    let keyway = Keyway::up(path.path());
    assert_eq!(keyway.get("/").status, 200);
    drop(keyway);
    let manifest = path.path().join("keyway.toml");
    let lower = std::fs::read_to_string(&manifest).expect("it is there").replace("64MiB", "64KiB");
    std::fs::write(&manifest, lower).expect("written");
    let folder = path.path().display().to_string();
    let said = finish(["up", &folder, "--listen", "127.0.0.1:0"]);
    expect_words(&said, &["`limit.memory` of `hello` is \"64KiB\""]);
}

#[test]
fn a_folder_grant_has_to_exist() {
    refuse(
        r#"
        [app]
        name = "x"
        [component.hello]
        source = "{guest:hello}"
        grant.files = [{ host = "no-such-folder", guest = "/data" }]
        [[trigger.http]]
        route = "/"
        component = "hello"
        "#,
        &["no-such-folder", "does not exist"],
    );
}

#[test]
fn all_problems_are_told_at_once_also_to_machines() {
    let app = app("[app]\nname = 1\nversoin = \"1\"\n[component.a]\nsource = \"oci://\"\n");
    let checked = finish(["check", "--json", &app.path().display().to_string()]);
    assert_eq!(checked.code, Some(1));
    for word in ["wrong-type", "unknown-key", "reference", "\"line\": 3", "\"ok\": false"] {
        assert!(checked.stdout.contains(word), "{word} is not in {}", checked.stdout);
    }
}

#[test]
fn a_route_that_the_server_answers_itself_is_refused() {
    let route = |route: &str| {
        format!(
            "[app]\nname = \"x\"\n[component.hello]\nsource = \"{{guest:hello}}\"\n\
             [[trigger.http]]\nroute = \"{route}\"\ncomponent = \"hello\"\n"
        )
    };
    refuse(&route("/.well-known/keyway/health"), &["Keyway answers it by itself", "keyway.toml:6"]);
    let below = app(&route("/.well-known/keyway/health/of-mine"));
    let keyway = Keyway::up(below.path());
    assert_eq!(keyway.get("/.well-known/keyway/health/of-mine").status, 200);
}

#[test]
fn a_taken_port_a_bad_address_and_a_bad_time_are_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let hello = guest("hello").display().to_string();
    expect_words(&finish(["up", &hello, "--listen", &address]), &["is in use by another program"]);
    for bad in ["nonsense", "127.0.0.1", "1.2.3:80", "127.0.0.1:65536"] {
        let said = finish(["up", &hello, "--listen", bad]);
        expect_words(&said, &[bad, "an address is an IP address and a port"]);
    }
    let drain = finish(["up", &hello, "--drain", "soon"]);
    expect_words(&drain, &["a time is a number with a unit"]);
}

#[test]
fn inspect_escapes_what_a_component_says_of_itself() {
    let mut component = std::fs::read(guest("hello")).expect("built");
    let producer = b"wit-component";
    let at = component.windows(producer.len()).rposition(|bytes| bytes == producer);
    let at = at.expect("the component says who made it");
    component[at..at + producer.len()].copy_from_slice(b"a\nb\x1b[2Kforged");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hostile.wasm");
    std::fs::write(&file, component).expect("written");
    let shown = finish(["inspect", &file.display().to_string()]);
    assert!(shown.stdout.contains("a\\nb\\u{1b}[2Kforged"), "{}", shown.stdout);
    assert!(!shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
}

#[test]
fn inspect_tells_machines_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("component.wasm");
    std::fs::write(&file, b"hello").expect("written");
    let inspected = finish(["inspect", "--json", &file.display().to_string()]);
    assert_eq!((inspected.code, inspected.stderr.as_str()), (Some(1), ""));
    for word in ["\"ok\": false", "\"code\": \"not-a-component\""] {
        assert!(inspected.stdout.contains(word), "{word} is not in {}", inspected.stdout);
    }
}

#[test]
fn inspect_shows_what_a_component_needs_and_who_meets_it() {
    let shown = finish(["inspect", &guest("reach").display().to_string()]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for words in ["outgoing HTTP, for wasi:http/outgoing-handler", "would need", "exports"] {
        assert!(shown.stdout.contains(words), "{words:?} is not in {}", shown.stdout);
    }
    let app = finish(["inspect", "--json", &example("log-pipeline").display().to_string()]);
    assert!(app.stdout.contains("\"cyber:systems/parser\": \"parser\""), "{app:?}");
}
