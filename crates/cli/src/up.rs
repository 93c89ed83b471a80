//! `keyway up`: serves an app until it is stopped.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use comfy_table::{Table, presets};
use keyway_app::Problem;
use keyway_build::BuildError;
use keyway_host::{HostError, Narrator, ServeOptions, Start, TlsFiles, log::Log};

use crate::{
    build,
    grants::Grants,
    report::{self, tell},
};

/// The arguments of `keyway up`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// App folder, manifest, or component file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Address to serve HTTP on; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_parser = address)]
    listen: SocketAddr,
    /// Grace period at shutdown; a second signal ends it.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    drain: Duration,
    /// Serve HTTPS with this PEM certificate chain.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Number of serving threads; by default one per core.
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    #[command(flatten)]
    grants: Grants,
    /// Build what has changed first, like `keyway build`.
    #[arg(long)]
    build: bool,
    /// Reload when files change; build components when their sources change.
    #[arg(long)]
    watch: bool,
    /// Path of the admin API's socket; by default in the user's own folder.
    #[arg(long, value_name = "PATH")]
    admin_socket: Option<PathBuf>,
}

/// An address, a port of this machine, or both by the name `localhost`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let of_this_machine = |port: &str| {
        let port = port.parse().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let port = text.strip_prefix("localhost:").or(text.strip_prefix(':')).unwrap_or(text);
    text.parse().ok().or_else(|| of_this_machine(port)).ok_or_else(|| {
        "an address is an IP address and a port, such as 0.0.0.0:3000 or [::]:8080; a port alone is \
         one of this machine, which other machines cannot reach"
            .to_owned()
    })
}

pub(crate) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a time is a number with a unit, such as 30s, 500ms or 2m".to_owned())
}

pub(crate) fn run(arguments: &Arguments, log: &Log) -> ExitCode {
    if arguments.build && !build::build_at(&arguments.path, &Default::default()) {
        return ExitCode::FAILURE;
    }
    match serve(arguments, log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::print_error(error),
    }
}

fn serve(arguments: &Arguments, log: &Log) -> Result<(), HostError> {
    let tls = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
    let options = ServeOptions {
        listen: arguments.listen,
        drain: arguments.drain,
        tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
        threads: arguments.threads,
        admin: arguments.admin_socket.clone(),
        granted: arguments.grants.of_component(&arguments.path)?,
        watch: arguments.watch,
    };
    keyway_host::serve(&arguments.path, &options, log, Arc::new(ToTerminal))
}

/// Reports progress on standard error.
#[derive(Debug)]
struct ToTerminal;

impl Narrator for ToTerminal {
    /// The first line is a promise to scripts: they wait for it and take the address from it.
    fn serving(&self, url: &str, starts: &[Start]) {
        let scheme = if url.starts_with("https") { "HTTPS" } else { "HTTP" };
        tell(&format!("Serving {scheme} on {url}\n{}\n", table(starts)));
    }

    fn reloaded(&self, starts: &[Start]) {
        tell(&format!("Files have changed. Serving the new version:\n{}\n", table(starts)));
    }

    fn failed(&self, problems: &[Problem]) {
        tell("Files have changed, but cannot be served. The previous version stays in service.\n");
        report::print(problems);
    }

    fn not_built(&self, component: &str, error: &BuildError) {
        tell(&format!(
            "The sources of {component} have changed, but cannot be built. The previous version stays \
             in service.\n"
        ));
        build::print_error(error);
    }

    fn mended(&self, component: &str) {
        tell(&format!("The sources of {component} can be built again.\n"));
    }
}

fn table(starts: &[Start]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for Start { what, fused } in starts {
        table.add_row([format!("  {what}"), format!("-> {}", fused.join(" + "))]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (text, expected) in [
            ("3000", Some("127.0.0.1:3000")),
            (":3000", Some("127.0.0.1:3000")),
            ("localhost:3000", Some("127.0.0.1:3000")),
            ("0", Some("127.0.0.1:0")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            ("[::1]:80", Some("[::1]:80")),
            ("65536", None),
            ("+80", None),
            (":", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("example.com:80", None),
        ] {
            let read = address(text).ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
