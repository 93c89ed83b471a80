//! An app that is wrong in several ways is told all of them at once, and none of them twice.

use keyway_testing::{app, finish};

/// The codes that `check --json` tells of this manifest, in the order of the alphabet. Each has its
/// place.
fn codes(manifest: &str) -> Vec<String> {
    let app = app(manifest);
    let checked = finish(["check", "--json", &app.path().display().to_string()]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let problems = checked.stdout.split("\"code\": \"").skip(1);
    let mut codes: Vec<_> = problems
        .map(|problem| {
            assert!(problem.contains("\"line\": "), "{problem} has no place");
            problem.split('"').next().unwrap_or_default().to_owned()
        })
        .collect();
    codes.sort();
    codes
}

/// An app with problems in its manifest, its files and its components.
const ALL_WRONG: &str = r#"
        foo = 1
        [app]
        name = "x"
        [component.front]
        source = "{guest:front}"
        link."test:nothing/at-all" = "greeter"
        grant.files = [{ host = "no-such-folder", guest = "/data" }]
        [component.greeter]
        source = "{guest:greeter}"
        [component.gone]
        source = "gone.wasm"
        [component.spare]
        source = "{guest:hello}"
        [component.once]
        source = "{guest:hello}"
        instances = { reuse = 4, concurrent = 2 }
        limit.memory = "64KiB"
        [[trigger.http]]
        route = "/"
        component = "front"
        [[trigger.http]]
        route = "/greeter"
        component = "greeter"
        [[trigger.http]]
        route = "/gone"
        component = "gone"
        [[trigger.http]]
        route = "/once"
        component = "once"
        "#;

#[test]
fn problems_of_every_kind_are_told_at_once() {
    let of_components = [
        "limit-too-low",
        "no-http-handler",
        "no-such-folder",
        "no-such-import",
        "one-at-once",
        "unmet-import",
        "unreadable-source",
    ];
    let expected = |further: &[&'static str]| -> Vec<&'static str> {
        let mut expected: Vec<_> = of_components.iter().chain(further).copied().collect();
        expected.sort();
        expected
    };
    assert_eq!(codes(ALL_WRONG), expected(&["unknown-key", "unused-component"]));
    let known = ALL_WRONG.replace("foo = 1", "");
    assert_eq!(codes(&known), expected(&["unused-component"]));
    let used = known.replace("[component.spare]\n        source = \"{guest:hello}\"", "");
    assert_eq!(codes(&used), expected(&[]));
    let folder = app(ALL_WRONG);
    let said =
        finish(["up", &folder.path().display().to_string(), "--listen", "127.0.0.1:0"]).told();
    for words in ["there is no key `foo`", "nothing satisfies the import `test:greet/greeter`"] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
}

#[test]
fn what_follows_from_a_problem_is_no_second_one() {
    let right = r#"
        [app]
        name = "x"
        [component.store]
        source = "{guest:store}"
        link."wasi:keyvalue/store" = "cache"
        [component.left]
        source = "{guest:left}"
        link."test:tally/tally" = "tally"
        [component.tally]
        source = "{guest:tally}"
        [component.diamond-front]
        source = "{guest:diamond-front}"
        link."test:left/left" = "left"
        link."test:right/right" = "right"
        [component.right]
        source = "{guest:right}"
        link."test:tally/tally" = "tally"
        [keyvalue.cache]
        backend = "memory"
        [[trigger.http]]
        route = "/"
        component = "diamond-front"
        [[trigger.http]]
        route = "/store"
        component = "store"
        "#;
    let folder = app(right);
    let checked = finish(["check", &folder.path().display().to_string()]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let cases: [(&str, &str, &[&str]); 7] = [
        ("link.\"test:left/left\"", "lnik.\"test:left/left\"", &["unknown-key"]),
        ("link.\"test:left/left\" = \"left\"", "link.\"test:left/left\" = 1", &["wrong-type"]),
        (
            "link.\"test:left/left\" = \"left\"",
            "link.\"test:left/left\" = \"lft\"",
            &["unknown-component"],
        ),
        ("component = \"diamond-front\"", "component = \"diamnd\"", &["unknown-component"]),
        ("{guest:tally}", "tally.wasm", &["unreadable-source"]),
        ("source = \"{guest:diamond-front}\"", "sourc = \"x\"", &["missing-key", "unknown-key"]),
        ("backend = \"memory\"", "backend = 1", &["wrong-type"]),
    ];
    for (from, to, expected) in cases {
        assert_eq!(codes(&right.replace(from, to)), expected, "{to}");
    }
    // But what a component that cannot be read would lead to has problems of its own.
    let behind = right.replace("{guest:diamond-front}", "gone.wasm").replacen(
        "link.\"test:tally/tally\" = \"tally\"",
        "",
        1,
    );
    assert_eq!(codes(&behind), ["unmet-import", "unreadable-source"]);
}

/// An app of one component that imports an interface of each of `leaves` others.
fn star(leaves: usize) -> tempfile::TempDir {
    let mut manifest = "[app]\nname = \"star\"\n".to_owned();
    let (mut imports, mut links) = (String::new(), String::new());
    let mut files = Vec::new();
    for leaf in 1..=leaves {
        let interface = format!("test:star/leaf{leaf}");
        imports += &format!("(import \"{interface}\" (instance (export \"shine\" (func))))\n");
        links += &format!("link.\"{interface}\" = \"leaf{leaf}\"\n");
        manifest += &format!("[component.leaf{leaf}]\nsource = \"leaf{leaf}.wasm\"\n");
        let text = format!(
            r#"(component
                (core module $module (func (export "shine")))
                (core instance $core (instantiate $module))
                (func $shine (canon lift (core func $core "shine")))
                (instance $leaf (export "shine" (func $shine)))
                (export "{interface}" (instance $leaf)))"#
        );
        files.push((format!("leaf{leaf}.wasm"), text));
    }
    manifest += &format!("[component.middle]\nsource = \"middle.wasm\"\n{links}");
    files.push(("middle.wasm".to_owned(), format!("(component {imports})")));
    let folder = app(&manifest);
    for (name, text) in files {
        let bytes = wat::parse_str(text).expect("it is right");
        std::fs::write(folder.path().join(name), bytes).expect("written");
    }
    folder
}

#[test]
fn a_unit_of_too_many_components_is_told() {
    let check = |leaves| finish(["check", &star(leaves).path().display().to_string()]);
    let most = check(63);
    assert_eq!(most.code, Some(0), "{most:?}");
    let (code, said) = (check(64).code, check(64).told());
    assert_eq!(code, Some(1), "{said}");
    for words in
        ["`middle` is fused from 65 components, but a unit holds at most 64", "keyway.toml:"]
    {
        assert!(said.contains(words), "{words} is not in {said}");
    }
}
