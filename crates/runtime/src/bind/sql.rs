//! SQL databases, through the interfaces that components have for them: a component opens a
//! database that its links name, or one on a server that it is granted.

mod postgres;
mod sqlite;
mod wasmcloud;

use std::sync::Arc;

use keyway_app::lack::{Lack, ServerKind};
use keyway_capability::{
    Outage,
    sql::{Database, Error, Granted, Session},
};
use keyway_word::{Access, Capability, DEFAULT, is_address};
use wasmtime::component::Resource;

use super::{
    import::{Import, Target},
    refusal::BackendError,
    view::ViewOf,
};
use crate::{
    grant::plan::Member,
    grant::server::Refused,
    state::{State, view},
};

/// Lays the host's functions for an interface over `target`, with the links of the component
/// whose import it is. What is not known stays as it is: denied.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let view = view::of::<Sql>(import.slot);
    let form = import.form;
    macro_rules! bind {
        ($interface:path) => {{
            use $interface as interface;
            interface::add_to_linker_instance::<State, Sql>(target, view)
        }};
    }
    match import.interface {
        "fermyon:spin/sqlite@2.0.0" => bind!(sqlite::v2),
        "spin:sqlite/sqlite@3.1.0" if form.is_asynchronous => bind!(sqlite::v3_1),
        "spin:sqlite/sqlite@3.0.0" | "spin:sqlite/sqlite@3.1.0" => bind!(sqlite::v3),
        "fermyon:spin/postgres@2.0.0" => bind!(postgres::v2),
        "spin:postgres/postgres@3.0.0" => bind!(postgres::v3),
        "spin:postgres/postgres@4.2.0" if form.is_asynchronous => bind!(postgres::v4_2),
        "spin:postgres/postgres@4.0.0"
        | "spin:postgres/postgres@4.1.0"
        | "spin:postgres/postgres@4.2.0" => bind!(postgres::v4),
        "wasmcloud:postgres/query@0.1.1-draft" => bind!(wasmcloud::query),
        _ => Ok(()),
    }
}

/// The capability: databases.
pub(crate) enum Databases {}

type Sql = ViewOf<Databases>;
type View<'a> = super::view::View<'a, Databases>;

/// A database that was opened.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Connection {
    session: Arc<dyn Session>,
    /// Whose it is, and which interface opened it, for reports about it.
    member: Arc<Member>,
    interface: &'static str,
}

/// Why a call did not do what it was to do.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub type Refusal = super::refusal::Refusal<Error>;

impl BackendError for Error {}

/// What is to be opened, for whom.
struct Found {
    database: Arc<dyn Database>,
    access: Access,
    member: Arc<Member>,
    interface: &'static str,
}

impl Found {
    async fn open(self) -> Result<Connection, Refusal> {
        let Self { database, access, member, interface } = self;
        let begun = database.begin(access).await;
        let session = begun.map_err(|error| told(&member, interface, error))?;
        Ok(Connection { session, member, interface })
    }
}

/// The error unchanged, after the log has reported once what the component's own interface leaves
/// out.
fn told(member: &Member, interface: &str, error: Error) -> Error {
    match &error {
        Error::ReadOnly { .. } => {
            member.report_read_only(Capability::Sql, interface);
        }
        Error::NoSuchDatabase { .. }
        | Error::Outage(Outage::AccessDenied { .. })
        | Error::Forbidden { .. } => {
            member.warn(&error.to_string());
        }
        _ => {}
    }
    error
}

impl Connection {
    /// The outcome of a call, reported where necessary.
    fn told<T>(&self, outcome: Result<T, Error>) -> Result<T, Refusal> {
        outcome.map_err(|error| told(&self.member, self.interface, error).into())
    }
}

impl View<'_> {
    /// The database that a link names.
    fn find(&self, interface: &'static str, identifier: &str) -> Result<Found, Refusal> {
        let asked = if identifier.is_empty() { DEFAULT } else { identifier };
        let not_granted = || Refusal::NotGranted(asked.to_owned());
        let member = self.member.ok_or_else(not_granted)?;
        if let Some(granted) = member.principal.linked::<Granted>(Capability::Sql, asked) {
            let Granted { database, access } = granted.clone();
            return Ok(Found { database, access, member: Arc::clone(member), interface });
        }
        member.report_link(Capability::Sql, interface, asked);
        Err(not_granted())
    }

    /// The database that a link names, or that an address of the component's own does, if its
    /// server is granted.
    fn find_at(&self, interface: &'static str, address: &str) -> Result<Found, Refusal> {
        let not_granted = || Refusal::NotGranted(address.to_owned());
        let member = self.member.ok_or_else(not_granted)?;
        let is_linked = member.principal.linked::<Granted>(Capability::Sql, address).is_some();
        if is_linked || !is_address(address) {
            return self.find(interface, address);
        }
        match member.servers.postgres(&member.principal.grant.postgres, address) {
            Ok(database) => {
                let member = Arc::clone(member);
                Ok(Found { database, access: Access::ReadWrite, member, interface })
            }
            Err(Refused::NotGranted { host, port }) => {
                let lack = Lack::Server { speaks: ServerKind::Postgres, host: &host, port };
                member.report(&format!("the server {host:?} of PostgreSQL"), &lack);
                Err(not_granted())
            }
            Err(Refused::Wrong(reason)) => {
                member.warn(&reason);
                Err(Refusal::Wrong(reason))
            }
        }
    }

    fn push(&mut self, connection: Connection) -> Result<Resource<Connection>, Refusal> {
        Ok(self.table.push(connection)?)
    }

    /// The session of a handle, and the handle to tell its errors by.
    fn session(&self, connection: &Resource<Connection>) -> Result<Connection, Refusal> {
        let opened = self.table.get(connection)?;
        Ok(Connection {
            session: Arc::clone(&opened.session),
            member: Arc::clone(&opened.member),
            interface: opened.interface,
        })
    }

    fn close(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
