//! The connection to NATS, the bucket, and what the client's errors mean.
//!
//! The client reconnects by itself, with growing pauses. While it is not connected nothing is sent:
//! what it keeps to send later could be done long after its caller was told that it failed.

use std::{
    error::Error as StdError,
    pin::pin,
    time::{Duration, Instant},
};

use async_nats::{
    ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr,
    jetstream::{
        self, ErrorCode,
        context::{GetStreamError, GetStreamErrorKind, PublishError, PublishErrorKind},
        kv,
        stream::{self, StorageType},
    },
};
use futures::future::{Either, select};
use percent_encoding::percent_decode_str;
use tokio::{sync::watch, time::timeout};

use super::{Error, Options};
use crate::{Origin, reconnect::Reconnect};

/// An open bucket.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) client: async_nats::Client,
    pub(super) store: kv::Store,
    is_connected: watch::Receiver<bool>,
}

/// Gives the bucket while the server is connected.
#[derive(Debug)]
pub(super) struct Connector {
    origin: Origin,
    server: ServerAddr,
    options: Options,
    bucket: Reconnect<Bucket, Error>,
}

/// What the client's own errors have in common.
pub(super) type Cause = Box<dyn StdError + Send + Sync>;

impl Connector {
    pub(super) fn new(origin: Origin, server: ServerAddr, options: &Options) -> Self {
        Self { origin, server, options: options.clone(), bucket: Reconnect::new() }
    }

    /// Runs `talk` on the bucket, within the time-out. It ends early if the connection is lost.
    pub(super) async fn bounded<T>(
        &self,
        talk: impl AsyncFnOnce(&Bucket) -> Result<T, Cause>,
    ) -> Result<T, Error> {
        let late = |_| Error::TimedOut { at: self.origin.clone(), after: self.options.timeout };
        let started = Instant::now();
        let connecting = self.bucket.get(async || self.connect().await);
        let bucket = timeout(self.options.timeout, connecting).await.map_err(late)??;
        let left = self.options.timeout.saturating_sub(started.elapsed());
        let mut is_connected = bucket.connection.is_connected.clone();
        if timeout(left, is_connected.wait_for(|is| *is)).await.is_err() {
            return Err(self.lost());
        }
        let left = self.options.timeout.saturating_sub(started.elapsed());
        let ended = pin!(is_connected.wait_for(|is| !*is));
        let talk = pin!(talk(&bucket.connection));
        match timeout(left, select(talk, ended)).await.map_err(late)? {
            Either::Left((outcome, _)) => outcome.map_err(|error| self.explain(&*error)),
            Either::Right(_) => Err(self.lost()),
        }
    }

    fn lost(&self) -> Error {
        let reason = "the connection is lost, and is tried again".to_owned();
        Error::Unreachable { at: self.origin.clone(), reason }
    }

    async fn connect(&self) -> Result<Bucket, Error> {
        let (state, is_connected) = watch::channel(true);
        let client = login(&self.server)
            .name("keyway")
            .connection_timeout(self.options.timeout)
            .request_timeout(Some(self.options.timeout))
            .reconnect_delay_callback(pause)
            .event_callback(move |event| {
                match event {
                    Event::Connected => drop(state.send(true)),
                    Event::Disconnected | Event::Closed => drop(state.send(false)),
                    _ => {}
                }
                std::future::ready(())
            })
            .connect(self.server.clone())
            .await
            .map_err(|error| self.explain_connect(&error))?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(self.options.timeout);
        let store = self.open(&jetstream).await?;
        Ok(Bucket { client, store, is_connected })
    }

    async fn open(&self, jetstream: &jetstream::Context) -> Result<kv::Store, Error> {
        let error = match jetstream.get_key_value(&self.options.bucket).await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if !is_missing(&error) || !self.options.create {
            return Err(self.explain(&error));
        }
        // A bucket is a stream with certain settings. The client's own way asks the server about the
        // account first, in words that servers before 2.10 do not answer.
        let bucket = &self.options.bucket;
        let created = jetstream.create_stream(stream::Config {
            name: format!("KV_{bucket}"),
            description: Some("A store of Keyway".to_owned()),
            subjects: vec![format!("$KV.{bucket}.>")],
            max_messages_per_subject: 1,
            max_messages: -1,
            max_bytes: -1,
            max_message_size: -1,
            max_consumers: -1,
            discard: stream::DiscardPolicy::New,
            storage: StorageType::File,
            num_replicas: self.options.replicas.max(1),
            allow_rollup: true,
            allow_direct: true,
            deny_delete: true,
            ..stream::Config::default()
        });
        created.await.map_err(|error| self.explain(&error))?;
        jetstream.get_key_value(bucket).await.map_err(|error| self.explain(&error))
    }

    fn explain_connect(&self, error: &ConnectError) -> Error {
        let at = self.origin.clone();
        let reason = error.to_string();
        match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                Error::AccessDenied { at, reason }
            }
            _ => Error::Unreachable { at, reason },
        }
    }

    /// What an error of the client means. What it is about lies somewhere among its causes.
    pub(super) fn explain(&self, error: &(dyn StdError + 'static)) -> Error {
        let at = self.origin.clone();
        let reason = error.to_string();
        let missing = |reason| Error::NoSuchStore {
            at: at.clone(),
            name: format!("bucket `{}`", self.options.bucket),
            reason,
        };
        if is_missing(error) {
            return missing("create it, or let Keyway create it".to_owned());
        }
        if let Some(error) = cause::<Error>(error) {
            return error.clone();
        }
        match cause::<PublishError>(error).map(PublishError::kind) {
            Some(PublishErrorKind::StreamNotFound) => missing(reason),
            Some(PublishErrorKind::TimedOut) => Error::TimedOut { at, after: self.options.timeout },
            Some(PublishErrorKind::BrokenPipe) => Error::Unreachable { at, reason },
            _ if reason.ends_with("timed out") => {
                Error::TimedOut { at, after: self.options.timeout }
            }
            _ => Error::Failed { at, reason },
        }
    }
}

/// The client does not take the login out of an address.
fn login(server: &ServerAddr) -> ConnectOptions {
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    match (server.username().map(plain), server.password().map(plain)) {
        (Some(user), Some(password)) => ConnectOptions::with_user_and_password(user, password),
        (Some(token), None) => ConnectOptions::with_token(token),
        (None, _) => ConnectOptions::new(),
    }
}

/// Short at first, for a server that only starts again; then up to a second.
fn pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.min(6)).unwrap_or(6);
    (Duration::from_millis(20) * 2_u32.pow(doublings)).min(Duration::from_secs(1))
}

/// Whether an error says that there is no such bucket.
fn is_missing(error: &(dyn StdError + 'static)) -> bool {
    let is_unknown = |error: &jetstream::Error| error.error_code() == ErrorCode::STREAM_NOT_FOUND;
    // Some of the client's errors hold the server's as their kind, and not as their cause.
    let kind = cause::<GetStreamError>(error).map(GetStreamError::kind);
    matches!(kind, Some(GetStreamErrorKind::JetStream(told)) if is_unknown(&told))
        || cause(error).is_some_and(is_unknown)
}

/// The first error of the type `E` among an error and its causes.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut error = Some(error);
    while let Some(this) = error {
        if let Some(found) = this.downcast_ref() {
            return Some(found);
        }
        error = this.source();
    }
    None
}
