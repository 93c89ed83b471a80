//! Connections to PostgreSQL: TLS, the pool, the table, and what the server's errors mean.

use std::{
    error::Error as _,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool_postgres::{
    Client, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{sync::OnceCell, time::timeout};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
    error::SqlState,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Error, NAME, OpenError, Options};
use crate::{Address, Origin, reconnect::Backoff};

/// Gives connections on which the table is there.
#[derive(Debug)]
pub(super) struct Connector {
    origin: Origin,
    pool: Pool,
    config: Config,
    tls: ClientConfig,
    attempts: Mutex<Backoff<Error>>,
    table: String,
    create: bool,
    is_created: OnceCell<()>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(
        address: &Address,
        origin: Origin,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let config = configure(address, options)?;
        let tls = tls(address, config.get_ssl_mode())?;
        let manager = Manager::from_config(
            config.clone(),
            MakeRustlsConnect::new(tls.clone()),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(options.connections.max(1))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("the pool has a runtime for its time-outs");
        Ok(Self {
            origin,
            pool,
            config,
            tls,
            attempts: Mutex::new(Backoff::new()),
            table: options.table.clone(),
            create: options.create,
            is_created: OnceCell::new(),
            timeout: options.timeout,
        })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A connection beside the pool, for who keeps it.
    pub(super) fn single(&self) -> (&Config, MakeRustlsConnect) {
        (&self.config, MakeRustlsConnect::new(self.tls.clone()))
    }

    pub(super) fn late(&self) -> Error {
        Error::TimedOut { at: self.origin.clone(), after: self.timeout }
    }

    /// Runs `talk` on a connection, within the time-out.
    pub(super) async fn bounded<T>(
        &self,
        talk: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let client = timeout(self.timeout, self.client()).await.map_err(|_| self.late())??;
        let left = self.timeout.saturating_sub(started.elapsed());
        match timeout(left, talk(&client)).await {
            Ok(outcome) => outcome.map_err(|error| self.explain(&error)),
            Err(_) => {
                // The connection may be dead without a sign of it: nobody gets it again.
                drop(Object::take(client));
                Err(self.late())
            }
        }
    }

    /// A connection from the pool, and the table.
    async fn client(&self) -> Result<Client, Error> {
        let client = self.connect().await?;
        let created = self.is_created.get_or_try_init(|| self.create_table(&client));
        created.await.map_err(|error| self.explain(&error))?;
        Ok(client)
    }

    async fn connect(&self) -> Result<Client, Error> {
        if self.pool.status().available == 0
            && let Some(error) = self.attempts().pausing()
        {
            return Err(error);
        }
        let outcome = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => self.explain(&error),
            PoolError::Timeout(_) => self.late(),
            error => Error::Failed { at: self.origin.clone(), reason: error.to_string() },
        });
        let mut attempts = self.attempts();
        attempts.note(&outcome.as_ref().map(drop).map_err(Clone::clone));
        outcome
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, Backoff<Error>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn create_table(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        if !self.create {
            return Ok(());
        }
        let table = &self.table;
        // Looked for first: a login that may not create tables may use one that is there.
        let find = format!("SELECT to_regclass('\"{table}\"')::text");
        if client.query_one(&find, &[]).await?.try_get::<_, Option<String>>(0)?.is_some() {
            return Ok(());
        }
        let create = format!(
            "CREATE TABLE IF NOT EXISTS \"{table}\" \
             (key text COLLATE \"C\" PRIMARY KEY, value bytea NOT NULL)"
        );
        match client.batch_execute(&create).await {
            // Another host created it at the same moment.
            Err(error)
                if matches!(
                    error.code(),
                    Some(&SqlState::UNIQUE_VIOLATION | &SqlState::DUPLICATE_TABLE)
                ) =>
            {
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// What an error of the client means.
    pub(super) fn explain(&self, error: &tokio_postgres::Error) -> Error {
        let at = self.origin.clone();
        let Some(told) = error.as_db_error() else {
            let cause = error.source().map(ToString::to_string);
            let reason = cause.unwrap_or_else(|| error.to_string());
            return match error.to_string().as_str() {
                // The client keeps the kinds of its errors to itself.
                "authentication error" | "invalid configuration" => {
                    Error::AccessDenied { at, reason }
                }
                _ => Error::Unreachable { at, reason },
            };
        };
        let reason = told.message().to_owned();
        match told.code() {
            code if code.code().starts_with("28") || *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                Error::AccessDenied { at, reason }
            }
            &SqlState::UNDEFINED_TABLE => {
                let name = format!("table `{}`", self.table);
                let reason = format!("{reason}; create it, or let Keyway create it");
                Error::NoSuchStore { at, name, reason }
            }
            &SqlState::INVALID_CATALOG_NAME => {
                let name = self.config.get_dbname().map_or_else(
                    || "such database".to_owned(),
                    |database| format!("database `{database}`"),
                );
                Error::NoSuchStore { at, name, reason }
            }
            // Connections are closed or refused: while it starts, ends or is full.
            code if ["08", "53", "57"].contains(&&code.code()[..2]) => {
                Error::Unreachable { at, reason }
            }
            _ => Error::Failed { at, reason },
        }
    }
}

fn configure(address: &Address, options: &Options) -> Result<Config, OpenError> {
    let mut config: Config = address.secret().parse().map_err(|error: tokio_postgres::Error| {
        let cause = error.source().map(ToString::to_string);
        address.refuse(NAME, cause.unwrap_or_else(|| error.to_string()))
    })?;
    if config.get_user().is_none() {
        return Err(address.refuse(NAME, "it names no user").into());
    }
    config.connect_timeout(options.timeout);
    if config.get_application_name().is_none() {
        config.application_name("keyway");
    }
    if !address.secret().contains("sslmode=") {
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
    let roots = match mode {
        SslMode::Disable => RootCertStore::empty(),
        _ => crate::tls::roots().map_err(failed)?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
