//! Resources that a component exports: their skeletons are filled in, and another component uses them.

use std::{fs, path::Path};

use keyway_testing::finish_in;

use super::{folder, succeed};

const WIT: &str = "package shop:depot;

interface stock {
    resource item {
        constructor(name: string);
        name: func() -> string;
        rename: func(name: string);
        copy: static func(of: borrow<item>) -> item;
    }

    alive: func() -> u32;
}

world provider {
    export stock;
}

world consumer {
    import stock;
    export check: func() -> string;
}
";

const CONSUMER: &str = r#"#include <stdio.h>

#include "component.h"

void exports_component_check(component_string_t *ret) {
    component_string_t name, a, b;
    component_string_set(&name, "first");
    shop_depot_stock_own_item_t item = shop_depot_stock_constructor_item(&name);
    shop_depot_stock_own_item_t copy =
        shop_depot_stock_static_item_copy(shop_depot_stock_borrow_item(item));
    component_string_set(&name, "second");
    shop_depot_stock_method_item_rename(shop_depot_stock_borrow_item(item), &name);
    shop_depot_stock_method_item_name(shop_depot_stock_borrow_item(item), &a);
    shop_depot_stock_method_item_name(shop_depot_stock_borrow_item(copy), &b);
    unsigned two = shop_depot_stock_alive();
    shop_depot_stock_item_drop_own(item);
    unsigned one = shop_depot_stock_alive();
    shop_depot_stock_item_drop_own(copy);
    unsigned none = shop_depot_stock_alive();
    char text[64];
    int length = snprintf(text, sizeof text, "%.*s %.*s %u %u %u", (int)a.len, a.ptr, (int)b.len, b.ptr,
                          two, one, none);
    component_string_dup_n(ret, text, length);
}
"#;

/// Puts `body` where the function that begins with `head` is to be filled in.
fn filled(text: &str, head: &str, open: &str, body: &str) -> String {
    let (before, after) = text.split_once(head).unwrap_or_else(|| panic!("{head}\n{text}"));
    assert!(after.contains(open), "{text}");
    format!("{before}{head}{}", after.replacen(open, body, 1))
}

/// A language's source files, and what is put in them.
struct Filling {
    language: &'static str,
    /// Files, with what is replaced in each.
    files: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    /// The file with the functions.
    source: &'static str,
    /// What stands in a function that is to be filled in.
    open: &'static str,
    bodies: &'static [(&'static str, &'static str)],
}

fn are_used_by_another_component(filling: &Filling) {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("stock.wit"), WIT).expect("written");
    for (name, language) in [("provider", filling.language), ("consumer", "c")] {
        let new = ["new", name, "--lang", language, "--wit", "stock.wit", "--world", name];
        succeed(finish_in(folder.path(), new));
    }
    // As it is, it is built.
    succeed(finish_in(folder.path(), ["build", "provider"]));
    let change = |file: &Path, change: &dyn Fn(String) -> String| {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        fs::write(file, change(text)).expect("written");
    };
    for (file, replaced) in filling.files {
        change(&path("provider").join(file), &|text| {
            replaced.iter().fold(text, |text, (old, new)| {
                assert!(text.contains(old), "{old}\n{text}");
                text.replacen(old, new, 1)
            })
        });
    }
    change(&path("provider").join(filling.source), &|text| {
        let bodies = filling.bodies.iter();
        bodies.fold(text, |text, (head, body)| filled(&text, head, filling.open, body))
    });
    fs::write(path("consumer/src/component.c"), CONSUMER).expect("written");
    let manifest = "[app]\nname = \"depot\"\n\n[component.consumer]\nsource = \"consumer\"\n\
                    link.\"shop:depot/stock\" = \"provider\"\n\n[component.provider]\nsource = \"provider\"\n";
    fs::write(path("keyway.toml"), manifest).expect("written");
    succeed(finish_in(folder.path(), ["build"]));
    let called =
        succeed(finish_in(folder.path(), ["call", "--component", "consumer", ".", "check()"]));
    assert_eq!(called.stdout, "\"second first 2 1 0\"\n", "{}", filling.language);
}

#[test]
fn of_rust_are_used_by_another_component() {
    are_used_by_another_component(&Filling {
        language: "rust",
        files: &[(
            "src/lib.rs",
            &[(
                "pub struct MyItem;",
                "pub struct MyItem(std::cell::RefCell<String>);\n\nuse std::sync::atomic::{AtomicU32, \
                 Ordering::Relaxed};\n\nstatic ALIVE: AtomicU32 = AtomicU32::new(0);\n\nimpl Drop for MyItem \
                 {\n    fn drop(&mut self) {\n        ALIVE.fetch_sub(1, Relaxed);\n    }\n}",
            )],
        )],
        source: "src/lib.rs",
        open: "todo!()",
        bodies: &[
            ("fn alive() -> u32 {", "ALIVE.load(Relaxed)"),
            ("fn new(name: String) -> Self {", "ALIVE.fetch_add(1, Relaxed);\nMyItem(name.into())"),
            ("fn name(&self) -> String {", "self.0.borrow().clone()"),
            ("fn rename(&self, name: String) {", "self.0.replace(name);"),
            (
                "fn copy(of: ItemBorrow<'_>) -> Item {",
                "Item::new(MyItem::new(of.get::<MyItem>().name()))",
            ),
        ],
    });
}

#[test]
fn of_c_are_used_by_another_component() {
    are_used_by_another_component(&Filling {
        language: "c",
        files: &[(
            "src/component.c",
            &[
                (
                    "#include \"component.h\"\n",
                    "#include \"component.h\"\n\nstatic uint32_t alive;\n",
                ),
                ("    // To be filled in: what it holds.\n", "    component_string_t name;\n"),
                (
                    "    free(rep);\n",
                    "    component_string_free(&rep->name);\n    free(rep);\n    alive--;\n",
                ),
            ],
        )],
        source: "src/component.c",
        open: "abort();",
        bodies: &[
            (
                "exports_shop_depot_stock_constructor_item(",
                "exports_shop_depot_stock_item_t *item = malloc(sizeof *item);\nitem->name = *name;\nalive++;\n\
                 return exports_shop_depot_stock_item_new(item);",
            ),
            (
                "exports_shop_depot_stock_method_item_name(",
                "component_string_dup_n(ret, (char *)self->name.ptr, self->name.len);",
            ),
            (
                "exports_shop_depot_stock_method_item_rename(",
                "component_string_free(&self->name);\nself->name = *name;",
            ),
            (
                "exports_shop_depot_stock_static_item_copy(",
                "exports_shop_depot_stock_item_t *copy = malloc(sizeof *copy);\n\
                 component_string_dup_n(&copy->name, (char *)of->name.ptr, of->name.len);\nalive++;\n\
                 return exports_shop_depot_stock_item_new(copy);",
            ),
            ("exports_shop_depot_stock_alive(", "return alive;"),
        ],
    });
}

#[test]
fn of_cpp_are_used_by_another_component() {
    are_used_by_another_component(&Filling {
        language: "cpp",
        files: &[(
            "src/exports-shop-depot-stock-Item.h",
            &[
                ("#include <cstdint>\n", "#include <cstdint>\n#include <string>\n"),
                (
                    "public:\n",
                    "public:\nstd::string held;\nstatic inline uint32_t alive = 0;\n~Item() { alive--; }\n",
                ),
            ],
        )],
        source: "src/component.cpp",
        open: "std::abort();",
        bodies: &[
            ("uint32_t Alive() {", "return Item::alive;"),
            ("Item::Item(wit::string name) {", "held = name.to_string();\nalive++;"),
            ("wit::string Item::Name() {", "return wit::string::from_view(held);"),
            ("void Item::Rename(wit::string name) {", "held = name.to_string();"),
            ("Item::Owned Item::Copy(", "return Item::New(wit::string::from_view(of.get().held));"),
        ],
    });
}

#[test]
fn of_go_are_used_by_another_component() {
    are_used_by_another_component(&Filling {
        language: "go",
        files: &[(
            "export_shop_depot_stock/stock.go",
            &[
                ("\thandle int32\n", "\thandle int32\n\tname string\n"),
                (
                    "func (self *Item) OnDrop() {}",
                    "var alive uint32\n\nfunc (self *Item) OnDrop() { alive-- }",
                ),
            ],
        )],
        source: "export_shop_depot_stock/stock.go",
        open: "panic(\"not implemented\")",
        bodies: &[
            ("func MakeItem(", "alive++\nreturn &Item{name: _name}"),
            ("func (self *Item) Name() string {", "return self.name"),
            ("func (self *Item) Rename(", "self.name = _name"),
            ("func ItemCopy(", "return MakeItem(_of.name)"),
            ("func Alive() uint32 {", "return alive"),
        ],
    });
}
