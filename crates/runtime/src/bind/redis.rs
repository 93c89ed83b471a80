//! Spin's Redis interface: connections to the servers that a component is granted.

use std::sync::Arc;

use keyway_app::lack::{Lack, ServerKind};
use keyway_capability::redis::{Answer, Argument, Connection as Server, Error};
use wasmtime::component::{Accessor, Resource, ResourceTableError};

use super::{
    import::{Import, Target},
    refusal::BackendError,
    view::ViewOf,
};
use crate::{
    grant::server::{self, Refused},
    state::{State, view},
};

mod bindings_2 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import fermyon:spin/redis@2.0.0; }",
        path: "../../wit/fermyon-spin-2.0.0",
        imports: { default: async | trappable },
        with: { "fermyon:spin/redis.connection": crate::bind::redis::Connection },
        trappable_error_type: { "fermyon:spin/redis.error" => crate::bind::redis::Refusal },
    });
}

mod bindings_3 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:redis/redis@3.0.0; }",
        path: "../../wit/spin-redis-3.0.0",
        imports: { default: async | trappable },
        with: { "spin:redis/redis.connection": crate::bind::redis::Connection },
        trappable_error_type: { "spin:redis/redis.error" => crate::bind::redis::Refusal },
    });
}

use bindings_2::fermyon::spin::redis as v2;
use bindings_3::spin::redis::redis as v3;

/// Lays the host's functions over `target`, with the grants of the component whose import it is.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let view = view::of::<Redis>(import.slot);
    match import.interface {
        "fermyon:spin/redis@2.0.0" => v2::add_to_linker_instance::<State, Redis>(target, view),
        "spin:redis/redis@3.0.0" => v3::add_to_linker_instance::<State, Redis>(target, view),
        _ => Ok(()),
    }
}

/// The capability: servers of Redis.
pub(crate) enum Servers {}

type Redis = ViewOf<Servers>;
type View<'a> = super::view::View<'a, Servers>;

/// A connection that was opened.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Connection(Arc<Server>);

/// Why a call did not do what it was to do.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub type Refusal = super::refusal::Refusal<Error>;

impl BackendError for Error {}

impl View<'_> {
    /// The address, if its server is granted.
    fn granted(&self, address: &str) -> Result<keyway_capability::Address, Refusal> {
        let not_granted = || Refusal::NotGranted(address.to_owned());
        let member = self.member.ok_or_else(not_granted)?;
        server::redis(&member.principal.grant.redis, address).map_err(|refused| match refused {
            Refused::NotGranted { host, port } => {
                let lack = Lack::Server { speaks: ServerKind::Redis, host: &host, port };
                member.report(&format!("the server {host:?} of Redis"), &lack);
                not_granted()
            }
            Refused::Wrong(reason) => {
                member.warn(&reason);
                Refusal::Wrong(reason)
            }
        })
    }

    fn server(&self, connection: &Resource<Connection>) -> Result<Arc<Server>, Refusal> {
        Ok(Arc::clone(&self.table.get(connection)?.0))
    }

    fn close(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

fn texts(texts: Vec<String>) -> impl Iterator<Item = Argument> {
    texts.into_iter().map(|text| Argument::Bytes(text.into_bytes()))
}

fn key_and(key: String, others: impl IntoIterator<Item = Argument>) -> Vec<Argument> {
    std::iter::once(Argument::Bytes(key.into_bytes())).chain(others).collect()
}

async fn bytes(
    server: &Server,
    command: &str,
    arguments: Vec<Argument>,
) -> Result<Option<Vec<u8>>, Refusal> {
    match server.ask(command, &arguments).await?.pop() {
        Some(Answer::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Answer::Nil) => Ok(None),
        _ => Err(server.unexpected().into()),
    }
}

async fn number(server: &Server, command: &str, arguments: Vec<Argument>) -> Result<i64, Refusal> {
    match server.ask(command, &arguments).await?.pop() {
        Some(Answer::Integer(number)) => Ok(number),
        _ => Err(server.unexpected().into()),
    }
}

async fn count(server: &Server, command: &str, arguments: Vec<Argument>) -> Result<u32, Refusal> {
    let number = number(server, command, arguments).await?;
    u32::try_from(number).map_err(|_| server.unexpected().into())
}

async fn members(server: &Server, key: String) -> Result<Vec<String>, Refusal> {
    let answer = server.ask("SMEMBERS", &key_and(key, None)).await?;
    let text = |answer| match answer {
        Answer::Bytes(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    };
    let texts: Option<Vec<_>> = answer.into_iter().map(text).collect();
    texts.ok_or_else(|| server.unexpected().into())
}

/// A failure in the words of a version, and the parts of answers.
macro_rules! version {
    ($version:ident) => {
        impl $version::Host for View<'_> {
            fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<$version::Error> {
                Ok(match refusal {
                    Refusal::NotGranted(_) | Refusal::Wrong(_) => $version::Error::InvalidAddress,
                    Refusal::Handle(ResourceTableError::Full) => {
                        $version::Error::TooManyConnections
                    }
                    Refusal::Handle(error) => return Err(error.into()),
                    Refusal::Held(error) => return Err(error),
                    Refusal::Failed(Error::WrongType { .. }) => $version::Error::TypeError,
                    Refusal::Failed(error) => $version::Error::Other(error.to_string()),
                })
            }
        }

        impl From<$version::RedisParameter> for Argument {
            fn from(parameter: $version::RedisParameter) -> Self {
                match parameter {
                    $version::RedisParameter::Int64(number) => Self::Integer(number),
                    $version::RedisParameter::Binary(bytes) => Self::Bytes(bytes),
                }
            }
        }

        impl From<Answer> for $version::RedisResult {
            fn from(answer: Answer) -> Self {
                match answer {
                    Answer::Nil => Self::Nil,
                    Answer::Status(word) => Self::Status(word),
                    Answer::Integer(number) => Self::Int64(number),
                    Answer::Bytes(bytes) => Self::Binary(bytes),
                }
            }
        }
    };
}

version!(v2);
version!(v3);

/// What both versions do, which differ in how a function begins: `$server` is an expression for the
/// server of `connection`.
macro_rules! commands {
    (($($context:tt)*), $version:ident, $receiver:ident, $server:expr) => {
        async fn publish(
            $($context)*,
            connection: Resource<Connection>,
            channel: String,
            payload: Vec<u8>,
        ) -> Result<(), Refusal> {
            let server = $server($receiver, &connection)?;
            let arguments = key_and(channel, [Argument::Bytes(payload)]);
            number(&server, "PUBLISH", arguments).await.map(drop)
        }

        async fn get(
            $($context)*,
            connection: Resource<Connection>,
            key: String,
        ) -> Result<Option<Vec<u8>>, Refusal> {
            let server = $server($receiver, &connection)?;
            bytes(&server, "GET", key_and(key, None)).await
        }

        async fn set(
            $($context)*,
            connection: Resource<Connection>,
            key: String,
            value: Vec<u8>,
        ) -> Result<(), Refusal> {
            let server = $server($receiver, &connection)?;
            server.ask("SET", &key_and(key, [Argument::Bytes(value)])).await?;
            Ok(())
        }

        async fn incr(
            $($context)*,
            connection: Resource<Connection>,
            key: String,
        ) -> Result<i64, Refusal> {
            let server = $server($receiver, &connection)?;
            number(&server, "INCR", key_and(key, None)).await
        }

        async fn del(
            $($context)*,
            connection: Resource<Connection>,
            keys: Vec<String>,
        ) -> Result<u32, Refusal> {
            let server = $server($receiver, &connection)?;
            count(&server, "DEL", texts(keys).collect()).await
        }

        async fn sadd(
            $($context)*,
            connection: Resource<Connection>,
            key: String,
            values: Vec<String>,
        ) -> Result<u32, Refusal> {
            let server = $server($receiver, &connection)?;
            count(&server, "SADD", key_and(key, texts(values))).await
        }

        async fn smembers(
            $($context)*,
            connection: Resource<Connection>,
            key: String,
        ) -> Result<Vec<String>, Refusal> {
            let server = $server($receiver, &connection)?;
            members(&server, key).await
        }

        async fn srem(
            $($context)*,
            connection: Resource<Connection>,
            key: String,
            values: Vec<String>,
        ) -> Result<u32, Refusal> {
            let server = $server($receiver, &connection)?;
            count(&server, "SREM", key_and(key, texts(values))).await
        }

        async fn execute(
            $($context)*,
            connection: Resource<Connection>,
            command: String,
            arguments: Vec<$version::RedisParameter>,
        ) -> Result<Vec<$version::RedisResult>, Refusal> {
            let server = $server($receiver, &connection)?;
            let arguments: Vec<_> = arguments.into_iter().map(Argument::from).collect();
            let answer = server.ask(&command, &arguments).await?;
            Ok(answer.into_iter().map(Into::into).collect())
        }
    };
}

impl v2::HostConnection for View<'_> {
    async fn open(&mut self, address: String) -> Result<Resource<Connection>, Refusal> {
        let server = Server::open(&self.granted(&address)?).await?;
        Ok(self.table.push(Connection(Arc::new(server)))?)
    }

    commands!((&mut self), v2, self, View::server);

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close(connection)
    }
}

impl v3::HostConnection for View<'_> {
    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close(connection)
    }
}

/// The server of a handle, for what is waited for without holding on to the instance.
fn held<U: 'static>(
    accessor: &Accessor<U, Redis>,
    connection: &Resource<Connection>,
) -> Result<Arc<Server>, Refusal> {
    accessor.with(|mut access| access.get().server(connection))
}

impl<U: Send + 'static> v3::HostConnectionWithStore<U> for Redis {
    async fn open(
        accessor: &Accessor<U, Self>,
        address: String,
    ) -> Result<Resource<Connection>, Refusal> {
        let address = accessor.with(|mut access| access.get().granted(&address))?;
        let server = Server::open(&address).await?;
        accessor.with(|mut access| Ok(access.get().table.push(Connection(Arc::new(server)))?))
    }

    commands!((accessor: &Accessor<U, Self>), v3, accessor, held);
}
