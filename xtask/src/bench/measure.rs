//! One server, measured: from its start to its first answer, its memory, and its throughput.

use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tempfile::TempDir;

use super::group::Group;

/// How often a server that starts is asked whether it answers.
const POLL: Duration = Duration::from_micros(500);

/// What Linux counts a process's time in, on all machines that Keyway runs on.
const TICKS_PER_SECOND: f64 = 100.0;

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

/// Where a server runs, if not as any other process of this user.
#[derive(Clone, Copy, Default)]
pub(super) struct Place<'a> {
    pub(super) group: Option<&'a Group>,
    /// The folder of its caches.
    pub(super) cache: Option<&'a Path>,
}

/// What a process holds in memory.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Memory {
    pub(super) resident_bytes: f64,
    /// The same, where what several processes share counts in parts (PSS).
    pub(super) proportional_bytes: f64,
    pub(super) page_table_bytes: f64,
}

impl Memory {
    /// Of the process of this number.
    pub(super) fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let shared = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        Ok(Self {
            resident_bytes: bytes(&status, "VmRSS:")?,
            proportional_bytes: bytes(&shared, "Pss:")?,
            page_table_bytes: bytes(&status, "VmPTE:")?,
        })
    }
}

/// A figure in kilobytes, as the kernel writes it.
fn bytes(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kilobytes.with_context(|| format!("the process has no {name}"))? * 1024.0)
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
        Self::start_in(server, Place::default())
    }

    pub(super) fn start_in(server: &Server, place: Place<'_>) -> Result<Self> {
        let address = free_address()?;
        let (program, arguments) = server.command_line(address);
        let mut command = match place.group {
            Some(group) => {
                let mut shell = group.shell();
                shell.arg(program);
                shell
            }
            None => Command::new(program),
        };
        command.args(arguments);
        if let Some(cache) = place.cache {
            command.env("XDG_CACHE_HOME", cache);
        }
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
        Ok(self.memory()?.resident_bytes)
    }

    pub(super) fn memory(&self) -> Result<Memory> {
        Memory::of(self.process())
    }

    /// The number of its process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// How many mappings of memory and open files the process has.
    pub(super) fn maps_and_descriptors(&self) -> Result<(usize, usize)> {
        let process = PathBuf::from(format!("/proc/{}", self.process()));
        let maps = fs::read_to_string(process.join("maps"))?.lines().count();
        Ok((maps, fs::read_dir(process.join("fd"))?.count()))
    }

    /// For how long the process has computed, on all cores together.
    pub(super) fn computed(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process()))?;
        // Its name, which may hold anything, ends with the last bracket (proc_pid_stat(5)).
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: Vec<u64> =
            fields.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
        Ok(Duration::from_secs_f64(ticks.iter().sum::<u64>() as f64 / TICKS_PER_SECOND))
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Server {
    fn command_line(&self, address: SocketAddr) -> (&Path, Vec<OsString>) {
        let address = OsString::from(address.to_string());
        match self {
            Self::Keyway { program, path } => {
                (program, vec!["up".into(), path.into(), "--listen".into(), address])
            }
            Self::Host { program, apps, data } => {
                let folders = ["--apps".into(), apps.into(), "--data".into(), data.into()];
                // None shall sleep again while it is measured.
                let more = ["--idle".into(), "1h".into(), "--listen".into(), address];
                let arguments = [OsString::from("host")].into_iter().chain(folders).chain(more);
                (program, arguments.collect())
            }
            Self::Peer { program, component } => {
                // Fresh instances are its default for WASI 0.2; the cache of code is Keyway's too.
                let options =
                    ["serve", "-C", "cache=y", "-S", "cli=y", "--addr"].map(OsString::from);
                (program, options.into_iter().chain([address, component.into()]).collect())
            }
            Self::Bare { program } => (program, vec![address]),
        }
    }
}

/// An address of this machine at which nothing listens.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        // Some servers answer in HTTP/1.0.
        Ok(answer.starts_with(b"HTTP/1.") && answer.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// What a stretch of load came to.
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) p99_microseconds: f64,
}

/// On how many connections requests are sent where nothing else is said.
const CONNECTIONS: usize = 32;

/// Asks for `path` for so long, on 32 connections.
pub(super) fn load(address: SocketAddr, path: &str, seconds: u32) -> Result<Load> {
    load_with(Command::new("wrk").arg(format!("http://{address}{path}")), CONNECTIONS, seconds)
}

/// The same, with the requests that `script` makes.
pub(super) fn load_by(address: SocketAddr, script: &Path, seconds: u32) -> Result<Load> {
    let mut wrk = Command::new("wrk");
    load_with(wrk.arg("-s").arg(script).arg(format!("http://{address}/")), CONNECTIONS, seconds)
}

/// The same, on one connection, of the app that has this host name.
pub(super) fn load_host(address: SocketAddr, host: &str, path: &str, seconds: u32) -> Result<Load> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-H", &format!("Host: {host}")]).arg(format!("http://{address}{path}"));
    load_with(&mut wrk, 1, seconds)
}

fn load_with(command: &mut Command, connections: usize, seconds: u32) -> Result<Load> {
    let output = command
        .args(["-t1", &format!("-c{connections}"), "--latency", &format!("-d{seconds}s")])
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
