//! Skeletons of worlds whose names are keywords of every language.

use super::*;

const WIT: &str = "package test:switch;

    interface %lambda {
        pass: func(lambda: u32, %class: u32) -> u32;
        delete: func(new: u32) -> u32;
        try: func(%default: u32, match: string, %type: u32, range: u32) -> u32;
    }

    interface none {
        yield: func();
    }

    world words {
        export %lambda;
        export none;
        export new: func(%static: u32);
        export match: func();
    }";

const ASYNC: &str = "package test:waiting;

    interface slow {
        f: async func(x: u32) -> string;
        g: func();
    }

    world waiting {
        export slow;
        export h: async func();
    }";

fn world(wit: &str) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("world.wit");
    std::fs::write(&file, wit).expect("written");
    World::read(&file, None).expect("it is WIT")
}

/// The only text of a skeleton.
fn text(wit: &str, language: Language) -> String {
    let skeleton = of(&world(wit), language, "words").expect("it can be written");
    skeleton.files.into_iter().map(|(_, text)| text).collect()
}

fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found.trim() == *line), "{line}\n{text}");
    }
}

#[test]
fn words_of_rust_are_escaped() {
    has(
        &text(WIT, Language::Rust),
        &[
            "use crate::{Component, exports::test::switch::lambda::*};",
            "fn pass(lambda: u32, class: u32) -> u32 {",
            "fn try_(default: u32, match_: String, type_: u32, range: u32) -> u32 {",
            "fn yield_() {",
            "fn new(static_: u32) {",
            "fn match_() {",
        ],
    );
}

#[test]
fn a_package_that_rust_cannot_name_is_refused() {
    let refused = of(&world(&WIT.replace("test:switch", "test:match")), Language::Rust, "words");
    let refused = refused.expect_err("it is a word");
    assert!(
        refused.starts_with("its package `test:match` is named after a Rust keyword"),
        "{refused}"
    );
}

#[test]
fn words_of_python_are_escaped() {
    has(
        &text(WIT, Language::Python),
        &[
            "class Lambda(exports.Lambda):",
            "def pass_(self, lambda_, class_):",
            "def try_(self, default, match, type, range):",
            "class None_(exports.None_):",
            "def yield_(self):",
            "def new(self, static):",
        ],
    );
}

#[test]
fn words_of_javascript_are_escaped() {
    has(
        &text(WIT, Language::JavaScript),
        &[
            "export const lambda = {",
            "pass(lambda, class_) {",
            "delete(new_) {",
            "try(default_, match, type, range) {",
            "function new_(static_) {",
            "export { new_ as new };",
            "export function match() {",
        ],
    );
    has(
        &text(WIT, Language::TypeScript),
        &["delete(new_: unknown): never {", "function new_(static_: unknown): never {"],
    );
}

/// The generators of these make the declarations.
#[test]
fn words_of_other_languages_are_escaped_by_their_bindings() {
    has(
        &text(WIT, Language::C),
        &[
            "uint32_t exports_test_switch_lambda_pass(uint32_t lambda, uint32_t class_) {",
            "uint32_t exports_test_switch_lambda_delete(uint32_t new_) {",
            "void exports_words_new(uint32_t static_) {",
        ],
    );
    has(
        &text(WIT, Language::Cpp),
        &["namespace exports::test::switch_::lambda {", "uint32_t Delete(uint32_t new_) {"],
    );
    has(
        &text(WIT, Language::Go),
        &["func Try(_default_ uint32, _match string, _type_ uint32, _range_ uint32) uint32 {"],
    );
}

#[test]
fn asynchronous_functions_are_written_where_bindings_have_them() {
    has(
        &text(ASYNC, Language::Rust),
        &["async fn f(x: u32) -> String {", "fn g() {", "async fn h() {"],
    );
    has(
        &text(ASYNC, Language::Python),
        &["async def f(self, x):", "def g(self):", "async def h(self):"],
    );
    for language in [Language::Rust, Language::Python] {
        assert!(of(&world(ASYNC), language, "waiting").expect("it can be written").is_async);
        assert!(!of(&world(WIT), language, "words").expect("it can be written").is_async);
    }
}

#[test]
fn what_a_language_has_no_bindings_for_is_refused() {
    let import = &ASYNC.replace("export", "import");
    let stream = &ASYNC.replace("async ", "").replace("u32", "stream<u8>");
    for (language, wit, reason) in [
        (Language::Go, ASYNC, "it exports the asynchronous function `h`, for which Go has no"),
        (Language::Cpp, ASYNC, "its function `h` is asynchronous, for which C++ has no"),
        (Language::JavaScript, ASYNC, "its function `"),
        (Language::TypeScript, import, "its function `"),
        (Language::JavaScript, stream, "it has a `stream`"),
    ] {
        let refused = of(&world(wit), language, "waiting").expect_err(reason);
        assert!(refused.starts_with(reason), "{refused}");
    }
    for language in [Language::Rust, Language::C, Language::Python] {
        for wit in [ASYNC, import, stream] {
            assert!(of(&world(wit), language, "waiting").is_ok(), "{language}");
        }
    }
    assert!(of(&world(import), Language::Go, "waiting").is_ok());
}
