//! One running Keyway: the only place that wires the app, its components, the runtime and the
//! triggers together, and the only library that reads the environment.

pub mod admin;
mod assembly;
mod backend;
mod build;
mod call;
mod compose;
mod edit;
mod live;
mod problem;
mod run;
mod write;

pub use assembly::{
    assemble::{AssembledUnit, Assembly, Composed, Loaded, assemble, read},
    open::{Granted, open},
};
pub use build::{jobs, problem_of, toolbox};
pub use call::{call, functions};
pub use compose::{compose, wit};
pub use edit::{Added, Linked, add, link, new_app};
pub use live::{
    log,
    serve::{Narrator, ServeOptions, Start, TlsFiles, serve},
};
pub use problem::{PlaceReport, ProblemReport, in_words};
pub use run::{Outcome, RunOptions, Stdio, run};
