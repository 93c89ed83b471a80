//! `cargo xtask demo`: serves the example and sends it a request.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::guest;

const LINE: &str = "2026-03-01T12:00:00Z WARN disk /dev/sda1 is 91% full";

/// Builds, serves and asks the example, then serves on until Ctrl-C.
pub(crate) fn run(root: &Path) -> Result<()> {
    println!("1 of 3: building the components of examples/log-pipeline");
    guest::build_example(root, "log-pipeline")?;
    println!("2 of 3: building keyway (some minutes the first time)");
    let program = guest::build_program(root, "dev")?;
    println!("3 of 3: serving examples/log-pipeline");
    let example = root.join("examples/log-pipeline");
    let mut child = Command::new(program)
        .arg("up")
        .arg(&example)
        .args(["--listen", &address().to_string()])
        .stderr(Stdio::piped())
        // A signal comes from here alone, and once, whether a terminal sends it or a program.
        .process_group(0)
        .spawn()
        .context("keyway cannot be started")?;
    let served = ask(&mut child);
    if served.is_err() {
        // It failed before it served, or does not answer: nothing is left behind.
        let _ = child.kill();
    }
    let status = child.wait()?;
    served?;
    if !status.success() {
        bail!("keyway ended with {status}");
    }
    Ok(())
}

/// The default address, or a free port if that is taken.
fn address() -> SocketAddr {
    let default = SocketAddr::from(([127, 0, 0, 1], 3000));
    match TcpListener::bind(default) {
        Ok(_) => default,
        Err(_) => SocketAddr::from(([127, 0, 0, 1], 0)),
    }
}

fn ask(child: &mut Child) -> Result<()> {
    let stderr = child.stderr.take().context("keyway has no standard error")?;
    let mut lines = BufReader::new(stderr).lines();
    let first = lines.next().context("keyway ended before it served")??;
    let address = first
        .strip_prefix("Serving HTTP on http://")
        .and_then(|rest| rest.strip_suffix('/'))
        .map(str::to_owned);
    eprintln!("{first}");
    let Some(address) = address else {
        for line in lines {
            eprintln!("{}", line?);
        }
        bail!("keyway does not serve");
    };
    let passing = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            eprintln!("{line}");
        }
    });
    println!("\n$ curl --data '{LINE}' http://{address}/parse");
    println!("{}", post(&address, "/parse", LINE)?);
    println!("\n$ curl --data 'Keyway' http://{address}/ingest");
    println!("{}", post(&address, "/ingest", "Keyway")?);
    println!("\nServing until Ctrl-C.");
    // It drains and ends, and its standard error with it.
    let keyway = Pid::from_child(child);
    ctrlc::set_handler(move || {
        let _ = kill_process(keyway, Signal::INT);
    })?;
    passing.join().map_err(|_| anyhow::anyhow!("keyway's output could not be passed on"))
}

fn post(address: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
    if !head.lines().next().is_some_and(|status| status.contains(" 200 ")) {
        bail!("{head}\n{body}");
    }
    Ok(body.to_owned())
}
