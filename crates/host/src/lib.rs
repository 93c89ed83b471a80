//! One running Keyway: the only place that wires the app, its components, the runtime and the
//! triggers together, and the only library that reads the environment.

pub mod admin;
mod assembly;
mod backend;
mod build;
mod call;
mod canary;
mod compose;
mod edit;
mod folder;
mod generation;
mod handler;
mod limit;
mod listen;
pub mod log;
mod nearest;
mod open;
mod prepare;
mod problem;
mod run;
mod running;
mod serve;
mod source;
mod watch;
mod write;

pub use assembly::{AssembledUnit, Assembly, Composed, Loaded, assemble, read};
pub use build::{jobs, problem_of, toolbox};
pub use call::{call, functions};
pub use compose::{compose, wit};
pub use edit::{Added, Linked, add, link, new_app};
pub use open::{Granted, open};
pub use problem::{PlaceReport, ProblemReport, in_words};
pub use run::{Outcome, RunOptions, Stdio, run};
pub use serve::{Narrator, ServeOptions, Start, TlsFiles, serve};
