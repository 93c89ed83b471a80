//! What is welded, and what stays as it is.

use std::borrow::Cow;

use proptest::prelude::*;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW_1,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
};
use wit_component::ComponentEncoder;

use crate::fixture::{component, fused, in_world, part, wasi};
use keyway_component::{Description, describe, reset_names, weld, weld_with_reset};

/// What the component is once it is welded, which it must be.
fn welded(component: &[u8]) -> Description {
    let before = describe(component).expect("it is valid");
    let Cow::Owned(welded) = weld(component) else { panic!("it should be welded") };
    let after = describe(&welded).unwrap_or_else(|error| panic!("it should be valid: {error}"));
    assert_eq!(after.imports, before.imports);
    assert_eq!(after.exports, before.exports);
    assert_eq!(after.memories, before.memories);
    after
}

fn stays(component: &[u8]) {
    assert!(matches!(weld(component), Cow::Borrowed(bytes) if bytes == component));
}

fn greeter() -> Vec<u8> {
    component(
        "package test:test;
         interface names { name: func(of: string) -> string; }
         interface greeter { greet: func(whom: string) -> string; }
         world test { import names; export greeter; }",
    )
}

#[test]
fn a_program_with_shims_becomes_one_module_on_its_memory() {
    let greeter = greeter();
    assert_eq!(describe(&greeter).expect("it is valid").core_modules, 3);
    let welded = welded(&greeter);
    assert_eq!(welded.core_modules, 2);
    // The stub by which the host allocates.
    assert_eq!(welded.tables, 1);
}

#[test]
fn a_program_for_preview_1_is_welded_to_its_adapter() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 100) "hello")
        (table 2 2 funcref)
        (elem (i32.const 0) $exit $run)
        (func $run (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
            (call_indirect (param i32) (i32.const 0) (i32.const 0)))
        (func (export "f"))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))"#;
    let module = in_world(module, "export f: func();");
    // As other tools encode it: `adapt` gives the adapter a memory of its own.
    let program = ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.adapter(PREVIEW_1, COMMAND))
        .and_then(ComponentEncoder::encode)
        .expect("it is for preview 1");
    assert_eq!(describe(&program).expect("it is valid").core_modules, 4);
    assert_eq!(welded(&program).core_modules, 2);
}

#[test]
fn components_in_a_unit_are_welded_each_on_its_own() {
    let names = component(&format!(
        "package test:test;
         interface names {{ name: func(of: string) -> string; }}
         world test {{ import wasi:http/outgoing-handler@0.2.6; export names; }} {}",
        wasi(6)
    ));
    let unit = fused(
        "greeter",
        &[part("greeter", &greeter(), &[("test:test/names", "names")]), part("names", &names, &[])],
    );
    let welded = welded(&unit.bytes);
    assert_eq!((welded.core_modules, welded.memories), (4, 2));
}

#[test]
fn resources_streams_and_calls_at_the_same_time_are_welded() {
    let resources = component(&format!(
        "package test:test;
         interface shelf {{
             resource book {{ constructor(title: string); title: func() -> string; }}
             lend: func(whom: string) -> book;
         }}
         world test {{ import wasi:http/outgoing-handler@0.2.6; import shelf; export shelf; }} {}",
        wasi(6)
    ));
    assert_eq!(welded(&resources).core_modules, 2);
    let streams = component(
        "package test:test;
         interface names { name: func(of: string) -> string; }
         interface pipe { run: async func(data: stream<string>) -> future<string>; }
         world test { import names; import pipe; export pipe; }",
    );
    assert_eq!(welded(&streams).core_modules, 2);
}

/// How many components in it can be reset, whose instances are to be used again. None if they cannot.
fn resets(component: &[u8]) -> Option<usize> {
    let before = describe(component).expect("it is valid");
    let resettable = weld_with_reset(component, "1a2b").ok()?;
    let after = describe(&resettable).unwrap_or_else(|error| panic!("it should be valid: {error}"));
    assert_eq!(after.imports, before.imports);
    assert_eq!(after.memories, before.memories);
    assert_eq!(after.exports[..before.exports.len()], before.exports[..]);
    let added: Vec<_> =
        after.exports[before.exports.len()..].iter().map(|export| &*export.name).collect();
    let expected = (0..added.len() as u32 / 2).flat_map(|number| reset_names(number, "1a2b"));
    assert_eq!(added, expected.collect::<Vec<_>>());
    Some(added.len() / 2)
}

#[test]
fn each_component_in_a_unit_gets_what_resets_it() {
    assert_eq!(resets(&greeter()), Some(1));
    let names = component(
        "package test:test;
         interface names { name: func(of: string) -> string; }
         world test { export names; }",
    );
    let unit = fused(
        "greeter",
        &[part("greeter", &greeter(), &[("test:test/names", "names")]), part("names", &names, &[])],
    );
    assert_eq!(resets(&unit.bytes), Some(2));
    let resources = component(
        "package test:test;
         interface shelf {
             resource book { constructor(title: string); title: func() -> string; }
             lend: func(books: list<borrow<book>>) -> result<tuple<book, list<book>>>;
         }
         world test { import shelf; export shelf; }",
    );
    assert_eq!(resets(&resources), Some(1));
}

#[test]
fn a_component_may_export_functions_by_the_names_of_those_that_reset_others() {
    let component = wat::parse_str(
        r#"(component
            (core module $m (memory 1) (func (export "reset") (param i32) (result i32) (i32.const 0)))
            (core instance $m (instantiate $m))
            (func (export "keyway-reset0") (param "act" u32) (result u32)
                (canon lift (core func $m "reset"))))"#,
    );
    assert_eq!(resets(&component.expect("it is WebAssembly text")), Some(1));
}

#[test]
fn a_component_that_cannot_be_put_back_gets_nothing_that_resets_it() {
    let streams = component(
        "package test:test;
         interface pipe { run: async func(data: stream<string>) -> future<string>; }
         world test { import pipe; export pipe; }",
    );
    assert_eq!(resets(&streams), None);
    let text = |module: &str| {
        let text = format!(
            r#"(component (core module $m {module}) (core instance $m (instantiate $m))
                (func (export "run") (canon lift (core func $m "run"))))"#
        );
        wat::parse_str(text).expect("it is WebAssembly text")
    };
    let memory = "(memory 1)";
    assert_eq!(resets(&text(&format!("{memory} (func (export \"run\"))"))), Some(1));
    for module in [
        // Its tables change.
        r#"(table 1 funcref) (func (export "run") (table.set (i32.const 0) (ref.null func)))"#,
        // What is in a global cannot be compared.
        r#"(global (mut funcref) (ref.null func)) (func (export "run"))"#,
        // An object can change that a global always refers to.
        r#"(type $s (struct (field (mut i32))))
            (global $g (ref $s) (struct.new $s (i32.const 0)))
            (func (export "run") (struct.set $s 0 (global.get $g) (i32.const 1)))"#,
        // Data can be dropped.
        r#"(data $d "1") (func (export "run") (data.drop $d))"#,
    ] {
        assert_eq!(resets(&text(&format!("{memory} {module}"))), None, "{module}");
    }
    // It has no memory.
    assert_eq!(resets(&text(r#"(func (export "run"))"#)), None);
    assert!(weld_with_reset(b"nonsense", "1a2b").is_err());
}

/// A component of three modules, of which the text says what they are.
fn of_modules(library: &str, program: &str, last: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $library {library})
            (core module $program {program})
            (core module $last {last})
            (core instance $library (instantiate $library))
            (core instance $program (instantiate $program (with "library" (instance $library))))
            (core instance $last (instantiate $last (with "program" (instance $program))))
            (func (export "run") (result u32) (canon lift (core func $program "run"))))"#
    );
    wat::parse_str(text).expect("it is WebAssembly text")
}

const PROGRAM: &str = r#"
    (import "library" "next" (func $next (result i32)))
    (import "library" "count" (global $count (mut i32)))
    (func (export "run") (result i32) (i32.add (call $next) (global.get $count)))"#;

const LIBRARY: &str = r#"
    (global $count (export "count") (mut i32) (i32.const 7))
    (memory (export "memory") 1)
    (func (export "next") (result i32) (i32.load (i32.const 8)))"#;

#[test]
fn modules_that_other_tools_have_put_together_are_welded() {
    let component = of_modules(
        &format!("{LIBRARY} (data (i32.const 8) \"\\01\") (start $begin) (func $begin)"),
        &format!("{PROGRAM} (elem declare func $next) (func (drop (ref.func $next)))"),
        r#"(import "program" "run" (func $run (result i32))) (func $start (drop (call $run)))
            (start $start)"#,
    );
    assert_eq!(welded(&component).core_modules, 2);
}

#[test]
fn what_would_not_be_the_same_afterwards_stays_as_it_is() {
    let last = "(global i32 (i32.const 0))";
    let unfit = [
        (
            "it starts first",
            "(func $s) (start $s)",
            "(table 1 funcref) (elem (i32.const 0) 0)",
            last,
        ),
        ("its data is copied later", "(data \"later\")", "", last),
        ("its data is beyond its memory", "(data (i32.const 65535) \"ab\")", "", last),
        ("it has two memories", "", "(memory 1)", last),
        ("it has tags", "", "(tag (param i32))", last),
    ];
    assert!(matches!(weld(&of_modules(LIBRARY, PROGRAM, last)), Cow::Owned(_)));
    for (why, library, program, last) in unfit {
        let library = format!("{LIBRARY} {library}");
        let program = format!("{PROGRAM} {program}");
        let component = of_modules(&library, &program, last);
        assert!(matches!(weld(&component), Cow::Borrowed(_)), "{why}");
    }
    let few = "(component (core module $m) (core instance (instantiate $m)))";
    stays(&wat::parse_str(few).expect("it is WebAssembly text"));
    let twice = "(component
        (core module $m (memory 1)) (core module $n) (core module $o)
        (core instance (instantiate $m)) (core instance (instantiate $m))
        (core instance (instantiate $n)) (core instance (instantiate $o)))";
    stays(&wat::parse_str(twice).expect("it is WebAssembly text"));
    let handed_out = "(component
        (core module $m (memory 1)) (core module $n) (core module $o)
        (core instance (instantiate $m)) (core instance (instantiate $n))
        (core instance (instantiate $o)) (export \"module\" (core module $o)))";
    stays(&wat::parse_str(handed_out).expect("it is WebAssembly text"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Bytes that are still a component are one afterwards.
    #[test]
    fn damaged_components_are_welded_to_valid_ones_or_stay(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = greeter();
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let welded = weld(&bytes);
        if describe(&bytes).is_ok() {
            prop_assert!(describe(&welded).is_ok());
        }
    }
}
