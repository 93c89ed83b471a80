//! The example `log-pipeline`, as its README tells a user to try it.

use keyway_testing::{Keyway, example, request};

#[test]
fn a_log_line_is_parsed() {
    let keyway = Keyway::up(example("log-pipeline"));
    let post =
        |path: &str, body: &str| request(keyway.address(), "POST", path, "", body.as_bytes());
    let parsed = post("/parse", "1772366400 WARN disk is full");
    assert_eq!(parsed.status, 200, "{parsed:?}");
    for part in
        ["\"timestamp\":1772366400", "\"severity\":\"WARN\"", "\"message\":\"disk is full\""]
    {
        assert!(parsed.body.contains(part), "{parsed:?}");
    }
    let malformed = post("/parse", "two parts");
    assert_eq!(malformed.status, 422, "{malformed:?}");
    assert_eq!(malformed.body.trim(), "{\"error\":\"Malformed log entry\"}");
}

#[test]
fn a_text_is_encoded_by_a_component_behind_another() {
    let keyway = Keyway::up(example("log-pipeline"));
    let ingested = request(keyway.address(), "POST", "/ingest", "", b"Keyway");
    assert_eq!((ingested.status, ingested.body.trim()), (200, "{\"encoded\":\"Lfzxbz\"}"));
}
