//! The example `marketplace`: who may have a picture resized, to what size, and for how much.
//!
//! `marketplace/tokens.txt` has tokens that were signed once by keys whose public halves are in
//! `marketplace/jwks.json`; the private ones are gone. Those that count do so until the year 2100.

use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use keyway_testing::{Keyway, RunningApp, app, example, finish};

fn fixture(name: &str) -> PathBuf {
    let examples = example("");
    let root = examples.parent().expect("the examples lie in the workspace");
    root.join("tests/tests/marketplace").join(name)
}

fn picture(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).expect("the picture")
}

fn token(name: &str) -> String {
    let text = fs::read_to_string(fixture("tokens.txt")).expect("the tokens");
    let tokens = text.lines().filter_map(|line| line.split_once(' '));
    let mut named = tokens.filter(|(known, _)| *known == name);
    named.next().unwrap_or_else(|| panic!("no token `{name}`")).1.to_owned()
}

/// The example, with the keys of the tests.
fn market() -> RunningApp {
    let market = example("marketplace");
    let manifest = fs::read_to_string(market.join("keyway.toml")).expect("the manifest");
    let manifest = manifest.replace("source = \"", &format!("source = \"{}/", market.display()));
    let folder = app(&manifest);
    fs::create_dir(folder.path().join("keys")).expect("the folder of keys");
    fs::copy(fixture("jwks.json"), folder.path().join("keys/jwks.json")).expect("the keys");
    RunningApp { keyway: Keyway::up(folder.path()), folder }
}

struct Sold {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Sold {
    fn error(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map_or("", |(_, value)| value)
    }
}

/// Sends a picture. Its answer is bytes, and not text as others are.
fn sell(keyway: &Keyway, query: &str, authorization: &str, picture: &[u8]) -> Sold {
    let mut stream = TcpStream::connect(keyway.address()).expect("the server accepts");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out can be set");
    let head = format!(
        "POST /pictures{query} HTTP/1.1\r\nhost: market\r\nconnection: close\r\n{authorization}\
         content-length: {}\r\n\r\n",
        picture.len()
    );
    stream.write_all(head.as_bytes()).expect("the head is sent");
    // A request that is refused at once need not be read to its end.
    let _ = stream.write_all(picture);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Sold { status, head, body: answer.split_off(end + 4) }
}

fn bearer(name: &str) -> String {
    format!("authorization: Bearer {}\r\n", token(name))
}

/// What a picture says about its size.
fn size(picture: &[u8]) -> (u32, u32) {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    if picture.starts_with(b"\x89PNG\r\n\x1a\n") {
        return (number(&picture[16..20]), number(&picture[20..24]));
    }
    // JPEG: a chain of segments, one of which begins the frame.
    assert!(picture.starts_with(&[0xFF, 0xD8]), "neither PNG nor JPEG");
    let mut rest = &picture[2..];
    loop {
        if rest[1] == 0xC0 {
            return (number(&rest[7..9]), number(&rest[5..7]));
        }
        rest = &rest[2 + number(&rest[2..4]) as usize..];
    }
}

#[test]
fn pictures_are_resized() {
    let keyway = market();
    for (name, query, expected, cents, kind) in [
        ("gradient.jpg", "?width=320&height=320", (320, 240), "5", "image/jpeg"),
        ("gradient.jpg", "?width=4096&height=100", (133, 100), "5", "image/jpeg"),
        ("gradient.png", "?width=150&height=150", (150, 100), "5", "image/png"),
        // Nothing is made larger than it is.
        ("gradient.png", "?width=1000&height=1000", (300, 200), "5", "image/png"),
        ("gradient.png", "", (256, 171), "5", "image/png"),
    ] {
        let sold = sell(&keyway, query, &bearer("rs256"), &picture(name));
        assert_eq!(sold.status, 200, "{name}{query}: {}", sold.error());
        assert_eq!(size(&sold.body), expected, "{name}{query}");
        assert_eq!(sold.header("content-type"), kind);
        assert_eq!(sold.header("x-price-cents"), cents);
        assert_eq!(sold.header("x-picture-size"), format!("{}x{}", expected.0, expected.1));
        // What comes out is a whole picture, which goes in again.
        let again = sell(&keyway, "?width=10&height=10", &bearer("es256"), &sold.body);
        assert_eq!(again.status, 200, "{name}{query}: {}", again.error());
    }
}

#[test]
fn the_app_is_one_file_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("market.wasm");
    fs::copy(fixture("jwks.json"), folder.path().join("jwks.json")).expect("the keys");
    let market = example("marketplace");
    let compose: [&OsStr; 4] = ["compose".as_ref(), market.as_ref(), "-o".as_ref(), file.as_ref()];
    let composed = finish(compose);
    assert_eq!(composed.code, Some(0), "{}", composed.stderr);
    // What its manifest grants to one of its components, whoever runs it grants to all.
    let keys = format!("{}::/keys:ro", folder.path().display());
    let env = ["ISSUER=https://login.example.com", "AUDIENCE=picture-market"];
    let keyway = Keyway::up_with(&file, &["--dir", &keys, "--env", env[0], "--env", env[1]]);
    let query = "?width=150&height=150";
    let sold = sell(&keyway, query, &bearer("eddsa"), &picture("gradient.png"));
    assert_eq!(sold.status, 200, "{}", sold.error());
    assert_eq!(size(&sold.body), (150, 100));
}

#[test]
fn each_algorithm_is_verified() {
    let keyway = market();
    for name in ["rs256", "es256", "eddsa", "audiences"] {
        let sold = sell(&keyway, "?width=10&height=10", &bearer(name), &picture("gradient.png"));
        assert_eq!(sold.status, 200, "{name}: {}", sold.error());
    }
}

#[test]
fn a_token_that_does_not_count_is_refused_with_a_reason() {
    let keyway = market();
    for (name, reason) in [
        ("expired", "The token has expired."),
        ("early", "The token is not valid yet."),
        ("issuer", "The token comes from another issuer."),
        ("audience", "The token is for another audience."),
        ("no-exp", "The token has no claim `exp`."),
        ("no-iss", "The token has no claim `iss`."),
        ("no-aud", "The token has no claim `aud`."),
        ("no-sub", "The token has no claim `sub`."),
        ("other-key", "The signature is wrong."),
        ("changed", "The signature is wrong."),
        ("cut", "The signature is wrong."),
        ("no-signature-bytes", "The token cannot be read."),
        ("unknown-key", "No key is known by the identifier `nobody`."),
        ("no-key", "The token does not say which key signed it."),
        ("none", "The token cannot be read."),
        ("none-upper", "The token cannot be read."),
        ("two-parts", "The token cannot be read."),
        ("hs256-pem", "The token's algorithm does not match its key."),
        ("hs256-der", "The token's algorithm does not match its key."),
        ("rs512", "The token's algorithm does not match its key."),
        ("rs256-as-ec", "The token's algorithm does not match its key."),
        ("ec-as-rs256", "The token's algorithm does not match its key."),
        ("hs256-secret", "The key is not for RS256, ES256 or EdDSA."),
    ] {
        let sold = sell(&keyway, "", &bearer(name), &picture("gradient.png"));
        assert_eq!(sold.error(), format!("{{\"error\":\"{reason}\"}}"), "{name}");
        assert_eq!((sold.status, sold.header("www-authenticate")), (401, "Bearer"), "{name}");
    }
    for authorization in ["", "authorization: Basic Zm9vOmJhcg==\r\n", "authorization: Bearer\r\n"]
    {
        let sold = sell(&keyway, "", authorization, &picture("gradient.png"));
        assert_eq!(sold.status, 401, "{authorization}: {}", sold.error());
    }
    let large = format!("authorization: Bearer {}\r\n", "a".repeat(9_000));
    let sold = sell(&keyway, "", &large, &picture("gradient.png"));
    assert_eq!(sold.error(), "{\"error\":\"The token is larger than 8192 bytes.\"}");
}

#[test]
fn a_plan_says_what_may_be_had_for_how_much() {
    let keyway = market();
    let jpeg = picture("gradient.jpg");
    let query = "?width=600&height=600";
    for (plan, width, cents) in
        [("free", "256x192", "0"), ("rs256", "600x450", "5"), ("studio", "600x450", "2")]
    {
        let sold = sell(&keyway, query, &bearer(plan), &jpeg);
        assert_eq!(sold.header("x-picture-size"), width, "{plan}: {}", sold.error());
        assert_eq!(sold.header("x-price-cents"), cents, "{plan}");
    }
    let unknown = sell(&keyway, query, &bearer("gold"), &jpeg);
    let reason = "{\"error\":\"There is no plan `gold`: the plans are free, standard, studio.\"}";
    assert_eq!((unknown.status, unknown.error().as_str()), (403, reason));
    // The end of a JPEG file may be followed by anything.
    let large = [jpeg, vec![0; 1 << 20]].concat();
    let sold = sell(&keyway, query, &bearer("free"), &large);
    let reason = "{\"error\":\"The plan `free` takes pictures of up to 1 MiB.\"}";
    assert_eq!((sold.status, sold.error().as_str()), (403, reason));
}

#[test]
fn what_is_no_picture_or_too_large_a_one_is_refused() {
    let keyway = market();
    let png = picture("gradient.png");
    // A few bytes that say they are 50,000 pixels wide and high.
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xC3, 0x50, 0, 0, 0xC3, 0x50]);
    let mut broken = png.clone();
    broken.truncate(png.len() / 2);
    for (name, picture, reason) in [
        ("text", b"no picture".to_vec(), "The picture is neither PNG nor JPEG."),
        ("nothing", vec![], "The picture is neither PNG nor JPEG."),
        ("a bomb", bomb, "The picture "),
        ("half a picture", broken, "The picture is broken: "),
    ] {
        let sold = sell(&keyway, "", &bearer("studio"), &picture);
        assert_eq!(sold.status, 422, "{name}: {}", sold.error());
        assert!(sold.error().starts_with(&format!("{{\"error\":\"{reason}")), "{}", sold.error());
    }
    let sold = sell(&keyway, "", &bearer("studio"), &vec![0; (8 << 20) + 1]);
    assert_eq!(sold.status, 413, "{}", sold.error());
    let sold = sell(&keyway, "?width=many", &bearer("studio"), &png);
    assert_eq!(sold.status, 400, "{}", sold.error());
}

#[test]
fn the_page_is_there() {
    let keyway = market();
    let page = keyway.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("<form"), "{}", page.body);
}
