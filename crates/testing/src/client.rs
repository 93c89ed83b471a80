//! What a test says to a running Keyway as its client.

use crate::{Answer, Keyway, Sent, eventually, get, request, send};

impl Keyway {
    /// Sends a GET for `path` to the host of this name.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn get_of(&self, host: &str, path: &str) -> Answer {
        self.request("GET", path, &format!("Host: {host}\r\n"), b"")
    }

    /// Sends a GET for `path`.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn get(&self, path: &str) -> Answer {
        get(self.address(), path)
    }

    /// Sends a request with further header lines (each ended by `\r\n`) and a body.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        request(self.address(), method, path, headers, body)
    }

    /// Sends a GET for `path`, and leaves its answer to be read later.
    ///
    /// # Panics
    /// If nothing can be sent.
    pub fn send(&self, path: &str) -> Sent {
        self.send_bytes(format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"))
    }

    /// Sends the head of a POST with a body of `length` bytes, which are to be sent later.
    ///
    /// # Panics
    /// If nothing can be sent.
    pub fn begin_post(&self, path: &str, length: usize) -> Sent {
        self.send_bytes(format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        ))
    }

    /// Sends `bytes` as they are, and leaves the connection open.
    ///
    /// # Panics
    /// If nothing can be sent.
    pub fn send_bytes(&self, bytes: impl AsRef<[u8]>) -> Sent {
        send(self.address(), bytes)
    }

    /// Sends a GET for each path in turn, and expects its answer's [text](Answer::text).
    ///
    /// # Panics
    /// If an answer is another.
    #[track_caller]
    pub fn expect(&self, conversation: &[(&str, &str)]) {
        for (path, text) in conversation {
            assert_eq!(self.get(path).text(), *text, "{path}\n{}", self.stderr());
        }
    }

    /// Sends a GET for `path` until its answer has this [text](Answer::text).
    ///
    /// # Panics
    /// If none has in a long time.
    #[track_caller]
    pub fn wait_for_answer(&self, path: &str, text: &str) {
        let mut last = String::new();
        let is_so = eventually(|| {
            last = self.get(path).text();
            last == text
        });
        assert!(is_so, "{path} answers {last:?} and not {text:?}:\n{}", self.stderr());
    }
}
