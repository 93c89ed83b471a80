//! A connection to NATS, for every capability that has a backend there.
//!
//! The client reconnects by itself, with growing pauses. While it is disconnected nothing is sent:
//! a queued request could happen long after its caller got an error.
//!
//! It does not know its purpose: a [`Service`] says what is opened on the server, and what errors
//! mean.

use std::{
    error::Error as StdError,
    fmt,
    pin::pin,
    time::{Duration, Instant},
};

use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr,
    jetstream::{
        self, ErrorCode,
        context::{GetStreamError, GetStreamErrorKind},
    },
};
use futures::future::{Either, select};
use percent_encoding::percent_decode_str;
use tokio::{sync::watch, time::timeout};

use crate::{Address, AddressError, Origin, Outage, reconnect::Reconnect};

/// How errors name the server.
pub(crate) const NAME: &str = "NATS";

/// An address as a setting has it.
pub(crate) const EXAMPLE: &str = "nats://127.0.0.1:4222";

/// What the client's own errors have in common.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// What is used on a server, and what its errors mean to the user.
pub(crate) trait Service: Send + Sync {
    /// What is opened once for each connection: a bucket, a stream, or nothing.
    type Opened: Clone + Send + Sync;
    /// What its callers get.
    type Error: From<Outage> + Clone + Send + Sync + StdError + 'static;

    /// Opens it on a connection.
    fn open(
        &self,
        client: &Client,
        jetstream: &jetstream::Context,
    ) -> impl Future<Output = Result<Self::Opened, Self::Error>> + Send;

    /// The server, in words.
    fn origin(&self) -> Origin;

    /// What an error of the client means. The actual error is somewhere among its causes.
    fn explain(&self, error: &(dyn StdError + 'static)) -> Self::Error;
}

/// Gives what a service has opened, while the server is connected.
pub(crate) struct Connector<S: Service> {
    pub(crate) service: S,
    server: ServerAddr,
    timeout: Duration,
    opened: Reconnect<Connection<S::Opened>, S::Error>,
}

#[derive(Clone)]
struct Connection<T> {
    opened: T,
    is_connected: watch::Receiver<bool>,
}

impl<S: Service> Connector<S> {
    /// Connects to `address` when first needed. An operation may take as long as `timeout`,
    /// connecting included.
    ///
    /// # Errors
    /// If the address is wrong.
    pub(crate) fn new(
        service: S,
        address: &Address,
        timeout: Duration,
    ) -> Result<Self, AddressError> {
        address.check(NAME, &["nats", "tls"])?;
        let server = address.secret().parse().map_err(|error| address.refuse(NAME, error))?;
        Ok(Self { service, server, timeout, opened: Reconnect::new() })
    }

    /// Runs `talk` on what is opened, within the time-out. It ends early if the connection is lost.
    pub(crate) async fn bounded<T>(
        &self,
        talk: impl AsyncFnOnce(&S::Opened) -> Result<T, Cause>,
    ) -> Result<T, S::Error> {
        let late = |_| Outage::TimedOut { at: self.service.origin(), after: self.timeout };
        let started = Instant::now();
        let connecting = self.opened.get(async || self.connect().await);
        let opened = timeout(self.timeout, connecting).await.map_err(late)??;
        let left = self.timeout.saturating_sub(started.elapsed());
        let mut is_connected = opened.connection.is_connected.clone();
        if timeout(left, is_connected.wait_for(|is| *is)).await.is_err() {
            return Err(self.lost());
        }
        let left = self.timeout.saturating_sub(started.elapsed());
        let ended = pin!(is_connected.wait_for(|is| !*is));
        let talk = pin!(talk(&opened.connection.opened));
        match timeout(left, select(talk, ended)).await.map_err(late)? {
            Either::Left((outcome, _)) => outcome.map_err(|error| self.service.explain(&*error)),
            Either::Right(_) => Err(self.lost()),
        }
    }

    fn lost(&self) -> S::Error {
        let reason = "the connection is lost; reconnecting".to_owned();
        Outage::Unreachable { at: self.service.origin(), reason }.into()
    }

    async fn connect(&self) -> Result<Connection<S::Opened>, S::Error> {
        let (state, is_connected) = watch::channel(true);
        let client = login(&self.server)
            .name("keyway")
            .connection_timeout(self.timeout)
            .request_timeout(Some(self.timeout))
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
            .map_err(|error| outage(self.service.origin(), &error))?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(self.timeout);
        let opened = self.service.open(&client, &jetstream).await?;
        Ok(Connection { opened, is_connected })
    }
}

impl<S: Service> fmt::Debug for Connector<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

/// What it means that a server was not connected to.
fn outage(at: Origin, error: &ConnectError) -> Outage {
    let reason = error.to_string();
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            Outage::AccessDenied { at, reason }
        }
        _ => Outage::Unreachable { at, reason },
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

/// Whether an error says that there is no such stream, as which buckets are kept.
pub(crate) fn is_missing(error: &(dyn StdError + 'static)) -> bool {
    let is_unknown = |error: &jetstream::Error| error.error_code() == ErrorCode::STREAM_NOT_FOUND;
    // Some of the client's errors hold the server's as their kind, and not as their cause.
    let kind = cause::<GetStreamError>(error).map(GetStreamError::kind);
    matches!(kind, Some(GetStreamErrorKind::JetStream(told)) if is_unknown(&told))
        || cause(error).is_some_and(is_unknown)
}

/// The first error of the type `E` among an error and its causes.
pub(crate) fn cause<'a, E: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a E> {
    let mut error = Some(error);
    while let Some(this) = error {
        if let Some(found) = this.downcast_ref() {
            return Some(found);
        }
        error = this.source();
    }
    None
}
