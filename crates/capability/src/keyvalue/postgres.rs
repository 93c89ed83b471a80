//! A store in a table of PostgreSQL, with the columns `key text` and `value bytea`.
//!
//! Each operation is one statement in its own transaction, on a connection from a pool.

mod connect;
mod watch;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio_postgres::{
    Row,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{Changes, Error, Page, Store, Swap, check_key, counter};
use crate::{
    Address, OpenError, Origin, SettingsError, open::check_name, postgres::EXAMPLE, postgres::NAME,
    settings::Settings,
};
use connect::Connector;

/// A server of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Without `sslmode`, a connection to another
    /// machine is made with TLS or not at all.
    pub url: Address,
    /// The table: letters, digits and `_`.
    pub table: String,
    /// Whether the table is made if it is not there.
    pub create: bool,
    /// How long an operation may take, connecting included.
    pub timeout: Duration,
    /// How many connections there are at most.
    pub connections: usize,
}

impl Options {
    /// The server at `url`, with a table `keyway_keyvalue` that is made if it is not there, two
    /// seconds and at most 16 connections.
    pub fn new(url: impl Into<Address>) -> Self {
        Self {
            url: url.into(),
            table: "keyway_keyvalue".to_owned(),
            create: true,
            timeout: super::TIMEOUT,
            connections: 16,
        }
    }

    /// Reads the settings `url`, `table`, `create`, `timeout` and `connections`.
    ///
    /// # Errors
    /// If a setting is missing, unknown or wrong.
    pub(super) fn read(settings: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let known = &["url", "table", "create", "timeout", "connections"];
        let settings = Settings::new("postgres", settings, known)?;
        let mut options = Self::new(Address::from(settings.needed("url", EXAMPLE)?));
        settings.text("table", &mut options.table);
        settings.parsed("create", "true or false", &mut options.create)?;
        settings.duration("timeout", &mut options.timeout)?;
        settings.count("connections", &mut options.connections)?;
        Ok(options)
    }
}

/// A store in a table of PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    origin: Origin,
    connector: Arc<Connector>,
    table: String,
    statements: Statements,
}

/// The texts of all statements, with the table's name in them.
#[derive(Debug)]
struct Statements {
    get: String,
    get_many: String,
    exists: String,
    set: String,
    set_many: String,
    delete: String,
    list: String,
    list_after: String,
    increment: String,
    replace: String,
    add: String,
}

impl Statements {
    fn new(table: &str) -> Self {
        let upsert = "ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        // `encode` gives a text for any bytes, so that a value that is not a number never fails as
        // text.
        let count = "encode(stored.value, 'escape')";
        // In the order of bytes, in which the keys with a prefix stand together. A table created
        // elsewhere may have another; then its index does not help here.
        let list = |after: &str| {
            format!(
                "SELECT key FROM \"{table}\" WHERE key COLLATE \"C\" {after} $1 \
                 ORDER BY key COLLATE \"C\" LIMIT $2"
            )
        };
        Self {
            get: format!("SELECT value FROM \"{table}\" WHERE key = $1"),
            get_many: format!("SELECT key, value FROM \"{table}\" WHERE key = ANY($1)"),
            exists: format!("SELECT 1 FROM \"{table}\" WHERE key = $1"),
            set: format!("INSERT INTO \"{table}\" (key, value) VALUES ($1, $2) {upsert}"),
            // In the order of keys, so that two such statements never wait for each other.
            set_many: format!(
                "INSERT INTO \"{table}\" (key, value) \
                 SELECT key, value FROM unnest($1, $2) AS given (key, value) \
                 ORDER BY key {upsert}"
            ),
            delete: format!("DELETE FROM \"{table}\" WHERE key = ANY($1)"),
            list: list(">="),
            list_after: list(">"),
            increment: format!(
                "INSERT INTO \"{table}\" AS stored (key, value) \
                 VALUES ($1, convert_to($2::bigint::text, 'UTF8')) \
                 ON CONFLICT (key) DO UPDATE \
                 SET value = convert_to(({count}::bigint + $2::bigint)::text, 'UTF8') \
                 WHERE {count} ~ '^(0|-?[1-9][0-9]*)$' RETURNING value"
            ),
            replace: format!("UPDATE \"{table}\" SET value = $2 WHERE key = $1 AND value = $3"),
            add: format!(
                "INSERT INTO \"{table}\" (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING"
            ),
        }
    }
}

impl Postgres {
    /// Checks the address and the table's name. Connects when first needed.
    ///
    /// # Errors
    /// If one of them is wrong, or TLS is needed and this machine has no certificates.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        check_name(&options.table, "table", NAME)?;
        let address = &options.url;
        let origin = Origin::new(format!("{NAME} at {address}"));
        Ok(Self {
            connector: Arc::new(Connector::new(address, origin.clone(), options)?),
            origin,
            table: options.table.clone(),
            statements: Statements::new(&options.table),
        })
    }

    async fn bounded<T>(
        &self,
        talk: impl AsyncFnOnce(&deadpool_postgres::Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        self.connector.bounded(talk).await
    }

    fn value(&self, row: &Row, column: usize) -> Result<Bytes, Error> {
        let value: Vec<u8> = row.try_get(column).map_err(|error| self.explain(&error))?;
        Ok(value.into())
    }

    fn explain(&self, error: &tokio_postgres::Error) -> Error {
        self.connector.explain(error)
    }

    /// The rows that a statement gives.
    async fn query(
        &self,
        statement: &str,
        types: &[Type],
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.bounded(async |client| {
            let statement = client.prepare_typed_cached(statement, types).await?;
            client.query(&statement, parameters).await
        })
        .await
    }

    /// How many rows a statement touched.
    async fn execute(
        &self,
        statement: &str,
        types: &[Type],
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        self.bounded(async |client| {
            let statement = client.prepare_typed_cached(statement, types).await?;
            client.execute(&statement, parameters).await
        })
        .await
    }

    async fn keys(&self, after: Option<&str>, prefix: &str, limit: i64) -> Result<Vec<Row>, Error> {
        let types = [Type::TEXT, Type::INT8];
        match after {
            Some(after) => self.query(&self.statements.list_after, &types, &[&after, &limit]).await,
            None => self.query(&self.statements.list, &types, &[&prefix, &limit]).await,
        }
    }

    /// Sets if the value is as expected; whether it was.
    async fn try_swap(
        &self,
        key: &str,
        expected: Option<&Bytes>,
        value: &[u8],
    ) -> Result<bool, Error> {
        let types = [Type::TEXT, Type::BYTEA, Type::BYTEA];
        let rows = match expected {
            Some(expected) => {
                let parameters: [&(dyn ToSql + Sync); 3] = [&key, &value, &&expected[..]];
                self.execute(&self.statements.replace, &types, &parameters).await?
            }
            None => self.execute(&self.statements.add, &types[..2], &[&key, &value]).await?,
        };
        Ok(rows == 1)
    }
}

#[async_trait]
impl Store for Postgres {
    fn origin(&self) -> Origin {
        self.origin.clone()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        check_key(key)?;
        let rows = self.query(&self.statements.get, &[Type::TEXT], &[&key]).await?;
        rows.first().map(|row| self.value(row, 0)).transpose()
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), Error> {
        check_key(key)?;
        let types = [Type::TEXT, Type::BYTEA];
        self.execute(&self.statements.set, &types, &[&key, &&value[..]]).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        check_key(key)?;
        self.execute(&self.statements.delete, &[Type::TEXT_ARRAY], &[&&[key][..]]).await.map(drop)
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        let rows = self.query(&self.statements.exists, &[Type::TEXT], &[&key]).await?;
        Ok(!rows.is_empty())
    }

    async fn list_keys(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let limit = limit.max(1);
        // One more than asked for tells whether there is another page.
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let after = cursor.filter(|last| *last >= prefix);
        let mut keys = Vec::new();
        for row in self.keys(after, prefix, wanted).await? {
            let key: String = row.try_get(0).map_err(|error| self.explain(&error))?;
            if !key.starts_with(prefix) {
                break;
            }
            keys.push(key);
        }
        Ok(Page::ordered(keys, limit))
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        check_key(key)?;
        let types = [Type::TEXT, Type::INT8];
        let not_a_counter = || Error::NotACounter { key: key.to_owned() };
        let outcome = self.bounded(async |client| {
            let statement = client.prepare_typed_cached(&self.statements.increment, &types).await?;
            match client.query_opt(&statement, &[&key, &delta]).await {
                Err(error) if error.code() == Some(&SqlState::NUMERIC_VALUE_OUT_OF_RANGE) => {
                    Ok(Err(Error::Overflow { key: key.to_owned() }))
                }
                row => Ok(Ok(row?)),
            }
        });
        // Without a row, what was there was no number.
        let row = outcome.await??.ok_or_else(not_a_counter)?;
        counter::parse(&self.value(&row, 0)?).ok_or_else(not_a_counter)
    }

    async fn swap(&self, key: &str, expected: Option<&Bytes>, value: Bytes) -> Result<Swap, Error> {
        check_key(key)?;
        loop {
            if self.try_swap(key, expected, &value).await? {
                return Ok(Swap::Done);
            }
            let current = self.get(key).await?;
            // It may have become what was expected in between.
            if current.as_ref() != expected {
                return Ok(Swap::Lost { current });
            }
        }
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let rows = self.query(&self.statements.get_many, &[Type::TEXT_ARRAY], &[&keys]).await?;
        let mut values = HashMap::with_capacity(rows.len());
        for row in &rows {
            let key: &str = row.try_get(0).map_err(|error| self.explain(&error))?;
            values.insert(key, self.value(row, 1)?);
        }
        Ok(keys.iter().map(|key| values.get(key.as_str()).cloned()).collect())
    }

    async fn set_many(&self, entries: &[(String, Bytes)]) -> Result<(), Error> {
        entries.iter().try_for_each(|(key, _)| check_key(key))?;
        // A statement sets a key once at most; of a key given twice, the last value counts.
        let entries: BTreeMap<_, _> =
            entries.iter().map(|(key, value)| (key.as_str(), &value[..])).collect();
        let (keys, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let types = [Type::TEXT_ARRAY, Type::BYTEA_ARRAY];
        self.execute(&self.statements.set_many, &types, &[&keys, &values]).await.map(drop)
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| check_key(key))?;
        self.execute(&self.statements.delete, &[Type::TEXT_ARRAY], &[&keys]).await.map(drop)
    }

    async fn watch(&self, prefix: &str) -> Result<Changes, Error> {
        self.watch_table(prefix).await
    }
}
