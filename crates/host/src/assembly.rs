//! From a manifest to checked, compiled units.
//!
//! Nothing here runs: what comes out is an [`Assembly`](assemble::Assembly) to look at, or
//! [`Prepared`](prepare::Prepared) units that can be started.

pub(crate) mod assemble;
pub(crate) mod folder;
pub(crate) mod handler;
mod limit;
pub(crate) mod open;
pub(crate) mod prepare;
pub(crate) mod source;
