//! Names of containers and objects, and how they are escaped where not every text is allowed: in
//! file paths and S3 keys.
//!
//! A name stays unchanged as far as possible, `/` included, so that files and their objects have
//! the same names. Characters with another meaning are written as `%` and two digits.

use super::Error;

/// The longest name of an object, in bytes: what S3 takes.
pub const OBJECT_LIMIT_BYTES: usize = 1024;

/// The longest name of a container, in bytes.
pub const CONTAINER_LIMIT_BYTES: usize = 128;

/// How an empty part of a name is written, as there is one before the `/` of `/a`. No part that is
/// not empty is written so.
const EMPTY: &str = "%";

/// Refuses a name of a container that not every backend can keep.
pub(super) fn check_container(name: &str) -> Result<(), Error> {
    check(name, "a container", CONTAINER_LIMIT_BYTES)
}

/// Refuses a name of an object that not every backend can keep.
pub(super) fn check_object(name: &str) -> Result<(), Error> {
    check(name, "an object", OBJECT_LIMIT_BYTES)
}

fn check(name: &str, what: &'static str, limit_bytes: usize) -> Result<(), Error> {
    let is_right = !name.is_empty() && name.len() <= limit_bytes && !name.contains('\0');
    if is_right {
        return Ok(());
    }
    let start: String = name.chars().take(32).collect();
    Err(Error::Name {
        name: start.replace('\0', "\\0"),
        what,
        rule: format!("use 1 to {limit_bytes} bytes, without the character U+0000"),
    })
}

/// A container's name as one part of a path.
pub(super) fn write_container(name: &str) -> String {
    let mut written = String::new();
    write_part(&mut written, name);
    written
}

/// An object's name as a path of one or more parts, none of which is empty or begins with a dot.
pub(super) fn write_object(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    for (number, part) in name.split('/').enumerate() {
        if number > 0 {
            written.push('/');
        }
        write_part(&mut written, part);
    }
    written
}

/// The name of a container that was written as one part of a path; none if none is written so.
pub(super) fn read_container(part: &str) -> Option<String> {
    let name = percent_encoding::percent_decode_str(part).decode_utf8().ok()?.into_owned();
    (!name.is_empty() && write_container(&name) == part).then_some(name)
}

/// The name that was written as a path; none if no name is written so.
pub(super) fn read_object(path: &str) -> Option<String> {
    let mut name = String::with_capacity(path.len());
    for (number, part) in path.split('/').enumerate() {
        if number > 0 {
            name.push('/');
        }
        if part != EMPTY {
            name.push_str(&percent_encoding::percent_decode_str(part).decode_utf8().ok()?);
        }
    }
    (!name.is_empty() && write_object(&name) == path).then_some(name)
}

/// What the path of every object begins with whose name begins with `prefix`.
pub(super) fn write_prefix(prefix: &str) -> String {
    match prefix.rsplit_once('/') {
        // An unfinished part is left out if its escaping depends on what follows.
        Some((parts, "")) => write_object(parts) + "/",
        Some((parts, last)) => write_object(parts) + "/" + &write_object(last),
        None if prefix.is_empty() => String::new(),
        None => write_object(prefix),
    }
}

fn write_part(written: &mut String, part: &str) {
    if part.is_empty() {
        written.push_str(EMPTY);
    }
    for (position, character) in part.chars().enumerate() {
        let is_special = match character {
            '.' => position == 0,
            '/' | '\\' | '%' => true,
            other => other.is_ascii_control(),
        };
        if is_special {
            // Only characters of one byte are special.
            written.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            written.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_as_they_are_as_far_as_they_can() {
        for (name, path) in [
            ("a", "a"),
            ("2024/summer/a cat.jpg", "2024/summer/a cat.jpg"),
            ("/a", "%/a"),
            ("a/", "a/%"),
            ("a//b", "a/%/b"),
            ("../../etc/passwd", "%2E./%2E./etc/passwd"),
            (".", "%2E"),
            ("100%", "100%25"),
            ("a\\b", "a%5Cb"),
            ("日本", "日本"),
        ] {
            assert_eq!(write_object(name), path);
            assert_eq!(read_object(path).as_deref(), Some(name));
        }
        assert_eq!(write_container("a/../b"), "a%2F..%2Fb");
        assert_eq!(read_container("a%2F..%2Fb").as_deref(), Some("a/../b"));
        assert_eq!(read_container(".keyway"), None);
    }

    #[test]
    fn a_path_that_nobody_wrote_is_no_name() {
        for path in ["", "%", ".git/config", "a/%2e", "a/../b", "a%41", "%zz", "a//b"] {
            assert_eq!(read_object(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "[a./%\\\\é\u{1}]{1,12}") {
            let path = write_object(&name);
            prop_assert_eq!(read_object(&path), Some(name));
            let mut parts = path.split('/');
            prop_assert!(parts.all(|part| !part.is_empty() && !part.starts_with('.')));
        }

        #[test]
        fn a_prefix_is_one_of_the_path_too(name in "[a./%é]{1,12}", length in 0_usize..12) {
            let length = (0..=length.min(name.len())).rev().find(|at| name.is_char_boundary(*at));
            let prefix = &name[..length.unwrap_or(0)];
            prop_assert!(write_object(&name).starts_with(&write_prefix(prefix)), "{prefix:?}");
        }
    }
}
