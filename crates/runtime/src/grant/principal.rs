//! A component as the bearer of rights.

use keyway_app::Grant;

use super::{link::Links, remedy::Remedy, stream::Streams};

/// A component as the bearer of rights: what its grants and links give it.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its name in the app.
    pub name: String,
    /// Its rights. The folders in it are absolute, by paths without links.
    pub grant: Grant,
    /// Where its links lead, each with the rights of the link.
    pub links: Links,
    /// Its standard streams, where it has the process to itself. Others write lines that begin
    /// with their name, and read nothing.
    pub streams: Option<Streams>,
    /// How its user grants it more.
    pub remedy: Remedy,
}
