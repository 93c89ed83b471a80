//! What a user sees of `keyway add` and `keyway link`.

use std::{fs, os::unix::fs::symlink, path::Path};

use keyway_testing::{Keyway, command, guest};
use tempfile::TempDir;

/// A folder with an app that has no components yet, and beside it some that are built.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("app")).expect("made");
    let manifest = "# An app.\n[app]\nname = \"growing\"\n";
    fs::write(folder.path().join("app/keyway.toml"), manifest).expect("written");
    for name in ["front", "greeter", "greeter-other", "counter"] {
        let file = folder.path().join(format!("{name}.wasm"));
        fs::copy(guest(name), file).expect("copied");
    }
    folder
}

/// Runs `keyway` in `folder`; what it prints, and whether it ended well.
fn keyway(folder: &Path, arguments: &[&str]) -> (String, bool) {
    let output = command().args(arguments).current_dir(folder).output();
    let output = output.expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).replace('│', " ");
    (text.split_whitespace().collect::<Vec<_>>().join(" "), output.status.success())
}

fn worked(folder: &Path, arguments: &[&str]) -> String {
    let (text, ended_well) = keyway(folder, arguments);
    assert!(ended_well, "{text}");
    text
}

fn manifest(folder: &Path) -> String {
    let app = if folder.ends_with("app") { folder.to_owned() } else { folder.join("app") };
    fs::read_to_string(app.join("keyway.toml")).expect("read")
}

/// The text that is told; nothing is written.
fn refused(folder: &Path, arguments: &[&str], expected: &str) {
    let before = manifest(folder);
    let (text, ended_well) = keyway(folder, arguments);
    assert!(!ended_well && text.contains(expected), "{expected}\n{text}");
    assert_eq!(manifest(folder), before);
}

#[test]
fn an_app_is_put_together_without_an_editor() {
    let folder = folder();
    let root = folder.path();
    let app = root.join("app");
    let added = worked(&app, &["add", "../greeter.wasm"]);
    assert_eq!(added, "Added component `greeter`.");
    let added = worked(root, &["add", "front.wasm", "--route", "/", "--app-path", "app"]);
    assert!(added.contains("to link it: keyway link front greeter"), "{added}");
    // It can be called before it is whole, and cannot be served.
    let called = worked(&app, &["call", "greet(\"Ann\")"]);
    assert_eq!(called, "\"Hello, Ann!\"");
    let (text, is_whole) = keyway(&app, &["check"]);
    assert!(!is_whole && text.contains("nothing uses the component `greeter`"), "{text}");
    let linked = worked(&app, &["link", "front", "greeter"]);
    assert_eq!(linked, "front: test:greet/greeter <- greeter");
    assert_eq!(
        manifest(root),
        "# An app.\n[app]\nname = \"growing\"\n\n[component.greeter]\nsource = \"../greeter.wasm\"\n\n\
         [component.front]\nsource = \"../front.wasm\"\nlink.\"test:greet/greeter\" = \"greeter\"\n\n\
         [[trigger.http]]\nroute = \"/\"\ncomponent = \"front\"\n"
    );
    let served = Keyway::up(&app);
    assert!(served.get("/Ann").body.contains("Hello"));
}

#[test]
fn a_manifest_from_windows_stays_one() {
    let folder = folder();
    let root = folder.path();
    let before = "\u{feff}# An app.\r\n[app]\r\nname = \"growing\"\r\n";
    fs::write(root.join("app/keyway.toml"), before).expect("written");
    worked(root, &["add", "front.wasm", "--route", "/", "--app-path", "app"]);
    worked(root, &["add", "greeter.wasm", "--app-path", "app"]);
    worked(&root.join("app"), &["link", "front", "greeter"]);
    let after = manifest(root);
    assert!(after.starts_with(before), "{after:?}");
    let line_ends = after.matches('\n').count();
    assert_eq!(after.matches("\r\n").count(), line_ends, "{after:?}");
    worked(root, &["check", "app"]);
}

#[test]
fn a_link_is_replaced_by_another() {
    let folder = folder();
    let app = folder.path().join("app");
    for source in ["../front.wasm", "../greeter.wasm", "../greeter-other.wasm"] {
        worked(&app, &["add", source]);
    }
    worked(&app, &["link", "front", "greeter"]);
    assert_eq!(
        worked(&app, &["link", "front", "greeter", "--import", "test:greet/greeter"]),
        "front: test:greet/greeter <- greeter, unchanged"
    );
    assert_eq!(
        worked(&app, &["link", "front", "greeter-other"]),
        "front: test:greet/greeter <- greeter-other, replacing greeter"
    );
    assert!(manifest(folder.path()).contains("link.\"test:greet/greeter\" = \"greeter-other\"\n"));
}

#[test]
fn a_source_that_is_a_link_of_the_file_system_stays_one() {
    let folder = folder();
    let root = folder.path();
    let app = root.join("app");
    symlink("../greeter.wasm", app.join("current.wasm")).expect("linked");
    assert_eq!(worked(&app, &["add", "current.wasm"]), "Added component `current`.");
    // Where the path leads through a link to a folder, and out of it, it is written as it really is.
    fs::create_dir_all(root.join("far/built")).expect("made");
    fs::copy(guest("counter"), root.join("far/counter.wasm")).expect("copied");
    symlink("far/built", root.join("built")).expect("linked");
    worked(root, &["add", "built/../counter.wasm", "--app-path", "app"]);
    let text = manifest(root);
    assert!(text.contains("[component.current]\nsource = \"current.wasm\"\n"), "{text}");
    assert!(text.contains("[component.counter]\nsource = \"../far/counter.wasm\"\n"), "{text}");
}

#[test]
fn what_does_not_fit_is_not_written() {
    let folder = folder();
    let root = folder.path();
    let app = root.join("app");
    refused(&app, &["add", "no-such.wasm"], "there is no component at no-such.wasm");
    refused(&app, &["add", "../front.wasm", "--name", "No Name"], "is not a valid component name");
    refused(&app, &["add", "../front.wasm", "--route", "no-slash"], "no-slash");
    refused(root, &["add", "front.wasm"], "create an app with `keyway new app NAME`");
    worked(&app, &["add", "../front.wasm"]);
    refused(&app, &["add", "../front.wasm"], "the app already has a component `front`");
    worked(&app, &["add", "../counter.wasm"]);
    refused(&app, &["link", "front", "counter"], "`counter` exports nothing that could satisfy");
    refused(&app, &["link", "front", "countr"], "did you mean `counter`?");
    // The same interface with a function of another type.
    let wrong = r#"(component
        (core module $m
            (memory (export "memory") 1)
            (func (export "greet") (param i32) (result i32) i32.const 0))
        (core instance $i (instantiate $m))
        (alias core export $i "memory" (core memory $memory))
        (func $greet (param "name" u32) (result string)
            (canon lift (core func $i "greet") (memory $memory)))
        (instance $greeter (export "greet" (func $greet)))
        (export "test:greet/greeter" (instance $greeter)))"#;
    fs::write(root.join("wrong.wasm"), wat::parse_str(wrong).expect("valid")).expect("written");
    worked(&app, &["add", "../wrong.wasm"]);
    refused(&app, &["link", "front", "wrong"], "func(name: u32) -> string");
    fs::write(app.join("keyway.toml"), "[app\n").expect("written");
    refused(&app, &["add", "../greeter.wasm"], "this is not TOML");
}
