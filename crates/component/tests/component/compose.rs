//! Types that worlds use by themselves, and components that are composed in stages.

use crate::fixture::{component, fused, part};
use keyway_component::{FuseError, Unmet, compose, describe};

const SHELF: &str = "package a:shelf@1.2.0 {
    interface shelf { resource book { constructor(); } record note { text: string } }
}";

fn of(world: &str) -> Vec<u8> {
    component(&format!("package test:test; world test {{ {world} }} {SHELF}"))
}

/// The names of what a component imports, and of what it exports.
fn names(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let description = describe(bytes).expect("it is valid");
    let names = |items: Vec<keyway_component::Extern>| items.into_iter().map(|item| item.name);
    (names(description.imports).collect(), names(description.exports).collect())
}

#[test]
fn a_type_that_a_world_uses_is_that_of_the_component_that_is_linked() {
    let shelf = of("export a:shelf/shelf@1.2.0;");
    for exported in [
        "export f: func();",
        "export f: func(b: book) -> list<book>;",
        "export f: func(b: borrow<book>, n: note) -> note;",
    ] {
        let reader = of(&format!("use a:shelf/shelf@1.2.0.{{book, note}}; {exported}"));
        let links = [("a:shelf/shelf", "shelf")];
        let parts = [part("reader", &reader, &links), part("shelf", &shelf, &[])];
        let unit = fused("reader", &parts);
        assert_eq!(unit.exports, ["f"]);
        assert_eq!(unit.imports, [], "{exported}");
        assert!(names(&unit.bytes).1.contains(&"f".to_owned()));
        let composed = compose("reader", &parts, Unmet::Refused).expect("it is composed");
        assert_eq!(names(&composed).0, [""; 0], "{exported}");
    }
}

#[test]
fn a_type_that_a_world_uses_of_the_host_is_that_of_its_own_import() {
    let wasi = "package wasi:keyvalue@0.2.0-draft {
        interface store { resource bucket { get: func() -> u32; } open: func() -> bucket; }
    }";
    let keeper = component(&format!(
        "package test:test;
         interface keeper {{ keep: func() -> u32; }}
         world test {{
             use wasi:keyvalue/store@0.2.0-draft.{{bucket}};
             import keeper;
             export look: func(b: bucket);
             export keeper;
         }} {wasi}"
    ));
    let links = [("test:test/keeper", "inner")];
    let inner = component(&format!(
        "package test:test;
         interface keeper {{ keep: func() -> u32; }}
         world test {{ import wasi:keyvalue/store@0.2.0-draft; export keeper; }} {wasi}"
    ));
    let unit = fused("outer", &[part("outer", &keeper, &links), part("inner", &inner, &[])]);
    let owners: Vec<_> = unit.imports.iter().map(|import| import.component).collect();
    assert_eq!(owners, [Some(0), Some(1)], "{:?}", unit.imports);
}

#[test]
fn what_nothing_meets_yet_is_left_open_and_met_later() {
    let shelf = of("export a:shelf/shelf@1.2.0;");
    let inner = component(&format!(
        "package test:test; interface inner {{ f: func(); }}
         world test {{ import a:shelf/shelf@1.2.0; export inner; }} {SHELF}"
    ));
    let outer = component(&format!(
        "package test:test; interface inner {{ f: func(); }}
         world test {{ import inner; import a:shelf/shelf@1.2.0; export g: func(); }} {SHELF}"
    ));
    let links = [("test:test/inner", "inner")];
    let parts = [part("outer", &outer, &links), part("inner", &inner, &[])];
    let refused = compose("outer", &parts, Unmet::Refused).expect_err("nothing meets it");
    assert!(refused.iter().all(|error| matches!(error, FuseError::Unmet { .. })), "{refused:?}");
    let open = compose("outer", &parts, Unmet::Open).expect("it is left open");
    let (imports, exports) = names(&open);
    assert_eq!(
        (&imports[..], &exports[..]),
        (&["a:shelf/shelf@1.2.0".to_owned()][..], &["g".to_owned()][..])
    );
    // One component alone, too.
    let alone = compose("inner", &parts[1..], Unmet::Open).expect("it is left open");
    assert_eq!(alone, inner);

    let links = [("a:shelf/shelf", "shelf")];
    let parts = [part("open", &open, &links), part("shelf", &shelf, &[])];
    let whole = compose("open", &parts, Unmet::Refused).expect("it is met");
    assert_eq!(names(&whole), (Vec::new(), vec!["g".to_owned()]));
}
