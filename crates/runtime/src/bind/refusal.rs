//! Why a call of a capability does not do what it was to do. Each interface has words of its own for
//! that.

use wasmtime::component::ResourceTableError;

/// A call that was refused. `E` is what the capability's backends say.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub enum Refusal<E> {
    /// No link leads to what has this name, and no grant. The log has it.
    NotGranted(String),
    /// What the component gave makes no sense, or cannot be had.
    Wrong(String),
    /// The backend says no.
    Failed(E),
    /// A handle that is none, or one too many.
    Handle(ResourceTableError),
    /// More than an instance may hold, which ends it.
    Held(wasmtime::Error),
}

/// An error of a capability's backends.
pub(super) trait BackendError {}

impl<E: BackendError> From<E> for Refusal<E> {
    fn from(error: E) -> Self {
        Self::Failed(error)
    }
}

impl<E> From<ResourceTableError> for Refusal<E> {
    fn from(error: ResourceTableError) -> Self {
        Self::Handle(error)
    }
}
