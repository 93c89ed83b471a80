//! Connections to PostgreSQL that ensure the table exists, and what the server's errors mean.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool_postgres::{Client, Object, Pool, PoolError, RecyclingMethod};
use tokio::{sync::OnceCell, time::timeout};
use tokio_postgres::{Config, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Error, Options};
use crate::{
    Address, OpenError, Origin, Outage,
    postgres::{Fault, Server},
    reconnect::Backoff,
};

/// Gives connections on which the table is there.
#[derive(Debug)]
pub(super) struct Connector {
    origin: Origin,
    pool: Pool,
    server: Server,
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
        let server = Server::new(address, options.timeout)?;
        let pool = server.pool(options.connections, RecyclingMethod::Fast);
        Ok(Self {
            origin,
            pool,
            server,
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

    /// A connection outside the pool, for a caller that keeps it.
    pub(super) fn single(&self) -> (&Config, MakeRustlsConnect) {
        self.server.single()
    }

    pub(super) fn late(&self) -> Error {
        Error::Outage(Outage::TimedOut { at: self.origin.clone(), after: self.timeout })
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
                // The connection may be dead without a sign of it: it is not reused.
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
        match Fault::of(error) {
            Fault::AccessDenied(reason) => Error::Outage(Outage::AccessDenied { at, reason }),
            Fault::Unreachable(reason) => Error::Outage(Outage::Unreachable { at, reason }),
            Fault::NoDatabase(reason) => {
                Error::NoSuchStore { at, name: self.server.database(), reason }
            }
            Fault::Told(told) if *told.code() == SqlState::UNDEFINED_TABLE => {
                let name = format!("table `{}`", self.table);
                let reason = format!("{}; create it, or let Keyway create it", told.message());
                Error::NoSuchStore { at, name, reason }
            }
            Fault::Told(told) => Error::Failed { at, reason: told.message().to_owned() },
        }
    }
}
