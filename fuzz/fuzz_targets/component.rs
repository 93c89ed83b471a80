//! Any bytes are a component or are refused with a reason. A component that nothing is linked to
//! stays as it is when it is fused alone, and what it is welded to is a component too.

#![no_main]

use keyway_component::{Part, adapt, describe, fuse, weld};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(component) = adapt(bytes) else { return };
    // This validates the bodies of functions too, which fusing leaves to the engine: its errors
    // say nothing about what follows.
    let description = describe(&component);
    let welded = weld(&component);
    if let Ok(description) = description {
        let welded = describe(&welded).expect("what is welded is valid");
        assert!(welded.imports == description.imports && welded.exports == description.exports);
    }
    let part = Part { name: "root", bytes: &component, links: Vec::new() };
    match fuse("root", &[part]) {
        Ok(unit) => assert!(unit.bytes == *component, "a root without links stays as it is"),
        Err(errors) => assert!(!errors.is_empty(), "a component is refused without a reason"),
    }
});
