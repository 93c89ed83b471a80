//! The progress of a swap.

/// How far the swap under way is; the last one, if none is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// How many keys were copied. One that was changed meanwhile may count twice.
    pub copied: u64,
    /// How many keys were compared, in all rounds.
    pub compared: u64,
    /// How many of them differed, and were copied again.
    pub repaired: u64,
}

/// What a swap does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No swap is under way.
    #[default]
    Idle,
    /// The target is looked at, and emptied if that was asked for.
    Preparing,
    /// Writes go to both, and keys are copied.
    Copying,
    /// Writes go to both, and keys are compared.
    Comparing,
    /// Writes wait until those under way have ended.
    Moving,
}

/// What a swap did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// How many keys were copied. One that was changed meanwhile may count twice.
    pub copied: u64,
    /// How many of them differed when they were compared, and were copied again.
    pub repaired: u64,
}
