//! Why a component was not built.

use std::{io, path::PathBuf};

use crate::{Language, Mismatch, Missing, Project, WitError, World};

/// Why a component was not built. What was built before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The WIT is wrong.
    #[error(transparent)]
    Wit(#[from] WitError),
    /// A compiler is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A compiler refuses the sources, and says why itself.
    #[error("{tool} failed to build `{project}`")]
    Compiler {
        /// The compiler.
        tool: String,
        /// The project.
        project: String,
        /// All that it said.
        output: String,
    },
    /// The project does not have what its language's projects have.
    #[error("the {language} project in {} {reason}", folder.display())]
    Project {
        /// The language.
        language: Language,
        /// The project's folder.
        folder: PathBuf,
        /// What is wrong with it, to follow its name.
        reason: String,
    },
    /// The compiler's output cannot be made a component.
    #[error("the build result of `{project}` cannot be turned into a component: {reason}")]
    Component {
        /// The project.
        project: String,
        /// Why.
        reason: String,
    },
    /// The component is not what the world says.
    #[error("the component `{project}` does not match its WIT")]
    Mismatch {
        /// The project.
        project: String,
        /// All that differs.
        mismatches: Vec<Mismatch>,
    },
    /// Code that is not Keyway's gave up on the project.
    #[error(
        "the {language} project in {} ends what builds it: {said}; leave out of its WIT what is not \
         usual, or choose another language", folder.display()
    )]
    Panic {
        /// The language.
        language: Language,
        /// The project's folder.
        folder: PathBuf,
        /// What was said last.
        said: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{} cannot be {action}: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// A program that is there cannot be started.
    #[error("`{program}` cannot be started: {error}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        error: io::Error,
    },
}

impl BuildError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| Self::File { path, action: "read", error }
    }

    pub(crate) fn written(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |error| Self::File { path, action: "written", error }
    }

    /// Of a world that the project's language cannot have.
    pub(crate) fn world(project: &Project, world: &World, reason: &str) -> Self {
        Self::Project {
            language: project.language,
            folder: project.folder.clone(),
            reason: format!("has the world `{}`, which cannot be built: {reason}", world.name()),
        }
    }

    /// What a compiler or the parser of WIT said, or what differs: text of several lines.
    pub fn details(&self) -> Option<String> {
        match self {
            Self::Compiler { output, .. } => Some(output.clone()),
            Self::Wit(WitError::Invalid { reason, .. }) => Some(reason.clone()),
            Self::Mismatch { mismatches, .. } => {
                let lines: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
                Some(lines.join("\n"))
            }
            _ => None,
        }
    }

    /// What to do about it, where that is not said already.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing(missing) => Some(missing.help()),
            Self::Mismatch { .. } => {
                Some("change the sources, or the WIT in the folder `wit`".to_owned())
            }
            _ => None,
        }
    }
}
