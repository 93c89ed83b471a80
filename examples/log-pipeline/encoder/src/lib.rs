//! Implements `neon:crypto/encoder` with the fictional cipher. It hides nothing from anybody.

mod bindings {
    wit_bindgen::generate!({ world: "library", path: "wit" });
    use super::Encoder;
    export!(Encoder);
}

struct Encoder;

impl bindings::exports::neon::crypto::encoder::Guest for Encoder {
    fn encode(input: String) -> String {
        input.chars().map(shift).collect()
    }
}

/// The next Unicode scalar value. The surrogates are no characters, so U+D7FF is followed by
/// U+E000, and the last one of all, U+10FFFF, by U+0000: the cipher stays reversible.
fn shift(letter: char) -> char {
    (letter..=char::MAX).nth(1).unwrap_or('\0')
}

#[cfg(test)]
mod tests {
    use super::shift;

    #[test]
    fn letters_move_on_by_one() {
        let encoded: String = "HAL zé".chars().map(shift).collect();
        assert_eq!(encoded, "IBM!{ê");
    }

    #[test]
    fn the_surrogates_are_skipped() {
        assert_eq!(shift('\u{D7FF}'), '\u{E000}');
    }

    #[test]
    fn the_last_character_wraps_to_the_first() {
        assert_eq!(shift(char::MAX), '\0');
    }
}
