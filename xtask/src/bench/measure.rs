//! One server, measured: from its start to its first answer, its memory, and its throughput.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How often a server that starts is asked whether it answers.
const POLL: Duration = Duration::from_micros(500);

pub(super) enum Server {
    Keyway {
        program: PathBuf,
        path: PathBuf,
    },
    /// Many apps, in a folder.
    Host {
        program: PathBuf,
        apps: PathBuf,
        data: PathBuf,
    },
    Peer {
        program: PathBuf,
        component: PathBuf,
    },
    Bare {
        program: PathBuf,
    },
}

/// A server with a component, and what was measured so far.
pub(super) struct Setting {
    pub(super) workload: &'static str,
    pub(super) server: Server,
    pub(super) requests_per_second: Vec<f64>,
    pub(super) p99_microseconds: Vec<f64>,
    pub(super) start_milliseconds: Vec<f64>,
    pub(super) idle_megabytes: Vec<f64>,
}

impl Setting {
    pub(super) fn new(workload: &'static str, server: Server) -> Self {
        Self {
            workload,
            server,
            requests_per_second: Vec::new(),
            p99_microseconds: Vec::new(),
            start_milliseconds: Vec::new(),
            idle_megabytes: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.server {
            Server::Keyway { .. } | Server::Host { .. } => "keyway",
            Server::Peer { .. } => "wasmtime serve",
            Server::Bare { .. } => "hyper",
        }
    }

    pub(super) fn title(&self) -> String {
        format!("{}, {}", self.workload, self.name())
    }

    /// One round.
    pub(super) fn measure(&mut self, seconds: u32) -> Result<()> {
        // The first start fills the caches, of code and of the disk; the second one counts.
        drop(Running::start(&self.server)?);
        let running = Running::start(&self.server)?;
        self.start_milliseconds.push(running.start.as_secs_f64() * 1e3);
        self.idle_megabytes.push(running.resident_bytes()? / 1e6);
        let load = load(running.address, "/", seconds)?;
        self.requests_per_second.push(load.requests_per_second);
        self.p99_microseconds.push(load.p99_microseconds);
        Ok(())
    }
}

/// A started server; it is killed when dropped.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) start: Duration,
    /// Where Keyway's sockets lie, apart from those of the user's own apps.
    pub(super) run: TempDir,
}

impl Running {
    pub(super) fn start(server: &Server) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = match server {
            Server::Keyway { program, path } => {
                let mut command = Command::new(program);
                command.arg("up").arg(path).args(["--listen", &address.to_string()]);
                command
            }
            Server::Host { program, apps, data } => {
                let mut command = Command::new(program);
                command.arg("host").arg("--apps").arg(apps).arg("--data").arg(data);
                // None shall sleep again while it is measured.
                command.args(["--idle", "1h", "--listen", &address.to_string()]);
                command
            }
            Server::Peer { program, component } => {
                let mut command = Command::new(program);
                // Fresh instances are its default for WASI 0.2; the cache of code is Keyway's too.
                command.args(["serve", "-C", "cache=y", "-S", "cli=y", "--addr"]);
                command.arg(address.to_string()).arg(component);
                command
            }
            Server::Bare { program } => {
                let mut command = Command::new(program);
                command.arg(address.to_string());
                command
            }
        };
        // A developer's setting, which makes errors capture backtraces, does not belong to a
        // server.
        command.env_remove("RUST_BACKTRACE");
        let run = tempfile::tempdir()?;
        command.env("XDG_RUNTIME_DIR", run.path());
        let began = Instant::now();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut running = Self { child, address, start: Duration::ZERO, run };
        while !answers(address) {
            if let Some(status) = running.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            if began.elapsed() > Duration::from_secs(60) {
                bail!("{command:?} does not answer");
            }
            thread::sleep(POLL);
        }
        running.start = began.elapsed();
        Ok(running)
    }

    /// What the process holds in memory (`VmRSS`).
    pub(super) fn resident_bytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        Ok(kilobytes.context("the process has no VmRSS")? * 1024.0)
    }
}

impl Running {
    /// How many mappings of memory and open files the process has.
    pub(super) fn maps_and_descriptors(&self) -> Result<(usize, usize)> {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let maps = fs::read_to_string(process.join("maps"))?.lines().count();
        Ok((maps, fs::read_dir(process.join("fd"))?.count()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

/// What a stretch of load came to.
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) p99_microseconds: f64,
}

/// Asks for `path` for so long, on 32 connections.
pub(super) fn load(address: SocketAddr, path: &str, seconds: u32) -> Result<Load> {
    load_with(Command::new("wrk").arg(format!("http://{address}{path}")), seconds)
}

/// The same, with the requests that `script` makes.
pub(super) fn load_by(address: SocketAddr, script: &Path, seconds: u32) -> Result<Load> {
    load_with(Command::new("wrk").arg("-s").arg(script).arg(format!("http://{address}/")), seconds)
}

fn load_with(command: &mut Command, seconds: u32) -> Result<Load> {
    let output = command
        .args(["-t1", "-c32", "--latency", &format!("-d{seconds}s")])
        .output()
        .context("`wrk` cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        bail!("not every request was answered:\n{text}");
    }
    let field =
        |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let requests = field("Requests/sec:").and_then(|text| text.parse().ok());
    let p99 = field("99%").and_then(microseconds);
    // "12345 requests in 1.00s, 1.23MB read"
    let count =
        text.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok());
    Ok(Load {
        requests: count.with_context(|| format!("wrk said:\n{text}"))?,
        requests_per_second: requests.with_context(|| format!("wrk said:\n{text}"))?,
        p99_microseconds: p99.with_context(|| format!("wrk said:\n{text}"))?,
    })
}

fn microseconds(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}
