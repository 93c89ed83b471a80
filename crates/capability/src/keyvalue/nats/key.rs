//! How a key is written in a bucket, whose keys may hold letters, digits, `-`, `_`, `/`, `=` and
//! dots that are neither first nor last nor side by side.
//!
//! Allowed characters stay unchanged, so that other programs find the key. Any other byte is
//! written as `=` and two hexadecimal digits, and so is `=` itself; the empty key is `=`.

/// Writes a key as a bucket takes it.
pub(super) fn encode(key: &str) -> String {
    if key.is_empty() {
        return "=".to_owned();
    }
    let mut name = String::with_capacity(key.len());
    let mut bytes = key.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let is_kept = match byte {
            b'.' => {
                !name.is_empty()
                    && !name.ends_with('.')
                    && bytes.peek().is_some_and(|next| *next != b'.')
            }
            b'-' | b'_' | b'/' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if is_kept {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("={byte:02X}"));
        }
    }
    name
}

/// Reads a key that [`encode`] wrote; `None` for a name that another program chose and that stands
/// for no key.
pub(super) fn decode(name: &str) -> Option<String> {
    if name == "=" {
        return Some(String::new());
    }
    let mut key = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte == b'=' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            key.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            key.push(*byte);
        }
    }
    let key = String::from_utf8(key).ok()?;
    // A key has one name: one that is listed can be read.
    (encode(&key) == name).then_some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_keys_stay_as_they_are() {
        for key in ["a", "user/1", "a.b.c", "A-b_c"] {
            assert_eq!(encode(key), key);
        }
        assert_eq!(encode(".a..b."), "=2Ea=2E.b=2E");
        assert_eq!(encode("a=b c"), "a=3Db=20c");
        assert_eq!(encode("é"), "=C3=A9");
    }

    #[test]
    fn names_of_other_programs_are_no_keys() {
        for name in ["a=b", "=3d", "=41", "=", "==", "=C3", "a="] {
            assert_eq!(decode(name).is_some(), name == "=", "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_read_back(key in r"[a-c.= */é\u{1F600}]{0,12}|\PC{0,40}") {
            let name = encode(&key);
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/=.".contains(&byte);
            prop_assert!(name.bytes().all(is_allowed));
            prop_assert!(!name.is_empty() && !name.starts_with('.') && !name.ends_with('.'));
            prop_assert!(!name.contains(".."));
            prop_assert_eq!(decode(&name), Some(key));
        }
    }
}
