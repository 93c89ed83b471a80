//! What attacks look like. Knows nothing of components.

/// Bytes by which an attack is known.
#[derive(Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: &'static str,
    /// From 1, a nuisance, to 10.
    pub level: u8,
    place: Place,
    /// Letters of ASCII stand for both cases.
    bytes: &'static [u8],
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    /// It is the type of a file.
    Start,
}

use Place::{Anywhere, Start};

const fn signature(level: u8, name: &'static str, place: Place, bytes: &'static [u8]) -> Signature {
    Signature { name, level, place, bytes }
}

/// The worst first: of those that are found, the first one counts.
const SIGNATURES: [Signature; 12] = [
    signature(10, "eicar-test-file", Anywhere, b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR"),
    signature(10, "shellshock", Anywhere, b"() { :;};"),
    signature(10, "log4shell", Anywhere, b"${jndi:"),
    signature(9, "php-web-shell", Anywhere, b"eval(base64_decode("),
    signature(9, "nop-sled", Anywhere, &[0x90; 16]),
    signature(8, "private-key", Anywhere, b"PRIVATE KEY-----"),
    signature(7, "elf-program", Start, b"\x7FELF"),
    signature(7, "windows-program", Start, b"MZ"),
    signature(6, "sql-injection", Anywhere, b"' or '1'='1"),
    signature(6, "sql-injection", Anywhere, b" union select "),
    signature(5, "script-injection", Anywhere, b"<script"),
    signature(4, "path-traversal", Anywhere, b"../../"),
];

/// The worst that is found in `payload`.
pub fn worst(payload: &[u8]) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.is_in(payload))
}

impl Signature {
    fn is_in(&self, payload: &[u8]) -> bool {
        let mut places = payload.windows(self.bytes.len());
        let is_here = |window: &[u8]| window.eq_ignore_ascii_case(self.bytes);
        match self.place {
            Anywhere => places.any(is_here),
            Start => places.next().is_some_and(is_here),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SIGNATURES, worst};

    #[test]
    fn every_signature_is_found_wherever_it_may_stand() {
        for signature in &SIGNATURES {
            assert_eq!(worst(signature.bytes), Some(signature));
            let inside = [b"before ", signature.bytes, b" after"].concat();
            let is_found = worst(&inside).is_some();
            assert_eq!(is_found, signature.place == super::Anywhere, "{}", signature.name);
        }
    }

    #[test]
    fn the_worst_of_several_counts() {
        let worst = worst(b"<SCRIPT>${JNDI:ldap://x}</SCRIPT>").expect("two signatures");
        assert_eq!((worst.name, worst.level), ("log4shell", 10));
    }

    #[test]
    fn what_is_harmless_has_none() {
        for payload in [&b"hello"[..], b"", b"M", b"a <b>bold</b> text", &[0x90; 15]] {
            assert_eq!(worst(payload), None);
        }
    }
}
