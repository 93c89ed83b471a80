//! One app that runs.

pub(crate) mod canary;
pub(crate) mod generation;
mod listen;
pub mod log;
pub(crate) mod running;
pub(crate) mod serve;
mod watch;
