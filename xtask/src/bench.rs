//! `cargo xtask bench`: Keyway compared with `wasmtime serve` of the same version, and bare hyper
//! as the ceiling; taking turns on this machine, each with fresh instances.

pub(crate) mod builds;
pub(crate) mod command;
pub(crate) mod density;
pub(crate) mod fairness;
mod group;
mod measure;
mod report;
pub(crate) mod soak;
pub(crate) mod swap;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{command::run as run_command, guest, setup};
use measure::{Server, Setting};

/// The peer's version: the newest patch of the engine that Keyway is built on.
const PEER_VERSION: &str = "48.0.8";

/// How long and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 2)]
    seconds: u32,
    /// Number of rounds; each server gets a turn in every round. Many short rounds even out the load
    /// from other users of the machine.
    #[arg(long, default_value_t = 15)]
    rounds: u32,
}

/// Measures, prints a table and writes it under `bench/results/`.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    keyway_build::install(&["wrk"])?;
    guest::build_tests(root)?;
    let keyway = guest::build_program(root, "release")?;
    let peer = peer()?;
    let bare = guest::build_example_program(root, "bare-hyper")?;
    let folder = tempfile::tempdir()?;
    let component =
        |name: &str| crate::command::target(root).join(format!("guest/component/{name}.wasm"));
    let hello = component("hello");
    let app = folder.path().join("keyway.toml");
    fs::write(
        &app,
        format!(
            "[app]\nname = \"greeting\"\n\
             [component.front]\nsource = {:?}\nlink.\"test:greet/greeter\" = \"greeter\"\n\
             [component.greeter]\nsource = {:?}\n\
             [[trigger.http]]\nroute = \"/\"\ncomponent = \"front\"\n",
            component("front"),
            component("greeter")
        ),
    )?;
    let composed = folder.path().join("composed.wasm");
    compose(&component("front"), &component("greeter"), &composed)?;

    let mut settings = vec![
        Setting::new("hello", Server::Peer { program: peer.clone(), component: hello.clone() }),
        Setting::new("hello", Server::Keyway { program: keyway.clone(), path: hello }),
        Setting::new("two fused", Server::Peer { program: peer, component: composed }),
        Setting::new("two fused", Server::Keyway { program: keyway, path: app }),
        Setting::new("no WebAssembly", Server::Bare { program: bare }),
    ];
    for round in 1..=arguments.rounds {
        for setting in &mut settings {
            eprintln!("round {round} of {}: {}", arguments.rounds, setting.title());
            setting.measure(arguments.seconds)?;
        }
    }
    report::write(&root.join("bench/results"), &settings, arguments.seconds, arguments.rounds)
}

/// `wasmtime` of the same version, built once into the cache.
fn peer() -> Result<PathBuf> {
    let folder = setup::cache()?.join("peer");
    let program = folder.join("bin/wasmtime");
    let version = Command::new(&program).arg("--version").output();
    let is_right =
        version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(PEER_VERSION));
    if !is_right {
        println!("Building wasmtime {PEER_VERSION} for comparison (some minutes, once).");
        run_command(
            Command::new("cargo")
                .args(["install", "wasmtime-cli", "--locked", "--version", PEER_VERSION, "--root"])
                .arg(&folder),
        )?;
    }
    Ok(program)
}

/// The peer links nothing itself: it gets one file, plugged together the plain way.
fn compose(front: &Path, greeter: &Path, to: &Path) -> Result<()> {
    use wac_graph::{CompositionGraph, EncodeOptions, plug, types::Package};
    let mut graph = CompositionGraph::new();
    let package = |graph: &mut CompositionGraph, name: &str, path: &Path| -> Result<_> {
        let package = Package::from_file(name, None, path, graph.types_mut())
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(graph.register_package(package)?)
    };
    let front = package(&mut graph, "bench:front", front)?;
    let greeter = package(&mut graph, "bench:greeter", greeter)?;
    plug(&mut graph, vec![greeter], front)?;
    fs::write(to, graph.encode(EncodeOptions::default())?)?;
    Ok(())
}
