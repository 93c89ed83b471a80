//! The tools that a language is built with: which there are, what is missing, and why that could not
//! be set up.

use std::{io, path::PathBuf};

use serde::Serialize;

use crate::Language;

/// What a language is built with here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The compiler or tool, with its version.
    pub tool: String,
    /// Its place.
    pub path: PathBuf,
}

/// What is missing to build a language, and the commands that bring it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{language} cannot be built here: {what}")]
pub struct Missing {
    /// The language.
    pub language: Language,
    /// What is missing.
    pub what: String,
    /// The packages of Debian that bring it, where these do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// What to type, one after the other.
    pub commands: Vec<String>,
}

impl Missing {
    /// What to do, in one sentence.
    pub fn help(&self) -> String {
        let commands: Vec<_> = self.commands.iter().map(|command| format!("`{command}`")).collect();
        format!("run {}", commands.join(", then "))
    }
}

/// Why what Keyway keeps itself could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A step failed.
    #[error("`{step}` failed: {reason}")]
    Step {
        /// The command.
        step: String,
        /// What it said.
        reason: String,
    },
    /// A file or folder cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Something is missing that only the user can install.
    #[error("{missing}; {}", missing.help())]
    Missing {
        /// What that is.
        #[from]
        missing: Missing,
    },
    /// All steps were done, and it is still not complete.
    #[error("{what} was installed in {}, but is not complete", folder.display())]
    Incomplete {
        /// What was set up.
        what: &'static str,
        /// Where.
        folder: PathBuf,
    },
}

impl SetUpError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| Self::File { path, error }
    }
}
