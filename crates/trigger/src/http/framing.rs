//! Follows the framing of a client's HTTP/1 requests, beside hyper, for what hyper lets pass.
//!
//! Where a line of the trailers ends without a carriage return, hyper goes on to the end of the next
//! request's head and drops that. And where a request has both a length and a coding, whoever stands
//! before this server may have read it otherwise (RFC 9112, section 6.1). It refuses nothing else,
//! and gives up where hyper will refuse.

use memchr::memchr;

/// More than the longest line that hyper takes.
const LONGEST_LINE_BYTES: usize = 1 << 20;

/// Where the client is in its requests.
#[derive(Debug)]
pub(super) struct Framing {
    expected: Expected,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// The heads that have come to their end.
    heads: u64,
    /// How long a head may be, in bytes.
    longest_head: usize,
    /// Whether the first line of a head is longer than that.
    has_long_target: bool,
}

/// What comes next.
#[derive(Debug)]
enum Expected {
    /// A line of a head. The first one is never empty.
    Head { is_first: bool, length: Length, has_both: bool },
    /// So many bytes of contents, in one piece or of a chunk, with the end of its line.
    Bytes { left: u64, is_chunk: bool },
    /// How long the next chunk is.
    Size,
    /// A line of the trailers.
    Trailer,
    /// Nobody knows: hyper will refuse what came.
    Unknown,
}

/// What a head says of the contents.
#[derive(Debug, Clone, Copy)]
enum Length {
    None,
    Bytes(u64),
    Chunked,
    /// Coded in a way that says no length.
    Unknown,
}

/// Which request has no end that is beyond doubt, and from where in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Its number among those of the connection; the first is 1.
    pub(super) request: u64,
    /// How many bytes come before them.
    pub(super) at: usize,
}

impl Framing {
    /// For heads that may have so many bytes.
    pub(super) fn new(longest_head: usize) -> Self {
        Framing {
            expected: Expected::head(),
            begun: Vec::new(),
            heads: 0,
            longest_head,
            has_long_target: false,
        }
    }

    /// Whether a head was too long for its target alone.
    pub(super) fn has_long_target(&self) -> bool {
        self.has_long_target
    }

    /// Takes note of the next bytes of the client.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Expected::Bytes { left, is_chunk } = &mut self.expected {
                let here = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                rest = &rest[here..];
                *left -= here as u64;
                if *left == 0 {
                    self.expected = if *is_chunk { Expected::Size } else { Expected::head() };
                }
                continue;
            }
            if matches!(self.expected, Expected::Unknown) {
                break;
            }
            let Some(end) = memchr(b'\n', rest) else {
                self.begun.extend_from_slice(rest);
                self.measure(self.begun.len());
                if self.begun.len() > LONGEST_LINE_BYTES {
                    self.expected = Expected::Unknown;
                }
                break;
            };
            let (line, after) = rest.split_at(end + 1);
            let heads = self.heads;
            let is_well_formed = if self.begun.is_empty() {
                self.take(line)
            } else {
                let mut whole = std::mem::take(&mut self.begun);
                whole.extend_from_slice(line);
                self.take(&whole)
            };
            if !is_well_formed {
                self.expected = Expected::Unknown;
                // A head is read to its end, so that it can be answered.
                let left = if self.heads > heads { after } else { rest };
                return Err(Malformed { request: self.heads, at: bytes.len() - left.len() });
            }
            rest = after;
        }
        Ok(())
    }

    /// Takes note of how long a line is, or will be at least.
    fn measure(&mut self, bytes: usize) {
        if bytes >= self.longest_head
            && matches!(self.expected, Expected::Head { is_first: true, .. })
        {
            self.has_long_target = true;
        }
    }

    /// Takes a whole line. False where it ends a head with two lengths, or belongs to trailers and is
    /// none of HTTP's.
    fn take(&mut self, line: &[u8]) -> bool {
        self.measure(line.len());
        let is_ended_well = line.ends_with(b"\r\n");
        let text = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
        match &mut self.expected {
            Expected::Head { is_first, length, has_both } => match (text.is_empty(), *is_first) {
                // Lines before a request are passed over.
                (true, true) => {}
                (true, false) => {
                    self.heads += 1;
                    if *has_both {
                        return false;
                    }
                    self.expected = match *length {
                        Length::None | Length::Bytes(0) => Expected::head(),
                        Length::Bytes(left) => Expected::Bytes { left, is_chunk: false },
                        Length::Chunked => Expected::Size,
                        Length::Unknown => Expected::Unknown,
                    };
                }
                (false, true) => *is_first = false,
                (false, false) => *has_both |= length.read(text),
            },
            Expected::Size => {
                self.expected = match size(text).filter(|_| is_ended_well) {
                    Some(0) => Expected::Trailer,
                    Some(size) => match size.checked_add(2) {
                        Some(left) => Expected::Bytes { left, is_chunk: true },
                        None => Expected::Unknown,
                    },
                    None => Expected::Unknown,
                };
            }
            Expected::Trailer if !is_ended_well => return false,
            Expected::Trailer if text.is_empty() => self.expected = Expected::head(),
            Expected::Trailer | Expected::Bytes { .. } | Expected::Unknown => {}
        }
        true
    }
}

impl Expected {
    const fn head() -> Self {
        Expected::Head { is_first: true, length: Length::None, has_both: false }
    }
}

impl Length {
    /// Takes note of a field, as hyper does: the last coding counts, and the last length. True if it is
    /// one of each.
    fn read(&mut self, field: &[u8]) -> bool {
        // Most are about something else.
        if !matches!(field[0] | 0x20, b't' | b'c') {
            return false;
        }
        let Some(colon) = memchr(b':', field) else { return false };
        let value = field[colon + 1..].trim_ascii();
        let name = &field[..colon];
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let last = value.rsplit(|b| *b == b',').next().unwrap_or_default();
            let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            let has_both = matches!(self, Length::Bytes(_));
            *self = if is_chunked { Length::Chunked } else { Length::Unknown };
            return has_both && is_chunked;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if matches!(self, Length::Chunked) {
                return true;
            }
            let digits = std::str::from_utf8(value).ok();
            let length = digits.and_then(|digits| digits.parse().ok());
            *self = length.map_or(Length::Unknown, Length::Bytes);
        }
        false
    }
}

/// The size of a chunk, at the beginning of its line.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    u64::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

    fn framing() -> Framing {
        Framing::new(100)
    }

    /// What is found, however the bytes are cut.
    fn found(text: &str) -> Option<u64> {
        let whole = framing().follow(text.as_bytes()).err();
        for pieces in [1, 2, 7] {
            let mut framing = framing();
            let mut pieces = text.as_bytes().chunks(pieces);
            let malformed = pieces.find_map(|piece| framing.follow(piece).err());
            assert_eq!(malformed.map(|it| it.request), whole.map(|it| it.request), "{text:?}");
        }
        whole.map(|it| it.request)
    }

    #[test]
    fn trailers_end_their_lines_as_http_has_it() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let sized = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n0\r\nX\n";
        for (trailers, is_right) in [
            ("0\r\n\r\n", true),
            ("3\r\na\nb\r\n0\r\nX: 1\r\nY: 2\r\n\r\n", true),
            ("a;x=1\r\n0123456789\r\n0\r\n\r\n", true),
            ("0\r\nX: 1\n\n", false),
            ("0\r\nX: 1\r\n\n", false),
            ("0\r\n\n", false),
        ] {
            let request = format!("{CHUNKED}{trailers}");
            assert_eq!(found(&request), (!is_right).then_some(1), "{trailers:?}");
            // Also where others are before it.
            let later = format!("{get}\r\n{sized}{request}{get}");
            assert_eq!(found(&later), (!is_right).then_some(3), "{trailers:?}");
        }
    }

    #[test]
    fn a_target_is_too_long_where_its_line_alone_is() {
        let long = "x".repeat(100);
        for (text, is_long) in [
            (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), true),
            (format!("GET /{long}"), true),
            (format!("{CHUNKED}0\r\n\r\nGET /{long}"), true),
            (format!("GET / HTTP/1.1\r\nX: {long}"), false),
            (format!("{CHUNKED}64\r\n{long}\r\n0;{long}\r\n"), false),
        ] {
            for pieces in [1, 7, 1000] {
                let mut framing = framing();
                for piece in text.as_bytes().chunks(pieces) {
                    framing.follow(piece).expect("it is well formed");
                }
                assert_eq!(framing.has_long_target(), is_long, "{text:?}");
            }
        }
    }

    #[test]
    fn what_hyper_refuses_itself_is_not_followed() {
        for head in [
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n0\r\nX\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n0\r\nX\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nX\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\nX\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nX\n",
        ] {
            assert_eq!(found(head), None, "{head:?}");
        }
    }

    #[test]
    fn a_request_with_a_length_and_a_coding_has_no_end_that_is_beyond_doubt() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n";
        let body = "0\r\n\r\n";
        assert_eq!(found(&format!("{head}{body}")), Some(1));
        let malformed = framing().follow(format!("{head}{body}").as_bytes());
        assert_eq!(malformed, Err(Malformed { request: 1, at: head.len() }));
        let other = "POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(found(&format!("{CHUNKED}{body}{other}{body}")), Some(2));
    }
}
