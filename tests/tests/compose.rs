//! What a user sees of `keyway compose` and `keyway wit`.

use std::{fs, path::Path};

use keyway_testing::{Finished, Keyway, example, finish, guest};
use serde_json::Value;

fn compose(arguments: &[&str], output: &Path) -> Finished {
    finish([&["compose"], arguments, &["-o", output.to_str().expect("text")]].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// What `keyway inspect` says of the one component in a file.
fn inspect(file: &Path) -> Value {
    let inspected = finish(["inspect", "--json", text(file)]);
    let mut inspected: Value = serde_json::from_str(&inspected.stdout).expect("it is JSON");
    let components = inspected["components"].as_object_mut().expect("it has components");
    components.values_mut().next().expect("there is one").take()
}

#[test]
fn an_app_becomes_one_component_that_does_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("app.wasm");
    let pipeline = example("log-pipeline");
    let composed = compose(&[text(&pipeline)], &output);
    assert_eq!(composed.code, Some(0), "{}", composed.stderr);
    assert!(
        composed.stdout.contains("app.wasm is data-ingestor + encoder + gateway + parser ("),
        "{}",
        composed.stdout
    );
    let keyway = Keyway::up(&output);
    let post = |path: &str, body: &str| {
        let answer = keyway.request("POST", path, "", body.as_bytes());
        (answer.status, answer.body.trim().to_owned())
    };
    assert_eq!(post("/parse", "1 WARN a b").0, 200);
    assert_eq!(post("/parse", "two parts").0, 422);
    assert_eq!(post("/ingest", "Keyway"), (200, "{\"encoded\":\"Lfzxbz\"}".to_owned()));
    // Other hosts know interfaces by their names and nothing else.
    let described = inspect(&output);
    let imports = described["imports"].as_array().expect("a list");
    assert!(!imports.is_empty());
    for import in imports {
        let name = import["name"].as_str().expect("text");
        assert!(name.starts_with("wasi:") && name.contains("@0.2."), "{name}");
    }
}

#[test]
fn names_are_left_out_if_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, stripped) = (folder.path().join("whole.wasm"), folder.path().join("small.wasm"));
    let pipeline = example("log-pipeline");
    assert_eq!(compose(&[text(&pipeline)], &whole).code, Some(0));
    assert_eq!(compose(&[text(&pipeline), "--strip"], &stripped).code, Some(0));
    let size = |path: &Path| fs::metadata(path).expect("it is there").len();
    assert!(size(&stripped) < size(&whole));
    assert!(inspect(&stripped)["producers"].as_array().expect("a list").is_empty());
    assert!(!inspect(&whole)["producers"].as_array().expect("a list").is_empty());
    let keyway = Keyway::up(&stripped);
    let answer = keyway.request("POST", "/ingest", "", b"Keyway");
    assert_eq!(answer.body.trim(), "{\"encoded\":\"Lfzxbz\"}");
}

#[test]
fn an_app_that_is_not_in_order_is_not_composed() {
    let app = keyway_testing::app(
        r#"
        [app]
        name = "two"
        [component.hello]
        source = "{guest:hello}"
        [component.front]
        source = "{guest:front}"
        [[trigger.http]]
        route = "/"
        component = "hello"
        [[trigger.http]]
        route = "/front"
        component = "front"
        "#,
    );
    let output = app.path().join("out.wasm");
    let refused = |arguments: &[&str], expected: &str| {
        let finished = compose(&[&[text(app.path())], arguments].concat(), &output);
        assert_eq!(finished.code, Some(1));
        assert!(finished.told().contains(expected), "{expected}\n{}", finished.stderr);
        assert!(!output.exists());
    };
    refused(&[], "triggers start several components: front, hello");
    refused(&["--component", "helo"], "did you mean `hello`?");
    refused(&["--component", "front"], "test:greet/greeter");
    let composed = compose(&[text(app.path()), "--component", "hello"], &output);
    assert_eq!(composed.code, Some(0), "{}", composed.stderr);
    let original = Keyway::up(guest("hello")).get("/");
    assert_eq!(Keyway::up(&output).get("/").body, original.body);
    let nowhere =
        compose(&[text(app.path()), "--component", "hello"], Path::new("/no/such/x.wasm"));
    assert!(nowhere.stderr.contains("/no/such/x.wasm cannot be written"), "{}", nowhere.stderr);
}

#[test]
fn the_wit_of_components_is_printed() {
    let one = finish(["wit", text(&guest("values"))]).stdout;
    for part in
        ["export test:values/echo@0.1.0;", "variant shape {", "export version: func() -> string;"]
    {
        assert!(one.contains(part), "{part}\n{one}");
    }
    let pipeline = example("log-pipeline");
    let all = finish(["wit", text(&pipeline)]).stdout;
    assert!(all.contains("// gateway\n") && all.contains("// parser\n"), "{all}");
    let parser = finish(["wit", text(&pipeline), "--component", "parser"]).stdout;
    assert!(parser.contains("export cyber:systems/parser;"), "{parser}");
    assert!(!parser.contains("// "), "{parser}");
    // It is WIT that can be read again.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("values.wit");
    fs::write(&file, &one).expect("written");
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_file(&file).expect("it is WIT");
    assert_eq!(resolve.packages[package].worlds.len(), 1);
}
