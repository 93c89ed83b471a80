//! What a module of preview 1 becomes that brings a world along.

use std::{collections::BTreeMap, convert::Infallible};

use wasm_encoder::{
    EntityType, ImportSection, Module, TypeSection, ValType,
    reencode::{self, Reencode},
};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ImportSectionReader, Parser, Payload, TypeSectionReader,
};
use wit_component::{StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use crate::fixture::in_world;
use keyway_component::{AdaptError, adapt, adapt_lending, describe};

const RANDOM: &str = "(import \"wasi_snapshot_preview1\" \"random_get\" \
                      (func (param i32 i32) (result i32)))";

/// Has a module that imports functions import one of preview 1 too.
#[derive(Default)]
struct Importing {
    imported: u32,
    ty: u32,
}

impl Reencode for Importing {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error> {
        Ok(function + u32::from(function >= self.imported))
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_type_section(self, types, section)?;
        self.ty = types.len();
        types.ty().function([ValType::I32; 2], [ValType::I32]);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        self.imported = section.count();
        reencode::utils::parse_import_section(self, imports, section)?;
        imports.import("wasi_snapshot_preview1", "random_get", EntityType::Function(self.ty));
        Ok(())
    }
}

/// A module for `world test`, with function bodies that do nothing, and an import of preview 1.
fn module(wit: &str, names: ManglingAndAbi) -> Vec<u8> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let package = resolve.push_str("test.wit", wit).expect("the test's WIT is valid");
    let world = resolve.select_world(&[package], Some("test")).expect("the WIT has `world test`");
    let module = dummy_module(&resolve, world, names);
    let mut importing = Module::new();
    Importing::default()
        .parse_core_module(&mut importing, Parser::new(0), &module)
        .expect("it can be written again");
    let mut module = importing.finish();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be embedded");
    module
}

/// The component that a module becomes, which it must.
fn adapted(module: &[u8]) -> Vec<u8> {
    adapt(module).unwrap_or_else(|error| panic!("it should be adapted: {error}")).into_owned()
}

/// How many functions between modules and the component model use each memory.
fn uses_of_memories(component: &[u8]) -> BTreeMap<u32, usize> {
    let mut uses = BTreeMap::new();
    for payload in Parser::new(0).parse_all(component) {
        let Payload::ComponentCanonicalSection(functions) = payload.expect("it is valid") else {
            continue;
        };
        for function in functions {
            let (CanonicalFunction::Lift { options, .. }
            | CanonicalFunction::Lower { options, .. }
            | CanonicalFunction::TaskReturn { options, .. }
            | CanonicalFunction::StreamRead { options, .. }
            | CanonicalFunction::StreamWrite { options, .. }
            | CanonicalFunction::FutureRead { options, .. }
            | CanonicalFunction::FutureWrite { options, .. }) = function.expect("it is valid")
            else {
                continue;
            };
            for option in &options {
                if let CanonicalOption::Memory(memory) = option {
                    *uses.entry(*memory).or_default() += 1;
                }
            }
        }
    }
    uses
}

/// Memories of an adapted component: the adapter's and the program's.
const ADAPTERS: u32 = 0;
const PROGRAMS: u32 = 1;

#[test]
fn functions_of_its_world_use_its_memory_and_the_adapter_has_its_own() {
    let wit = "package test:test;
        interface names { name: func(of: string) -> string; count: func() -> u32; }
        interface greeter { greet: func(whom: string) -> string; is-up: func() -> bool; }
        world test { import names; export greeter; }";
    let component = adapted(&module(wit, ManglingAndAbi::Standard32));
    let description = describe(&component).expect("it is valid");
    assert_eq!(description.memories, 2);
    assert!(description.imports.iter().any(|import| import.name == "test:test/names"));
    assert!(description.exports.iter().any(|export| export.name == "test:test/greeter"));
    let uses = uses_of_memories(&component);
    // `name` and `greet`.
    assert_eq!(uses[&PROGRAMS], 2);
    assert!(uses[&ADAPTERS] > 0, "{uses:?}");
}

#[test]
fn worlds_of_all_kinds_are_kept() {
    let resources = "package test:test;
         interface shelf {
             resource book { constructor(title: string); title: func() -> string; }
             lend: func(whom: string) -> book;
         }
         world test {
             import shelf; export shelf;
             import log: func(line: string); export run: func() -> list<string>;
         }";
    let streams = "package test:test;
         interface names { name: async func(of: string) -> string; }
         interface pipe { run: async func(data: stream<string>) -> future<string>; }
         world test { import names; import pipe; export pipe; }";
    for (wit, names) in [
        (resources, ManglingAndAbi::Standard32),
        (resources, ManglingAndAbi::Legacy(LiftLowerAbi::Sync)),
        (streams, ManglingAndAbi::Legacy(LiftLowerAbi::Sync)),
        (streams, ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback)),
        (streams, ManglingAndAbi::Legacy(LiftLowerAbi::AsyncStackful)),
    ] {
        let module = module(wit, names);
        let component = adapted(&module);
        let description = describe(&component).expect("it is valid");
        assert_eq!(description.memories, 2);
        assert!(!description.exports.is_empty());
        assert!(uses_of_memories(&component)[&PROGRAMS] > 0);
        // One whose allocator is known may lend the adapter memory.
        let lending = adapt_lending(&module).expect("it is adapted");
        let lending = describe(&lending).expect("it is valid");
        let has_allocator = matches!(names, ManglingAndAbi::Legacy(_));
        assert_eq!(lending.memories, if has_allocator { 1 } else { 2 });
        assert_eq!(lending.exports, description.exports);
    }
}

#[test]
fn a_command_with_a_world_exports_both() {
    let command = format!(
        "(module {RANDOM}
            (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))
            (memory (export \"memory\") 1)
            (func (export \"_initialize\"))
            (func (export \"_start\"))
            (func (export \"f\") (result i32) (i32.const 7)))"
    );
    for world in ["export f: func() -> u32;", "import g: func(); export f: func() -> u32;"] {
        let component = adapted(&in_world(&command, world));
        let exports = describe(&component).expect("it is valid").exports;
        assert!(exports.iter().any(|export| export.name == "f"));
        assert!(exports.iter().any(|export| export.name.starts_with("wasi:cli/run@0.2.")));
    }
}

#[test]
fn a_world_without_preview_1_has_one_memory() {
    let module = "(module (memory (export \"memory\") 1) (func (export \"f\")))";
    let component = adapted(&in_world(module, "export f: func();"));
    assert_eq!(describe(&component).expect("it is valid").memories, 1);
}

#[test]
fn a_module_may_import_a_function_several_times() {
    let write = "(import \"wasi_snapshot_preview1\" \"fd_write\" \
                 (func (param i32 i32 i32 i32) (result i32)))";
    let log = "(import \"$root\" \"log\" (func (param i32)))";
    let rest = "(memory (export \"memory\") 1) (func (export \"_start\")) (func (export \"f\"))";
    let world = "import log: func(number: u32); export f: func();";
    let module = |imports: &[&str]| format!("(module {} {rest})", imports.concat());
    let command = wat::parse_str(module(&[write, RANDOM, write, write])).expect("it is valid");
    describe(&adapted(&command)).expect("it is valid");
    for imports in [&[log, log] as &[_], &[write, log, log, write, log], &[log, write, write]] {
        let component = adapted(&in_world(&module(imports), world));
        let imports = describe(&component).expect("it is valid").imports;
        assert_eq!(imports.iter().filter(|import| import.name == "log").count(), 1);
    }
    let other = log.replace("(param i32)", "(param i64)");
    let error = adapt(&in_world(&module(&[log, &other]), world)).map(drop);
    assert!(matches!(error, Err(AdaptError::Encode { .. })), "{error:?}");
}

#[test]
fn what_a_world_cannot_have_with_preview_1_is_named() {
    let text = "(func (export \"f\") (result i32) (i32.const 0))
                (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)";
    for (items, world, said) in [
        (
            "(import \"env\" \"memory\" (memory 1)) (func (export \"f\") (result i32) unreachable)",
            "export f: func() -> u32;",
            "it imports `env.memory`, but a module for preview 1 has to define its own memory: \
             build it without `--import-memory`",
        ),
        (text, "export f: func() -> string;", "need a memory, and it has none"),
        (
            "(memory (export \"memory\") 1)",
            "export f: func();",
            // The encoder's.
            "failed to find export",
        ),
    ] {
        let module = in_world(&format!("(module {RANDOM} {items})"), world);
        let Err(error @ AdaptError::Encode { .. }) = adapt(&module) else {
            panic!("it should not be adapted: {items}");
        };
        assert!(error.to_string().contains(said), "{error}");
    }
}
