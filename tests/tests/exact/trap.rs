//! What ends a component where the WIT files say that it traps, and what must not: each in an
//! instance of its own, which does that and nothing else.

use keyway_testing::{finish, guest};

use super::{Assertion, Surroundings};

/// Which component does it, and what: an assertion, by which the component is told as well.
const TRAPS: [(&str, &str); 10] = [
    ("exact-system", "wasi:io/poll@0.2.12#poll: an empty list traps"),
    ("exact-sockets", "wasi:io/streams@0.2.12#output-stream.write: without a permit traps"),
    ("exact-sockets", "wasi:io/streams@0.2.12#output-stream.write: more than is permitted traps"),
    ("exact-sockets", "wasi:io/streams@0.2.12#output-stream.write-zeroes: without a permit traps"),
    (
        "exact-sockets",
        "wasi:io/streams@0.2.12#output-stream.write-zeroes: more than is permitted traps",
    ),
    (
        "exact-sockets",
        "wasi:sockets/udp@0.2.12#outgoing-datagram-stream.send: without a permit traps",
    ),
    (
        "exact-sockets",
        "wasi:sockets/udp@0.2.12#outgoing-datagram-stream.send: more than is permitted traps",
    ),
    ("exact-http", "wasi:http/types@0.2.12#incoming-body.finish: traps while the stream is open"),
    ("exact-http", "wasi:http/types@0.2.12#outgoing-body.finish: traps while the stream is open"),
    (
        "exact-http",
        "wasi:http/types@0.2.12#outgoing-body.write: the stream cannot outlive the body",
    ),
];

/// The exit code of a command that trapped.
const TRAPPED: i32 = 134;

/// What must not, and would end the component if it did.
const RUNS: [(&str, &str); 1] = [(
    "exact-sockets",
    "wasi:io/streams@0.2.12#output-stream.write-zeroes: what is permitted does not trap",
)];

pub(crate) fn all() -> Vec<Assertion> {
    let trap = TRAPS.map(|(name, what)| assertion(name, what, TRAPPED));
    let run = RUNS.map(|(name, what)| assertion(name, what, 0));
    trap.into_iter().chain(run).collect()
}

fn assertion(name: &str, what: &str, code: i32) -> Assertion {
    let surroundings = Surroundings::of(name);
    let file = guest(name);
    let file = file.to_str().expect("text");
    let ended = finish([&["run"], &surroundings.flags()[..], &[file, what]].concat());
    // A component that fails in Rust, or does not know what to do, says that it panicked.
    let is = ended.code == Some(code) && !ended.stderr.contains("panicked at");
    let failed = (!is).then(|| format!("{:?}: {}", ended.code, ended.stderr));
    Assertion { name: what.to_owned(), failed }
}
