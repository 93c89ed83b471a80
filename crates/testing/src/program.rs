//! The program `keyway`, as a user runs it.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::wait::PATIENCE;

/// The built program.
fn program() -> PathBuf {
    let path = super::build_folder().join("debug/keyway");
    assert!(path.is_file(), "{} is not there: run `cargo build -p keyway`", path.display());
    path
}

/// Tells a process to stop (SIGTERM) and does not wait. A bare machine has no program for that.
///
/// # Panics
/// If it has ended already, and was waited for.
pub fn terminate(child: &Child) {
    signal(child, Signal::TERM);
}

fn signal(child: &Child, signal: Signal) {
    let sent = kill_process(Pid::from_child(child), signal);
    sent.unwrap_or_else(|error| panic!("process {} gets no signal: {error}", child.id()));
}

/// A run of the program, without the settings of the user who runs the tests.
///
/// # Panics
/// If it is not built.
pub fn command() -> Command {
    without_settings(Command::new(program()))
}

fn without_settings(mut command: Command) -> Command {
    for name in ["CARGO_TARGET_DIR", "KEYWAY_LOG", "RUSTC_BOOTSTRAP"] {
        command.env_remove(name);
    }
    command
}

/// A run of the program that came to its end.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Runs `keyway` with `arguments` to its end.
///
/// # Panics
/// If it cannot be started.
pub fn finish(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Finished {
    Finished::of(command().args(arguments))
}

/// The same, in a folder, where it finds nothing to read.
///
/// # Panics
/// If it cannot be started.
pub fn finish_in(
    folder: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Finished {
    let mut command = command();
    Finished::of(command.args(arguments).current_dir(folder).stdin(Stdio::null()))
}

impl Finished {
    /// What it wrote to standard error, on one line: long messages are broken, and framed.
    pub fn told(&self) -> String {
        let words = self.stderr.replace('│', " ");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn of(command: &mut Command) -> Self {
        let output = command.output().expect("keyway can be started");
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A running `keyway up` or `keyway host`; it is killed when dropped.
#[derive(Debug)]
pub struct Keyway {
    child: Child,
    address: SocketAddr,
    stdout: Lines,
    stderr: Lines,
    /// Where its sockets lie, apart from those of other tests.
    run: TempDir,
}

impl Keyway {
    /// Starts `keyway up PATH` on a free port, and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    pub fn up(path: impl AsRef<OsStr>) -> Self {
        Self::up_with(path, &[])
    }

    /// The same, with further arguments.
    ///
    /// # Panics
    /// If it does not serve.
    pub fn up_with(path: impl AsRef<OsStr>, arguments: &[&str]) -> Self {
        let mut command = command();
        command.arg("up").arg(path).args(["--listen", "127.0.0.1:0"]).args(arguments);
        Self::start(&mut command)
    }

    /// The same as [`up`](Self::up), with a cache folder of its own.
    ///
    /// # Panics
    /// If it does not serve.
    pub fn up_in(path: impl AsRef<OsStr>, cache: &Path) -> Self {
        let mut command = command();
        command.arg("up").arg(path).args(["--listen", "127.0.0.1:0"]).env("XDG_CACHE_HOME", cache);
        Self::start(&mut command)
    }

    /// The same as [`up`](Self::up), in an address space of that many kilobytes.
    ///
    /// # Panics
    /// If it does not serve.
    pub fn up_within(path: impl AsRef<OsStr>, kilobytes: u64) -> Self {
        let mut command = without_settings(Command::new("sh"));
        command
            .args(["-c", "ulimit -v \"$1\" && exec \"$2\" up \"$3\" --listen 127.0.0.1:0", "sh"])
            .arg(kilobytes.to_string())
            .arg(program())
            .arg(path);
        Self::start(&mut command)
    }

    /// The same as [`up`](Self::up), where it may have that many file descriptors.
    ///
    /// # Panics
    /// If it does not serve.
    pub fn up_with_descriptors(path: impl AsRef<OsStr>, count: u32) -> Self {
        let mut command = without_settings(Command::new("sh"));
        command
            .args(["-c", "ulimit -n \"$1\" && exec \"$2\" up \"$3\" --listen 127.0.0.1:0", "sh"])
            .arg(count.to_string())
            .arg(program())
            .arg(path);
        Self::start(&mut command)
    }

    /// The same as [`up_with`](Self::up_with), with variables in its environment.
    ///
    /// # Panics
    /// If it does not serve.
    pub fn up_where(
        path: impl AsRef<OsStr>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = command();
        command.arg("up").arg(path).args(["--listen", "127.0.0.1:0"]).args(arguments);
        Self::start(command.envs(variables.iter().copied()))
    }

    /// Starts `keyway host` on a free port, with its data in `data`, and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    pub fn host(data: &Path, arguments: &[&str]) -> Self {
        let mut command = command();
        command.arg("host").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        Self::start(command.args(arguments))
    }

    fn start(command: &mut Command) -> Self {
        Self::start_after(command, "")
    }

    /// Starts it by `command`, which says a line with `first` before it serves, if that is not
    /// empty.
    ///
    /// # Panics
    /// If it does not serve.
    pub fn start_after(command: &mut Command, first: &str) -> Self {
        let run = tempfile::tempdir().expect("a temporary folder");
        let mut child = command
            .env("XDG_RUNTIME_DIR", run.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("keyway can be started");
        let stdout = Lines::read(child.stdout.take().expect("piped"));
        let stderr = Lines::read(child.stderr.take().expect("piped"));
        let serving = |line: &&String| first.is_empty() || !line.contains(first);
        let first = stderr.wait_for(|lines| lines.iter().find(serving).cloned());
        let address = first.as_deref().and_then(|line| {
            let url = line.strip_prefix("Serving HTTP on http://");
            url.or_else(|| line.strip_prefix("Serving HTTPS on https://"))?
                .strip_suffix('/')?
                .parse()
                .ok()
        });
        let Some(address) = address else {
            // What it says before it ends, or instead of ending.
            stderr.wait_for(|lines| (lines.len() > 100).then_some(()));
            let _ = child.kill();
            let _ = child.wait();
            panic!("keyway does not serve:\n{}", stderr.text());
        };
        Self { child, address, stdout, stderr, run }
    }

    /// Runs another `keyway` with `arguments`, which finds this one running and no other.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn ask(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Finished {
        let mut command = command();
        Finished::of(command.args(arguments).env("XDG_RUNTIME_DIR", self.run.path()))
    }

    /// Its admin socket.
    ///
    /// # Panics
    /// If it has none.
    pub fn socket(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.run.path().join("keyway")).expect("a folder");
        entries.filter_map(|entry| Some(entry.ok()?.path())).next().expect("a socket")
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until a line of standard error contains `text`.
    ///
    /// # Panics
    /// If none does, with what there was.
    pub fn wait_for_stderr(&self, text: &str) {
        self.stderr.expect(text);
    }

    /// Waits until a line of standard output contains `text`.
    ///
    /// # Panics
    /// If none does, with what there was.
    pub fn wait_for_stdout(&self, text: &str) {
        self.stdout.expect(text);
    }

    /// Waits until so many lines of standard output contain `text`, and returns them.
    ///
    /// # Panics
    /// If they do not come, with what there was.
    pub fn wait_for_lines(&self, text: &str, count: usize) -> Vec<String> {
        let contain = |lines: &[String]| {
            let found: Vec<_> = lines.iter().filter(|line| line.contains(text)).cloned().collect();
            (found.len() >= count).then_some(found)
        };
        let found = self.stdout.wait_for(contain);
        found.unwrap_or_else(|| {
            panic!("less than {count} lines contain {text:?}:\n{}", self.stdout())
        })
    }

    /// Ends it at once (SIGKILL), as a machine that fails would.
    ///
    /// # Panics
    /// If it has ended already.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        let _ = self.child.wait();
    }

    /// Tells it to stop (SIGTERM) and does not wait.
    ///
    /// # Panics
    /// If it has ended already.
    pub fn terminate(&self) {
        terminate(&self.child);
    }

    /// Tells it that its terminal has closed (SIGHUP) and does not wait.
    ///
    /// # Panics
    /// If it has ended already.
    pub fn hang_up(&self) {
        signal(&self.child, Signal::HUP);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If that cannot be waited for.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("keyway's end can be waited for")
    }

    /// Tells it to stop and waits for its end.
    ///
    /// # Panics
    /// If it has ended already.
    pub fn stop(self) -> ExitStatus {
        self.terminate();
        self.wait()
    }
}

impl Drop for Keyway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream so far, read on a thread of its own.
#[derive(Debug, Clone)]
struct Lines(Arc<(Mutex<Seen>, Condvar)>);

/// What was read, and whether that is all.
#[derive(Debug, Default)]
struct Seen {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn read(stream: impl std::io::Read + Send + 'static) -> Self {
        let lines = Self(Arc::default());
        let writer = lines.clone();
        thread::spawn(move || {
            let (state, changed) = &*writer.0;
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                state.lock().expect("no reader panics").lines.push(line);
                changed.notify_all();
            }
            state.lock().expect("no reader panics").ended = true;
            changed.notify_all();
        });
        lines
    }

    /// Waits until `found` finds something, or the stream ends.
    fn wait_for<T>(&self, found: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let (state, changed) = &*self.0;
        let state = state.lock().expect("no reader panics");
        let (state, _) = changed
            .wait_timeout_while(state, PATIENCE, |seen| found(&seen.lines).is_none() && !seen.ended)
            .expect("no reader panics");
        found(&state.lines)
    }

    fn expect(&self, text: &str) {
        let found = self.wait_for(|lines| lines.iter().find(|line| line.contains(text)).cloned());
        assert!(found.is_some(), "no line contains {text:?}:\n{}", self.text());
    }

    fn text(&self) -> String {
        self.0.0.lock().expect("no reader panics").lines.join("\n")
    }
}
