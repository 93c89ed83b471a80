//! An import of a unit that is to be bound.

use wasmtime::component::LinkerInstance;

use super::form::Form;
use crate::state::State;

/// Where the host's functions are laid: an instance that a unit imports.
pub(super) type Target<'a> = LinkerInstance<'a, State>;

/// What is imported, and by whom.
#[derive(Clone, Copy)]
pub(super) struct Import<'a> {
    /// The interface, with its version.
    pub(super) interface: &'a str,
    /// What its type tells beside its name.
    pub(super) form: Form,
    /// The slot of the component whose import it is.
    pub(super) slot: usize,
}
