//! What is read of a component, and that nothing broken is read wrongly.

use crate::fixture::{component, part, wasi};
use keyway_component::{
    AdaptError, Authority, ExternKind, Minimum, ReadError, adapt, describe, fuse, minimum, wit,
};
use proptest::prelude::*;
use wasm_encoder::{CustomSection, Encode, Section};

const WIT: &str = "
    package a:b@1.2.0 {
        interface parser {
            record entry { time: u64, tags: list<string>, level: option<level> }
            enum level { info, warn }
            flags marks { seen, kept }
            variant problem { empty, at(u32) }
            type lines = list<string>;
            resource session {
                constructor(name: string);
                parse: func(line: string) -> result<entry, problem>;
                open: static func() -> session;
                join: func(other: borrow<session>) -> tuple<u8, char>;
            }
            count: func(lines: lines) -> result;
            mark: func(marks: marks) -> result<_, f32>;
        }
    }
";

fn parser() -> Vec<u8> {
    component(&format!(
        "package test:test; world test {{ import wasi:http/outgoing-handler@0.2.6; \
         export a:b/parser@1.2.0; export run: func(); }} {WIT} {}",
        wasi(6)
    ))
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's text is valid")
}

#[test]
fn a_description_has_every_function_and_type_in_wit_syntax() {
    let description = describe(&parser()).unwrap();
    let export = description.exports.iter().find(|e| e.name == "a:b/parser@1.2.0").unwrap();
    assert_eq!(export.kind, ExternKind::Instance);
    assert_eq!(export.interface.as_ref().unwrap().to_string(), "a:b/parser@1.2.0");
    let functions: Vec<_> =
        export.functions.iter().map(|f| format!("{} {}", f.name, f.signature)).collect();
    assert_eq!(
        functions,
        [
            "session.constructor constructor(name: string)",
            "session.parse func(line: string) -> result<entry, problem>",
            "session.open static func() -> session",
            "session.join func(other: borrow<session>) -> tuple<u8, char>",
            "count func(lines: lines) -> result",
            "mark func(marks: marks) -> result<_, f32>",
        ]
    );
    let types: Vec<_> = export.types.iter().map(|ty| ty.definition.as_str()).collect();
    for definition in [
        "enum level { info, warn }",
        "record entry { time: u64, tags: list<string>, level: option<level> }",
        "variant problem { empty, at(u32) }",
        "flags marks { seen, kept }",
        "type lines = list<string>",
        "resource session",
    ] {
        assert!(types.contains(&definition), "{definition} is not in {types:#?}");
    }
    let run = description.exports.iter().find(|e| e.name == "run").unwrap();
    assert_eq!((run.kind, run.functions[0].signature.as_str()), (ExternKind::Func, "func()"));
}

#[test]
fn a_description_tells_needs_sizes_and_producers() {
    let bytes = parser();
    let description = describe(&bytes).unwrap();
    let needs: Vec<_> =
        description.needs.iter().map(|need| (need.authority, need.imports.join(" "))).collect();
    assert_eq!(
        needs,
        [
            (Authority::Http, "wasi:http/outgoing-handler@0.2.6".to_owned()),
            (Authority::Clocks, "wasi:clocks/monotonic-clock@0.2.6".to_owned()),
        ]
    );
    assert_eq!((description.size_bytes, description.memories), (bytes.len(), 1));
    assert!(description.code_bytes > 0 && description.functions > 0);
    assert!(description.producers.iter().any(|made| made.name == "wit-component"));
}

#[test]
fn a_minimum_counts_what_is_instantiated() {
    let expected = |memory_bytes, table_elements, instances| Minimum {
        memory_bytes,
        table_elements,
        instances,
    };
    let of = |text: &str| minimum(&wat(text)).unwrap();
    assert_eq!(of("(component)"), Minimum::default());
    // A module that is defined and never instantiated takes nothing.
    assert_eq!(of("(component (core module (memory 9)))"), Minimum::default());
    let twice = "(component
        (core module $m (memory 2) (table 3 funcref) (table 4 funcref))
        (core instance (instantiate $m))
        (core instance (instantiate $m)))";
    assert_eq!(of(twice), expected(4 << 16, 14, 2));
    let nested = "(component
        (core module $m (memory 1))
        (component $inner
            (import \"given\" (core module $given))
            (alias outer 1 $m (core module $outer))
            (core instance (instantiate $outer))
            (core instance (instantiate $given)))
        (export $exported \"inner\" (component $inner))
        (instance (instantiate $inner (with \"given\" (core module $m))))
        (instance (instantiate $exported (with \"given\" (core module $m)))))";
    // What is given from elsewhere is not counted.
    assert_eq!(of(nested), expected(2 << 16, 0, 2));
    assert!(minimum(b"hello").is_err());
}

#[test]
fn a_world_prints_as_wit() {
    let text = wit(&parser()).unwrap();
    for line in ["import wasi:http/outgoing-handler@0.2.6;", "export a:b/parser@1.2.0;"] {
        assert!(text.contains(line), "{text}");
    }
    // What WIT cannot express is shown all the same.
    let odd = wat("(component (import \"m\" (core module)) (import \"f\" (func)))");
    assert!(wit(&odd).unwrap().contains("import f: func();"));
    // What the printer of WIT does not expect does not end the program.
    for odd in [
        "(component (import \"a:b/c\" (func)))",
        "(component
            (import \"i\" (instance $i (export \"r\" (type (sub resource)))))
            (alias export $i \"r\" (type $r))
            (import \"j\" (instance (export \"r\" (type (eq $r))))))",
    ] {
        assert!(wit(&wat(odd)).unwrap().contains("import "), "{odd}");
    }
}

#[test]
fn a_label_counts_as_the_interface_that_it_implements() {
    let bytes = wat("(component (import \"out\" (implements \"wasi:cli/stdout@0.2.0\") \
         (instance (export \"f\" (func)))))");
    let description = describe(&bytes).unwrap();
    assert_eq!(description.needs[0].authority, Authority::Stdout);
    let unit = fuse("one", &[part("one", &bytes, &[])]).unwrap();
    assert_eq!(unit.imports[0].name, "out");
    assert_eq!(unit.imports[0].interface, "wasi:cli/stdout@0.2.0");
}

#[test]
fn modules_of_preview_1_become_components() {
    let import = "(import \"wasi_snapshot_preview1\" \"random_get\" \
                  (func (param i32 i32) (result i32)))";
    let command = wat(&format!(
        "(module {import} (memory (export \"memory\") 1) (func (export \"_start\")))"
    ));
    let exports = describe(&adapt(&command).unwrap()).unwrap().exports;
    assert!(exports.iter().any(|export| export.name.starts_with("wasi:cli/run@0.2.")));

    let reactor = wat(&format!("(module {import} (memory (export \"memory\") 1))"));
    let description = describe(&adapt(&reactor).unwrap()).unwrap();
    assert_eq!(description.exports, []);
    assert!(description.needs.iter().any(|need| need.authority == Authority::Random));

    let component = parser();
    assert_eq!(adapt(&component).unwrap(), component);
}

#[test]
fn a_program_of_preview_1_is_put_beside_the_adapter_byte_for_byte() {
    let code = "(func $f (export \"_start\") (drop (call 0 (i32.const 1) (i32.const 0)
        (i32.const 0) (i32.const 8))) (drop (memory.grow (i32.const 1))))";
    let import = "(import \"wasi_snapshot_preview1\" \"fd_write\" \
                  (func (param i32 i32 i32 i32) (result i32)))";
    let module = wat(&format!("(module {import} (memory (export \"memory\") 1 5) {code})"));
    let component = adapt(&module).expect("it is for preview 1");
    describe(&component).expect("it is valid");
    let body = |bytes: &[u8]| {
        let mut bodies = Vec::new();
        for payload in wasmparser::Parser::new(0).parse_all(bytes) {
            if let wasmparser::Payload::CodeSectionEntry(body) = payload.expect("it is valid") {
                bodies.push(body.as_bytes().to_vec());
            }
        }
        bodies
    };
    let [own] = &body(&module)[..] else { panic!("it has one function") };
    assert!(body(&component).contains(own), "so that line tables stay right");
    // One memory is the adapter's and one the program's.
    assert_eq!(describe(&component).expect("it is valid").memories, 2);
}

#[test]
fn what_preview_1_does_not_have_is_named() {
    for (items, said) in [
        ("(import \"wasi_snapshot_preview1\" \"sock_open\" (func))", "sock_open`"),
        ("(import \"wasi_snapshot_preview1\" \"fd_close\" (func (param i64)))", "something else"),
        ("(import \"wasi_snapshot_preview1\" \"fd_close\" (global i32))", "is not a function"),
        (
            "(import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))
             (memory (export \"memory\") i64 1)",
            "64-bit addresses",
        ),
    ] {
        let error = adapt(&wat(&format!("(module {items})"))).expect_err(items).to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn what_is_no_component_says_why() {
    let other = wat("(module (import \"env\" \"f\" (func)) (import \"go\" \"g\" (func)))");
    let error = adapt(&other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this core module cannot be adapted: it imports from `env`, `go`, which WASI preview 1 \
         does not have; build it for `wasm32-wasip1` or `wasm32-wasip2`"
    );
    assert_eq!(adapt(&wat("(module)")), Err(AdaptError::OtherModule { imports: Vec::new() }));
    assert_eq!(adapt(b"#!/bin/sh\n"), Err(AdaptError::NotWasm));
    assert_eq!(adapt(b""), Err(AdaptError::NotWasm));
    assert_eq!(adapt(b"\0as"), Err(AdaptError::Truncated { offset: 3 }));
    assert_eq!(describe(&wat("(module)")), Err(ReadError::CoreModule));
    let world =
        wat("(module (import \"a:b/c\" \"f\" (func)) (@custom \"component-type:x\" \"?\"))");
    assert!(matches!(adapt(&world), Err(AdaptError::Encode { .. })));
}

#[test]
fn types_nested_without_end_are_refused() {
    let nested = |depth: usize| {
        let types = (0..depth).map(|i| format!("(type (list {i}))")).collect::<String>();
        wat(&format!(
            "(component (type (list u8)) {types} (import \"f\" (func (param \"x\" {depth}))))"
        ))
    };
    assert!(describe(&nested(50)).is_ok());
    assert!(matches!(describe(&nested(100_000)), Err(ReadError::Invalid { .. })));
}

#[test]
fn no_prefix_of_a_component_panics() {
    let bytes =
        wat("(component (import \"a:b/c\" (instance (export \"f\" (func (result string))))) \
         (core module (memory 1) (func i32.const 1 drop)))");
    for end in 1..bytes.len() {
        let prefix = &bytes[..end];
        // A component may end after any whole section, so some prefixes are components; and a
        // module that ends before its code lacks what it has promised.
        match describe(prefix) {
            Ok(_) | Err(ReadError::Truncated { .. }) => {}
            Err(error) => assert!(error.to_string().contains("code section is absent"), "{error}"),
        }
        let _ = adapt(prefix);
        let _ = fuse("one", &[part("one", prefix, &[])]);
    }
}

#[test]
fn types_within_types_are_read_as_deep_as_tools_make_them() {
    // A section of one type, an instance, in which is one type, an instance, and so on.
    let nested = |levels| {
        let mut types = vec![1_u8];
        types.extend([0x42, 1, 1].repeat(levels));
        types.push(0x7f);
        let mut component = b"\0asm\x0d\0\x01\0\x07".to_vec();
        types.encode(&mut component);
        component
    };
    assert!(describe(&nested(100)).is_ok());
    let deep = nested(101);
    let refused = describe(&deep).expect_err("it is too deep");
    assert!(refused.to_string().contains("nested more than 100 levels deep"), "{refused}");
    assert!(fuse("one", &[part("one", &deep, &[])]).is_err());
    // Deeper than any stack.
    let deep = nested(1_000_000);
    assert!(describe(&deep).is_err());
    // A module that brings it along as its world.
    let mut module = wat("(module (import \"wasi_snapshot_preview1\" \"sched_yield\"
        (func (result i32))) (memory (export \"memory\") 1))");
    let section = CustomSection { name: "component-type:deep".into(), data: deep.into() };
    section.append_to(&mut module);
    assert!(adapt(&module).is_err());
}

/// A component and another that it links to, with a few bytes overwritten in both.
fn damaged() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let pair = || {
        let importer = component(&format!(
            "package test:test; world test {{ import a:b/parser@1.2.0; \
             import wasi:http/outgoing-handler@0.2.0; }} {WIT} {}",
            wasi(0)
        ));
        (importer, parser())
    };
    let damage = || proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (Just(pair()), damage(), damage()).prop_map(|((mut one, mut two), first, second)| {
        for (bytes, damage) in [(&mut one, first), (&mut two, second)] {
            for (index, byte) in damage {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
        }
        (one, two)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), is_wasm: bool) {
        let header: &[u8] = if is_wasm { b"\0asm\x0d\0\x01\0" } else { b"" };
        let bytes = [header, &bytes].concat();
        let _ = adapt(&bytes);
        let _ = describe(&bytes);
        let _ = fuse("one", &[part("one", &bytes, &[])]);
    }

    #[test]
    fn damaged_components_never_panic((one, two) in damaged()) {
        let _ = adapt(&one);
        let _ = describe(&one);
        let _ = wit(&two);
        let _ = fuse("one", &[
            part("one", &one, &[("a:b/parser", "two")]),
            part("two", &two, &[]),
        ]);
    }

    #[test]
    fn damaged_modules_never_panic(index: prop::sample::Index, byte: u8) {
        let mut bytes = wat(
            "(module (import \"wasi_snapshot_preview1\" \"random_get\" \
             (func (param i32 i32) (result i32))) (memory (export \"memory\") 1) \
             (func (export \"_start\") (drop (call 0 (i32.const 0) (i32.const 8)))))",
        );
        let index = index.index(bytes.len());
        bytes[index] = byte;
        let _ = adapt(&bytes);
    }
}

#[test]
fn what_is_valid_and_not_supported_is_told_from_what_is_not_valid() {
    let threads = "(component
        (core module $m (table (export \"t\") 0 funcref) (memory (export \"m\") 1))
        (core instance $i (instantiate $m))
        (core func (canon thread.index)))";
    let wide = "(module (memory (export \"memory\") 1 2 (pagesize 1)) (func (export \"_start\")))";
    let said = "is valid, but uses what Keyway does not support, at byte";
    let error = describe(&wat(threads)).expect_err("it is not supported");
    assert!(matches!(error, ReadError::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains(said), "{error}");
    let error = adapt(&wat(wide)).expect_err("it is not supported");
    assert!(error.to_string().contains(said), "{error}");
    let broken = "(component (core module (func (export \"f\") (result i32))))";
    assert!(matches!(describe(&wat(broken)), Err(ReadError::Invalid { .. })));
}
