//! What a user sees of `keyway call`.

use std::fs;

use keyway_testing::{Finished, Keyway, finish, finish_in, guest};
use serde_json::{Value, json};

fn call(arguments: &[&str]) -> Finished {
    let file = guest("values");
    finish([&["call", file.to_str().expect("text")], arguments].concat())
}

/// What a call returns, if it comes to its end.
fn returned(arguments: &[&str]) -> String {
    let finished = call(arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout.trim_end_matches('\n').to_owned()
}

fn refused(finished: &Finished, expected: &str) {
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert!(finished.told().contains(expected), "{expected}\n{}", finished.stderr);
}

#[test]
fn values_of_all_types_come_back_as_they_were_given() {
    for (text, expected) in [
        (
            "numbers(255, -9223372036854775808, 18446744073709551615, inf, -0.0)",
            "(255, -9223372036854775808, 18446744073709551615, inf, -0)",
        ),
        ("numbers(0, 1, 2, nan, 1e300)", "(0, 1, 2, nan, 1e300)"),
        (r#"text("ö\n\"☃", '☃')"#, r#"("ö\n\"☃", '☃')"#),
        (
            "shapes([%none, circle(0.5), named({id: 1, name: \"a\", at: some(2.5)})])",
            "[%none, circle(0.5), named({id: 1, name: \"a\", at: some(2.5)})]",
        ),
        ("nested(some(none), high, {write, execute})", "(some(none), high, {write, execute})"),
        ("outcome(true)", "err(\"as asked\")"),
        ("version()", "\"1\""),
        ("greet(\"Ann\")", "\"Hello, Ann!\""),
        ("echo.nothing()", ""),
        ("test:values/other.nothing()", "\"not the other\""),
        ("test:values/other.nothing@0.1.0()", "\"not the other\""),
    ] {
        let wave = returned(&[text]);
        // Floats may be written in several ways.
        let wave =
            if text.contains("1e300") { wave.replace(&"0".repeat(300), "e300") } else { wave };
        assert_eq!(wave, expected, "{text}");
    }
    let bytes = vec!["1"; 20_000].join(",");
    assert_eq!(returned(&[&format!("length([{bytes}])")]), "20000");
}

#[test]
fn machines_get_json() {
    let json = |text: &str| -> Value {
        serde_json::from_str(&returned(&["--json", text])).expect("it is JSON")
    };
    assert_eq!(json("outcome(false)"), json!({"ok": {"id": u64::MAX, "name": "ö", "at": null}}));
    assert_eq!(json("nested(some(none), low, {})"), json!([{"some": null}, "low", []]));
    assert_eq!(json("echo.nothing()"), Value::Null);
}

#[test]
fn what_can_be_called_is_listed_with_examples_that_work() {
    let list = returned(&[]);
    assert!(list.contains("take: func(handle: handle)\n    cannot be called by hand"), "{list}");
    let listed: Vec<Value> = serde_json::from_str(&returned(&["--json"])).expect("it is JSON");
    assert!(listed.iter().any(|function| function["name"] == "handle.get"), "{listed:?}");
    let examples = list.lines().filter_map(|line| line.trim().strip_prefix("keyway call "));
    let mut count = 0;
    for example in examples {
        let (_, quoted) = example.split_once(' ').expect("a path and a call");
        // What a shell makes of it.
        let text = quoted.trim_matches('\'').replace("'\\''", "'");
        returned(&[&text]);
        count += 1;
    }
    assert_eq!(count, 11, "{list}");
}

#[test]
fn what_a_function_prints_is_not_its_result() {
    let finished = call(&["fail(\"a line\")"]);
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr, "values: printed a line\n");
}

#[test]
fn a_call_that_cannot_be_made_says_why() {
    for (text, expected) in [
        ("version(", "unexpected end of input"),
        ("vrsion()", "there is no function `vrsion` to call"),
        ("vrsion()", "did you mean `version`?"),
        ("nothing()", "`nothing` may be one of several functions"),
        ("text(\"a\")", "it is text: func(text: string, letter: char)"),
        ("numbers(256, 0, 0, 0, 0)", "invalid value"),
        ("nested(none, middle, {})", "this is not a call with values in WAVE"),
        ("take(1)", "`take` of `values` cannot be called by hand: it takes or returns resources"),
        ("fail(\"panic\")", "`fail` of `values`: the component trapped"),
    ] {
        refused(&call(&[text]), expected);
    }
    refused(&call(&["--time", "200ms", "fail(\"loop\")"]), "limit.time");
    refused(&finish(["call", "/no/such.wasm", "f()"]), "there is no file or folder /no/such.wasm");
    refused(&finish(["call", "no-such.wasm"]), "there is no file or folder no-such.wasm");
    refused(&finish(["call", "greet"]), "call a function with its values: `keyway call 'greet()'`");
}

#[test]
fn functions_of_a_built_project_are_called() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| finish_in(folder.path(), arguments);
    worked(&run(&["new", "greeter", "--lang", "c", "--kind", "library"]));
    for arguments in [["call", "greeter"], ["wit", "greeter"]] {
        refused(&run(&arguments), "the project in greeter is not built");
    }
    worked(&run(&["build", "greeter"]));
    let said = run(&["call", "greeter", "greet(\"Ann\")"]);
    assert_eq!(said.stdout, "\"Hello, Ann!\"\n", "{}", said.stderr);
    assert!(run(&["call", "greeter"]).stdout.contains("greet: func(name: string) -> string"));
    assert!(run(&["wit", "greeter"]).stdout.contains("greet: func(name: string) -> string"));
}

fn worked(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// An app in which `front` is linked to `greeter`, and another one greets too.
fn app() -> tempfile::TempDir {
    let app = keyway_testing::app(
        r#"
        [app]
        name = "called"
        [component.front]
        source = "{guest:front}"
        link."test:greet/greeter" = "greeter"
        [component.greeter]
        source = "greeter.wasm"
        [component.other-front]
        source = "{guest:front}"
        link."test:greet/greeter" = "other"
        [component.other]
        source = "{guest:greeter-other}"
        [[trigger.http]]
        route = "/"
        component = "front"
        [[trigger.http]]
        route = "/other"
        component = "other-front"
        "#,
    );
    fs::copy(guest("greeter"), app.path().join("greeter.wasm")).expect("copied");
    app
}

#[test]
fn functions_of_an_app_are_called_by_their_component() {
    let app = app();
    let path = app.path().to_str().expect("text");
    let call = |arguments: &[&str]| finish([&["call", path], arguments].concat());
    let said = call(&["--component", "greeter", "greet(\"Ann\")"]);
    assert_eq!(said.stdout, "\"Hello, Ann!\"\n", "{}", said.stderr);
    let said = call(&["--component", "other", "greeter.greet(\"Ann\")"]);
    assert_eq!(said.stdout, "\"Good day, Ann!\"\n", "{}", said.stderr);
    refused(&call(&["greet(\"Ann\")"]), "`greet` may be one of several functions");
    let list = call(&[]).stdout;
    assert!(
        list.contains(&format!("keyway call {path} --component other 'greet(\"text\")'")),
        "{list}"
    );
    // In the app's folder, it need not be named.
    let here = keyway_testing::command()
        .args(["call", "--component", "greeter", "greet(\"Bob\")"])
        .current_dir(app.path())
        .output()
        .expect("it runs");
    assert_eq!(String::from_utf8_lossy(&here.stdout), "\"Hello, Bob!\"\n");
}

#[test]
fn functions_of_a_running_app_are_called_as_it_runs() {
    let app = app();
    let keyway = Keyway::up(app.path());
    let greet = ["call", "--running", "--component", "greeter", "greet(\"Ann\")"];
    assert_eq!(keyway.ask(greet).stdout, "\"Hello, Ann!\"\n");
    let other = guest("greeter-other");
    worked(&keyway.ask(["swap", "component", "greeter", other.to_str().expect("text")]));
    assert_eq!(keyway.ask(greet).stdout, "\"Good day, Ann!\"\n");
    let list = keyway.ask(["call", "--running"]).stdout;
    assert!(list.contains("keyway call --running --component greeter 'greet(\"text\")'"), "{list}");
    refused(&keyway.ask(["call", "--running", "gret(1)"]), "did you mean `greet`?");
    // It is always what serves that is called, and not what a file holds since.
    worked(&keyway.ask(["swap", "--undo"]));
    fs::copy(&other, app.path().join("greeter.wasm")).expect("copied");
    refused(&keyway.ask(greet), "the file of `greeter` has changed since it was loaded");
    worked(&keyway.ask(["reload"]));
    assert_eq!(keyway.ask(greet).stdout, "\"Good day, Ann!\"\n");
}
