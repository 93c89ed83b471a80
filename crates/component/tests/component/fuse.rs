//! What components become when they are fused.

use crate::fixture::{component, fused, imports, part, problems, wasi};
use keyway_component::{FuseError, describe, minimum};

const PARSER_WIT: &str = "
    package cyber:systems {
        interface parser {
            record entry { time: u64, text: string }
            enum problem { empty, malformed }
            parse: func(line: string) -> result<entry, problem>;
        }
    }
";

fn test(packages: &str, world: &str) -> Vec<u8> {
    component(&format!("package test:test;\n world test {{ {world} }}\n {packages}"))
}

fn handler(patch: u32, world: &str) -> Vec<u8> {
    let world = format!(
        "import wasi:http/outgoing-handler@0.2.{patch}; \
         export wasi:http/incoming-handler@0.2.{patch}; {world}"
    );
    test(&format!("{PARSER_WIT} {}", wasi(patch)), &world)
}

#[test]
fn one_component_stays_as_it_is() {
    let bytes = handler(6, "");
    let unit = fused("gateway", &[part("gateway", &bytes, &[])]);
    assert_eq!(unit.bytes, bytes);
    assert_eq!(unit.components, ["gateway"]);
    assert_eq!(unit.exports, ["wasi:http/incoming-handler@0.2.6"]);
    let owner = |name: &str| unit.imports.iter().find(|i| i.name == name).unwrap().component;
    assert_eq!(owner("wasi:http/outgoing-handler@0.2.6"), Some(0));
    assert_eq!(owner("wasi:http/types@0.2.6"), None);
    assert_eq!(owner("wasi:io/streams@0.2.6"), None);
}

#[test]
fn two_components_keep_their_authority_apart() {
    let gateway = handler(6, "import cyber:systems/parser;");
    let wit = format!("{PARSER_WIT} {}", wasi(6));
    let parser =
        test(&wit, "import wasi:http/outgoing-handler@0.2.6; export cyber:systems/parser;");
    let unit = fused(
        "gateway",
        &[
            part("parser", &parser, &[]),
            part("gateway", &gateway, &[("cyber:systems/parser", "parser")]),
        ],
    );
    assert_eq!(unit.components, ["gateway", "parser"]);
    assert_eq!(unit.exports, ["wasi:http/incoming-handler@0.2.6"]);
    let mut found = imports(&unit);
    found.retain(|(_, interface, _)| interface.contains("outgoing"));
    let interface = "wasi:http/outgoing-handler@0.2.6";
    assert_eq!(
        found,
        [
            ("gateway-http-outgoing-handler", interface, Some("gateway")),
            ("parser-http-outgoing-handler", interface, Some("parser")),
        ]
    );
    // Descriptive imports exist once, without an owner.
    let types: Vec<_> = imports(&unit).into_iter().filter(|i| i.1.contains("/types")).collect();
    assert_eq!(types, [("wasi:http/types@0.2.6", "wasi:http/types@0.2.6", None)]);
}

#[test]
fn patch_releases_of_wasi_share_their_types() {
    for (ours, theirs) in [(0, 6), (6, 0), (3, 12)] {
        let gateway = handler(ours, "import cyber:systems/parser;");
        let world = format!(
            "import wasi:http/outgoing-handler@0.2.{theirs}; \
             import wasi:clocks/monotonic-clock@0.2.{theirs}; export cyber:systems/parser;"
        );
        let parser = test(&format!("{PARSER_WIT} {}", wasi(theirs)), &world);
        let unit = fused(
            "gateway",
            &[
                part("parser", &parser, &[]),
                part("gateway", &gateway, &[("cyber:systems/parser", "parser")]),
            ],
        );
        let found = imports(&unit);
        let of = |name: &str| found.iter().filter(|(_, i, _)| i.contains(name)).count();
        assert_eq!((of("http/types"), of("outgoing-handler")), (1, 2), "{found:#?}");
        let clocks = found.iter().filter(|(_, i, owner)| i.contains("clock") && owner.is_some());
        assert!(clocks.map(|c| c.0).any(|name| name == "parser-clocks-monotonic-clock"));
    }
}

#[test]
fn a_chain_and_a_diamond_hold_each_component_once() {
    let wit = "
        package a:b@1.0.0 {
            interface left { run: func() -> string; }
            interface right { run: func() -> string; }
            interface base { count: func() -> u32; }
        }";
    let top = test(wit, "import a:b/left@1.0.0; import a:b/right@1.0.0; export run: func();");
    let left = test(wit, "import a:b/base@1.0.0; export a:b/left@1.0.0;");
    let right = test(wit, "import a:b/base@1.0.0; export a:b/right@1.0.0;");
    let base = test(wit, "export a:b/base@1.0.0;");
    let unused = test(wit, "export a:b/base@1.0.0;");
    let unit = fused(
        "top",
        &[
            part("top", &top, &[("a:b/left", "left"), ("a:b/right@1.0.0", "right")]),
            part("left", &left, &[("a:b/base", "base")]),
            part("right", &right, &[("a:b/base", "base")]),
            part("base", &base, &[]),
            part("unused", &unused, &[]),
        ],
    );
    assert_eq!(unit.components, ["top", "left", "base", "right"]);
    assert_eq!(unit.exports, ["run"]);
    assert_eq!(unit.imports, []);
    let modules = |bytes: &[u8]| describe(bytes).unwrap().core_modules;
    let members: usize = [&top, &left, &right, &base].map(|bytes| modules(bytes)).iter().sum();
    assert_eq!(modules(&unit.bytes), members, "`base` is there once");
}

#[test]
fn a_cycle_is_shown() {
    let wit = "package a:b { interface x { f: func(); } interface y { f: func(); } }";
    let one = test(wit, "import a:b/x; export a:b/y;");
    let two = test(wit, "import a:b/y; export a:b/x;");
    let errors = problems(
        "one",
        &[part("one", &one, &[("a:b/x", "two")]), part("two", &two, &[("a:b/y", "one")])],
    );
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].to_string(), "the links form a cycle: one -> two -> one");
}

#[test]
fn an_import_that_nothing_meets_lists_who_could() {
    let gateway = handler(6, "import cyber:systems/parser;");
    let parser = test(PARSER_WIT, "export cyber:systems/parser;");
    let errors =
        problems("gateway", &[part("gateway", &gateway, &[]), part("strict", &parser, &[])]);
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(
        error.to_string(),
        "nothing satisfies the import `cyber:systems/parser` of the component `gateway`"
    );
    assert_eq!(
        error.help().unwrap(),
        "write under `[component.gateway]`: link.\"cyber:systems/parser\" = \"strict\""
    );
    assert_eq!(
        (error.component(), error.import()),
        (Some("gateway"), Some("cyber:systems/parser"))
    );
}

#[test]
fn all_wrong_links_are_told_at_once() {
    let wit = format!("{PARSER_WIT} package a:b {{ interface x {{ f: func(); }} }}");
    let gateway = test(&wit, "import cyber:systems/parser; import a:b/x;");
    let parser = test(&wit, "export cyber:systems/parser;");
    let errors = problems(
        "gateway",
        &[
            part(
                "gateway",
                &gateway,
                &[("cyber:systems/parsers", "parser"), ("a:b/x", "parser"), ("q:r/s", "ghost")],
            ),
            part("parser", &parser, &[]),
            part("broken", b"\0asm", &[]),
        ],
    );
    let kinds: Vec<_> = errors.iter().map(kind).collect();
    assert_eq!(kinds, ["UnknownComponent", "NoSuchImport", "NoSuchImport", "Unmet", "NotExported"]);
    assert_eq!(errors[1].help().unwrap(), "did you mean `cyber:systems/parser`?");
}

/// The name of an error's variant.
fn kind(error: &FuseError) -> String {
    let shown = format!("{error:?}");
    shown.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_part_that_is_missing_hides_nothing_else() {
    let packages = "
        package a:a { interface a { f: func(); } }
        package b:b { interface b { f: func(); } }
        package c:c { interface c { f: func(); } }
    ";
    let root = test(packages, "import a:a/a; import b:b/b; import c:c/c;");
    let other = test(packages, "export b:b/b;");
    let links = [("a:a/a", "gone"), ("c:c/c", "other")];
    let errors = problems("root", &[part("root", &root, &links), part("other", &other, &[])]);
    let mut kinds: Vec<_> = errors.iter().map(kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["NotExported", "UnknownComponent", "Unmet"]);
}

#[test]
fn a_unit_takes_at_least_what_its_parts_take() {
    let packages = "package a:a { interface a { f: func(text: string); } }";
    let root = test(packages, "import a:a/a; export run: func(text: string);");
    let other = test(packages, "export a:a/a;");
    let unit =
        fused("root", &[part("root", &root, &[("a:a/a", "other")]), part("other", &other, &[])]);
    let takes = |bytes: &[u8]| minimum(bytes).expect("it is a component");
    assert!(takes(&root).instances > 0);
    assert_eq!(takes(&unit.bytes), takes(&root) + takes(&other));
}

#[test]
fn all_differences_of_a_link_are_shown_with_both_sides() {
    let theirs = "
        package cyber:systems {
            interface parser {
                record entry { time: u64, text: list<u8> }
                parse: func(line: string) -> result<entry, string>;
                trim: func(line: list<u8>) -> string;
            }
        }";
    let ours = "
        package cyber:systems {
            interface parser {
                record entry { time: u64, text: string }
                parse: func(line: string) -> result<entry, string>;
                trim: func(line: string) -> string;
                reset: func();
            }
        }";
    let gateway = test(ours, "import cyber:systems/parser;");
    let parser = test(theirs, "export cyber:systems/parser;");
    let errors = problems(
        "gateway",
        &[
            part("gateway", &gateway, &[("cyber:systems/parser", "parser")]),
            part("parser", &parser, &[]),
        ],
    );
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(
        error.to_string(),
        "the component `gateway` imports `cyber:systems/parser`, but the `cyber:systems/parser` that `parser` exports has a different type\
         \n  entry\
         \n    gateway imports  record entry { time: u64, text: string }\
         \n    parser exports   record entry { time: u64, text: list<u8> }\
         \n  parse\
         \n    gateway imports  func(line: string) -> result<entry, string>\
         \n    parser exports   func(line: string) -> result<entry, string>\
         \n  trim\
         \n    gateway imports  func(line: string) -> string\
         \n    parser exports   func(line: list<u8>) -> string\
         \n  reset\
         \n    gateway imports  func()\
         \n    parser exports   nothing of that name"
    );
}

#[test]
fn a_compatible_version_meets_an_import_and_another_does_not() {
    let wit = |version: &str| format!("package a:b@{version} {{ interface x {{ f: func(); }} }}");
    let importer = test(&wit("1.0.0"), "import a:b/x@1.0.0;");
    let newer = test(&wit("1.4.2"), "export a:b/x@1.4.2;");
    let other = test(&wit("2.0.0"), "export a:b/x@2.0.0;");
    let parts = |to| {
        [
            part("one", &importer, &[("a:b/x", to)]),
            part("newer", &newer, &[]),
            part("other", &other, &[]),
        ]
    };
    assert_eq!(fused("one", &parts("newer")).components, ["one", "newer"]);
    let errors = problems("one", &parts("other"));
    assert_eq!(
        errors[0].to_string(),
        "the component `one` imports `a:b/x@1.0.0`, which `other` does not export; \
         it exports `a:b/x@2.0.0`"
    );
    assert!(errors[0].help().unwrap().ends_with("link.\"a:b/x@1.0.0\" = \"newer\""));
}

#[test]
fn two_versions_of_one_interface_side_by_side_get_labels_of_their_own() {
    let clock = |version: &str| {
        format!("package wasi:random@{version} {{ interface random {{ get: func() -> u64; }} }}")
    };
    let wit = format!("{PARSER_WIT} {} {}", clock("0.2.0"), clock("0.3.0"));
    let gateway = test(
        &wit,
        "import wasi:random/random@0.2.0; import wasi:random/random@0.3.0; \
         import cyber:systems/parser;",
    );
    let parser = test(&wit, "export cyber:systems/parser;");
    let unit = fused(
        "g",
        &[part("g", &gateway, &[("cyber:systems/parser", "p")]), part("p", &parser, &[])],
    );
    assert_eq!(
        imports(&unit),
        [
            ("g-random-random", "wasi:random/random@0.2.0", Some("g")),
            ("g-random-random-n2", "wasi:random/random@0.3.0", Some("g")),
        ]
    );
}

#[test]
fn an_unknown_wasi_version_stays_an_import_of_its_component() {
    let wit = format!(
        "{PARSER_WIT} package wasi:http@7.0.0 {{ interface outgoing-handler {{ f: func(); }} }}
         package wasi:teleport@0.2.0 {{ interface beam {{ f: func(); }} }}"
    );
    let gateway = test(&wit, "import cyber:systems/parser;");
    let parser = test(
        &wit,
        "import wasi:http/outgoing-handler@7.0.0; import wasi:teleport/beam@0.2.0; \
         export cyber:systems/parser;",
    );
    let parts = [part("g", &gateway, &[("cyber:systems/parser", "p")]), part("p", &parser, &[])];
    assert_eq!(
        imports(&fused("g", &parts)),
        [
            ("p-http-outgoing-handler", "wasi:http/outgoing-handler@7.0.0", Some("p")),
            ("p-teleport-beam", "wasi:teleport/beam@0.2.0", Some("p")),
        ]
    );
    let single = fused("p", &parts);
    assert!(single.imports.iter().all(|import| import.component == Some(0)));
}

#[test]
fn plain_functions_and_interfaces_can_be_linked() {
    let one = test("", "import log: func(text: string); import tools: interface { f: func(); }");
    let two = test("", "export log: func(text: string); export tools: interface { f: func(); }");
    let unit = fused(
        "one",
        &[part("one", &one, &[("log", "two"), ("tools", "two")]), part("two", &two, &[])],
    );
    assert_eq!(unit.imports, []);
    let wrong = test("", "export log: func(text: u32); export tools: interface { f: func(); }");
    let errors = problems(
        "one",
        &[part("one", &one, &[("log", "two"), ("tools", "two")]), part("two", &wrong, &[])],
    );
    let text = errors[0].to_string();
    assert!(text.contains("one imports  func(text: string)"), "{text}");
    assert!(text.contains("two exports  func(text: u32)"), "{text}");
}

#[test]
fn resources_streams_and_futures_cross_links() {
    let wit = "
        package a:b {
            interface store {
                resource cursor { constructor(start: u32); next: func() -> option<string>; }
                open: func(name: string) -> cursor;
                close: func(cursor: cursor);
            }
            interface pipe {
                use store.{cursor};
                copy: async func(input: stream<u8>) -> stream<u8>;
                after: func(done: future<result<u32, string>>) -> future;
                feed: async func(cursor: borrow<cursor>) -> stream<string>;
            }
        }";
    let one = test(wit, "import a:b/pipe; export run: async func();");
    let two = test(wit, "export a:b/store; export a:b/pipe;");
    let links = [("a:b/pipe", "two"), ("a:b/store", "two")];
    let unit = fused("one", &[part("one", &one, &links), part("two", &two, &[])]);
    assert_eq!(unit.imports, []);
    let text = keyway_component::wit(&unit.bytes).unwrap();
    assert!(text.contains("export run: async func();"), "{text}");
}

#[test]
fn exports_that_use_a_linked_interfaces_types_bring_them_along() {
    let wit = "
        package a:b {
            interface names { resource name; record pair { key: string } }
            interface front { use names.{name, pair}; find: func(pair: pair) -> name; }
        }";
    let one = test(wit, "import a:b/names; export a:b/front;");
    let two = test(wit, "export a:b/names;");
    let unit = fused("one", &[part("one", &one, &[("a:b/names", "two")]), part("two", &two, &[])]);
    assert_eq!(unit.exports, ["a:b/front"]);
    let exports = describe(&unit.bytes).unwrap().exports;
    assert!(exports.iter().any(|export| export.name == "a:b/front"), "{exports:?}");
}

#[test]
fn interfaces_of_plain_types_need_no_link() {
    let wit = "
        package a:b {
            interface types { record entry { text: string } }
            interface parser { use types.{entry}; parse: func() -> entry; }
        }";
    let one = test(wit, "import a:b/parser;");
    let two = test(wit, "export a:b/parser;");
    let unit = fused("one", &[part("one", &one, &[("a:b/parser", "two")]), part("two", &two, &[])]);
    assert!(imports(&unit).iter().all(|(name, _, owner)| *name == "a:b/types" && owner.is_none()));
}

#[test]
fn a_request_handler_can_be_linked_to_another() {
    let wit = wasi(6);
    let middle = test(
        &wit,
        "import wasi:http/incoming-handler@0.2.6; export wasi:http/incoming-handler@0.2.6;",
    );
    let inner = test(&wit, "export wasi:http/incoming-handler@0.2.6;");
    let key = "wasi:http/incoming-handler";
    let unit =
        fused("middle", &[part("middle", &middle, &[(key, "inner")]), part("inner", &inner, &[])]);
    assert_eq!(unit.exports, ["wasi:http/incoming-handler@0.2.6"]);
    let errors = problems("middle", &[part("middle", &middle, &[]), part("inner", &inner, &[])]);
    assert!(matches!(errors[0], FuseError::Unmet { .. }), "{errors:?}");
}

#[test]
fn resources_of_one_components_own_imports_stay_together() {
    let wit = format!(
        "{PARSER_WIT}
        package wasi:keyvalue@0.2.0-draft {{
            interface store {{
                resource bucket {{ get: func(key: string) -> list<u8>; }}
                open: func(name: string) -> bucket;
            }}
            interface atomics {{
                use store.{{bucket}};
                increment: func(bucket: borrow<bucket>) -> u64;
            }}
        }}"
    );
    let world = "import wasi:keyvalue/atomics@0.2.0-draft;";
    let one = test(&wit, &format!("{world} import cyber:systems/parser;"));
    let two = test(&wit, &format!("{world} export cyber:systems/parser;"));
    let unit = fused(
        "one",
        &[part("one", &one, &[("cyber:systems/parser", "two")]), part("two", &two, &[])],
    );
    let (store, atomics) = ("wasi:keyvalue/store@0.2.0-draft", "wasi:keyvalue/atomics@0.2.0-draft");
    let mut found = imports(&unit);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("keyway-one:keyvalue/atomics@0.2.0-draft", atomics, Some("one")),
            ("keyway-one:keyvalue/store@0.2.0-draft", store, Some("one")),
            ("keyway-two:keyvalue/atomics@0.2.0-draft", atomics, Some("two")),
            ("keyway-two:keyvalue/store@0.2.0-draft", store, Some("two")),
        ]
    );
}

#[test]
fn sockets_of_0_3_are_split_though_others_use_their_types() {
    let wit = format!(
        "{PARSER_WIT}
        package wasi:sockets@0.3.0 {{
            interface types {{
                type ip-address = u32;
                resource tcp-socket {{ create: static func() -> tcp-socket; }}
            }}
            interface ip-name-lookup {{
                use types.{{ip-address}};
                resolve-addresses: async func(name: string) -> list<ip-address>;
            }}
        }}"
    );
    let world = "import wasi:sockets/types@0.3.0; import wasi:sockets/ip-name-lookup@0.3.0;";
    let one = test(&wit, &format!("{world} import cyber:systems/parser;"));
    let two = test(&wit, &format!("{world} export cyber:systems/parser;"));
    let unit = fused(
        "one",
        &[part("one", &one, &[("cyber:systems/parser", "two")]), part("two", &two, &[])],
    );
    let names: Vec<_> = imports(&unit).into_iter().filter(|i| i.2.is_some()).map(|i| i.0).collect();
    assert_eq!(
        names,
        [
            "one-sockets-types",
            "one-sockets-ip-name-lookup",
            "two-sockets-types",
            "two-sockets-ip-name-lookup",
        ]
    );
    // What the lookup's types come from is there too, without an owner and so without rights.
    assert!(
        imports(&unit)
            .iter()
            .all(|(name, _, owner)| { owner.is_some() || *name == "wasi:sockets/types@0.3.0" })
    );
}
