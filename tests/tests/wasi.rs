//! Components of every release of WASI, alone and linked to one another.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    thread,
};

use keyway_testing::{Keyway, RunningApp, guest, request};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{
    Resolve, UnresolvedPackageGroup, WorldItem,
    abi::{AbiVariant, WasmType},
};

/// `root` linked to `other` by `import`, with more of the root's table.
fn linked(root: &str, import: &str, other: &str, more: &str) -> RunningApp {
    RunningApp::up(&format!(
        r#"
        [app]
        name = "linked"
        [component.root]
        source = "{{guest:{root}}}"
        link."{import}" = "other"
        [component.other]
        source = "{{guest:{other}}}"
        {more}
        [[trigger.http]]
        route = "/"
        component = "root"
    "#
    ))
}

/// A core module that answers 200, after it has asked preview 1 for random bytes and its handler,
/// which is called `name`, has done what `more` says.
fn module_of_preview_1(name: &str, more: &str) -> Vec<u8> {
    let packages = ["clocks", "filesystem", "io", "random", "sockets", "cli", "http"];
    let folder = Path::new("../wit/wasi-0.2");
    let parse = |text: &str| {
        UnresolvedPackageGroup::parse("test.wit", text)
            .unwrap_or_else(|(_, error)| panic!("WIT is parsed: {error}"))
    };
    let packages = packages.map(|name| {
        parse(&fs::read_to_string(folder.join(format!("{name}.wit"))).expect("WIT is there"))
    });
    let main = "package test:old; world old { export wasi:http/incoming-handler@0.2.12; }";
    let mut resolve = Resolve::default();
    let main = resolve.push_groups(parse(main), packages.into()).expect("WIT is resolved");
    let world = resolve.select_world(&[main], None).expect("there is one world");
    let types = resolve.worlds[world].imports.values().find_map(|item| match item {
        WorldItem::Interface { id, .. } if resolve.id_of(*id)?.contains("http/types") => Some(*id),
        _ => None,
    });
    let functions = &resolve.interfaces[types.expect("the handler uses types")].functions;
    let set = resolve
        .wasm_signature(AbiVariant::GuestImport, &functions["[static]response-outparam.set"]);
    let number = |ty: &WasmType| match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        _ => "i32",
    };
    let parameters: Vec<_> = set.params.iter().map(number).collect();
    // The handle of the answer is the payload of the result; after it comes what an error needs.
    let rest: String = parameters[3..].iter().map(|ty| format!("({ty}.const 0)")).collect();
    let mut module = wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "random_get"
                (func $random (param i32 i32) (result i32)))
            (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
            (import "wasi:http/types@0.2.12" "[constructor]outgoing-response"
                (func $response (param i32) (result i32)))
            (import "wasi:http/types@0.2.12" "[static]response-outparam.set"
                (func $set (param {})))
            (memory (export "memory") 1)
            (global $next (mut i32) (i32.const 1024))
            ;; The adapter asks it for a stack.
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (drop (memory.grow (i32.const 2)))
                (global.get $next)
                (global.set $next (i32.add (global.get $next) (local.get 3))))
            (func $"{name}" (export "wasi:http/incoming-handler@0.2.12#handle")
                (param $in i32) (param $out i32)
                {more}
                (if (call $random (i32.const 64) (i32.const 8)) (then unreachable))
                (call $set (local.get $out) (i32.const 0) (call $response (call $fields)) {rest})))"#,
        parameters.join(" "),
    ))
    .expect("the module is well-formed");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the module takes its types");
    module
}

#[test]
fn a_core_module_of_preview_1_is_adapted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old.wasm");
    fs::write(&path, module_of_preview_1("handle", "")).expect("written");
    let keyway = Keyway::up(&path);
    for _ in 0..2 {
        assert_eq!(keyway.get("/").status, 200);
    }
}

#[test]
fn names_in_a_trap_cannot_forge_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hostile.wasm");
    let module = module_of_preview_1(r"x\nhello: forged", "unreachable");
    fs::write(&path, module).expect("written");
    let keyway = Keyway::up(&path);
    assert_eq!(keyway.get("/").status, 500);
    keyway.wait_for_stderr(r"in wasm: x\nhello: forged");
    assert!(!keyway.stderr().contains("\nhello: forged"), "{}", keyway.stderr());
}

#[test]
fn a_middleware_stands_in_front_of_a_service() {
    let keyway = linked("tag-p3", "wasi:http/handler", "hello-p3", "");
    let answer = keyway.get("/");
    assert_eq!((answer.status, answer.body.as_str()), (200, "Hello, world!\n"));
    assert_eq!(answer.header("x-tag"), Some("seen"));
}

#[test]
fn a_middleware_needs_something_to_stand_in_front_of() {
    let finished = keyway_testing::finish(["check", &guest("tag-p3").display().to_string()]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("nothing satisfies the import"), "{}", finished.stderr);
}

#[test]
fn a_component_of_0_2_is_linked_to_one_of_0_3() {
    let grant = r#"grant.env = { GREETING = "Good day" }"#;
    let keyway = linked("front", "test:greet/greeter", "greeter-p3", grant);
    assert_eq!(keyway.get("/Ada").body, "Good day, Ada!");
}

#[test]
fn a_component_of_0_3_is_linked_to_one_of_0_2() {
    let keyway = linked("front-p3", "test:greet/greeter", "greeter", "");
    assert_eq!(keyway.get("/").body, "Hello, 0.3!");
}

#[test]
fn a_client_of_0_3_reaches_what_it_is_granted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let origin = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            }
        }
    });
    let fetch = |grant: &str| {
        let keyway = RunningApp::up(&format!(
            r#"
            [app]
            name = "fetch"
            [component.fetch]
            source = "{{guest:fetch-p3}}"
            {grant}
            [[trigger.http]]
            route = "/"
            component = "fetch"
        "#
        ));
        (keyway.get(&format!("/{origin}")).body, keyway)
    };
    let (body, _) = fetch(&format!("grant.http = [\"http://{origin}\"]"));
    assert_eq!(body, "204");
    let (body, keyway) = fetch("");
    assert!(body.contains("HttpRequestDenied"), "{body}");
    keyway.wait_for_stderr(&format!("component.fetch.grant.http = [\"http://{origin}\"]"));
}

#[test]
fn a_service_sees_the_target_of_its_request() {
    let keyway = Keyway::up(guest("target-p3"));
    let address = keyway.address();
    let seen = |method: &str, path: &str, headers: &str| {
        request(address, method, path, headers, b"").body.trim_end().to_owned()
    };
    let host = "Host: shop.example:8080\r\n";
    assert_eq!(seen("GET", "/", ""), format!("Method::Get Scheme::Http {address} /"));
    assert_eq!(
        seen("POST", "/a/b?c=d&e", host),
        "Method::Post Scheme::Http shop.example:8080 /a/b?c=d&e"
    );
    // An absolute form names the host, whatever the header says (RFC 9112, section 3.2.2).
    assert_eq!(
        seen("GET", "http://other.example/x?y", host),
        "Method::Get Scheme::Http other.example /x?y"
    );
    assert_eq!(
        seen("PURGE", "/%20//x/?", host),
        "Method::Other(\"PURGE\") Scheme::Http shop.example:8080 /%20//x/?"
    );
    assert_eq!(seen("OPTIONS", "*", host), "Method::Options Scheme::Http shop.example:8080 *");
}
