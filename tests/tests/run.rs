//! What a user sees of `keyway run`.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::Stdio,
};

use keyway_testing::{Finished, command, finish, guest, terminate};

/// Runs the guest `command` with flags of Keyway and arguments of its own.
fn run(flags: &[&str], arguments: &[&str]) -> Finished {
    let file = guest("command");
    let file = file.to_str().expect("text");
    finish([&["run"], flags, &[file], arguments].concat())
}

/// What it printed, if it ended well.
fn said(flags: &[&str], arguments: &[&str]) -> String {
    let finished = run(flags, arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout.trim_end().to_owned()
}

#[test]
fn a_command_runs_and_says_hello() {
    assert_eq!(said(&[], &[]), "Hello, world!");
}

#[test]
fn what_follows_the_file_belongs_to_the_command() {
    let said = said(&[], &["arguments", "--env", "A=1", "-x", "a b", "\"quoted\"", "ü"]);
    let (program, rest) = said.split_once('|').expect("a program's name");
    assert_eq!(program, "command.wasm");
    assert_eq!(rest, "arguments|--env|A=1|-x|a b|\"quoted\"|ü");
}

#[test]
fn two_dashes_before_the_file_are_not_passed_on() {
    let file = guest("command");
    let file = file.to_str().expect("text");
    let finished = finish(["run", "--env", "A=1", "--", file, "arguments", "a", "--", "b"]);
    assert!(finished.stdout.ends_with("|arguments|a|--|b\n"), "{}", finished.stdout);
}

#[test]
fn flags_of_keyway_are_the_command_s_own_after_the_file() {
    for first in ["--net", "--help", "--version", "--", "--memory", "--no-such-flag", "-h"] {
        let said = said(&[], &[first, "any", "1"]);
        assert_eq!(said, format!("what is [\"{first}\", \"any\", \"1\"]?"));
    }
    // Nothing is granted by them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let refused = run(&[], &["connect", &address, "--net", "any"]);
    assert!(refused.stdout.starts_with("what is"), "{}", refused.stdout);
}

#[test]
fn a_file_whose_path_is_not_text_is_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join(OsStr::from_bytes(b"in \xff"));
    fs::create_dir(&inner).expect("made");
    for (name, seen) in [(&b"plain.wasm"[..], "plain.wasm"), (b"\xfe.wasm", "\u{fffd}.wasm")] {
        let file = inner.join(OsStr::from_bytes(name));
        fs::copy(guest("command"), &file).expect("copied");
        let finished = finish(["run".as_ref(), file.as_os_str(), "arguments".as_ref()]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(finished.stdout, format!("{seen}|arguments\n"));
    }
}

#[test]
fn the_environment_is_empty_but_for_what_is_given() {
    assert_eq!(said(&[], &["environment"]), "");
    let mut command = command();
    command.args(["run", "--env", "A=1=2", "--env", "INHERITED"]).arg(guest("command"));
    let output = command.arg("environment").env("INHERITED", "yes").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "A=1=2|INHERITED=yes\n");
    let missing = run(&["--env", "NOT_SET_AT_ALL"], &["environment"]);
    assert!(missing.stderr.contains("the variable `NOT_SET_AT_ALL`"), "{}", missing.stderr);
}

#[test]
fn its_exit_code_is_the_commands() {
    // The standard library of guests knows success and failure, and no other codes.
    for (code, expected) in [("0", 0), ("1", 1), ("7", 1), ("255", 1)] {
        assert_eq!(run(&[], &["exit", code]).code, Some(expected), "{code}");
    }
}

#[test]
fn a_trap_ends_it_with_the_functions_that_were_called() {
    let finished = run(&[], &["panic"]);
    assert_eq!(finished.code, Some(134));
    assert!(finished.stderr.contains("asked to panic"), "{}", finished.stderr);
    assert!(finished.stderr.contains("error: the component trapped: "), "{}", finished.stderr);
    assert!(finished.stderr.contains("\n    in "), "{}", finished.stderr);
}

#[test]
fn input_and_output_are_the_process_s_own_or_files() {
    let mut child = command()
        .arg("run")
        .arg(guest("command"))
        .arg("copy")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("piped").write_all(b"some text").expect("it is taken");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.stdout, b"some text");
    assert_eq!(output.stderr, b"9 bytes\n");

    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (input, out, errors) = (path("in"), path("out"), path("errors"));
    fs::write(&input, "from a file").expect("written");
    let flags = ["--stdin", &input, "--stdout", &out, "--stderr", &errors];
    assert_eq!(said(&flags, &["copy"]), "");
    assert_eq!(fs::read_to_string(out).expect("read"), "from a file");
    assert_eq!(fs::read_to_string(errors).expect("read"), "11 bytes\n");
    assert_eq!(said(&["--stdin", "null", "--stderr", "null"], &["copy"]), "");
    let kept = path("kept");
    fs::write(&kept, "kept").expect("written");
    let hello = guest("hello");
    let hello = hello.to_str().expect("text");
    assert_ne!(finish(["run", "--stdout", &kept, hello]).code, Some(0));
    assert_ne!(run(&["--stdin", "/no/such", "--stdout", &kept], &[]).code, Some(0));
    assert_eq!(fs::read_to_string(&kept).expect("read"), "kept");
    assert_eq!(said(&["--stdout", &kept], &["arguments"]), "");
    assert!(!fs::read_to_string(&kept).expect("read").contains("kept"));
    assert_eq!(said(&["--stdout", "/dev/null"], &[]), "");
    let missing = run(&["--stdin", "/no/such"], &["copy"]);
    assert!(missing.stderr.contains("/no/such cannot be opened"), "{}", missing.stderr);
}

fn dir(folder: &Path, rest: &str) -> String {
    format!("{}::{rest}", folder.display())
}

#[test]
fn folders_are_seen_where_they_are_granted_and_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.txt"), "text").expect("written");
    assert!(said(&[], &["read", "/data/a.txt"]).starts_with("error: "));
    let reading = dir(folder.path(), "/data:ro");
    assert_eq!(said(&["--dir", &reading], &["read", "/data/a.txt"]), "text");
    assert!(said(&["--dir", &reading], &["read", "/data/../etc/hostname"]).starts_with("error: "));
    assert!(said(&["--dir", &reading], &["write", "/data/b.txt", "b"]).starts_with("error: "));
    let writing = dir(folder.path(), "/data");
    assert_eq!(said(&["--dir", &writing], &["write", "/data/b.txt", "b"]), "written");
    assert_eq!(fs::read_to_string(folder.path().join("b.txt")).expect("read"), "b");
}

#[test]
fn the_network_is_closed_but_for_what_is_granted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let refused = run(&[], &["connect", &address]);
    assert!(refused.stdout.starts_with("access-denied"), "{}", refused.stdout);
    let remedy = format!("add the flag: --net {address}");
    let lookup = "add the flag: --net ADDRESS:PORT";
    assert!(
        refused.stderr.contains(&remedy) || refused.stderr.contains(lookup),
        "{}",
        refused.stderr
    );
    for net in [&address, "127.0.0.1", "127.0.0.0/8", "any"] {
        assert_eq!(said(&["--net", net], &["connect", &address]), "connected", "{net}");
    }
    let elsewhere = said(&["--net", "127.0.0.1:1"], &["connect", &address]);
    assert!(elsewhere.starts_with("access-denied"), "{elsewhere}");
}

#[test]
fn time_memory_and_fuel_are_limited_where_that_is_asked_for() {
    let timed = run(&["--time", "300ms"], &["loop"]);
    assert_eq!(timed.code, Some(134));
    assert!(timed.stderr.contains("within 300ms: `--time`"), "{}", timed.stderr);
    let fuelled = run(&["--fuel", "10000000"], &["loop"]);
    assert_eq!(fuelled.code, Some(134));
    assert!(fuelled.stderr.contains("fuel"), "{}", fuelled.stderr);
    assert_eq!(said(&["--fuel", "100000000"], &[]), "Hello, world!");
    assert_eq!(said(&[], &["memory", "200"]), (200 << 20).to_string());
    let small = run(&["--memory", "64MiB"], &["memory", "200"]);
    assert_eq!(small.code, Some(134));
}

#[test]
fn a_signal_ends_it() {
    let mut command = command();
    command.arg("run").arg(guest("command")).arg("loop").stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut begun = String::new();
    let stdout = child.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut begun).expect("it says that it runs");
    assert_eq!(begun, "looping\n");
    // SIGINT may be ignored by whatever runs the tests in the background, and then is here too.
    terminate(&child);
    assert!(!child.wait().expect("it ends").success());
}

#[test]
fn a_command_of_wasi_0_3_runs() {
    let file = guest("command-p3");
    let file = file.to_str().expect("text");
    let finished = finish(["run", file, "a", "b"]);
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (Some(0), "a|b\n"),
        "{}",
        finished.stderr
    );
    assert_eq!(finish(["run", file, "fail"]).code, Some(1));
}

#[test]
fn a_module_of_preview_1_runs() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "from preview 1\n")
        (func (export "_start")
            (i32.store (i32.const 0) (i32.const 8))
            (i32.store (i32.const 4) (i32.const 15))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
            (call $exit (i32.const 3))))"#;
    let (_folder, file) = module(text);
    let finished = finish(["run", &file]);
    assert_eq!(finished.stdout, "from preview 1\n", "{}", finished.stderr);
    assert_eq!(finished.code, Some(3));
}

/// A module, as a file.
fn module(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("module.wasm");
    fs::write(&file, wat::parse_str(text).expect("it is WebAssembly")).expect("written");
    let file = file.to_str().expect("text").to_owned();
    (folder, file)
}

#[test]
fn a_program_of_preview_1_that_allocates_for_itself_has_its_memory_to_itself() {
    let (_folder, file) = module(include_str!("run/own-memory.wat"));
    let finished = finish(["run", "--env", "A=1", "--env", "B=2", &file, "one", "two words"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout, "hello world\n");
}

#[test]
fn preview_1_does_what_it_does_natively() {
    let (_folder, file) = module(include_str!("run/files.wat"));
    let data = tempfile::tempdir().expect("a folder");
    let finished = finish(["run", "--dir", &dir(data.path(), "/data"), &file]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(fs::read_to_string(data.path().join("g")).expect("read"), "hello world\nhell");
}

#[test]
fn what_cannot_be_run_is_told() {
    let refused = |arguments: &[&str], reason: &str| {
        let finished = finish([&["run"], arguments].concat());
        assert!(finished.code.is_some_and(|code| code != 0));
        assert!(finished.stderr.contains(reason), "{reason}\n{}", finished.stderr);
    };
    let command = guest("command");
    let command = command.to_str().expect("text");
    refused(&["--evn", "A=1", command], "unexpected argument '--evn'");
    refused(&["--dir", "/no/such::/data", command], "the folder /no/such");
    refused(&["--dir", "/tmp", command], "--dir data::/data:ro");
    refused(&["--dir", "/tmp::/a", "--dir", "/::/a", command], "two folders are granted as `/a`");
    refused(&["--net", "everywhere", command], "is neither an address nor a network");
    refused(&["--net", "::1:80", command], "`--net [::1]:80`");
    refused(&["--dir", "::/a", command], "names no folder on this machine");
    refused(&["--no-such-flag"], "unexpected argument '--no-such-flag'");
    refused(&["--memory", "much", command], "is not a valid size");
    refused(&["/no/such.wasm"], "has no file");
    refused(&["/proc/self/status"], "not a WebAssembly file");
    let hello = guest("hello");
    refused(&[hello.to_str().expect("text")], "serve it with `keyway up`");
    let greeter = guest("greeter");
    refused(&[greeter.to_str().expect("text")], "it is a library");
}

#[test]
fn a_command_computes_as_it_would_elsewhere() {
    let compute = |arguments: &[&str]| {
        let file = guest("compute");
        let finished = finish([&["run", file.to_str().expect("text")], arguments].concat());
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        finished.stdout.trim_end().to_owned()
    };
    // As `sha256sum` has it.
    assert_eq!(
        compute(&["sha256", "1"]),
        "fbbab289f7f94b25736c58be46a994c441fd02552cc6022352e3d86d2fab7c83"
    );
    assert_eq!(compute(&["sort", "1"]), "1082269761");
}
