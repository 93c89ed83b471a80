//! Why a swap ended without effect.

use thiserror::Error;

use crate::{Origin, keyvalue::Error};

/// Why the store that served before goes on. It has all that it had, and all that was written
/// meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SwapError {
    /// Only one swap of a store goes on at a time.
    #[error("the store is being swapped already")]
    UnderWay,
    /// [`cancel`](super::Swapping::cancel) was called.
    #[error("the swap was cancelled, and the old store goes on")]
    Cancelled,
    /// The target is what serves already.
    #[error("{at} is the store that serves already: name another one")]
    SameStore {
        /// The store.
        at: Origin,
    },
    /// The target is a part of what serves, or what serves is a part of it.
    #[error(
        "{at} has keys in common with the store that serves: name another prefix, table or bucket"
    )]
    Overlapping {
        /// The target.
        at: Origin,
    },
    /// The target has keys of its own.
    #[error(
        "{at} is not empty: it has the key `{key}`; name an empty store, or have its keys deleted"
    )]
    NotEmpty {
        /// The target.
        at: Origin,
        /// One of its keys.
        key: String,
    },
    /// The store that serves failed, or left a write in doubt.
    #[error("the store that serves failed, and goes on without being swapped: {0}")]
    Old(#[source] Error),
    /// The target failed.
    #[error("the target failed, and the old store goes on: {0}")]
    Target(#[source] Error),
    /// A write ended half-way.
    #[error("a write was cut off before the target had it, and the old store goes on")]
    CutOff,
    /// The stores do not become equal.
    #[error(
        "the value of `{key}` in {target} differs from that in {old} time and again, and the old \
         store goes on: does another program write to one of them?"
    )]
    Differs {
        /// A key that differs.
        key: String,
        /// The store that serves.
        old: Origin,
        /// The target.
        target: Origin,
    },
}
