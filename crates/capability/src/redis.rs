//! Redis servers that components send their own commands to.
//!
//! Each connection has a single owner: a command can change its state, such as its database or
//! user.

use std::time::Duration;

use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, RedisError, Value,
    aio::MultiplexedConnection, cmd,
};
use thiserror::Error;
use tokio::time::timeout;

use crate::{Address, AddressError, Origin, Outage};

const NAME: &str = "Redis";

/// How long a command may take, and connecting.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// The most that an answer may take: 32 MiB. A longer one is refused when it has come: the client reads
/// an answer whole, into memory, and has no setting that bounds it; it would have to be given a stream
/// that does, and with it TLS of our own. What bounds it before is what a server sends in [`TIMEOUT`].
pub const ANSWER_LIMIT_BYTES: usize = 32 << 20;

/// A connection to a server.
pub struct Connection {
    at: Origin,
    connection: MultiplexedConnection,
}

/// An argument of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A whole number.
    Integer(i64),
    /// Anything.
    Bytes(Vec<u8>),
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Nil,
    /// A word of the server's, such as `OK`.
    Status(String),
    /// A whole number.
    Integer(i64),
    /// What is kept.
    Bytes(Vec<u8>),
}

/// Why a server did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The server does not serve.
    #[error(transparent)]
    Outage(#[from] Outage),
    /// The value of a key is of another type than the command is for.
    #[error("{at} rejected the command: {reason}")]
    WrongType {
        /// The backend that refused.
        at: Origin,
        /// Its own words.
        reason: String,
    },
    /// The command was rejected for another reason, or the reply does not fit it.
    #[error("{at} failed: {reason}")]
    Failed {
        /// The backend that failed.
        at: Origin,
        /// Its own words.
        reason: String,
    },
    /// The answer is larger than an answer may be.
    #[error("the reply from {at} has more than {ANSWER_LIMIT_BYTES} bytes")]
    TooLarge {
        /// The backend that it came from.
        at: Origin,
    },
}

fn client(address: &Address) -> Result<Client, AddressError> {
    address.check(NAME, &["redis", "rediss"])?;
    Client::open(address.secret()).map_err(|error| address.refuse(NAME, error))
}

/// The host and port that an address leads to.
///
/// # Errors
/// If it is none, or leads to a socket of this machine.
pub fn host(address: &Address) -> Result<(String, u16), AddressError> {
    match client(address)?.get_connection_info().addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Ok((host.clone(), *port))
        }
        _ => Err(address.refuse(NAME, "it leads to a socket of this machine")),
    }
}

impl Connection {
    /// Connects to the server at an address whose [`host`] was looked at.
    ///
    /// # Errors
    /// If the server cannot be reached, or refuses.
    pub async fn open(address: &Address) -> Result<Self, Error> {
        let at = Origin::new(format!("{NAME} at {address}"));
        let failed = |reason: String| Error::Outage(Outage::Unreachable { at: at.clone(), reason });
        let client = client(address).map_err(|error| failed(error.to_string()))?;
        // Each command is bounded as a whole, in `ask`.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        match timeout(TIMEOUT, connecting).await {
            Ok(Ok(connection)) => Ok(Self { at, connection }),
            Ok(Err(error)) => Err(explain(&at, &error)),
            Err(_) => Err(Error::Outage(Outage::TimedOut { at, after: TIMEOUT })),
        }
    }

    /// Sends a command and reads its answer, part by part.
    ///
    /// # Errors
    /// If the server refuses, does not answer in time, or cannot be reached.
    pub async fn ask(&self, command: &str, arguments: &[Argument]) -> Result<Vec<Answer>, Error> {
        let mut words = command.split_ascii_whitespace();
        let mut asked = cmd(words.next().unwrap_or_default());
        for word in words {
            asked.arg(word);
        }
        for argument in arguments {
            match argument {
                Argument::Integer(number) => asked.arg(number),
                Argument::Bytes(bytes) => asked.arg(bytes.as_slice()),
            };
        }
        let mut connection = self.connection.clone();
        let answer: Value = match timeout(TIMEOUT, asked.query_async(&mut connection)).await {
            Ok(answer) => answer.map_err(|error| explain(&self.at, &error))?,
            Err(_) => {
                return Err(Error::Outage(Outage::TimedOut {
                    at: self.at.clone(),
                    after: TIMEOUT,
                }));
            }
        };
        let (mut parts, mut bytes) = (Vec::new(), 0);
        flatten(answer, &mut parts, &mut bytes);
        if bytes > ANSWER_LIMIT_BYTES {
            return Err(Error::TooLarge { at: self.at.clone() });
        }
        Ok(parts)
    }

    /// The error for an answer that is none to the command.
    pub fn unexpected(&self) -> Error {
        Error::Failed { at: self.at.clone(), reason: "it answered something else".to_owned() }
    }
}

/// The parts of an answer, without what holds them together.
fn flatten(value: Value, parts: &mut Vec<Answer>, bytes: &mut usize) {
    *bytes += size_of::<Answer>();
    let mut text = |text: String| {
        *bytes += text.len();
        text
    };
    match value {
        Value::Nil => parts.push(Answer::Nil),
        Value::Int(number) => parts.push(Answer::Integer(number)),
        Value::Boolean(boolean) => parts.push(Answer::Integer(boolean.into())),
        Value::Okay => parts.push(Answer::Status("OK".to_owned())),
        Value::SimpleString(word) => parts.push(Answer::Status(text(word))),
        Value::Double(number) => parts.push(Answer::Bytes(number.to_string().into_bytes())),
        Value::VerbatimString { text: words, .. } => {
            parts.push(Answer::Bytes(text(words).into_bytes()));
        }
        Value::BulkString(value) => {
            *bytes += value.len();
            parts.push(Answer::Bytes(value));
        }
        Value::Array(values) | Value::Set(values) | Value::Push { data: values, .. } => {
            values.into_iter().for_each(|value| flatten(value, parts, bytes));
        }
        Value::Map(entries) => entries.into_iter().for_each(|(key, value)| {
            flatten(key, parts, bytes);
            flatten(value, parts, bytes);
        }),
        Value::Attribute { data, .. } => flatten(*data, parts, bytes),
        other => parts.push(Answer::Status(format!("{other:?}"))),
    }
}

fn explain(at: &Origin, error: &RedisError) -> Error {
    let (at, reason) = (at.clone(), error.to_string());
    let says = |codes: &[&str]| error.code().is_some_and(|code| codes.contains(&code));
    if error.kind() == ErrorKind::AuthenticationFailed || says(&["NOAUTH", "WRONGPASS", "NOPERM"]) {
        Error::Outage(Outage::AccessDenied { at, reason })
    } else if says(&["WRONGTYPE"]) || reason.contains("not an integer") {
        Error::WrongType { at, reason }
    } else if error.is_io_error() || error.is_unrecoverable_error() {
        Error::Outage(Outage::Unreachable { at, reason })
    } else {
        Error::Failed { at, reason }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("at", &self.at).finish_non_exhaustive()
    }
}
