//! Skeletons of worlds whose names are keywords of every language.

use super::*;
use crate::Features;

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
    World::read(&file, None, &Features::default()).expect("it is WIT")
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

const RESOURCES: &str = "package test:shop;

    interface stock {
        resource item {
            constructor(name: string, price: price);
            name: func() -> string;
            merge: static func(a: item, b: borrow<item>) -> item;
        }

        record price { amount: u32 }

        resource mark;

        resource text {
            constructor(of: list<u8>) -> result<text, string>;
        }

        %list: func(marks: list<borrow<mark>>) -> option<item>;
    }

    world shop {
        export stock;
    }";

#[test]
fn resources_are_implemented_in_rust() {
    has(
        &text(RESOURCES, Language::Rust),
        &[
            "pub struct MyItem;",
            "type Item = MyItem;",
            "impl GuestItem for MyItem {",
            "fn new(name: String, price: Price) -> Self {",
            "fn name(&self) -> String {",
            "fn merge(a: Item, b: ItemBorrow<'_>) -> Item {",
            "impl GuestMark for MyMark {}",
            "fn new(of: Vec<u8>) -> Result<Self, String> {",
            "fn list(marks: Vec<MarkBorrow<'_>>) -> Option<Item> {",
        ],
    );
}

#[test]
fn resources_are_implemented_in_c() {
    has(
        &text(RESOURCES, Language::C),
        &[
            "struct exports_test_shop_stock_item_t {",
            "void exports_test_shop_stock_item_destructor(exports_test_shop_stock_item_t *rep) {",
            "void exports_test_shop_stock_mark_destructor(exports_test_shop_stock_mark_t *rep) {",
        ],
    );
}

#[test]
fn classes_of_resources_are_the_users_own_in_cpp() {
    let skeleton = of(&world(RESOURCES), Language::Cpp, "shop").expect("it can be written");
    let paths: Vec<_> = skeleton.files.iter().map(|(path, _)| path.as_str()).collect();
    let headers =
        ["Item", "Mark", "Text"].map(|class| format!("src/exports-test-shop-stock-{class}.h"));
    assert_eq!(paths.len(), 4);
    assert!(headers.iter().all(|header| paths.contains(&header.as_str())), "{paths:?}");
    has(
        &text(RESOURCES, Language::Cpp),
        &[
            "class Item : public wit::ResourceExportBase<Item>{",
            "Item::Item(wit::string name, stock::Price price) {",
            "wit::string Item::Name() {",
        ],
    );
}

#[test]
fn resources_are_implemented_in_go() {
    let text = text(RESOURCES, Language::Go);
    has(
        &text,
        &[
            "type Item struct {",
            "func (self *Item) OnDrop() {}",
            "func (self *Item) Name() string {",
            "func ItemMerge(_a *Item, _b *Item) *Item {",
        ],
    );
    assert!(!text.contains("TakeHandle"), "the bindings have it: {text}");
}

#[test]
fn types_of_rust_that_the_wit_has_too_are_told_apart() {
    let wit = "package a:b;
        interface t {
            record %option { a: u32 }
            f: func(a: option<%option>, b: string) -> result<%option, string>;
        }
        interface u { f: func(a: option<u8>); }
        world w { export t; export u; }";
    has(
        &text(wit, Language::Rust),
        &[
            "fn f(a: ::core::option::Option<Option>, b: String) -> Result<Option, String> {",
            "fn f(a: Option<u8>) {",
        ],
    );
}

#[test]
fn a_world_without_exports_implements_nothing_in_rust() {
    let text =
        text("package a:b; interface t { f: func(); } world w { import t; }", Language::Rust);
    assert!(text.contains("generate!") && !text.contains("Component"), "{text}");
    let types = "package a:b; interface t { record r { a: u32 } } world w { export t; }";
    let text = self::text(types, Language::Rust);
    assert!(text.contains("export!(Component)") && !text.contains("impl"), "{text}");
}

#[test]
fn modules_of_rust_are_called_as_no_other_is() {
    let wit = "package a:b;
        interface core { f: func(); }
        interface types { f: func(); }
        world w { import c: interface { f: func(); } export core; export types; export d: interface { f: \
               func(); } }";
    has(&text(wit, Language::Rust), &["mod b_core {", "mod types {", "mod d {"]);
}

#[test]
fn files_of_go_are_called_so_that_go_takes_them() {
    let wit = "package a:b;
        interface load-test { f: func(); }
        interface linux { f: func(); }
        world w { export load-test; export linux; export g: func(); }";
    let skeleton = of(&world(wit), Language::Go, "w").expect("it can be written");
    let mut paths: Vec<_> = skeleton.files.into_iter().map(|(path, _)| path).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "export_a_b_linux/linux.go",
            "export_a_b_load_test/loadtest.go",
            "export_wit_world/world.go"
        ]
    );
}

/// What a skeleton in each language says, which is nothing where it can be written.
fn refusals(wit: &str) -> Vec<(Language, String)> {
    let world = world(wit);
    let refused = |language| Some((language, of(&world, language, "w").err()?));
    Language::ALL.into_iter().filter_map(refused).collect()
}

#[test]
fn types_without_bindings_are_refused_with_their_place() {
    let flags: Vec<String> = (0..40).map(|number| format!("bit{number}")).collect();
    let flags = format!("flags many {{ {} }}", flags.join(", "));
    for (inner, without, reason) in [
        (flags.as_str(), 7, "`many` of `a:b/t` has 40 flags, but the component model allows 32"),
        ("f: func(x: list<u8, 4>);", 5, "`f` of `a:b/t` has a list of fixed length, for which"),
        ("type l = list<u8, 4>;", 6, "`l` of `a:b/t` has a list of fixed length with a name, for"),
        ("record r { m: map<string, u8> }", 3, "`r` of `a:b/t` has a `map`, for which"),
        ("f: func(x: error-context);", 6, "`f` of `a:b/t` has an `error-context`, for which"),
    ] {
        for direction in ["import", "export"] {
            let refused = refusals(&format!(
                "package a:b; interface t {{ {inner} }} world w {{ {direction} t; }}"
            ));
            assert_eq!(refused.len(), without, "{direction} {inner}: {refused:?}");
            for (language, said) in refused {
                assert!(said.starts_with(reason), "{language}: {said}");
            }
        }
    }
}

#[test]
fn names_without_bindings_are_refused_with_their_place() {
    for (wit, languages, reason) in [
        (
            "interface t { resource r { a: func(); } method-r-a: func(); } world w { export t; }",
            [Language::Rust].as_slice(),
            "`[method]r.a`",
        ),
        (
            "interface t { resource r { constructor(); new: func(); } } world w { export t; }",
            &[Language::Rust],
            "`[method]r.new` of `a:b/t` is called `new`",
        ),
        (
            "interface t { resource r { take-handle: func(); } } world w { import t; }",
            &[Language::Rust],
            "`[method]r.take-handle` of `a:b/t` has the name of a",
        ),
        (
            "interface t { record self { a: u32 } } world w { export t; }",
            &[Language::Rust],
            "`self`",
        ),
        (
            "interface t { resource r { r: func(); } } world w { export t; }",
            &Language::ALL,
            "no component can have `[method]r.r` of `a:b/t`",
        ),
        (
            "interface t { resource owned; } world w { export t; }",
            &[Language::Cpp],
            "`owned` of `a:b/t` is called `Owned` in the bindings of C++, which have that; rename it",
        ),
        (
            "interface t { resource r; resource r-from-own-handle; } world w { import t; }",
            &[Language::Go],
            "`r` of `a:b/t` and `r-from-own-handle` of `a:b/t` become one name, `RFromOwnHandle`,",
        ),
        (
            "interface std { f: func(); } world w { export std; }",
            &[Language::Cpp],
            "its interface `a:b/std` gets the namespace `std` in C++",
        ),
        (
            "world random { import f: func(); }",
            &[Language::Cpp],
            "the world `random`, which has functions, gets the namespace `random` in C++",
        ),
        (
            "interface s { f: func(); } world w { import other: s; }",
            &[Language::Rust, Language::Python, Language::JavaScript, Language::TypeScript],
            "it has the interface `s` under the name `other`, which ",
        ),
        (
            "interface s { f: func(); } world w { export other: s; }",
            &[Language::Rust, Language::Python],
            "under its own name",
        ),
        (
            "world w { resource r; import f: func() -> r; }",
            &[Language::Cpp, Language::Python],
            "it imports the resource `r` by itself, ",
        ),
        (
            "world w { export main: interface { f: func(); } }",
            &[Language::Go],
            "its interface `main` becomes the package `main` in Go's bindings",
        ),
    ] {
        let refused = refusals(&format!("package a:b; {wit}"));
        assert_eq!(refused.iter().map(|(of, _)| *of).collect::<Vec<_>>(), languages, "{wit}");
        for (language, said) in refused {
            assert!(said.contains(reason), "{language}: {said}");
        }
    }
}
