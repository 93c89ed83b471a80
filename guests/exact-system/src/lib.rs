//! Holds `wasi:cli`, `wasi:clocks`, `wasi:random` and `wasi:io` 0.2 to what their WIT files say.
//! It is given the same as `exact-system-p3`.

use exact::Checks;
use wasip2::{
    cli::{environment, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout},
    clocks::{monotonic_clock, wall_clock},
    io::{poll, streams::StreamError},
    random::{insecure, insecure_seed, random},
};

exact::component_p2!(check, traps: trap);

const MILLISECOND: u64 = 1_000_000;

fn check(checks: &mut Checks) {
    surroundings(checks);
    input(checks);
    output(checks);
    clocks(checks);
    polls(checks);
    numbers(checks);
}

fn surroundings(checks: &mut Checks) {
    checks.interface("wasi:cli/environment@0.2.12");
    let mut variables = environment::get_environment();
    variables.sort();
    let expected =
        [("EMPTY", ""), ("ORDER", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    checks.equal("get-environment: what is granted, and no more", variables, expected.to_vec());
    checks.equal(
        "get-arguments: the same each time",
        environment::get_arguments(),
        environment::get_arguments(),
    );
    checks.that("initial-cwd: none, or a path", environment::initial_cwd(), |path| {
        path.as_ref().is_none_or(|path| path.starts_with('/'))
    });
    checks.interface("wasi:cli/terminal-stdin@0.2.12");
    checks.equal(
        "get-terminal-stdin: none where there is no terminal",
        terminal_stdin::get_terminal_stdin().is_none(),
        true,
    );
    checks.interface("wasi:cli/terminal-stdout@0.2.12");
    checks.equal(
        "get-terminal-stdout: none where there is no terminal",
        terminal_stdout::get_terminal_stdout().is_none(),
        true,
    );
    checks.interface("wasi:cli/terminal-stderr@0.2.12");
    checks.equal(
        "get-terminal-stderr: none where there is no terminal",
        terminal_stderr::get_terminal_stderr().is_none(),
        true,
    );
}

fn input(checks: &mut Checks) {
    checks.interface("wasi:cli/stdin@0.2.12");
    let input = stdin::get_stdin();
    let end = input.blocking_read(10);
    checks.that("get-stdin: an input with nothing in it is closed", &end, |end| {
        matches!(end, Err(StreamError::Closed))
    });
    checks.interface("wasi:io/streams@0.2.12");
    checks.that("input-stream.read: a closed stream", input.read(10), |end| {
        matches!(end, Err(StreamError::Closed))
    });
    checks.that("input-stream.read: nothing of a closed stream", input.read(0), |end| {
        matches!(end, Err(StreamError::Closed))
    });
    checks.that("input-stream.skip: a closed stream", input.skip(10), |end| {
        matches!(end, Err(StreamError::Closed))
    });
    checks.that("input-stream.blocking-skip: a closed stream", input.blocking_skip(10), |end| {
        matches!(end, Err(StreamError::Closed))
    });
    input.subscribe().block();
    checks.equal(
        "input-stream.subscribe: a closed stream is ready",
        input.subscribe().ready(),
        true,
    );
    let output = stderr::get_stderr();
    output.subscribe().block();
    checks.that("output-stream.splice: from a closed stream", output.splice(&input, 10), |end| {
        matches!(end, Err(StreamError::Closed))
    });
    checks.that(
        "output-stream.blocking-splice: from a closed stream",
        output.blocking_splice(&input, 10),
        |end| matches!(end, Err(StreamError::Closed)),
    );
}

fn output(checks: &mut Checks) {
    checks.interface("wasi:cli/stderr@0.2.12");
    let output = stderr::get_stderr();
    checks.good("get-stderr: takes a line", output.blocking_write_and_flush(b"a line\n"));
    checks.interface("wasi:cli/stdout@0.2.12");
    checks.good("get-stdout: takes nothing", stdout::get_stdout().blocking_write_and_flush(b""));
    checks.interface("wasi:io/streams@0.2.12");
    output.subscribe().block();
    let room = output.check_write();
    checks.that("output-stream.check-write: room where the stream is ready", room, |room| {
        room.as_ref().is_ok_and(|room| *room > 0)
    });
    checks
        .good("output-stream.write: as much as there is room for", output.write(b"another line\n"));
    checks.good("output-stream.flush: what was written", output.flush());
    checks.good("output-stream.blocking-flush: what was written", output.blocking_flush());
    checks.good(
        "output-stream.blocking-write-and-flush: 4,096 bytes",
        output.blocking_write_and_flush(&[b'\n'; 4096]),
    );
    output.subscribe().block();
    output.check_write().expect("there is room");
    checks.good("output-stream.write-zeroes: one", output.write_zeroes(1));
    checks.good(
        "output-stream.blocking-write-zeroes-and-flush: one",
        output.blocking_write_zeroes_and_flush(1),
    );
    checks.equal(
        "output-stream.subscribe: is ready after a flush",
        output.subscribe().ready(),
        true,
    );
}

fn clocks(checks: &mut Checks) {
    checks.interface("wasi:clocks/monotonic-clock@0.2.12");
    let before = monotonic_clock::now();
    checks.that("now: does not go back", (before, monotonic_clock::now()), |(one, other)| {
        one <= other
    });
    checks
        .that("resolution: is more than nothing", monotonic_clock::resolution(), |time| *time > 0);
    let wait = monotonic_clock::subscribe_duration(20 * MILLISECOND);
    checks.equal("subscribe-duration: is not ready at once", wait.ready(), false);
    wait.block();
    checks.that(
        "subscribe-duration: as long as it says",
        monotonic_clock::now() - before,
        |time| *time >= 20 * MILLISECOND,
    );
    let until = monotonic_clock::now() + 20 * MILLISECOND;
    monotonic_clock::subscribe_instant(until).block();
    checks
        .that("subscribe-instant: as long as it says", monotonic_clock::now(), |now| *now >= until);
    checks.equal(
        "subscribe-instant: what is past is ready",
        monotonic_clock::subscribe_instant(0).ready(),
        true,
    );
    checks.equal(
        "subscribe-duration: nothing is ready",
        monotonic_clock::subscribe_duration(0).ready(),
        true,
    );
    checks.interface("wasi:clocks/wall-clock@0.2.12");
    let now = wall_clock::now();
    checks.that("now: is after the year 2024", now.seconds, |seconds| *seconds > 1_704_067_200);
    checks.that("now: less than a second of nanoseconds", now.nanoseconds, |rest| {
        *rest < 1_000_000_000
    });
    let resolution = wall_clock::resolution();
    checks.that(
        "resolution: is more than nothing",
        (resolution.seconds, resolution.nanoseconds),
        |time| *time > (0, 0),
    );
}

fn polls(checks: &mut Checks) {
    checks.interface("wasi:io/poll@0.2.12");
    let (soon, never) = (
        monotonic_clock::subscribe_duration(5 * MILLISECOND),
        monotonic_clock::subscribe_duration(u64::MAX),
    );
    checks.equal("pollable.ready: not yet", (soon.ready(), never.ready()), (false, false));
    checks.equal("poll: which is ready", poll::poll(&[&never, &soon]), vec![1]);
    checks.equal("pollable.ready: stays ready", soon.ready(), true);
    checks.equal("poll: the same one twice", poll::poll(&[&soon, &never, &soon]), vec![0, 2]);
    soon.block();
    checks.equal("pollable.block: returns where it is ready", soon.ready(), true);
}

fn numbers(checks: &mut Checks) {
    checks.interface("wasi:random/random@0.2.12");
    checks.equal(
        "get-random-bytes: as many as asked for",
        random::get_random_bytes(100).len(),
        100,
    );
    checks.equal("get-random-bytes: none", random::get_random_bytes(0).len(), 0);
    checks.that(
        "get-random-bytes: others each time",
        (random::get_random_bytes(32), random::get_random_bytes(32)),
        |(one, other)| one != other,
    );
    checks.that(
        "get-random-u64: another each time",
        (random::get_random_u64(), random::get_random_u64()),
        |(one, other)| one != other,
    );
    checks.interface("wasi:random/insecure@0.2.12");
    checks.equal(
        "get-insecure-random-bytes: as many as asked for",
        insecure::get_insecure_random_bytes(100).len(),
        100,
    );
    checks.that(
        "get-insecure-random-u64: not the same always",
        [(); 4].map(|()| insecure::get_insecure_random_u64()),
        |all| all.iter().any(|one| *one != all[0]),
    );
    checks.interface("wasi:random/insecure-seed@0.2.12");
    checks
        .that("insecure-seed: is not zero", insecure_seed::insecure_seed(), |seed| *seed != (0, 0));
}

fn trap(what: &str) {
    match what {
        "wasi:io/poll@0.2.12#poll: an empty list traps" => drop(poll::poll(&[])),
        _ => panic!("nothing is known by this name"),
    }
}
