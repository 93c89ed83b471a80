//! Where a server listens, and how it ends: arguments of all commands that serve.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use keyway_host::{ServeOptions, TlsFiles};

/// Where a server listens, and how it ends.
#[derive(Debug, clap::Args)]
pub(crate) struct Listen {
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
    /// Path of the admin API's socket; by default in the user's own folder.
    #[arg(long, value_name = "PATH")]
    admin_socket: Option<PathBuf>,
    /// Compare each instance that is used again with a new one; slow.
    #[arg(long)]
    check_resets: bool,
}

impl Listen {
    /// The same as options of a host.
    pub(crate) fn options(&self) -> ServeOptions {
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        ServeOptions {
            listen: self.listen,
            drain: self.drain,
            tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
            threads: self.threads,
            admin: self.admin_socket.clone(),
            check_resets: self.check_resets,
            granted: None,
            watch: false,
        }
    }
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
