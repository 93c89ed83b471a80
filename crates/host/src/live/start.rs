//! What starts a unit, as it is told to the user.

/// What starts a unit, as it is told to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Which requests, messages or changes.
    pub what: String,
    /// The components of the unit, root first.
    pub fused: Vec<String>,
}
