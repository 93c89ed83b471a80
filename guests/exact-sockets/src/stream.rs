//! Streams, of which those of TCP do all that a stream can: they wait, are full, end and fail.

use exact::Checks;
use wasip2::{
    clocks::monotonic_clock,
    filesystem::types::filesystem_error_code,
    http::types::http_error_code,
    io::{
        poll::poll,
        streams::{Error, InputStream, OutputStream, StreamError},
    },
    sockets::{
        network::IpAddressFamily,
        tcp::{ShutdownType, TcpSocket},
    },
};

use crate::{bind, connect, create, finish, listen, loopback};

/// One end of a connection. Fields are dropped in this order: the streams before their socket.
pub(crate) struct End {
    pub(crate) input: InputStream,
    pub(crate) output: OutputStream,
    socket: TcpSocket,
}

/// Two that are connected, over IPv4.
pub(crate) struct Pair {
    pub(crate) client: End,
    server: End,
}

fn listening() -> TcpSocket {
    let listener = create(IpAddressFamily::Ipv4);
    bind(&listener, loopback(0)).expect("it is bound");
    listen(&listener).expect("it listens");
    listener
}

impl End {
    fn connect(listener: &TcpSocket) -> Self {
        let socket = create(IpAddressFamily::Ipv4);
        let address = listener.local_address().expect("it is bound");
        let (input, output) = connect(&socket, address).expect("it is connected");
        Self { input, output, socket }
    }
}

impl Pair {
    pub(crate) fn new() -> Self {
        let listener = listening();
        let client = End::connect(&listener);
        let accepted = finish(&listener.subscribe(), || listener.accept());
        let (socket, input, output) = accepted.expect("it is accepted");
        Self { client, server: End { input, output, socket } }
    }
}

pub(crate) fn check(checks: &mut Checks) {
    checks.interface("wasi:io/streams@0.2.12");
    reading(checks);
    writing(checks);
    full(checks);
    splicing(checks);
    ended(checks);
    shut(checks);
    failed(checks);
}

fn is_closed<T>(got: &Result<T, StreamError>) -> bool {
    matches!(got, Err(StreamError::Closed))
}

/// As many bytes, or what there is of them at the end.
fn exactly(input: &InputStream, count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < count {
        let rest = (count - all.len()).try_into().expect("it fits");
        let Ok(piece) = input.blocking_read(rest) else { break };
        all.extend(piece);
    }
    all
}

fn reading(checks: &mut Checks) {
    let Pair { client: End { output, .. }, server: End { input, .. } } = &Pair::new();
    checks.equal("input-stream.read: nothing has come", input.read(10).ok(), Some(vec![]));
    checks.equal("input-stream.skip: nothing has come", input.skip(10).ok(), Some(0));
    let pollable = input.subscribe();
    checks.equal("input-stream.subscribe: nothing has come", pollable.ready(), false);
    output.blocking_write_and_flush(b"abcdefg").expect("it is sent");
    pollable.block();
    checks.equal("input-stream.subscribe: something has come", pollable.ready(), true);
    checks.equal("input-stream.read: nothing is asked for", input.read(0).ok(), Some(vec![]));
    checks.equal("input-stream.skip: nothing is asked for", input.skip(0).ok(), Some(0));
    checks.equal(
        "input-stream.read: no more than is asked for",
        input.read(2).ok(),
        Some(b"ab".to_vec()),
    );
    checks.equal(
        "input-stream.blocking-read: no more than is asked for",
        input.blocking_read(1).ok(),
        Some(b"c".to_vec()),
    );
    checks.equal("input-stream.skip: as much as is asked for", input.skip(1).ok(), Some(1));
    checks.equal(
        "input-stream.blocking-skip: as much as is asked for",
        input.blocking_skip(1).ok(),
        Some(1),
    );
    checks.equal(
        "input-stream.blocking-read: what is left, of any length",
        input.blocking_read(u64::MAX).ok(),
        Some(b"fg".to_vec()),
    );
    checks.equal("input-stream.read: all was read", input.read(u64::MAX).ok(), Some(vec![]));
    output.blocking_write_and_flush(b"hij").expect("it is sent");
    checks.equal(
        "input-stream.blocking-skip: what is there, if more is asked for",
        input.blocking_skip(u64::MAX).ok(),
        Some(3),
    );
}

fn writing(checks: &mut Checks) {
    let Pair { client: End { output, .. }, server: End { input, .. } } = &Pair::new();
    output.subscribe().block();
    let room = output.check_write().unwrap_or_default();
    checks.equal("output-stream.write: nothing", output.write(b"").is_ok(), true);
    output.check_write().expect("it is open");
    checks.good("output-stream.write: one byte", output.write(b"a"));
    checks.good("output-stream.flush: one byte", output.flush());
    output.subscribe().block();
    checks.that(
        "output-stream.flush: when it is complete there is room",
        output.check_write().ok(),
        |room| room.is_some_and(|room| room > 0),
    );
    checks.good("output-stream.write-zeroes: three", output.write_zeroes(3));
    checks.good("output-stream.blocking-flush: three", output.blocking_flush());
    checks.equal(
        "output-stream.write-zeroes: they arrive, and nothing else",
        exactly(input, 4),
        b"a\0\0\0".to_vec(),
    );
    checks.good(
        "output-stream.blocking-write-and-flush: nothing",
        output.blocking_write_and_flush(b""),
    );
    checks.good(
        "output-stream.blocking-write-zeroes-and-flush: 4,096",
        output.blocking_write_zeroes_and_flush(4096),
    );
    checks.equal(
        "output-stream.blocking-write-zeroes-and-flush: they arrive",
        exactly(input, 4096),
        vec![0; 4096],
    );
    output.subscribe().block();
    let all = vec![b'x'; output.check_write().unwrap_or(room).try_into().expect("it fits")];
    checks.good("output-stream.write: all that is permitted", output.write(&all));
    checks.equal("output-stream.write: all arrives", exactly(input, all.len()) == all, true);
    output.subscribe().block();
    let room = output.check_write().unwrap_or_default();
    checks.good("output-stream.write-zeroes: all that is permitted", output.write_zeroes(room));
    let zeroes = vec![0; room.try_into().expect("it fits")];
    checks.equal(
        "output-stream.write-zeroes: all arrive",
        exactly(input, zeroes.len()) == zeroes,
        true,
    );
}

/// Writes until the other, who does not read, has no more room; how much that is.
fn fill(output: &OutputStream) -> usize {
    let mut written = 0;
    loop {
        let soon = monotonic_clock::subscribe_duration(100_000_000);
        if poll(&[&output.subscribe(), &soon]) == [1] {
            return written;
        }
        let room = output.check_write().expect("it is open").try_into().expect("it fits");
        output.write(&vec![0; room]).expect("it is permitted");
        written += room;
    }
}

fn full(checks: &mut Checks) {
    let Pair { client: End { output, .. }, server: End { input, .. } } = &Pair::new();
    let written = fill(output);
    checks.equal("output-stream.check-write: no room", output.check_write().ok(), Some(0));
    let pollable = output.subscribe();
    checks.equal("output-stream.subscribe: no room", pollable.ready(), false);
    checks.equal(
        "output-stream.check-write: what was permitted arrives",
        exactly(input, written).len(),
        written,
    );
    pollable.block();
    checks.that("output-stream.subscribe: room again", output.check_write().ok(), |room| {
        room.is_some_and(|room| room > 0)
    });
}

fn splicing(checks: &mut Checks) {
    let (from, to) = (Pair::new(), Pair::new());
    let (source, sink) = (&from.server.input, &to.client.output);
    sink.subscribe().block();
    checks.equal("output-stream.splice: nothing has come", sink.splice(source, 10).ok(), Some(0));
    from.client.output.blocking_write_and_flush(b"abcdef").expect("it is sent");
    source.subscribe().block();
    sink.subscribe().block();
    checks.equal(
        "output-stream.splice: nothing is asked for",
        sink.splice(source, 0).ok(),
        Some(0),
    );
    checks.equal(
        "output-stream.splice: no more than is asked for",
        sink.splice(source, 2).ok(),
        Some(2),
    );
    checks.equal(
        "output-stream.blocking-splice: no more than is asked for",
        sink.blocking_splice(source, 1).ok(),
        Some(1),
    );
    checks.equal(
        "output-stream.blocking-splice: what is there, if more is asked for",
        sink.blocking_splice(source, 10).ok(),
        Some(3),
    );
    checks.equal(
        "output-stream.splice: what was transferred arrives",
        exactly(&to.server.input, 6),
        b"abcdef".to_vec(),
    );
    from.client.output.blocking_write_and_flush(b"more").expect("it is sent");
    source.subscribe().block();
    to.client.socket.shutdown(ShutdownType::Send).expect("it is connected");
    checks.that("output-stream.splice: into a closed stream", sink.splice(source, 10), is_closed);
    checks.that(
        "output-stream.blocking-splice: into a closed stream",
        sink.blocking_splice(source, 10),
        is_closed,
    );
    checks.equal(
        "output-stream.splice: leaves what could not be written",
        source.blocking_read(10).ok(),
        Some(b"more".to_vec()),
    );
}

/// The other has gone, and left something to read.
fn ended(checks: &mut Checks) {
    let Pair { client, server } = Pair::new();
    client.output.blocking_write_and_flush(b"last").expect("it is sent");
    drop(client);
    let input = &server.input;
    checks.equal(
        "input-stream.blocking-read: what came before the end",
        exactly(input, 4),
        b"last".to_vec(),
    );
    checks.that("input-stream.blocking-read: the end", input.blocking_read(10), is_closed);
    checks.that("input-stream.blocking-read: after the end", input.blocking_read(10), is_closed);
    checks.that("input-stream.read: after the end", input.read(10), is_closed);
    checks.that("input-stream.read: nothing, after the end", input.read(0), is_closed);
    checks.that("input-stream.skip: after the end", input.skip(10), is_closed);
    checks.equal("input-stream.subscribe: after the end", input.subscribe().ready(), true);
}

/// Nothing more is to be sent.
fn shut(checks: &mut Checks) {
    let Pair { client: End { output, socket, .. }, .. } = &Pair::new();
    output.subscribe().block();
    output.check_write().expect("it is open");
    socket.shutdown(ShutdownType::Send).expect("it is connected");
    checks.that("output-stream.write: closed after the permit", output.write(b"x"), is_closed);
    checks.that("output-stream.check-write: closed", output.check_write(), is_closed);
    checks.that("output-stream.write-zeroes: closed", output.write_zeroes(1), is_closed);
    checks.that("output-stream.flush: closed", output.flush(), is_closed);
    checks.that("output-stream.blocking-flush: closed", output.blocking_flush(), is_closed);
    checks.that(
        "output-stream.blocking-write-and-flush: closed",
        output.blocking_write_and_flush(b"x"),
        is_closed,
    );
    checks.that(
        "output-stream.blocking-write-zeroes-and-flush: closed",
        output.blocking_write_zeroes_and_flush(1),
        is_closed,
    );
    checks.equal("output-stream.subscribe: closed", output.subscribe().ready(), true);
}

/// The other listens no more, and had not accepted: that resets the connection.
fn failed(checks: &mut Checks) {
    let listener = listening();
    let End { input, output, socket: _socket } = &End::connect(&listener);
    drop(listener);
    let read = input.blocking_read(10);
    let Err(StreamError::LastOperationFailed(error)) = read else {
        checks.that("input-stream.blocking-read: a reset is a failure", read, |_| false);
        return;
    };
    checks.that("input-stream.read: is closed after a failure", input.read(10), is_closed);
    checks.that(
        "input-stream.blocking-read: is closed after a failure",
        input.blocking_read(10),
        is_closed,
    );
    checks.equal(
        "input-stream.subscribe: is ready after a failure",
        input.subscribe().ready(),
        true,
    );
    checks.that(
        "output-stream.blocking-write-and-flush: fails after a reset",
        output.blocking_write_and_flush(b"x"),
        Result::is_err,
    );
    checks.that(
        "output-stream.check-write: is closed after a reset",
        output.check_write(),
        is_closed,
    );
    told(checks, &error);
}

fn told(checks: &mut Checks, error: &Error) {
    checks.interface("wasi:io/error@0.2.12");
    checks.that("error.to-debug-string: of a socket", error.to_debug_string(), |said| {
        !said.trim().is_empty()
    });
    checks.equal(
        "error.to-debug-string: asking changes nothing",
        error.to_debug_string(),
        error.to_debug_string(),
    );
    checks.interface("wasi:http/types@0.2.12");
    checks.equal(
        "http-error-code: the error of a socket is none of HTTP",
        http_error_code(error).is_none(),
        true,
    );
    checks.interface("wasi:filesystem/types@0.2.12");
    checks.equal(
        "filesystem-error-code: the error of a socket is none of a file",
        filesystem_error_code(error).is_none(),
        true,
    );
}
