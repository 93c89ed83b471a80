//! The interfaces that the host provides, WASI's and foreign ones, each bound to one component's
//! rights.

use keyway_component::{Authority, authority, is_provided};
use wasmtime::component::{HasData, LinkerInstance, ResourceTable};
use wasmtime_wasi::{
    cli::WasiCli, clocks::WasiClocks, filesystem::WasiFilesystem, p2::bindings as p2,
    p3::bindings as p3, random::WasiRandom, sockets::WasiSockets,
};
use wasmtime_wasi_http::{WasiHttp, p2::bindings::http as http_p2, p3::bindings::http as http_p3};

use super::{
    blobstore, config, deny::Network, form::Form, keyvalue, logging, messaging, redis, sql, tls,
};
use crate::{
    exact,
    state::{State, view},
};

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Lays the host's functions for `interface` (`wasi:cli/environment@0.2.6`) over `target`, with
/// the rights of the component in `slot`. An interface or version that is not known here stays
/// as it is: denied.
pub(super) fn bind(
    target: &mut LinkerInstance<'_, State>,
    interface: &str,
    form: Form,
    slot: usize,
) -> wasmtime::Result<()> {
    match known(interface) {
        Some((path, release)) => at_slot(target, path, release, form, slot),
        None => Ok(()),
    }
}

/// Whether `interface` is the one that gives out folders.
pub(super) fn gives_folders(interface: &str) -> bool {
    known(interface).is_some_and(|(path, _)| path == "filesystem/preopens")
}

/// The functions of `interface` with which all use of a network begins.
pub(super) fn ways_out(interface: &str) -> &'static [(&'static str, Network)] {
    match known(interface) {
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

/// The path of an interface, and its release, if that is bound here.
fn known(interface: &str) -> Option<(&str, Release)> {
    const DRAFTS: [&str; 6] =
        ["keyvalue/", "blobstore/", "messaging/", "config/", "logging/", "tls/"];
    if !is_provided(interface) {
        return None;
    }
    let path = interface.strip_prefix("wasi:");
    let is_draft = |path: &str| DRAFTS.iter().any(|package| path.starts_with(package));
    let Some(path) = path.filter(|path| !is_draft(path)) else {
        return Some((interface, Release::Exact));
    };
    let (path, version) = path.split_once('@')?;
    let is_0_3 = version.starts_with("0.3.");
    Some((path, if is_0_3 { Release::Wasi0_3 } else { Release::Wasi0_2 }))
}

#[derive(Clone, Copy)]
enum Release {
    Wasi0_2,
    Wasi0_3,
    /// Drafts, and what is not WASI's: each version is an interface of its own, and the path is the
    /// whole name.
    Exact,
}

fn bind_for<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
    release: Release,
    form: Form,
) -> wasmtime::Result<()> {
    match release {
        Release::Wasi0_2 => {
            wasi_0_2::<N>(target, path)?;
            exact::mend_0_2::<N>(target, path)
        }
        Release::Wasi0_3 => {
            wasi_0_3::<N>(target, path)?;
            exact::mend_0_3::<N>(target, path)
        }
        Release::Exact => match authority(path) {
            Authority::KeyValue => keyvalue::bind::<N>(target, path, form),
            Authority::Blobstore => blobstore::bind::<N>(target, path),
            Authority::Messaging => messaging::bind::<N>(target, path),
            Authority::Config => config::bind::<N>(target, path),
            Authority::Stderr => logging::bind::<N>(target),
            Authority::Sql => sql::bind::<N>(target, path, form),
            Authority::Redis => redis::bind::<N>(target, path),
            Authority::Tls => tls::bind(target),
            _ => Ok(()),
        },
    }
}

fn wasi_0_2<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
) -> wasmtime::Result<()> {
    use p2::{cli, clocks, filesystem, random, sockets};
    use wasmtime_wasi::p2::bindings::io;

    macro_rules! bind {
        ($interface:path, $data:ty, $view:expr) => {{
            use $interface as interface;
            interface::add_to_linker_instance::<State, $data>(target, $view)
        }};
        ($interface:path, $data:ty, $view:expr, default options) => {{
            use $interface as interface;
            let options = interface::LinkOptions::default();
            interface::add_to_linker_instance::<State, $data>(target, &options, $view)
        }};
    }
    match path {
        "io/error" => bind!(io::error, Table, view::table),
        "io/poll" => bind!(io::poll, Table, view::table),
        "io/streams" => bind!(io::streams, Table, view::table),
        "cli/environment" => bind!(cli::environment, WasiCli, view::cli::<N>),
        "cli/exit" => bind!(cli::exit, WasiCli, view::cli::<N>),
        "cli/stdin" => bind!(cli::stdin, WasiCli, view::cli::<N>),
        "cli/stdout" => bind!(cli::stdout, WasiCli, view::cli::<N>),
        "cli/stderr" => bind!(cli::stderr, WasiCli, view::cli::<N>),
        "cli/terminal-input" => bind!(cli::terminal_input, WasiCli, view::cli::<N>),
        "cli/terminal-output" => bind!(cli::terminal_output, WasiCli, view::cli::<N>),
        "cli/terminal-stdin" => bind!(cli::terminal_stdin, WasiCli, view::cli::<N>),
        "cli/terminal-stdout" => bind!(cli::terminal_stdout, WasiCli, view::cli::<N>),
        "cli/terminal-stderr" => bind!(cli::terminal_stderr, WasiCli, view::cli::<N>),
        "clocks/wall-clock" => bind!(clocks::wall_clock, WasiClocks, view::clocks::<N>),
        "clocks/monotonic-clock" => bind!(clocks::monotonic_clock, WasiClocks, view::clocks::<N>),
        "random/random" => bind!(random::random, WasiRandom, view::random::<N>),
        "random/insecure" => bind!(random::insecure, WasiRandom, view::random::<N>),
        "random/insecure-seed" => bind!(random::insecure_seed, WasiRandom, view::random::<N>),
        "filesystem/types" => bind!(filesystem::types, WasiFilesystem, view::files::<N>),
        "filesystem/preopens" => bind!(filesystem::preopens, WasiFilesystem, view::files::<N>),
        "sockets/network" => {
            bind!(sockets::network, WasiSockets, view::sockets::<N>, default options)
        }
        "sockets/instance-network" => {
            bind!(sockets::instance_network, WasiSockets, view::sockets::<N>)
        }
        "sockets/ip-name-lookup" => bind!(sockets::ip_name_lookup, WasiSockets, view::sockets::<N>),
        "sockets/tcp" => bind!(sockets::tcp, WasiSockets, view::sockets::<N>),
        "sockets/tcp-create-socket" => {
            bind!(sockets::tcp_create_socket, WasiSockets, view::sockets::<N>)
        }
        "sockets/udp" => bind!(sockets::udp, WasiSockets, view::sockets::<N>),
        "sockets/udp-create-socket" => {
            bind!(sockets::udp_create_socket, WasiSockets, view::sockets::<N>)
        }
        "http/types" => bind!(http_p2::types, WasiHttp, view::http::<N>, default options),
        "http/outgoing-handler" => bind!(http_p2::outgoing_handler, WasiHttp, view::http::<N>),
        _ => Ok(()),
    }
}

fn wasi_0_3<const N: usize>(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
) -> wasmtime::Result<()> {
    use p3::{cli, clocks, filesystem, random, sockets};

    macro_rules! bind {
        ($interface:path, $data:ty, $view:expr) => {{
            use $interface as interface;
            interface::add_to_linker_instance::<State, $data>(target, $view)
        }};
    }
    match path {
        "cli/environment" => bind!(cli::environment, WasiCli, view::cli::<N>),
        "cli/exit" => bind!(cli::exit, WasiCli, view::cli::<N>),
        "cli/stdin" => bind!(cli::stdin, WasiCli, view::cli::<N>),
        "cli/stdout" => bind!(cli::stdout, WasiCli, view::cli::<N>),
        "cli/stderr" => bind!(cli::stderr, WasiCli, view::cli::<N>),
        "cli/terminal-input" => bind!(cli::terminal_input, WasiCli, view::cli::<N>),
        "cli/terminal-output" => bind!(cli::terminal_output, WasiCli, view::cli::<N>),
        "cli/terminal-stdin" => bind!(cli::terminal_stdin, WasiCli, view::cli::<N>),
        "cli/terminal-stdout" => bind!(cli::terminal_stdout, WasiCli, view::cli::<N>),
        "cli/terminal-stderr" => bind!(cli::terminal_stderr, WasiCli, view::cli::<N>),
        "clocks/types" => bind!(clocks::types, WasiClocks, view::clocks::<N>),
        "clocks/monotonic-clock" => bind!(clocks::monotonic_clock, WasiClocks, view::clocks::<N>),
        "clocks/system-clock" => bind!(clocks::system_clock, WasiClocks, view::clocks::<N>),
        "random/random" => bind!(random::random, WasiRandom, view::random::<N>),
        "random/insecure" => bind!(random::insecure, WasiRandom, view::random::<N>),
        "random/insecure-seed" => bind!(random::insecure_seed, WasiRandom, view::random::<N>),
        "filesystem/types" => bind!(filesystem::types, WasiFilesystem, view::files::<N>),
        "filesystem/preopens" => bind!(filesystem::preopens, WasiFilesystem, view::files::<N>),
        "sockets/types" => bind!(sockets::types, WasiSockets, view::sockets::<N>),
        "sockets/ip-name-lookup" => bind!(sockets::ip_name_lookup, WasiSockets, view::sockets::<N>),
        "http/types" => bind!(http_p3::types, WasiHttp, view::http::<N>),
        "http/client" => bind!(http_p3::client, WasiHttp, view::http::<N>),
        _ => Ok(()),
    }
}

/// Turns the number of a slot into the constant that the views need.
fn at_slot(
    target: &mut LinkerInstance<'_, State>,
    path: &str,
    release: Release,
    form: Form,
    slot: usize,
) -> wasmtime::Result<()> {
    macro_rules! slots {
        ($($n:literal)*) => {
            match slot {
                $($n => bind_for::<$n>(target, path, release, form),)*
                _ => bind_for::<{ crate::state::NOBODY }>(target, path, release, form),
            }
        };
    }
    slots!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
           32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60
           61 62 63)
}
