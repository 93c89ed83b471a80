//! What all PostgreSQL backends share: parsing addresses, TLS, the pool, and what the client's
//! errors mean. It does not know what a database contains.

use std::{error::Error as _, net::IpAddr, sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
    error::{DbError, SqlState},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Address, AddressError, open::OpenError};

/// What the backend is called.
pub(crate) const NAME: &str = "PostgreSQL";

/// An address as a setting has it.
pub(crate) const EXAMPLE: &str = "postgres://user:password@127.0.0.1:5432/database";

/// A server and the database on it.
#[derive(Debug)]
pub(crate) struct Server {
    config: Config,
    tls: ClientConfig,
}

impl Server {
    /// Checks the address. An attempt to connect takes `timeout` at most.
    pub(crate) fn new(address: &Address, timeout: Duration) -> Result<Self, OpenError> {
        let config = configure(address, timeout)?;
        let tls = tls(address, config.get_ssl_mode())?;
        Ok(Self { config, tls })
    }

    /// The same with a time-out that the server keeps, for each statement.
    pub(crate) fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        let given = self.config.get_options().unwrap_or_default();
        let options = format!("{given} -c statement_timeout={}", timeout.as_millis());
        self.config.options(options.trim_start());
        self
    }

    pub(crate) fn pool(&self, connections: usize, recycling_method: RecyclingMethod) -> Pool {
        let (config, tls) = self.single();
        let manager = Manager::from_config(config.clone(), tls, ManagerConfig { recycling_method });
        Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("the pool has a runtime for its time-outs")
    }

    /// What a connection beside the pool is made with.
    pub(crate) fn single(&self) -> (&Config, MakeRustlsConnect) {
        (&self.config, MakeRustlsConnect::new(self.tls.clone()))
    }

    /// The database, in words.
    pub(crate) fn database(&self) -> String {
        let named = self.config.get_dbname().map(|database| format!("database `{database}`"));
        named.unwrap_or_else(|| "such database".to_owned())
    }
}

/// What went wrong between the client and the server.
pub(crate) enum Fault<'a> {
    /// The login is refused, or what it asks for.
    AccessDenied(String),
    /// There is no such database.
    NoDatabase(String),
    /// There is no connection, or it broke.
    Unreachable(String),
    /// Any other error from the server.
    Told(&'a DbError),
}

impl<'a> Fault<'a> {
    pub(crate) fn of(error: &'a tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else {
            let cause = error.source().map(ToString::to_string);
            let reason = cause.unwrap_or_else(|| error.to_string());
            return match error.to_string().as_str() {
                // The client keeps the kinds of its errors to itself.
                "authentication error" | "invalid configuration" => Self::AccessDenied(reason),
                _ => Self::Unreachable(reason),
            };
        };
        let reason = || told.message().to_owned();
        match told.code() {
            code if code.code().starts_with("28") || *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::AccessDenied(reason())
            }
            &SqlState::INVALID_CATALOG_NAME => Self::NoDatabase(reason()),
            // A statement that took too long, or was cancelled, broke no connection.
            &SqlState::QUERY_CANCELED => Self::Told(told),
            // Connections are closed or refused: while it starts, ends or is full.
            code if ["08", "53", "57"].contains(&&code.code()[..2]) => Self::Unreachable(reason()),
            _ => Self::Told(told),
        }
    }
}

/// Reads an address as libpq does: a URL, or a list of `key=value`.
///
/// # Errors
/// If it is neither, or has a parameter that the client does not know.
pub(crate) fn parse(address: &Address) -> Result<Config, AddressError> {
    let text = address.secret();
    // What libpq takes for a URL begins with a scheme; a value of the other form may hold one.
    let is_list = text.split_once('=').is_some_and(|(key, _)| !key.contains("://"));
    if !is_list {
        address.check(NAME, &["postgres", "postgresql"])?;
    }
    text.parse().map_err(|error: tokio_postgres::Error| {
        let cause = error.source().map(ToString::to_string);
        address.refuse(NAME, cause.unwrap_or_else(|| error.to_string()))
    })
}

/// Whether an address itself says that TLS is preferred but not required, which is the client's
/// default.
fn prefers_tls(address: &Address) -> bool {
    let mut found = address.secret().match_indices("sslmode");
    found.any(|(at, name)| {
        let value = address.secret()[at + name.len()..].trim_start().strip_prefix('=');
        value.is_some_and(|value| value.trim_start().trim_start_matches('\'').starts_with("prefer"))
    })
}

fn configure(address: &Address, timeout: Duration) -> Result<Config, AddressError> {
    let mut config = parse(address)?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(address.refuse(NAME, "it names no host"));
    }
    if config.get_user().is_none() {
        return Err(address.refuse(NAME, "it names no user"));
    }
    config.connect_timeout(timeout);
    if config.get_application_name().is_none() {
        config.application_name("keyway");
    }
    if config.get_ssl_mode() == SslMode::Prefer && !prefers_tls(address) {
        let is_here = config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
            Host::Unix(_) => true,
        });
        config.ssl_mode(if is_here { SslMode::Disable } else { SslMode::Require });
    }
    Ok(config)
}

/// Checks servers against the certificates that this machine trusts.
fn tls(address: &Address, mode: SslMode) -> Result<ClientConfig, OpenError> {
    let failed = |reason: String| OpenError::Certificates { address: address.to_string(), reason };
    let config = match mode {
        SslMode::Disable => ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map(|it| it.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
        _ => crate::tls::client(),
    };
    config.map_err(|error| failed(error.to_string()))
}
