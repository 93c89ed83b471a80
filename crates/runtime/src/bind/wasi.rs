//! The releases of WASI, each interface bound to one component's rights.

use keyway_component::is_provided;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{
    cli::WasiCli, clocks::WasiClocks, filesystem::WasiFilesystem, p2::bindings as p2,
    p3::bindings as p3, random::WasiRandom, sockets::WasiSockets,
};
use wasmtime_wasi_http::{WasiHttp, p2::bindings::http as http_p2, p3::bindings::http as http_p3};

use super::{deny::Network, import::Target};
use crate::{
    exact,
    state::{State, view},
};

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Lays the host's functions for an interface of a release over `target`, with the rights of the
/// component in `slot`. An interface that is not known here stays as it is: denied.
pub(super) fn bind(
    target: &mut Target<'_>,
    path: &str,
    release: Release,
    slot: usize,
) -> wasmtime::Result<()> {
    match release {
        Release::Wasi0_2 => {
            wasi_0_2(target, path, slot)?;
            exact::override_0_2(target, path, slot)
        }
        Release::Wasi0_3 => {
            wasi_0_3(target, path, slot)?;
            exact::override_0_3(target, path, slot)
        }
    }
}

/// Whether `interface` is the one that gives out folders.
pub(super) fn gives_folders(interface: &str) -> bool {
    released(interface).is_some_and(|(path, _)| path == "filesystem/preopens")
}

/// The functions of `interface` with which all use of a network begins.
pub(super) fn ways_out(interface: &str) -> &'static [(&'static str, Network)] {
    match released(interface) {
        Some(("sockets/ip-name-lookup", _)) => &[("resolve-addresses", Network::Names)],
        Some(("sockets/tcp-create-socket", _)) => &[("create-tcp-socket", Network::Tcp)],
        Some(("sockets/udp-create-socket", _)) => &[("create-udp-socket", Network::Udp)],
        Some(("sockets/types", Release::Wasi0_3)) => &[
            ("[static]tcp-socket.create", Network::Tcp),
            ("[static]udp-socket.create", Network::Udp),
        ],
        _ => &[],
    }
}

/// The releases of WASI that are bound here.
#[derive(Clone, Copy)]
pub(super) enum Release {
    Wasi0_2,
    Wasi0_3,
}

/// The path of an interface of WASI (`cli/environment`), and its release. None for drafts, each of
/// whose versions is an interface of its own.
pub(super) fn released(interface: &str) -> Option<(&str, Release)> {
    const PACKAGES: [&str; 7] =
        ["cli/", "clocks/", "filesystem/", "http/", "io/", "random/", "sockets/"];
    if !is_provided(interface) {
        return None;
    }
    let (path, version) = interface.strip_prefix("wasi:")?.split_once('@')?;
    if !PACKAGES.iter().any(|package| path.starts_with(package)) {
        return None;
    }
    let is_0_3 = version.starts_with("0.3.");
    Some((path, if is_0_3 { Release::Wasi0_3 } else { Release::Wasi0_2 }))
}

fn wasi_0_2(target: &mut Target<'_>, path: &str, slot: usize) -> wasmtime::Result<()> {
    use p2::{cli, clocks, filesystem, random, sockets};
    use wasmtime_wasi::p2::bindings::io;

    macro_rules! bind {
        ($interface:path, Table) => {{
            use $interface as interface;
            interface::add_to_linker_instance::<State, Table>(target, view::table)
        }};
        ($interface:path, $data:ty) => {{
            use $interface as interface;
            interface::add_to_linker_instance::<State, $data>(target, view::of::<$data>(slot))
        }};
        ($interface:path, $data:ty, default options) => {{
            use $interface as interface;
            let (options, view) = (interface::LinkOptions::default(), view::of::<$data>(slot));
            interface::add_to_linker_instance::<State, $data>(target, &options, view)
        }};
    }
    match path {
        "io/error" => bind!(io::error, Table),
        "io/poll" => bind!(io::poll, Table),
        "io/streams" => bind!(io::streams, Table),
        "cli/environment" => bind!(cli::environment, WasiCli),
        "cli/exit" => bind!(cli::exit, WasiCli),
        "cli/stdin" => bind!(cli::stdin, WasiCli),
        "cli/stdout" => bind!(cli::stdout, WasiCli),
        "cli/stderr" => bind!(cli::stderr, WasiCli),
        "cli/terminal-input" => bind!(cli::terminal_input, WasiCli),
        "cli/terminal-output" => bind!(cli::terminal_output, WasiCli),
        "cli/terminal-stdin" => bind!(cli::terminal_stdin, WasiCli),
        "cli/terminal-stdout" => bind!(cli::terminal_stdout, WasiCli),
        "cli/terminal-stderr" => bind!(cli::terminal_stderr, WasiCli),
        "clocks/wall-clock" => bind!(clocks::wall_clock, WasiClocks),
        "clocks/monotonic-clock" => bind!(clocks::monotonic_clock, WasiClocks),
        "random/random" => bind!(random::random, WasiRandom),
        "random/insecure" => bind!(random::insecure, WasiRandom),
        "random/insecure-seed" => bind!(random::insecure_seed, WasiRandom),
        "filesystem/types" => bind!(filesystem::types, WasiFilesystem),
        "filesystem/preopens" => bind!(filesystem::preopens, WasiFilesystem),
        "sockets/network" => {
            bind!(sockets::network, WasiSockets, default options)
        }
        "sockets/instance-network" => {
            bind!(sockets::instance_network, WasiSockets)
        }
        "sockets/ip-name-lookup" => bind!(sockets::ip_name_lookup, WasiSockets),
        "sockets/tcp" => bind!(sockets::tcp, WasiSockets),
        "sockets/tcp-create-socket" => {
            bind!(sockets::tcp_create_socket, WasiSockets)
        }
        "sockets/udp" => bind!(sockets::udp, WasiSockets),
        "sockets/udp-create-socket" => {
            bind!(sockets::udp_create_socket, WasiSockets)
        }
        "http/types" => bind!(http_p2::types, WasiHttp, default options),
        "http/outgoing-handler" => bind!(http_p2::outgoing_handler, WasiHttp),
        _ => Ok(()),
    }
}

fn wasi_0_3(target: &mut Target<'_>, path: &str, slot: usize) -> wasmtime::Result<()> {
    use p3::{cli, clocks, filesystem, random, sockets};

    macro_rules! bind {
        ($interface:path, $data:ty) => {{
            use $interface as interface;
            interface::add_to_linker_instance::<State, $data>(target, view::of::<$data>(slot))
        }};
    }
    match path {
        "cli/environment" => bind!(cli::environment, WasiCli),
        "cli/exit" => bind!(cli::exit, WasiCli),
        "cli/stdin" => bind!(cli::stdin, WasiCli),
        "cli/stdout" => bind!(cli::stdout, WasiCli),
        "cli/stderr" => bind!(cli::stderr, WasiCli),
        "cli/terminal-input" => bind!(cli::terminal_input, WasiCli),
        "cli/terminal-output" => bind!(cli::terminal_output, WasiCli),
        "cli/terminal-stdin" => bind!(cli::terminal_stdin, WasiCli),
        "cli/terminal-stdout" => bind!(cli::terminal_stdout, WasiCli),
        "cli/terminal-stderr" => bind!(cli::terminal_stderr, WasiCli),
        "clocks/types" => bind!(clocks::types, WasiClocks),
        "clocks/monotonic-clock" => bind!(clocks::monotonic_clock, WasiClocks),
        "clocks/system-clock" => bind!(clocks::system_clock, WasiClocks),
        "random/random" => bind!(random::random, WasiRandom),
        "random/insecure" => bind!(random::insecure, WasiRandom),
        "random/insecure-seed" => bind!(random::insecure_seed, WasiRandom),
        "filesystem/types" => bind!(filesystem::types, WasiFilesystem),
        "filesystem/preopens" => bind!(filesystem::preopens, WasiFilesystem),
        "sockets/types" => bind!(sockets::types, WasiSockets),
        "sockets/ip-name-lookup" => bind!(sockets::ip_name_lookup, WasiSockets),
        "http/types" => bind!(http_p3::types, WasiHttp),
        "http/client" => bind!(http_p3::client, WasiHttp),
        _ => Ok(()),
    }
}
