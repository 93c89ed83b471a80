//! Other ways to have many services on a machine: one process or container each, started in a control
//! group until it holds no more.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use crate::bench::{
    group::Group,
    measure::{Memory, Place, Running, Server, answers, free_address},
};

/// How long a service may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is asked.
const POLL: Duration = Duration::from_millis(2);

/// What a peer came to.
#[derive(Debug, Serialize)]
pub(super) struct PeerReport {
    pub(super) name: &'static str,
    /// How many answered at the same time.
    pub(super) services: usize,
    /// Why there are no more.
    pub(super) end: String,
    /// Of one service, on average.
    pub(super) memory: Memory,
    /// What the group takes for each, with the kernel's part and what was read of files.
    pub(super) group_bytes: f64,
}

/// Processes of `wasmtime serve`.
pub(super) fn wasmtime(
    program: &Path,
    component: &Path,
    group: &Group,
    at_most: usize,
) -> Result<PeerReport> {
    let server = Server::Peer { program: program.to_owned(), component: component.to_owned() };
    let place = Place { group: Some(group), cache: None };
    let mut services: Vec<Running> = Vec::new();
    grow("wasmtime serve", group, at_most, || {
        services.push(Running::start_in(&server, place)?);
        for service in &mut services {
            ensure!(service.is_alive()?, "the kernel ended one of the others");
        }
        Ok(services.last().context("one was just started")?.process())
    })
}

/// Starts services until one fails. `start` starts one more, and says which process it is.
fn grow(
    name: &'static str,
    group: &Group,
    at_most: usize,
    mut start: impl FnMut() -> Result<u32>,
) -> Result<PeerReport> {
    let before = group.used_bytes()?;
    let mut used = before;
    let mut processes = Vec::new();
    let end = loop {
        if processes.len() == at_most {
            break "as many as were asked for".to_owned();
        }
        match start() {
            Ok(process) => {
                processes.push(process);
                used = group.used_bytes()?;
            }
            Err(error) => break format!("{error:#}"),
        }
    };
    let services = processes.len();
    eprintln!("{name}: {services} services; {end}");
    // The kernel may have ended one to make room.
    let taken: Vec<Memory> =
        processes.iter().filter_map(|process| Memory::of(*process).ok()).collect();
    let mean = |bytes: fn(&Memory) -> f64| {
        taken.iter().map(bytes).sum::<f64>() / taken.len().max(1) as f64
    };
    let memory = Memory {
        resident_bytes: mean(|memory| memory.resident_bytes),
        proportional_bytes: mean(|memory| memory.proportional_bytes),
        page_table_bytes: mean(|memory| memory.page_table_bytes),
    };
    let group_bytes = (used - before) / services.max(1) as f64;
    Ok(PeerReport { name, services, end, memory, group_bytes })
}

/// Containers of `runc`, each with busybox's server of files.
pub(super) fn containers(folder: &Path, group: &Group, at_most: usize) -> Result<PeerReport> {
    keyway_build::install(&["runc", "busybox-static"])?;
    let root = folder.join("root");
    for name in ["bin", "www", "proc", "dev", "sys"] {
        fs::create_dir_all(root.join(name))?;
    }
    fs::copy("/bin/busybox", root.join("bin/busybox"))?;
    fs::write(root.join("www/index.html"), "Hello, world!\n")?;
    let mut containers = Containers { folder: folder.to_owned(), names: Vec::new() };
    grow("runc with busybox httpd", group, at_most, || containers.start(&root, group))
}

/// Containers, which are removed when dropped.
struct Containers {
    folder: PathBuf,
    names: Vec<String>,
}

impl Containers {
    fn start(&mut self, root: &Path, group: &Group) -> Result<u32> {
        let address = free_address()?;
        let name = format!("keyway-bench-{}", address.port());
        let bundle = self.folder.join(&name);
        fs::create_dir_all(&bundle)?;
        let made = Command::new("runc").arg("spec").current_dir(&bundle).status()?;
        ensure!(made.success(), "`runc spec` failed");
        let file = bundle.join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&file)?)?;
        config["process"]["terminal"] = json!(false);
        let address_text = address.to_string();
        config["process"]["args"] =
            json!(["/bin/busybox", "httpd", "-f", "-p", address_text, "-h", "/www"]);
        config["root"] = json!({ "path": root, "readonly": true });
        // Asked from outside, at the machine's own addresses.
        if let Some(namespaces) = config["linux"]["namespaces"].as_array_mut() {
            namespaces.retain(|namespace| namespace["type"] != "network");
        }
        // Relative to the group that `runc` is in.
        config["linux"]["cgroupsPath"] = json!(name);
        fs::write(&file, serde_json::to_vec(&config)?)?;
        let process = bundle.join("process");
        let mut run = group.shell();
        run.arg("runc").arg("--root").arg(self.folder.join("state")).args(["run", "--detach"]);
        run.arg("--pid-file").arg(&process).arg("--bundle").arg(&bundle).arg(&name);
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.names.push(name);
        ensure!(run.status()?.success(), "`runc run` failed");
        let began = Instant::now();
        while !answers(address) {
            ensure!(began.elapsed() < PATIENCE, "a container does not answer");
            thread::sleep(POLL);
        }
        Ok(fs::read_to_string(&process)?.trim().parse()?)
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for name in &self.names {
            let state = self.folder.join("state");
            let mut delete = Command::new("runc");
            delete.arg("--root").arg(state).args(["delete", "--force", name]);
            // One that did not start may not be there.
            let _ = delete.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}
