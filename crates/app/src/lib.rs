//! What an app is: reads a manifest and checks it. Pure: it opens no files, knows no component's
//! bytes and no engine.
//!
//! A [`Manifest`] is text that was parsed; an [`App`] is one that holds together. Everything that
//! is wrong is told at once, as [`Problem`]s that point into the text, beside a [`Draft`] of what
//! could be understood.

pub mod app;
pub mod backend;
pub mod blobstore;
pub mod edit;
pub mod foreign;
pub mod grant;
pub mod keyvalue;
mod manifest;
pub mod messaging;
pub mod place;
pub mod spin;
pub mod sql;

pub use app::{
    App, Component, ComponentName, ComponentNameError, HttpTrigger, ImportName, Limit, Link, Reuse,
    Source,
};
pub use grant::{
    FileAccess, FileGrant, Grant, HostPattern, HttpGrant, HttpScheme, SocketDirection, SocketGrant,
};
pub use manifest::{Doubts, Draft, HEALTH, Manifest};
pub use place::{Place, Placed, Problem, Text};
