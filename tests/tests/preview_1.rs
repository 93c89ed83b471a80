//! What a user sees of core modules for WASI preview 1: each does what it does where preview 1 is native.

use std::{fs, path::Path};

use keyway_testing::{Finished, finish};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A module, as a file, for a world that has these items if there are any.
fn module(text: &str, items: &str) -> (tempfile::TempDir, String) {
    let mut module = wat::parse_str(text).expect("it is WebAssembly");
    if !items.is_empty() {
        let mut resolve = Resolve::default();
        let wit = format!("package test:alone; world w {{ {items} }}");
        let package = resolve.push_str("w.wit", &wit).expect("it is WIT");
        let world = resolve.select_world(&[package], None).expect("it has one world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("the world can be embedded");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("module.wasm");
    fs::write(&file, module).expect("written");
    let file = file.to_str().expect("text").to_owned();
    (folder, file)
}

/// Runs a program that sees `data`.
fn run(text: &str, data: &Path, arguments: &[&str]) -> Finished {
    let (_folder, file) = module(text, "");
    let dir = format!("{}::/data", data.display());
    finish([&["run", "--dir", &dir, &file], arguments].concat())
}

#[test]
fn a_buffer_of_any_size_is_written_and_read_whole() {
    let data = tempfile::tempdir().expect("a folder");
    let finished = run(include_str!("preview_1/large.wat"), data.path(), &[]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let alphabet: Vec<char> = ('a'..='z').collect();
    let letters: String = (0..200_000).map(|at| alphabet[(at + at / 26) % 26]).collect();
    assert!(finished.stdout == letters, "{} bytes", finished.stdout.len());
    let file = |name: &str| fs::read_to_string(data.path().join(name)).expect("read");
    assert!(file("f") == letters[..100_000].to_owned() + &letters);
    assert!(file("a") == letters.repeat(12));
}

#[test]
fn what_programs_count_on_is_as_it_is_natively() {
    let data = tempfile::tempdir().expect("a folder");
    fs::write(data.path().join("f"), "0123456789abcd????").expect("written");
    let finished = run(include_str!("preview_1/natively.wat"), data.path(), &["", "x"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout, "WXYZ");
    assert_eq!(
        fs::read_to_string(data.path().join("f")).expect("read"),
        "01234WXYZ9abcdWXYZWXYZWXYZWXYZWXYZ"
    );
}

/// As those of AssemblyScript do with two packages that use WASI.
#[test]
fn a_program_that_imports_a_function_several_times_runs() {
    let write = |name| {
        format!(
            r#"(import "wasi_snapshot_preview1" "fd_write"
                 (func ${name} (param i32 i32 i32 i32) (result i32)))"#
        )
    };
    let call = |name, at| {
        format!(
            "(drop (call ${name} (i32.const 1) (i32.const {at}) (i32.const 1) (i32.const 100)))"
        )
    };
    let text = format!(
        r#"(module {} {} {}
             (memory (export "memory") 1)
             (data (i32.const 0) "\20\00\00\00\01\00\00\00\21\00\00\00\01\00\00\00")
             (data (i32.const 32) "ab")
             (func (export "_start") {} {} {}))"#,
        write("one"),
        write("two"),
        write("three"),
        call("three", 0),
        call("one", 8),
        call("two", 0),
    );
    let (_folder, file) = module(&text, "");
    let finished = finish(["run", &file]);
    assert_eq!((finished.code, &*finished.stdout), (Some(0), "aba"), "{}", finished.stderr);
}

#[test]
fn buffers_that_grow_take_little_more_memory_than_the_largest() {
    let (_folder, file) = module(include_str!("preview_1/growth.wat"), "");
    let finished = finish(["run", "--memory", "8MiB", &file]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

#[test]
fn a_program_with_a_world_of_its_own_has_its_memory_to_itself() {
    let text = include_str!("preview_1/world.wat");
    let called = |text: &str, items: &str, call: &str| {
        let (_folder, file) = module(text, items);
        let finished = finish(["call", &file, call]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        finished.stdout.trim_end().to_owned()
    };
    let numbers = "export f: func() -> u32;";
    let texts = "export f: func() -> u32; export greet: func(name: string) -> string;";
    assert_eq!(called(text, numbers, "f()"), "0");
    assert_eq!(called(text, texts, "f()"), "0");
    assert_eq!(called(text, texts, "greet(\"Ann\")"), "\"Hello, Ann\"");
    // Without anything by which others could allocate in it.
    let alone = text.replace("(export \"cabi_realloc\")", "");
    assert_ne!(alone, text);
    assert_eq!(called(&alone, numbers, "f()"), "0");
}
