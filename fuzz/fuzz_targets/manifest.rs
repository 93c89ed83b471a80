//! Any text is a manifest or has problems whose places lie in it.

#![no_main]

use std::path::Path;

use keyway_app::{App, Problem};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Err(problems) = App::from_toml("keyway.toml", text, Path::new("/app")) else { return };
    assert!(!problems.is_empty(), "a manifest is refused without a reason");
    for Problem { place, .. } in problems {
        let place = place.expect("a problem says where it is");
        assert!(text.get(place.span.clone()).is_some(), "{place:?} lies outside the text");
        let (line, column) = place.line_column();
        assert!(line > 0 && column > 0, "lines and columns count from 1");
    }
});
