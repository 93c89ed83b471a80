//! One running app.
//!
//! An [`App`](app::App) is everything that serves one app. It knows nothing of the process that it
//! runs in, which may hold several: what it needs from that is [given](facilities::Facilities) to it.
//!
//! From the bottom up:
//! - [`start`]: what starts a unit, in words
//! - [`facilities`]: what the process gives to it
//! - [`principal`]: the components as bearers of rights
//! - [`call`]: a function that is called by hand
//! - [`unit`]: a unit that takes requests and messages
//! - [`canary`]: which of two units gets a request
//! - [`listen`]: the messages and changes that an app takes
//! - [`generation`]: all that serves from one swap to the next
//! - [`trial`]: whether a new generation does well
//! - [`app`]: generations that follow each other

pub(crate) mod app;
pub(crate) mod call;
pub(crate) mod canary;
pub(crate) mod facilities;
mod generation;
mod listen;
mod principal;
pub(crate) mod start;
pub(crate) mod trial;
mod unit;
