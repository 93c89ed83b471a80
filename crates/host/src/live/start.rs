//! What starts a unit, as shown to the user.

/// What starts a unit, as shown to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Which requests, messages or changes.
    pub what: String,
    /// The components of the unit, root first.
    pub fused: Vec<String>,
}
