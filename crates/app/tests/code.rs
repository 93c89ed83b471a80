//! The codes of problems are a promise, which `docs/problems.md` shows. `BLESS=1` rewrites it.

use std::{collections::BTreeSet, env, fmt::Write, fs, path::PathBuf};

use keyway_app::Code;

#[test]
fn the_codes_are_those_of_the_document() {
    let mut text = "\
# Problem codes

Every problem that Keyway reports has a code; `--json` and the admin API return it with the message. Codes are
stable: a code is never renamed or reused for something else.

| code | what is wrong |
| --- | --- |
"
    .to_owned();
    for code in Code::ALL {
        let line = writeln!(text, "| `{code}` | {} |", code.meaning());
        line.expect("a string takes all that is written");
    }
    // Asked at run time: what was compiled may come from another checkout that shares the build
    // folder.
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"));
    let path = here.join("../../docs/problems.md");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &text).expect("the document is written");
    }
    let shown = fs::read_to_string(&path).unwrap_or_default();
    assert!(shown == text, "docs/problems.md differs from the codes: renew it with BLESS=1");
}

#[test]
fn a_code_is_in_kebab_case_and_means_one_thing() {
    let mut seen = BTreeSet::new();
    for code in Code::ALL {
        let text = code.as_str();
        assert!(seen.insert(text), "`{text}` is there twice");
        assert!(!text.is_empty() && !text.starts_with('-') && !text.ends_with('-'), "{text}");
        let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(text.chars().all(is_kebab) && !text.contains("--"), "{text}");
        let meaning = code.meaning();
        assert!(meaning.ends_with('.') && !meaning.contains(". "), "{text}: {meaning}");
    }
}
