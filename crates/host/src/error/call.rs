//! Why a function was not called, or did not return.

use std::sync::Arc;

use keyway_app::{Code, Place, Problem, Text};
use keyway_call::Failure;
use keyway_runtime::{CallTextError, UnitError};

use keyway_word::did_you_mean;

/// Why a function was not called, or did not return.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The text is not a call.
    #[error("this is not a call with values in WAVE: {}", error.message)]
    Text {
        /// The text.
        text: String,
        /// What is wrong, and where.
        error: CallTextError,
    },
    /// The values are not those that the function takes.
    #[error("this is not a call with values in WAVE: {}", error.message)]
    Values {
        /// The text of the call.
        text: String,
        /// What is wrong, and where.
        error: CallTextError,
        /// The function, as WIT has it.
        signature: String,
    },
    /// No component exports it.
    #[error("there is no function `{name}` to call")]
    NoSuchFunction {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Several functions have the name.
    #[error("`{name}` may be one of several functions: {}", all.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// Each with its component.
        all: Vec<String>,
    },
    /// It takes or returns what no text stands for.
    #[error(
        "`{name}` of `{component}` cannot be called by hand: it takes or returns resources, \
         streams or futures"
    )]
    NotCallable {
        /// The component.
        component: String,
        /// The function.
        name: String,
        /// The function, as WIT has it.
        signature: String,
    },
    /// The unit cannot be bound to its rights.
    #[error("`{component}`: {error}")]
    Unit {
        /// The component.
        component: String,
        /// Why.
        #[source]
        error: UnitError,
    },
    /// It did not come to its end.
    #[error("`{name}` of `{component}`: {failure}")]
    Failed {
        /// The component.
        component: String,
        /// The function.
        name: String,
        /// Why.
        #[source]
        failure: Failure,
    },
}

impl CallError {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::Text { .. } | Self::Values { .. } => Code::Call,
            Self::NoSuchFunction { .. } => Code::NoSuchFunction,
            Self::Ambiguous { .. } => Code::AmbiguousFunction,
            Self::NotCallable { .. } => Code::NotCallable,
            Self::Unit { .. } => Code::Unit,
            Self::Failed { .. } => Code::CallFailed,
        }
    }

    pub(super) fn into_problem(self) -> Problem {
        let (code, message) = (self.code(), self.to_string());
        let problem =
            |help: Option<String>| Problem { code, message, label: None, help, place: None };
        match self {
            Self::Text { text, error } => {
                let help =
                    "write a call such as parse(\"text\", 1, [true], {name: \"x\"}, some('a'))";
                at(text, error, problem(Some(help.to_owned())))
            }
            Self::Values { text, error, signature } => {
                at(text, error, problem(Some(format!("it is {signature}"))))
            }
            Self::NotCallable { signature, .. } => problem(Some(format!("it is {signature}"))),
            Self::NoSuchFunction { name, known } => {
                problem(Some(did_you_mean(&name, known.iter().map(String::as_str))))
            }
            Self::Ambiguous { .. } => {
                let help = "put the interface's name before it, or choose one with `--component`";
                problem(Some(help.to_owned()))
            }
            Self::Unit { .. } | Self::Failed { .. } => problem(None),
        }
    }
}

/// A problem at its place in the text of a call.
fn at(text: String, error: CallTextError, problem: Problem) -> Problem {
    let shown = Text { name: "the call".to_owned(), text };
    Problem {
        label: Some("here".to_owned()),
        place: Some(Place { text: Arc::new(shown), span: error.span }),
        ..problem
    }
}
