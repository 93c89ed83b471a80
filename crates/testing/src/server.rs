//! Real servers for tests: Debian's Redis, PostgreSQL and NATS, and `moto` for S3, each on a free
//! port of 127.0.0.1 and with its own temporary folder. They are stopped when dropped.

mod moto;
mod nats;
mod port;
mod postgres;
mod redis;
mod shared;

use std::{
    env, fs, io,
    os::{
        fd::OwnedFd,
        unix::{fs::chown, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, geteuid, kill_process, pidfd_open, pidfd_send_signal},
};
use tempfile::TempDir;

pub use moto::Moto;
pub use nats::Nats;
pub use port::Port;
pub use postgres::Postgres;
pub use redis::Redis;
pub use shared::Shared;

/// The user and group `nobody`: servers do not run as root.
const NOBODY: u32 = 65_534;

/// No server takes longer to start or end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The password of every server.
pub const PASSWORD: &str = "secret";

/// A program that serves on a port, with what is needed to start it again.
#[derive(Debug)]
struct Server {
    program: &'static str,
    arguments: Vec<String>,
    folder: TempDir,
    port: Port,
    child: Child,
    is_ready: fn(u16) -> bool,
}

impl Server {
    /// Starts `program` with the arguments that `arguments` makes of a folder and a free port.
    fn start(
        program: &'static str,
        arguments: impl Fn(&Path, u16) -> Vec<String>,
        is_ready: fn(u16) -> bool,
    ) -> Self {
        Self::start_in(folder(), program, arguments, is_ready)
    }

    fn start_in(
        folder: TempDir,
        program: &'static str,
        arguments: impl Fn(&Path, u16) -> Vec<String>,
        is_ready: fn(u16) -> bool,
    ) -> Self {
        let port = Port::take();
        let arguments = arguments(folder.path(), port.number());
        let child = spawn(program, &arguments, folder.path());
        let mut server = Self { program, arguments, folder, port, child, is_ready };
        server.wait();
        server
    }

    /// Waits until it answers, and starts it again if it ends before: after a kill, something of
    /// it may be in the way for a moment.
    fn wait(&mut self) {
        let end = Instant::now() + PATIENCE;
        while !(self.is_ready)(self.port.number()) {
            assert!(Instant::now() < end, "{} does not start:\n{}", self.program, self.log());
            if let Ok(Some(_)) = self.child.try_wait() {
                self.child = spawn(self.program, &self.arguments, self.folder.path());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends it without warning, as when its machine loses power: also the processes that it started,
    /// of which some would answer for a moment more.
    fn kill(&mut self) {
        let pid = Pid::from_child(&self.child);
        // It starts no others while they are counted.
        kill_process(pid, Signal::STOP).expect("a child can be stopped");
        let children = children(pid);
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
        for child in &children {
            // It may have ended when it noticed.
            let _ = pidfd_send_signal(child, Signal::KILL);
        }
        for child in &children {
            poll(&mut [PollFd::new(child, PollFlags::IN)], None)
                .expect("its end can be waited for");
        }
    }

    /// Starts it again, with the same port and folder.
    fn restart(&mut self) {
        self.child = spawn(self.program, &self.arguments, self.folder.path());
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.child.try_wait() {
            return;
        }
        // It ends at once, and takes with it what a killed one would leave behind.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes that a process has started.
fn children(pid: Pid) -> Vec<OwnedFd> {
    let entries = fs::read_dir("/proc").expect("Linux has processes").flatten();
    let pids = entries.filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        // `proc_pid_stat(5)`: its name, in brackets, may have anything in it.
        let status = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = status.rsplit_once(')')?.1.split_whitespace().nth(1)?;
        (parent.parse() == Ok(pid.as_raw_pid())).then(|| Pid::from_raw(number)).flatten()
    });
    pids.filter_map(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()).collect()
}

/// A temporary folder that servers may write to.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    if geteuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may give a folder away");
    }
    folder
}

fn spawn(program: &str, arguments: &[String], folder: &Path) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log"));
    let log = log.expect("the log can be written");
    command(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"))
}

/// A server's program, as `nobody` where this is root.
fn command(program: &str) -> Command {
    let path = find(program);
    let mut command = Command::new(&path);
    // Only root can read root's own folder.
    if geteuid().is_root() && in_python(program).is_none() {
        command.uid(NOBODY).gid(NOBODY);
    }
    // What was unpacked finds its libraries beside it.
    if let Some(root) = unpacked().filter(|root| path.starts_with(root)) {
        let folders =
            [root.join("usr/lib/x86_64-linux-gnu"), root.join("usr/lib/aarch64-linux-gnu")];
        command.env("LD_LIBRARY_PATH", env::join_paths(folders).expect("paths without colons"));
    }
    command
}

/// Where `cargo xtask setup` unpacks servers if it may not install them.
fn unpacked() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("keyway/server"))
}

/// A Python program, in a virtual environment of the user's own.
fn in_python(program: &str) -> Option<PathBuf> {
    unpacked().map(|root| root.join("python/bin").join(program)).filter(|path| path.is_file())
}

fn find(program: &str) -> PathBuf {
    if let Some(path) = in_python(program) {
        return path;
    }
    let roots = [Some(PathBuf::from("/")), unpacked()];
    for root in roots.into_iter().flatten() {
        let mut folders = vec![root.join("usr/bin"), root.join("usr/sbin")];
        let versions = fs::read_dir(root.join("usr/lib/postgresql")).into_iter().flatten();
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
        let found = folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
        if let Some(path) = found {
            return path;
        }
    }
    panic!("{program} is not there: run `cargo xtask setup`")
}

/// What a server says to `hello`, or first of all.
fn greet(port: u16, hello: &[u8]) -> io::Result<Vec<u8>> {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(hello)?;
    let mut answer = vec![0; 64];
    let length = stream.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}
