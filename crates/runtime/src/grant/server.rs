//! Granted servers that a component names by its own addresses.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use keyway_app::grant::ServerGrant;
use keyway_capability::{
    Address, redis,
    sql::{Database, postgres},
};

/// Addresses that are remembered for a component, each with its connections. A guest could make up
/// new ones without end.
const MAX_ADDRESSES: usize = 16;

/// No address is longer. It is repeated in the log.
const MAX_ADDRESS_BYTES: usize = 4096;

/// Why a server is not connected to.
pub(crate) enum Refused {
    /// It is not granted.
    NotGranted { host: String, port: u16 },
    /// The address is wrong, or there are too many.
    Wrong(String),
}

/// The servers of one component.
#[derive(Default)]
pub(crate) struct Servers {
    databases: Mutex<BTreeMap<String, Arc<dyn Database>>>,
}

impl Servers {
    /// The database at `address`, if all hosts that it names are granted.
    pub(crate) fn postgres(
        &self,
        granted: &[ServerGrant],
        address: &str,
    ) -> Result<Arc<dyn Database>, Refused> {
        let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = databases.get(address) {
            return Ok(Arc::clone(database));
        }
        let wrong = |reason: &dyn std::fmt::Display| Refused::Wrong(reason.to_string());
        let url = checked(address)?;
        for (host, port) in postgres::hosts(&url).map_err(|error| wrong(&error))? {
            if !granted.iter().any(|grant| grant.allows(&host, port)) {
                return Err(Refused::NotGranted { host, port });
            }
        }
        if databases.len() == MAX_ADDRESSES {
            return Err(wrong(&"the component has opened too many different addresses"));
        }
        let database = postgres::Postgres::open(&postgres::Options::new(url));
        let database: Arc<dyn Database> = Arc::new(database.map_err(|error| wrong(&error))?);
        databases.insert(address.to_owned(), Arc::clone(&database));
        Ok(database)
    }
}

fn checked(address: &str) -> Result<Address, Refused> {
    if address.len() > MAX_ADDRESS_BYTES {
        let reason = format!("the address is longer than {MAX_ADDRESS_BYTES} bytes");
        return Err(Refused::Wrong(reason));
    }
    Ok(Address::from(address))
}

/// The address of a server of Redis, if that is granted.
pub(crate) fn redis(granted: &[ServerGrant], address: &str) -> Result<Address, Refused> {
    let address = checked(address)?;
    let (host, port) = redis::host(&address).map_err(|error| Refused::Wrong(error.to_string()))?;
    if granted.iter().any(|grant| grant.allows(&host, port)) {
        Ok(address)
    } else {
        Err(Refused::NotGranted { host, port })
    }
}
