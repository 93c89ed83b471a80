//! Why a running app was not changed.

use keyway_app::{Code, Place};
use keyway_capability::{
    SettingsError,
    keyvalue::{KeepError, swapping::SwapError},
};

use keyway_word::did_you_mean;

/// Why a running app was not changed. The previous version stays in service.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Changes do not wait for each other.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Nothing was swapped since the start, or since the last undo.
    #[error("there is nothing to undo: no part was swapped")]
    NothingToUndo,
    /// No component has this name.
    #[error("the app has no component `{name}`")]
    NoSuchComponent {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No store has this name.
    #[error("the app has no store `{name}`")]
    NoSuchStore {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A component's file is not what it was when the app took it in.
    #[error("the file of `{component}` has changed since it was loaded")]
    ChangedSource {
        /// The component.
        component: String,
    },
    /// The backend of a store was not swapped.
    #[error("the store `{store}`: {error}")]
    Swap {
        /// The store.
        store: String,
        /// Why.
        error: StoreSwapError,
        /// Where the manifest declares it, if that is why it was to be swapped.
        place: Option<Place>,
        /// What to do, where that can be said.
        help: Option<String>,
    },
    /// A component on trial did not stay.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// The host ends.
    #[error("the host stopped before the change was done")]
    Stopping,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// A component is on trial.
    #[error("a canary is running")]
    Trial,
    /// Something is being compiled, reloaded or undone.
    #[error("another change is in progress")]
    Change,
    /// The backend of a store is being swapped.
    #[error("the backend of the store `{store}` is being swapped")]
    StoreSwap {
        /// The store.
        store: String,
    },
}

/// Why the backend of a store was not swapped. The old one goes on, and is complete.
#[derive(Debug, thiserror::Error)]
pub enum StoreSwapError {
    /// The settings of the new backend are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The new backend cannot be opened, or the swap failed.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// A reload began a moment before, and has put another store there.
    #[error("a reload has replaced the store; neither store lost data")]
    Replaced,
    /// The host ends.
    #[error("the host stopped before the swap was done")]
    Cut,
}

/// How a trial ended that did not go well. The old component serves again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// An undo came.
    #[error("the canary was cancelled, and the old component is back in service")]
    Cancelled,
    /// Too many of its requests were errors.
    #[error(
        "{errors} of the new component's {requests} requests failed, and the old one is back in \
         service"
    )]
    Failed {
        /// Requests that it failed.
        errors: u64,
        /// Requests that it had, and that came to their end.
        requests: u64,
    },
    /// None of its requests came to its end.
    #[error(
        "the new component {}, so the canary is undecided, and the old one is back in service",
        had(*requests)
    )]
    Undecided {
        /// Requests that it had.
        requests: u64,
    },
}

fn had(requests: u64) -> String {
    match requests {
        0 => "got no requests".to_owned(),
        requests => format!("got {requests} requests, none of which finished"),
    }
}

impl ChangeError {
    /// An error of the swap of a store that the user asked for. One that meets another swap is busy.
    pub(crate) fn of_swap(store: &str, error: impl Into<StoreSwapError>) -> Self {
        match error.into() {
            StoreSwapError::Keep(KeepError::Swap(SwapError::UnderWay)) => {
                Busy::StoreSwap { store: store.to_owned() }.into()
            }
            error => Self::Swap { store: store.to_owned(), error, place: None, help: None },
        }
    }

    /// The error of a swap that a manifest's declaration asked for, at its place there.
    pub(crate) fn declared_at(mut self, at: Option<Place>, what: Option<String>) -> Self {
        if let Self::Swap { place, help, .. } = &mut self {
            (*place, *help) = (at, what);
        }
        self
    }

    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::Busy(_) => Code::Busy,
            Self::NothingToUndo => Code::NothingToUndo,
            Self::NoSuchComponent { .. } => Code::NoSuchComponent,
            Self::NoSuchStore { .. } => Code::NoSuchStore,
            Self::ChangedSource { .. } => Code::ChangedSource,
            Self::Swap {
                error: StoreSwapError::Keep(KeepError::Swap(SwapError::Cancelled)),
                ..
            } => Code::SwapCancelled,
            Self::Swap { error: StoreSwapError::Settings(_), .. } => Code::Setting,
            Self::Swap { .. } => Code::Swap,
            Self::Trial(TrialError::Cancelled) => Code::TrialCancelled,
            Self::Trial(TrialError::Failed { .. }) => Code::TrialFailed,
            Self::Trial(TrialError::Undecided { .. }) => Code::TrialUndecided,
            Self::Stopping => Code::Stopping,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Busy(Busy::Change) => "try again when it is done",
            Self::Busy(Busy::Trial | Busy::StoreSwap { .. }) => {
                "wait until it is done, or end it with `keyway swap --undo`"
            }
            Self::NoSuchComponent { name, known } | Self::NoSuchStore { name, known } => {
                return Some(did_you_mean(name, known.iter().map(String::as_str)));
            }
            Self::ChangedSource { .. } => "load all changes with `keyway reload`",
            Self::Swap { help, .. } => return help.clone(),
            Self::Trial(TrialError::Failed { .. }) => "the log has the errors: `keyway logs`",
            Self::Trial(TrialError::Undecided { .. }) => {
                "try it for longer with `--for`, with a larger part of the requests, or swap it \
                 without `--canary`"
            }
            Self::NothingToUndo | Self::Trial(TrialError::Cancelled) | Self::Stopping => {
                return None;
            }
        };
        Some(help.to_owned())
    }

    /// Where in the manifest it is.
    pub(super) fn place(self) -> Option<Place> {
        match self {
            Self::Swap { place, .. } => place,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap(error: SwapError) -> ChangeError {
        ChangeError::of_swap("store", KeepError::Swap(error))
    }

    #[test]
    fn a_swap_that_meets_another_is_busy_also_when_a_manifest_asks_for_it() {
        let help = || Some("what to do".to_owned());
        assert_eq!(swap(SwapError::UnderWay).code(), Code::Busy);
        assert_eq!(swap(SwapError::UnderWay).declared_at(None, help()).code(), Code::Busy);
        let failed = swap(SwapError::CutOff).declared_at(None, help());
        assert_eq!(failed.code(), Code::Swap);
        assert!(matches!(failed, ChangeError::Swap { help: Some(_), .. }));
    }
}
