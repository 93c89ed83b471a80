//! What an app is: reads a manifest and checks it. Pure: it opens no files, and knows nothing of
//! components' bytes or an engine.
//!
//! A [`Manifest`] is parsed text; an [`App`] is a consistent one. Everything that is wrong is
//! reported at once, as [`Problem`]s that point into the text, beside a [`Draft`] of what could be
//! understood.

mod app;
pub mod backend;
mod code;
pub mod edit;
pub mod grant;
pub mod lack;
mod limit;
pub mod link;
mod manifest;
mod name;
mod place;
pub mod spin;
mod trigger;

pub use keyway_word::{Access, Capability, Rights};

pub use app::{App, Component, Source};
pub use code::Code;
pub use grant::{
    FileGrant, Grant, HostPattern, HttpGrant, HttpScheme, SocketDirection, SocketGrant,
};
pub use limit::{Limit, Reuse};
pub use link::{Link, Links};
pub use manifest::{Doubts, Draft, HEALTH, Manifest};
pub use name::{
    BackendName, BackendNameError, ComponentName, ComponentNameError, ImportName, ImportNameError,
};
pub use place::{Place, Placed, Problem, Text};
pub use trigger::{ChangeTrigger, HttpTrigger, MessageTrigger};
