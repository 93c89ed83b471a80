//! Changes, reported by the server's keyspace notifications, which must be enabled.

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt, stream};
use redis::{AsyncCommands, Msg, RedisError, aio::MultiplexedConnection, cmd};
use tokio::time::timeout;

use super::{Redis, pattern};
use crate::{
    Origin, Outage,
    keyvalue::{Change, Changes, Error},
};

/// Whether the server's `notify-keyspace-events` lets it tell of texts that are set and of keys
/// that are deleted.
fn tells(setting: &str) -> bool {
    setting.contains('K')
        && (setting.contains('A') || (setting.contains('$') && setting.contains('g')))
}

impl Redis {
    /// Listens to the server on a connection of its own.
    pub(super) async fn watch_events(&self, prefix: &str) -> Result<Changes, Error> {
        let settings: Result<HashMap<String, String>, _> =
            self.query(cmd("CONFIG").arg("GET").arg("notify-keyspace-events")).await;
        // A login that may not read the settings may listen nevertheless.
        if let Ok(settings) = settings
            && !settings.values().any(|setting| tells(setting))
        {
            let what = "report changes: its setting `notify-keyspace-events` needs `KA`";
            return Err(Error::Unsupported { at: self.origin.clone(), what });
        }
        let database = self.client.get_connection_info().redis_settings().db();
        let channel = format!("__keyspace@{database}__:{}", self.prefix);
        let explain = |error: RedisError| self.explain(&error);
        let listening = async {
            let mut listener = self.client.get_async_pubsub().await.map_err(explain)?;
            let pattern = pattern(&format!("{channel}{prefix}"));
            listener.psubscribe(pattern).await.map_err(explain)?;
            Ok::<_, Error>((listener, self.connect().await?))
        };
        let late =
            |_| Error::Outage(Outage::TimedOut { at: self.origin.clone(), after: self.timeout });
        let (listener, connection) = timeout(self.timeout, listening).await.map_err(late)??;
        let reader = Reader {
            connection,
            origin: self.origin.clone(),
            timeout: self.timeout,
            channel,
            prefix: self.prefix.clone(),
        };
        let changes = stream::unfold(
            (listener.into_on_message(), reader),
            |(mut messages, mut reader)| async move {
                loop {
                    let message = messages.next().await?;
                    if let Some(change) = reader.read(&message).await {
                        return Some((change, (messages, reader)));
                    }
                }
            },
        );
        Ok(changes.boxed())
    }
}

/// Turns what the server tells into changes. It tells which key was changed, not to what.
struct Reader {
    connection: MultiplexedConnection,
    origin: Origin,
    timeout: Duration,
    channel: String,
    prefix: String,
}

impl Reader {
    async fn read(&mut self, message: &Msg) -> Option<Result<Change, Error>> {
        // A key that is not text belongs to another program.
        let name: String = message.get_channel().ok()?;
        let key = name.strip_prefix(&self.channel)?.to_owned();
        match message.get_payload_bytes() {
            b"del" | b"expired" | b"evicted" | b"rename_from" => {
                return Some(Ok(Change::Deleted { key }));
            }
            b"expire" | b"persist" | b"new" => return None,
            _ => {}
        }
        let value = self.connection.get([&self.prefix, key.as_str()].concat());
        let at = || self.origin.clone();
        Some(match timeout(self.timeout, value).await {
            Ok(Ok(Some(value))) => Ok(Change::Set { key, value: Vec::into(value) }),
            // It is gone already, of which the server tells next.
            Ok(Ok(None::<Vec<u8>>)) => return None,
            Ok(Err(error)) => {
                Err(Error::Outage(Outage::Unreachable { at: at(), reason: error.to_string() }))
            }
            Err(_) => Err(Error::Outage(Outage::TimedOut { at: at(), after: self.timeout })),
        })
    }
}
