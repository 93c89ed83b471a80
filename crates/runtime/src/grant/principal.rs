//! A component as the bearer of rights.

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::Grant;
use keyway_capability::{
    blobstore::Blobs,
    config::Config,
    keyvalue::Store,
    messaging::Broker,
    sql::{Access, Database},
};

use super::{remedy::Remedy, stream::Streams};

/// A component as the bearer of rights: what its grants and links give it.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its name in the app.
    pub name: String,
    /// Its rights. The folders in it are absolute, by paths without links.
    pub grant: Grant,
    /// The stores that it may open, by the names that it opens, each with the rights of the link.
    pub stores: BTreeMap<String, Arc<dyn Store>>,
    /// The places of the containers that it may use, by the containers' names or as `default` for
    /// all others, each with the rights of the link.
    pub blobs: BTreeMap<String, Arc<dyn Blobs>>,
    /// The brokers that it may connect to, by the names that it gives.
    pub brokers: BTreeMap<String, Arc<dyn Broker>>,
    /// The configuration that it reads.
    pub config: Option<Arc<dyn Config>>,
    /// The databases that it may open, by the names that it opens, each with what it may do there.
    pub databases: BTreeMap<String, (Arc<dyn Database>, Access)>,
    /// Its standard streams, where it has the process to itself. Others write lines that begin
    /// with their name, and read nothing.
    pub streams: Option<Streams>,
    /// How its user grants it more.
    pub remedy: Remedy,
}
