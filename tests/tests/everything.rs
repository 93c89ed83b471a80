//! Six languages call each other with everything that WIT has.
//!
//! A component in each of them under `tests/everything/` both echoes what it is given and checks
//! the echo that it is linked to. Here each one checks each one: 36 pairs, in six apps, since all
//! that check may share one that echoes. Whose echo is not asked is linked to one that is broken,
//! so that a component which passed calls on instead of answering them would be found out.

use std::{collections::BTreeSet, fs, path::PathBuf};

use keyway_testing::{Keyway, RunningApp, example};

const LANGUAGES: [&str; 6] = ["rust", "c", "cpp", "go", "javascript", "python"];

fn folder() -> PathBuf {
    let examples = example("");
    let root = examples.parent().expect("the examples lie in the workspace");
    root.join("tests/everything")
}

/// The component in a language, or `front` or `broken`.
fn component(name: &str) -> PathBuf {
    let file = folder().join(name).join(format!("{name}.wasm"));
    assert!(file.is_file(), "{} is not there: run `cargo xtask guests`", file.display());
    file
}

/// An app in which the component in each language checks one echo.
fn app(echo: &str) -> RunningApp {
    let mut manifest = format!(
        "[app]\nname = \"everything\"\n\
         [component.front]\nsource = \"{}\"\n\
         limit = {{ memory = \"1GiB\", time = \"60s\", cpu = \"60s\" }}\n",
        component("front").display()
    );
    for language in LANGUAGES {
        manifest += &format!("link.\"test:everything/check-{language}\" = \"{language}\"\n");
    }
    for language in LANGUAGES {
        let source = component(language);
        manifest += &format!("[component.{language}]\nsource = \"{}\"\n", source.display());
        manifest += "link.\"test:everything/echo\" = \"echo\"\n";
    }
    manifest += &format!("[component.echo]\nsource = \"{}\"\n", component(echo).display());
    if echo != "broken" {
        let broken = component("broken");
        manifest += "link.\"test:everything/echo\" = \"broken\"\n";
        manifest += &format!("[component.broken]\nsource = \"{}\"\n", broken.display());
    }
    manifest += "[[trigger.http]]\nroute = \"/\"\ncomponent = \"front\"\n";
    let folder = keyway_testing::app(&manifest);
    // The units are large: what they are compiled to is not kept.
    RunningApp { keyway: Keyway::up_in(folder.path(), folder.path()), folder }
}

/// What a language finds wrong with the echo: a line that begins with the function, for each value.
fn differences(keyway: &Keyway, caller: &str) -> Vec<String> {
    let answer = keyway.get(&format!("/{caller}"));
    assert_eq!(answer.status, 200, "{caller}: {}\n{}", answer.body, keyway.stderr());
    answer.body.lines().map(str::to_owned).collect()
}

fn function(line: &str) -> &str {
    line.split_once(':').map_or(line, |(function, _)| function)
}

/// Every language finds nothing wrong with the echo in this one.
fn all_agree_with(echo: &str) {
    let keyway = app(echo);
    for caller in LANGUAGES {
        let found = differences(&keyway, caller);
        assert!(found.is_empty(), "{caller} calls {echo}: {found:#?}");
    }
}

#[test]
fn every_language_calls_rust() {
    all_agree_with("rust");
}

#[test]
fn every_language_calls_c() {
    all_agree_with("c");
}

#[test]
fn every_language_calls_cpp() {
    all_agree_with("cpp");
}

#[test]
fn every_language_calls_go() {
    all_agree_with("go");
}

#[test]
fn every_language_calls_javascript() {
    all_agree_with("javascript");
}

#[test]
fn every_language_calls_python() {
    all_agree_with("python");
}

#[test]
fn every_language_notices_each_wrong_answer() {
    let keyway = app("broken");
    let functions = functions();
    for caller in LANGUAGES {
        let lines = differences(&keyway, caller);
        let found: BTreeSet<String> = lines.iter().map(|line| function(line).to_owned()).collect();
        assert_eq!(found, functions, "{caller}");
    }
}

/// The functions of the interface.
fn functions() -> BTreeSet<String> {
    let text = wit("broken");
    let lines = text.lines().filter_map(|line| line.trim().split_once(": func("));
    let functions: BTreeSet<String> = lines.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(functions.len(), 29, "{functions:?}");
    functions
}

fn wit(language: &str) -> String {
    let file = folder().join(language).join("wit/everything.wit");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn all_languages_implement_the_same_interface() {
    for language in LANGUAGES {
        let here = wit(language).replace(&format!("check-{language}"), "check-rust");
        assert!(
            here == wit("rust"),
            "tests/everything/{language}/wit is another than that of Rust"
        );
    }
    let rust = wit("rust");
    let (echo, _) = rust.split_once("interface check-").expect("the interfaces to check with");
    assert!(wit("broken").starts_with(echo), "the broken echo has another interface");
}
