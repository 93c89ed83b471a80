//! Components to test with: made of WIT text, with function bodies that do nothing.

use keyway_component::{FuseError, Part, PartLink, Unit, fuse};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// The component of `world test` in a WIT text, which may hold several packages.
pub(crate) fn component(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let package = resolve.push_str("test.wit", wit).expect("the test's WIT is valid");
    let world = resolve.select_world(&[package], Some("test")).expect("the WIT has `world test`");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be embedded");
    ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .expect("the module implements the world")
}

/// A core module that brings a world along in which are these items.
pub(crate) fn in_world(module: &str, items: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("the test's text is valid");
    let mut resolve = Resolve::default();
    let wit = format!("package test:test; world test {{ {items} }}");
    let package = resolve.push_str("test.wit", &wit).expect("the test's WIT is valid");
    let world = resolve.select_world(&[package], None).expect("the WIT has one world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be embedded");
    module
}

/// A part with its links, each an import and a target.
pub(crate) fn part<'a>(name: &'a str, bytes: &'a [u8], links: &[(&'a str, &'a str)]) -> Part<'a> {
    let links = links.iter().map(|&(import, to)| PartLink { import, to }).collect();
    Part { name, bytes, links }
}

/// Fuses what must fuse.
pub(crate) fn fused(root: &str, parts: &[Part<'_>]) -> Unit {
    fuse(root, parts).unwrap_or_else(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("the parts should fuse: {errors:#?}")
    })
}

/// The problems of what must not fuse.
pub(crate) fn problems(root: &str, parts: &[Part<'_>]) -> Vec<FuseError> {
    fuse(root, parts).expect_err("the parts should not fuse")
}

/// A unit's imports as (name, interface, owner's name).
pub(crate) fn imports(unit: &Unit) -> Vec<(&str, &str, Option<&str>)> {
    let imports = unit.imports.iter();
    imports
        .map(|import| {
            let owner = import.component.map(|index| unit.components[index].as_str());
            (import.name.as_str(), import.interface.as_str(), owner)
        })
        .collect()
}

/// What of WASI the tests use, in one 0.2 and one 0.3 version, cut to what matters.
pub(crate) fn wasi(patch: u32) -> String {
    format!(
        "
        package wasi:io@0.2.{patch} {{
            interface poll {{ resource pollable; }}
            interface streams {{
                use poll.{{pollable}};
                resource input-stream {{ read: func(len: u64) -> list<u8>; subscribe: func() -> pollable; }}
            }}
        }}
        package wasi:clocks@0.2.{patch} {{
            interface monotonic-clock {{
                use wasi:io/poll@0.2.{patch}.{{pollable}};
                type duration = u64;
                now: func() -> u64;
                subscribe-duration: func(when: duration) -> pollable;
            }}
        }}
        package wasi:http@0.2.{patch} {{
            interface types {{
                use wasi:io/streams@0.2.{patch}.{{input-stream}};
                use wasi:clocks/monotonic-clock@0.2.{patch}.{{duration}};
                variant error-code {{ denied, timeout(duration) }}
                resource request {{ constructor(url: string); wait: func(time: duration); }}
                resource response {{ body: func() -> input-stream; }}
            }}
            interface outgoing-handler {{
                use types.{{request, response, error-code}};
                handle: func(request: request) -> result<response, error-code>;
            }}
            interface incoming-handler {{
                use types.{{request, response}};
                handle: func(request: request) -> response;
            }}
        }}
        "
    )
}
