//! `keyway new`, then `keyway build`, then the first request, as a new user does.

use std::{fs, path::Path, process::Stdio};

use keyway_testing::{Finished, Keyway, command, finish, finish_in};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn succeed(finished: Finished) -> Finished {
    assert_eq!(finished.code, Some(0), "{}\n{}", finished.stdout, finished.stderr);
    finished
}

/// Makes a project, builds it, and returns its folder's place.
fn made(language: &str, kind: &str) -> TempDir {
    let folder = folder();
    let new = ["new", "first-try", "--lang", language, "--kind", kind];
    succeed(finish_in(folder.path(), new));
    let built = succeed(finish_in(folder.path(), ["build", "first-try"]));
    assert!(built.stderr.contains("first-try is built"), "{}", built.stderr);
    let again = succeed(finish_in(folder.path(), ["build", "first-try"]));
    assert!(again.stderr.contains("first-try is up to date"), "{}", again.stderr);
    assert!(!folder.path().join("first-try/__pycache__").exists(), "sources stay as they are");
    folder
}

/// The folder is what `CARGO_TARGET_DIR` names; who sets it does so for all their projects.
#[test]
fn two_projects_of_one_name_are_built_in_one_folder() {
    let target = folder();
    let projects = ["command", "library"].map(|kind| {
        let folder = folder();
        let new = ["new", "first-try", "--lang", "rust", "--kind", kind];
        succeed(finish_in(folder.path(), new));
        folder
    });
    for _ in 0..2 {
        for (project, export) in projects.iter().zip(["wasi:cli/run", "greet: func"]) {
            let folder = project.path().join("first-try");
            let _ = fs::remove_dir_all(folder.join(".keyway"));
            let mut build = command();
            build.arg("build").arg(&folder).env("CARGO_TARGET_DIR", target.path());
            assert!(build.status().expect("it runs").success());
            let component = folder.join("first-try.wasm");
            let told = succeed(finish(["inspect".as_ref(), component.as_os_str()])).stdout;
            assert!(told.contains(export), "{told}");
            assert!(!folder.join("target").exists());
        }
    }
}

/// Nothing is there beside what is named, hidden or not.
fn holds(folder: &Path, names: &[&str]) {
    let entries = fs::read_dir(folder).expect("it is there");
    let mut found: Vec<_> =
        entries.map(|entry| entry.expect("it is read").file_name().into_string()).collect();
    found.sort();
    let names: Vec<_> = names.iter().map(|name| Ok(name.to_string())).collect();
    assert_eq!(found, names);
}

fn serves_a_greeting(language: &str) {
    let folder = made(language, "http");
    let keyway = Keyway::up(folder.path().join("first-try"));
    let answer = keyway.get("/");
    assert_eq!((answer.status, answer.body.as_str()), (200, "Hello, world!\n"), "{language}");
}

fn exports_a_greeter(language: &str) {
    let folder = made(language, "library");
    let component = folder.path().join("first-try/first-try.wasm");
    let inspected = succeed(finish_in(folder.path(), ["inspect".as_ref(), component.as_os_str()]));
    let function = "greet: func(name: string) -> string";
    assert!(inspected.stdout.contains(function), "{}", inspected.stdout);
}

fn greets_whoever_is_named(language: &str) {
    let folder = made(language, "command");
    let finished = succeed(finish_in(folder.path(), ["run", "first-try/first-try.wasm", "Ada"]));
    assert_eq!(finished.stdout, "Hello, Ada!\n", "{language}");
}

/// The middleware answers `/hello` itself, and leaves the rest to a component behind it.
fn stands_before_another(language: &str) {
    let folder = made(language, "middleware");
    succeed(finish_in(folder.path(), ["new", "behind", "--lang", "c", "--kind", "http"]));
    let said = folder.path().join("behind/src/greeting.c");
    let text = fs::read_to_string(&said).expect("it is there");
    fs::write(&said, text.replace("Hello, ", "Behind, ")).expect("written");
    let manifest = "[app]\nname = \"both\"\n\n[component.front]\nsource = \"first-try\"\n\
                    link.\"wasi:http/incoming-handler\" = \"behind\"\n\n\
                    [component.behind]\nsource = \"behind\"\n\n\
                    [[trigger.http]]\nroute = \"/\"\ncomponent = \"front\"\n";
    fs::write(folder.path().join("keyway.toml"), manifest).expect("written");
    succeed(finish_in(folder.path(), ["build"]));
    let keyway = Keyway::up(folder.path());
    assert_eq!(keyway.get("/hello").body, "Hello, world!\n", "{language}");
    assert_eq!(keyway.get("/other").body, "Behind, world!\n", "{language}");
}

/// A skeleton for WIT that is there already, with names that are words of languages.
fn is_built_as_it_is(language: &str) {
    let folder = folder();
    let wit = "package shop:cart@1.0.0;\n\ninterface carts {\n    record item { name: string, \
               price: option<u32> }\n\n    variant state { empty, full(list<item>) }\n\n    \
               add: func(item: item, to: state) -> result<state, string>;\n\n    \
               total: func(items: list<item>) -> tuple<u32, bool>;\n\n    \
               delete: func(new: bool, lambda: u32, default: string) -> u32;\n\n    \
               pass: func(match: u32, range: u32);\n}\n\n\
               world cart {\n    export carts;\n    export clear: func();\n    \
               export try: func(%static: u32);\n}\n\n\
               world other {\n    import carts;\n}\n";
    fs::write(folder.path().join("cart.wit"), wit).expect("written");
    let new = ["new", "cart", "--lang", language, "--wit", "cart.wit", "--world", "cart"];
    succeed(finish_in(folder.path(), new));
    succeed(finish_in(folder.path(), ["build", "cart"]));
    let inspected = succeed(finish_in(folder.path(), ["inspect", "cart/cart.wasm"]));
    for function in [
        "add: func(item: item, to: state) -> result<state, string>",
        "delete: func(new: bool, ",
        "clear: func()",
        "try: func(",
    ] {
        assert!(inspected.stdout.contains(function), "{}", inspected.stdout);
    }
}

/// One interface for each kind of WIT, in one project.
fn every_kind_is_built_as_it_is(language: &str) {
    let folder = folder();
    fs::write(folder.path().join("kinds.wit"), include_str!("new/kinds.wit")).expect("written");
    let new = ["new", "kinds", "--lang", language, "--wit", "kinds.wit", "--world", "kinds"];
    succeed(finish_in(folder.path(), new));
    succeed(finish_in(folder.path(), ["build", "kinds"]));
    let wit = succeed(finish_in(folder.path(), ["wit", "kinds/kinds.wasm"])).stdout;
    for part in
        ["record shape-circle", "tag(string)", "largest: static func(", "export two: interface"]
    {
        assert!(wit.contains(part), "{language}: {part}\n{wit}");
    }
}

/// A world whose name is a word of WIT, and which exports nothing.
fn a_world_of_imports_is_built(language: &str) {
    let folder = folder();
    fs::write(folder.path().join("kinds.wit"), include_str!("new/kinds.wit")).expect("written");
    let new = ["new", "kinds", "--lang", language, "--wit", "kinds.wit", "--world", "type"];
    succeed(finish_in(folder.path(), new));
    succeed(finish_in(folder.path(), ["build", "kinds"]));
}

/// Names of WIT that are one in a language's bindings, or that the bindings use themselves.
fn names_that_meet_are_told_apart(language: &str) {
    let folder = folder();
    let wit = "package shop:drawing;\n\ninterface shapes {\n    enum size { small, large }\n\n    \
               record style { color: string, size-t: u32, thread-local: u32 }\n\n    \
               resource circle {\n        constructor(radius: u32);\n        \
               new: func(radius: u32) -> u32;\n        size: func() -> size;\n        \
               next: func() -> option<size>;\n        take-handle: func();\n        \
               resource-new: func();\n        draw: static func(style: style);\n    }\n\n    \
               resource line-end {\n        constructor();\n    }\n\n    \
               variant shape { shape(style), round(circle) }\n\n    \
               record shape-round { circle: circle, style: style }\n\n    \
               make-circle: func(free: string, ptr0: list<string>, self: u32) -> shape-round;\n\n    \
               circle-draw: func(of: shape) -> result<u32, list<string>>;\n\n    \
               static-circle-draw: func(pinner: string) -> shape;\n}\n\n\
               world drawing {\n    import shapes;\n    export shapes;\n    \
               export own-name: func() -> string;\n}\n";
    fs::write(folder.path().join("drawing.wit"), wit).expect("written");
    let new = ["new", "drawing", "--lang", language, "--wit", "drawing.wit"];
    succeed(finish_in(folder.path(), new));
    succeed(finish_in(folder.path(), ["build", "drawing"]));
    let wit = succeed(finish_in(folder.path(), ["wit", "drawing/drawing.wasm"])).stdout;
    for part in [
        "make-circle: func(free: string",
        "    circle-draw: func(",
        "static-circle-draw: func(",
        "new: func(radius: u32)",
        "take-handle: func()",
        "record shape-round",
    ] {
        assert!(wit.contains(part), "{language}: {part}\n{wit}");
    }
}

macro_rules! languages {
    ($($module:ident: $language:literal)*) => {$(
        mod $module {
            #[test]
            fn a_new_project_serves_a_greeting() {
                super::serves_a_greeting($language);
            }

            #[test]
            fn a_new_library_exports_what_it_says() {
                super::exports_a_greeter($language);
            }

            #[test]
            fn a_new_command_runs() {
                super::greets_whoever_is_named($language);
            }

            #[test]
            fn a_skeleton_is_built_as_it_is() {
                super::is_built_as_it_is($language);
            }

            #[test]
            fn a_new_middleware_stands_before_another_component() {
                super::stands_before_another($language);
            }
        }
    )*};
}

macro_rules! kinds {
    ($($module:ident)*) => {$(
        mod $module {
            #[test]
            fn a_skeleton_of_every_kind_is_built_as_it_is() {
                super::super::every_kind_is_built_as_it_is(stringify!($module));
            }

            #[test]
            fn a_skeleton_without_exports_is_built() {
                super::super::a_world_of_imports_is_built(stringify!($module));
            }
        }
    )*};
}

mod kinds {
    kinds! { rust c cpp go }
}

macro_rules! names {
    ($($module:ident)*) => {$(
        #[test]
        fn $module() {
            super::names_that_meet_are_told_apart(stringify!($module));
        }
    )*};
}

mod names_that_meet_are_told_apart {
    names! { c cpp go }
}

#[path = "new/resources.rs"]
mod resources;

languages! {
    rust: "rust"
    c: "c"
    cpp: "cpp"
    go: "go"
    python: "python"
    javascript: "javascript"
    typescript: "typescript"
}

#[test]
fn a_project_may_be_called_by_a_word_of_its_language() {
    let folder = folder();
    for (language, name) in [("rust", "match"), ("cpp", "switch"), ("c", "test-switch")] {
        let new = ["new", name, "--lang", language, "--kind", "library"];
        succeed(finish_in(folder.path(), new));
        succeed(finish_in(folder.path(), ["build", name]));
    }
}

#[test]
fn asynchronous_functions_are_built_where_there_are_bindings() {
    let folder = folder();
    let wit = "package test:waiting;\n\ninterface slow {\n    \
               say: async func(times: u32) -> string;\n}\n\n\
               world waiting {\n    export slow;\n}\n";
    fs::write(folder.path().join("waiting.wit"), wit).expect("written");
    for language in ["rust", "c", "python"] {
        let new = ["new", language, "--lang", language, "--wit", "waiting.wit"];
        succeed(finish_in(folder.path(), new));
        succeed(finish_in(folder.path(), ["build", language]));
        let component = format!("{language}/{language}.wasm");
        let inspected = succeed(finish_in(folder.path(), ["inspect", &component]));
        assert!(inspected.stdout.contains("say: async func"), "{}", inspected.stdout);
    }
}

#[test]
fn features_of_wit_are_kept_for_later_builds() {
    let folder = folder();
    let wit = "package a:b@1.0.0;\n\ninterface t {\n    @since(version = 1.0.0)\n    old: func();\n\n    \
               @unstable(feature = fresh)\n    young: func();\n}\n\nworld w {\n    export t;\n}\n";
    fs::write(folder.path().join("gated.wit"), wit).expect("written");
    for language in ["c", "rust", "go", "cpp"] {
        let new =
            ["new", language, "--lang", language, "--wit", "gated.wit", "--features", "fresh"];
        succeed(finish_in(folder.path(), new));
        succeed(finish_in(folder.path(), ["build", language]));
        let component = format!("{language}/{language}.wasm");
        let inspected = succeed(finish_in(folder.path(), ["inspect", &component])).stdout;
        assert!(inspected.contains("young: func()"), "{language}: {inspected}");
    }
    let new = ["new", "without", "--lang", "c", "--wit", "gated.wit"];
    succeed(finish_in(folder.path(), new));
    let source = fs::read_to_string(folder.path().join("without/src/component.c"));
    assert!(!source.expect("it is there").contains("young"));
    // What a skeleton lacks is missed by a build that takes more.
    let built = finish_in(folder.path(), ["build", "without", "--all-features"]);
    assert!(built.code == Some(1) && built.stderr.contains("young"), "{}", built.stderr);
}

#[test]
fn an_app_takes_in_new_components() {
    let folder = folder();
    succeed(finish_in(folder.path(), ["new", "app", "shop"]));
    let shop = folder.path().join("shop");
    succeed(finish_in(&shop, ["new", "cart", "--lang", "c", "--kind", "http"]));
    let manifest = fs::read_to_string(shop.join("keyway.toml")).expect("it is there");
    let more = "\n[component.cart]\nsource = \"cart\"\n\n[[trigger.http]]\nroute = \"/\"\n\
                component = \"cart\"\n";
    fs::write(shop.join("keyway.toml"), manifest + more).expect("written");
    let built = succeed(finish_in(&shop, ["build"]));
    assert!(built.stderr.contains("cart is built (C, "), "{}", built.stderr);
    let checked = succeed(finish_in(&shop, ["check"]));
    assert!(checked.stdout.contains("shop is valid"), "{}", checked.stdout);
}

#[test]
fn nothing_is_overwritten() {
    let folder = folder();
    fs::create_dir(folder.path().join("taken")).expect("made");
    fs::write(folder.path().join("taken/note.txt"), "mine").expect("written");
    for new in
        [["new", "app", "taken"].as_slice(), &["new", "taken", "--lang", "c", "--kind", "library"]]
    {
        let finished = finish_in(folder.path(), new);
        assert_eq!(finished.code, Some(1));
        assert!(finished.stderr.contains("taken already exists"), "{}", finished.stderr);
    }
    holds(folder.path(), &["taken"]);
    holds(&folder.path().join("taken"), &["note.txt"]);
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_left() {
    let folder = folder();
    let wrong = "package a:b;\n\nworld w {\n    export f: func(x: strin);\n}\n";
    fs::write(folder.path().join("wrong.wit"), wrong).expect("written");
    let several = "package a:b;\n\nworld one {}\n\nworld two {}\n";
    fs::write(folder.path().join("several.wit"), several).expect("written");
    let slow = "package a:b;\n\nworld w {\n    export f: async func();\n}\n";
    fs::write(folder.path().join("slow.wit"), slow).expect("written");
    let fixed = "package a:b;\n\nworld w {\n    export f: func(x: list<u8, 4>);\n}\n";
    fs::write(folder.path().join("fixed.wit"), fixed).expect("written");
    for (new, reason) in [
        (["new", "Name", "--lang", "c", "--kind", "http"].as_slice(), "`Name` is not a valid name"),
        (&["new", "a", "--lang", "cobol"], "`cobol` is not a language"),
        (&["new", "a", "--lang", "c", "--kind", "game"], "`game` is not a kind"),
        (&["new", "a", "--lang", "c"], "`--kind` is missing"),
        (&["new", "a", "--kind", "http"], "`--lang` is missing"),
        (&["new"], "`NAME` is missing"),
        (&["new", "a", "b"], "unexpected argument `b`"),
        (&["new", "a", "--lang", "c", "--wit", "nowhere"], "there is no nowhere"),
        (&["new", "a", "--lang", "c", "--wit", "wrong.wit"], "wrong.wit is not valid"),
        (&["new", "a", "--lang", "c", "--wit", "several.wit"], "the worlds `one`, `two`"),
        (&["new", "a", "--lang", "c", "--wit", "several.wit", "--world", "x"], "no world `x`"),
        (&["new", "a", "--lang", "go", "--wit", "slow.wit"], "the asynchronous function `f`"),
        (&["new", "a", "--lang", "javascript", "--wit", "slow.wit"], "`f` is asynchronous"),
        (&["new", "a", "--lang", "c", "--wit", "fixed.wit"], "`f` has a list of fixed length, for"),
        (&["new", "a", "--lang", "c", "--wit", "fixed.wit", "--features", "x"], "no feature `x`"),
    ] {
        let mut command = command();
        let output = command.args(new).current_dir(folder.path()).stdin(Stdio::null()).output();
        let output = output.expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{new:?}");
        // Long lines are broken, with a bar before each part.
        let words: Vec<_> = stderr.split_whitespace().filter(|word| *word != "│").collect();
        assert!(words.join(" ").contains(reason), "{reason}: {stderr}");
    }
    holds(folder.path(), &["fixed.wit", "several.wit", "slow.wit", "wrong.wit"]);
}
