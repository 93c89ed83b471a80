//! From a manifest to checked, compiled units.
//!
//! Nothing here runs: the result is an [`Assembly`](assemble::Assembly) to inspect, or
//! [`Prepared`](prepare::Prepared) units to start.

pub(crate) mod assemble;
pub(crate) mod folder;
pub(crate) mod handler;
mod limit;
pub(crate) mod open;
pub(crate) mod prepare;
pub(crate) mod seen;
pub(crate) mod source;
