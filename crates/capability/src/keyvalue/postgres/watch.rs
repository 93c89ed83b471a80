//! Changes to the table, reported by a trigger with `NOTIFY`.
//!
//! The trigger is created by the first watcher, and stays: from then on a write costs more.

use std::{collections::VecDeque, future, pin::pin, sync::Arc};

use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    future::{Either, select},
    stream,
};
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, types::Type};

use super::{Postgres, connect::Connector};
use crate::keyvalue::{Change, Changes, Error};

type Told = Result<AsyncMessage, tokio_postgres::Error>;

impl Postgres {
    /// Listens on a connection of its own.
    pub(super) async fn watch_table(&self, prefix: &str) -> Result<Changes, Error> {
        self.create_trigger().await?;
        let (client, messages) = timeout(self.connector.timeout(), self.listen())
            .await
            .map_err(|_| self.connector.late())?
            .map_err(|error| self.explain(&error))?;
        let reader = Reader {
            connector: Arc::clone(&self.connector),
            get: self.statements.get.clone(),
            prefix: prefix.to_owned(),
            _client: client,
        };
        let changes = stream::unfold((messages.boxed(), reader), |(mut messages, reader)| async {
            loop {
                let message = messages.next().await?;
                if let Some(change) = reader.read(message).await {
                    return Some((change, (messages, reader)));
                }
            }
        });
        Ok(changes.boxed())
    }

    async fn create_trigger(&self) -> Result<(), Error> {
        let table = &self.table;
        let find = "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = $2";
        let parameters = (format!("\"{table}\""), format!("{table}_tell"));
        let types = [Type::TEXT, Type::TEXT];
        if !self.query(find, &types, &[&parameters.0, &parameters.1]).await?.is_empty() {
            return Ok(());
        }
        // Several statements in one text are one transaction, which one host at a time is in.
        let statements = format!(
            "SELECT pg_advisory_xact_lock(hashtext('{table}_tell'));
             CREATE OR REPLACE FUNCTION \"{table}_tell\"() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF TG_OP = 'DELETE' THEN PERFORM pg_notify(TG_TABLE_NAME, '-' || OLD.key);
                 ELSE PERFORM pg_notify(TG_TABLE_NAME, '+' || NEW.key);
                 END IF;
                 RETURN NULL;
             END $$;
             CREATE OR REPLACE TRIGGER \"{table}_tell\"
             AFTER INSERT OR UPDATE OR DELETE ON \"{table}\"
             FOR EACH ROW EXECUTE FUNCTION \"{table}_tell\"()"
        );
        self.bounded(async |client| client.batch_execute(&statements).await).await
    }

    /// A listening connection, and what it receives.
    async fn listen(
        &self,
    ) -> Result<(Client, impl Stream<Item = Told> + Send + use<>), tokio_postgres::Error> {
        let (config, tls) = self.connector.single();
        let (client, mut connection) = config.connect(tls).await?;
        let mut early = VecDeque::new();
        {
            let listen = format!("LISTEN \"{}\"", self.table);
            // The client gets no answer unless its connection is polled.
            let mut listened = pin!(client.batch_execute(&listen));
            loop {
                let message = pin!(future::poll_fn(|context| connection.poll_message(context)));
                match select(listened.as_mut(), message).await {
                    Either::Left((outcome, _)) => break outcome?,
                    Either::Right((Some(message), _)) => early.push_back(Ok(message?)),
                    // Then the client fails as well.
                    Either::Right((None, _)) => break listened.as_mut().await?,
                }
            }
        }
        let messages = stream::poll_fn(move |context| connection.poll_message(context));
        Ok((client, stream::iter(early).chain(messages)))
    }
}

/// Turns what the server tells into changes. It tells which key was changed, not to what.
struct Reader {
    connector: Arc<Connector>,
    get: String,
    prefix: String,
    /// The connection lives as long as its client.
    _client: Client,
}

impl Reader {
    async fn read(&self, message: Told) -> Option<Result<Change, Error>> {
        let told = match message {
            Ok(AsyncMessage::Notification(told)) => told,
            // A notice to its operator.
            Ok(_) => return None,
            Err(error) => return Some(Err(self.connector.explain(&error))),
        };
        if let Some(key) = told.payload().strip_prefix('-') {
            let is_ours = key.starts_with(&self.prefix);
            return is_ours.then(|| Ok(Change::Deleted { key: key.to_owned() }));
        }
        let key = told.payload().strip_prefix('+')?;
        if !key.starts_with(&self.prefix) {
            return None;
        }
        let read = self.connector.bounded(async |client| {
            let statement = client.prepare_typed_cached(&self.get, &[Type::TEXT]).await?;
            let row = client.query_opt(&statement, &[&key]).await?;
            row.map(|row| row.try_get::<_, Vec<u8>>(0)).transpose()
        });
        let key = key.to_owned();
        match read.await {
            Ok(Some(value)) => Some(Ok(Change::Set { key, value: Bytes::from(value) })),
            // It is gone already, of which the server tells next.
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
