//! A database on a PostgreSQL server. Each session has a pooled connection to itself.
//!
//! A connection returns to the pool if nothing done on it can outlast the session; otherwise it is
//! closed, and the server rolls back what was not committed.

mod decode;
mod encode;
mod session;

use std::collections::BTreeMap;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use deadpool_postgres::{Object, Pool, PoolError, RecyclingMethod};
use tokio::time::timeout;
use tokio_postgres::{
    config::Host,
    error::{DbError, ErrorPosition, SqlState},
};

use super::{Database, Error, Report, Session};
use crate::{
    Access, Address, AddressError, OpenError, Origin, Outage, SettingsError,
    postgres::EXAMPLE,
    postgres::{Fault, NAME, Server, parse},
    reconnect::Backoff,
    settings::Settings,
};
pub use decode::date_time;
use session::PostgresSession;

/// A server of PostgreSQL.
#[derive(Clone, Debug)]
pub struct Options {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or libpq's
    /// `host=HOST port=PORT user=USER password=PASSWORD dbname=DATABASE`. Without `sslmode`, a connection to another
    /// machine is made with TLS or not at all.
    pub url: Address,
    /// How long a statement may take before the server is asked to stop it.
    pub timeout: Duration,
    /// How many sessions there are at most at one time.
    pub connections: usize,
}

impl Options {
    /// The server at `url`, with ten seconds and 16 sessions.
    pub fn new(url: impl Into<Address>) -> Self {
        Self { url: url.into(), timeout: super::TIMEOUT, connections: 16 }
    }

    /// Reads the settings `url`, `timeout` and `connections`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let settings = Settings::new("postgres", settings, &["url", "timeout", "connections"])?;
        let mut options = Self::new(Address::from(settings.needed("url", EXAMPLE)?));
        settings.duration("timeout", &mut options.timeout)?;
        settings.count("connections", &mut options.connections)?;
        Ok(options)
    }
}

/// A database on a server of PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    link: Arc<Link>,
    pool: Pool,
    attempts: Mutex<Backoff<Error>>,
}

/// What sessions need to know of the server.
#[derive(Debug)]
struct Link {
    at: Origin,
    server: Server,
    timeout: Duration,
}

impl Postgres {
    /// Checks the address. Connects when first needed.
    ///
    /// # Errors
    /// If it is wrong, or TLS is needed and this machine has no certificates.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let address = &options.url;
        let server = Server::new(address, options.timeout)?.with_statement_timeout(options.timeout);
        // The next user of a connection finds nothing of the previous one.
        let pool = server.pool(options.connections, RecyclingMethod::Clean);
        let at = Origin::new(format!("{NAME} at {address}"));
        let link = Arc::new(Link { at, server, timeout: options.timeout });
        Ok(Self { link, pool, attempts: Mutex::new(Backoff::new()) })
    }

    async fn connect(&self) -> Result<Object, Error> {
        if self.pool.status().available == 0
            && let Some(error) = self.attempts().pausing()
        {
            return Err(error);
        }
        let link = &self.link;
        let outcome = timeout(link.timeout, self.pool.get()).await;
        let outcome = match outcome {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(PoolError::Backend(error))) => Err(link.explain(&error)),
            Ok(Err(PoolError::Timeout(_))) => Err(link.late()),
            Ok(Err(error)) => Err(Error::Outage(Outage::Unreachable {
                at: link.at.clone(),
                reason: error.to_string(),
            })),
            Err(_) if self.pool.status().size >= self.pool.status().max_size => {
                // That is not the server's fault, and not a reason to pause.
                let reason = "all its sessions are in use".to_owned();
                return Err(Error::Outage(Outage::Unreachable { at: link.at.clone(), reason }));
            }
            Err(_) => Err(link.late()),
        };
        self.attempts().note(&outcome.as_ref().map(drop).map_err(Clone::clone));
        outcome
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, Backoff<Error>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hosts and ports that an address leads to.
///
/// # Errors
/// If it is none, or leads around its hosts' names: to a socket, or to a numeric address beside the
/// name.
pub fn hosts(address: &Address) -> Result<Vec<(String, u16)>, AddressError> {
    let config = parse(address)?;
    if config.get_hosts().is_empty() {
        return Err(address.refuse(NAME, "it names no host"));
    }
    if !config.get_hostaddrs().is_empty() {
        return Err(address.refuse(NAME, "its `hostaddr` is not looked at; name the host"));
    }
    let ports = config.get_ports();
    let host = |(index, host): (usize, &Host)| match host {
        Host::Tcp(name) => {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            Ok((name.clone(), port))
        }
        Host::Unix(_) => Err(address.refuse(NAME, "it leads to a socket of this machine")),
    };
    config.get_hosts().iter().enumerate().map(host).collect()
}

#[async_trait]
impl Database for Postgres {
    fn origin(&self) -> Origin {
        self.link.at.clone()
    }

    async fn begin(&self, access: Access) -> Result<Arc<dyn Session>, Error> {
        let connection = self.connect().await?;
        Ok(Arc::new(PostgresSession::new(Arc::clone(&self.link), connection, access)))
    }
}

impl Link {
    fn late(&self) -> Error {
        Error::Outage(Outage::TimedOut { at: self.at.clone(), after: self.timeout })
    }

    /// What an error of the client means.
    fn explain(&self, error: &tokio_postgres::Error) -> Error {
        let at = self.at.clone();
        match Fault::of(error) {
            Fault::AccessDenied(reason) => Error::Outage(Outage::AccessDenied { at, reason }),
            Fault::Unreachable(reason) => Error::Outage(Outage::Unreachable { at, reason }),
            Fault::NoDatabase(reason) => {
                Error::NoSuchDatabase { at, name: self.server.database(), reason }
            }
            Fault::Told(told) => match *told.code() {
                SqlState::READ_ONLY_SQL_TRANSACTION => Error::ReadOnly { at },
                SqlState::QUERY_CANCELED => self.late(),
                _ => Error::Statement { at, report: Box::new(report(told)) },
            },
        }
    }
}

fn report(told: &DbError) -> Report {
    let position = |position: &ErrorPosition| match position {
        ErrorPosition::Original(position) | ErrorPosition::Internal { position, .. } => {
            position.to_string()
        }
    };
    let extras = [
        ("hint", told.hint().map(str::to_owned)),
        ("position", told.position().map(position)),
        ("schema", told.schema().map(str::to_owned)),
        ("table", told.table().map(str::to_owned)),
        ("column", told.column().map(str::to_owned)),
        ("datatype", told.datatype().map(str::to_owned)),
        ("constraint", told.constraint().map(str::to_owned)),
    ];
    Report {
        message: told.message().to_owned(),
        severity: told.severity().to_owned(),
        code: told.code().code().to_owned(),
        detail: told.detail().map(str::to_owned),
        extras: extras
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
    }
}
