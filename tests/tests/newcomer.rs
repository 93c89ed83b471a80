//! What somebody does who has never seen Keyway, in each language: two projects, an app of them, one
//! link, one request, one call.

use std::{fs, path::Path};

use keyway_testing::{Finished, Keyway, finish_in};

fn keyway(folder: &Path, arguments: &str) -> Finished {
    let finished = finish_in(folder, arguments.split(' '));
    assert_eq!(finished.code, Some(0), "{arguments}\n{}\n{}", finished.stdout, finished.stderr);
    finished
}

/// Has a new project say something else, in whichever of its files that stands.
fn says(project: &Path, greeting: &str) {
    let mut open = vec![project.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("it is there") {
            let path = entry.expect("it is read").path();
            let is_greeting = path.file_stem().is_some_and(|stem| stem == "greeting");
            if path.is_dir() {
                open.push(path);
            } else if is_greeting && let Ok(text) = fs::read_to_string(&path) {
                fs::write(&path, text.replace("Hello, ", greeting)).expect("written");
            }
        }
    }
}

/// An app of a component in one language before one in another.
fn first_app(front: &str, behind: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    keyway(folder.path(), "new app shop");
    let shop = folder.path().join("shop");
    keyway(&shop, &format!("new front --lang {front} --kind middleware"));
    keyway(&shop, &format!("new behind --lang {behind} --kind http"));
    says(&shop.join("behind"), "Behind, ");
    keyway(&shop, "build front");
    keyway(&shop, "build behind");
    keyway(&shop, "add front --route /");
    keyway(&shop, "add behind");
    keyway(&shop, "link front behind");
    keyway(&shop, "build");
    let up = Keyway::up(&shop);
    assert_eq!(up.get("/hello").body, "Hello, world!\n", "{front}");
    assert_eq!(up.get("/other").body, "Behind, world!\n", "{behind}");
}

fn first_call(language: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    keyway(folder.path(), &format!("new first --lang {language} --kind library"));
    keyway(folder.path(), "build first");
    let arguments = ["call", "first/first.wasm", "greet(\"Zoë\")"];
    let called = finish_in(folder.path(), arguments);
    assert_eq!(called.stdout, "\"Hello, Zoë!\"\n", "{language}: {}", called.stderr);
}

macro_rules! languages {
    ($($front:ident before $behind:ident)*) => {$(
        mod $front {
            #[test]
            fn a_first_app() {
                super::first_app(stringify!($front), stringify!($behind));
            }

            #[test]
            fn a_first_call() {
                super::first_call(stringify!($front));
            }
        }
    )*};
}

// Each stands once before another, and once behind one.
languages! {
    rust before python
    c before cpp
    cpp before go
    go before c
    python before javascript
    javascript before typescript
    typescript before rust
}

#[test]
fn two_languages_are_linked_both_ways() {
    first_app("python", "rust");
    first_app("javascript", "go");
    first_app("go", "javascript");
}
