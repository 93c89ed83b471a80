//! Asks apps for their names.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde::Serialize;

use super::fleet::name;

/// Hosts that the load of many apps is spread over, each as often as its rank has it.
const DRAWN: usize = 1 << 16;

/// How many are asked at once where it does not matter.
const AT_ONCE: usize = 200;

/// How long an app may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Serialize)]
pub(in crate::bench) struct Percentiles {
    pub(in crate::bench) p50: f64,
    pub(in crate::bench) p99: f64,
}

/// Asks apps one after the other; in milliseconds.
pub(super) fn one_by_one(
    address: SocketAddr,
    numbers: impl Iterator<Item = usize>,
) -> Result<Percentiles> {
    let mut taken = Vec::new();
    for number in numbers {
        let began = Instant::now();
        read(ask(address, number)?, number)?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
    }
    taken.sort_by(f64::total_cmp);
    let at = |hundredths: usize| taken.get(taken.len() * hundredths / 100).copied();
    let at = |hundredths| at(hundredths).unwrap_or(f64::NAN);
    Ok(Percentiles { p50: at(50), p99: at(99) })
}

/// Asks many apps at once, and waits until all have answered.
pub(super) fn burst(address: SocketAddr, numbers: impl Iterator<Item = usize>) -> Result<Duration> {
    let began = Instant::now();
    let asked: Result<Vec<_>> = numbers.map(|number| Ok((ask(address, number)?, number))).collect();
    for (stream, number) in asked? {
        read(stream, number)?;
    }
    Ok(began.elapsed())
}

/// Asks each of so many apps once, some at a time.
pub(in crate::bench) fn ask_all(address: SocketAddr, apps: usize) -> Result<Duration> {
    let began = Instant::now();
    for first in (0..apps).step_by(AT_ONCE) {
        burst(address, first..(first + AT_ONCE).min(apps))?;
    }
    Ok(began.elapsed())
}

fn ask(address: SocketAddr, number: usize) -> Result<TcpStream> {
    ask_for(address, &name(number), "/get/name")
}

/// Asks an app for a path, without chunks in the answer.
pub(in crate::bench) fn ask_for(address: SocketAddr, host: &str, path: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    Ok(stream)
}

fn read(mut stream: TcpStream, number: usize) -> Result<()> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let name = name(number);
    ensure!(answer.ends_with(&format!("\r\n\r\n{name}")), "{name} answers {answer:?}");
    Ok(())
}

/// The app whose share of the requests has the number `drawn` of [`DRAWN`], where the share of each is
/// inversely proportional to its rank (Zipf's law).
pub(super) fn zipf(apps: usize, drawn: usize) -> usize {
    // The sum of the first n shares grows as the logarithm of n.
    let whole = (apps as f64).ln();
    let part = (drawn as f64 + 0.5) / DRAWN as f64;
    ((whole * part).exp() as usize).clamp(1, apps - 1)
}

/// What has `wrk` send requests to the apps that `app` says for each number below [`DRAWN`].
pub(in crate::bench) fn script(
    folder: &Path,
    name: &str,
    app: impl Fn(usize) -> usize,
) -> Result<PathBuf> {
    let mut text = "local hosts = {\n".to_owned();
    for drawn in 0..DRAWN {
        writeln!(text, "{:?},", self::name(app(drawn)))?;
    }
    text += "}\nlocal requests = {}\nmath.randomseed(1)\n\
             function init()\n  for i, host in ipairs(hosts) do\n    \
             requests[i] = wrk.format(\"GET\", \"/get/name\", { Host = host })\n  end\nend\n\
             function request()\n  return requests[math.random(#requests)]\nend\n";
    let path = folder.join(format!("{name}.lua"));
    fs::write(&path, text)?;
    Ok(path)
}
