//! Holds `wasi:cli`, `wasi:clocks` and `wasi:random` 0.3 to what their WIT files say.
//!
//! Its environment is `ORDER=1` and `EMPTY=`, and its input has nothing in it.

use exact::Checks;
use wasip3::{
    cli::{environment, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout},
    clocks::{monotonic_clock, system_clock},
    random::{insecure, insecure_seed, random},
    wit_stream,
};

exact::component_p3!(check);

async fn check(checks: &mut Checks) {
    surroundings(checks);
    streams(checks).await;
    clocks(checks).await;
    numbers(checks);
}

fn surroundings(checks: &mut Checks) {
    checks.interface("wasi:cli/environment@0.3.0");
    let variables = environment::get_environment();
    let mut sorted = variables.clone();
    sorted.sort();
    let expected =
        [("EMPTY", ""), ("ORDER", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    checks.equal("get-environment: what is granted, and no more", sorted, expected.to_vec());
    checks.equal("get-environment: the same each time", environment::get_environment(), variables);
    checks.equal(
        "get-arguments: the same each time",
        environment::get_arguments(),
        environment::get_arguments(),
    );
    checks.that("get-initial-cwd: none, or a path", environment::get_initial_cwd(), |path| {
        path.as_ref().is_none_or(|path| path.starts_with('/'))
    });
    checks.interface("wasi:cli/terminal-stdin@0.3.0");
    checks.equal(
        "get-terminal-stdin: none where there is no terminal",
        terminal_stdin::get_terminal_stdin().is_none(),
        true,
    );
    checks.interface("wasi:cli/terminal-stdout@0.3.0");
    checks.equal(
        "get-terminal-stdout: none where there is no terminal",
        terminal_stdout::get_terminal_stdout().is_none(),
        true,
    );
    checks.interface("wasi:cli/terminal-stderr@0.3.0");
    checks.equal(
        "get-terminal-stderr: none where there is no terminal",
        terminal_stderr::get_terminal_stderr().is_none(),
        true,
    );
}

async fn streams(checks: &mut Checks) {
    checks.interface("wasi:cli/stdin@0.3.0");
    let (stream, end) = stdin::read_via_stream();
    checks.equal("read-via-stream: an input with nothing in it", stream.collect().await, vec![]);
    checks.good("read-via-stream: ends well", end.await);
    let (stream, end) = stdin::read_via_stream();
    drop(stream);
    checks.good("read-via-stream: no error where the reader stops", end.await);
    checks.interface("wasi:cli/stderr@0.3.0");
    let (mut writer, reader) = wit_stream::new();
    let written = stderr::write_via_stream(reader);
    let left = writer.write_all(b"a line\n".to_vec()).await;
    checks.equal("write-via-stream: takes all", left, vec![]);
    drop(writer);
    checks.good("write-via-stream: ends well", written.await);
    checks.interface("wasi:cli/stdout@0.3.0");
    let (writer, reader) = wit_stream::new::<u8>();
    let written = stdout::write_via_stream(reader);
    drop(writer);
    checks.good("write-via-stream: nothing", written.await);
    let (one, reader) = wit_stream::new::<u8>();
    let one_written = stdout::write_via_stream(reader);
    let (other, reader) = wit_stream::new::<u8>();
    let other_written = stdout::write_via_stream(reader);
    drop((one, other));
    checks.equal(
        "write-via-stream: two at once",
        (one_written.await.is_ok(), other_written.await.is_ok()),
        (true, true),
    );
}

async fn clocks(checks: &mut Checks) {
    const MILLISECOND: u64 = 1_000_000;
    checks.interface("wasi:clocks/monotonic-clock@0.3.0");
    let before = monotonic_clock::now();
    checks.that("now: does not go back", (before, monotonic_clock::now()), |(one, other)| {
        one <= other
    });
    checks.that(
        "get-resolution: is more than nothing",
        monotonic_clock::get_resolution(),
        |time| *time > 0,
    );
    monotonic_clock::wait_for(20 * MILLISECOND).await;
    checks.that("wait-for: as long as it says", monotonic_clock::now() - before, |time| {
        *time >= 20 * MILLISECOND
    });
    let until = monotonic_clock::now() + 20 * MILLISECOND;
    monotonic_clock::wait_until(until).await;
    checks.that("wait-until: as long as it says", monotonic_clock::now(), |now| *now >= until);
    let before = monotonic_clock::now();
    monotonic_clock::wait_until(0).await;
    monotonic_clock::wait_for(0).await;
    checks.that(
        "wait-until: what is past is not waited for",
        monotonic_clock::now() - before,
        |time| *time < 10_000 * MILLISECOND,
    );
    checks.interface("wasi:clocks/system-clock@0.3.0");
    let now = system_clock::now();
    checks.that("now: is after the year 2024", now.seconds, |seconds| *seconds > 1_704_067_200);
    checks.that("now: less than a second of nanoseconds", now.nanoseconds, |rest| {
        *rest < 1_000_000_000
    });
    checks.that("get-resolution: is more than nothing", system_clock::get_resolution(), |time| {
        *time > 0
    });
}

fn numbers(checks: &mut Checks) {
    checks.interface("wasi:random/random@0.3.0");
    checks.that(
        "get-random-bytes: no more than asked for",
        random::get_random_bytes(100).len(),
        |bytes| (1..=100).contains(bytes),
    );
    checks.equal("get-random-bytes: none", random::get_random_bytes(0).len(), 0);
    checks.that(
        "get-random-bytes: others each time",
        (random::get_random_bytes(32), random::get_random_bytes(32)),
        |(one, other)| one != other,
    );
    checks.that(
        "get-random-bytes: more than a host gives at once",
        random::get_random_bytes(100_000).len(),
        |bytes| (1..=100_000).contains(bytes),
    );
    checks.that(
        "get-random-u64: another each time",
        (random::get_random_u64(), random::get_random_u64()),
        |(one, other)| one != other,
    );
    checks.interface("wasi:random/insecure@0.3.0");
    checks.that(
        "get-insecure-random-bytes: no more than asked for",
        insecure::get_insecure_random_bytes(100).len(),
        |bytes| (1..=100).contains(bytes),
    );
    checks.equal(
        "get-insecure-random-bytes: none",
        insecure::get_insecure_random_bytes(0).len(),
        0,
    );
    checks.that(
        "get-insecure-random-u64: not the same always",
        [(); 4].map(|()| insecure::get_insecure_random_u64()),
        |all| all.iter().any(|one| *one != all[0]),
    );
    checks.interface("wasi:random/insecure-seed@0.3.0");
    checks.that("get-insecure-seed: is not zero", insecure_seed::get_insecure_seed(), |seed| {
        *seed != (0, 0)
    });
}
