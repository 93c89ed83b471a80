//! What a call of a unit carries, and how it fails: the contract between callers and units. It
//! knows neither of them, and nothing of WebAssembly.
//!
//! - [`Body`] is what streams in and out of a unit, and [`BodyError`] says why it broke off.
//! - [`Length`] and [`has_body`] read from the head of an answer what follows it.
//! - [`Deadline`] is when a call has to be done.
//! - [`Failure`] says why a call has no answer.

mod body;
mod deadline;
mod failure;

pub use body::{Body, BodyError, Length, has_body};
pub use deadline::Deadline;
pub use failure::Failure;
