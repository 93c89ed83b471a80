//! Keyway's host: the only crate that wires apps, components, the runtime and triggers together, and
//! the only library that reads the environment and files, except for `keyway_build`.
//!
//! # Map
//! Rooms, from the bottom up: each knows only those above it in this table.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `problem`, `error` | what users see: [problems](ProblemReport) with an app, [errors](HostError) of operations |
//! | [`log`] | the log of a process, which is made once and handed on |
//! | `backend` | opens and keeps what stands behind capabilities |
//! | `assembly` | from a manifest to checked, compiled units |
//! | `live` | one app that runs: generations, canaries, listeners. It knows nothing of the process |
//! | `apps` | the apps of a host that holds many: deployed, woken, put to sleep |
//! | [`admin`] | how a running app is asked and changed, over a socket |
//! | `host` | the process: address, threads, signals, watched files. It holds one app or many |
//! | [`serve`], [`run`], [`call`], [`check`], [`compose`], [`add`], [`jobs`], [`build()`] … | the verbs of the program |
//!
//! # The life of an app
//! [`open`] reads a manifest, and [`assemble`] its components. [`serve`] compiles them, makes a
//! generation, and gives requests to it. A swap, a reload or an undo makes the next generation
//! beside it and then moves the routes in one step.
//!
//! # Errors
//! Functions that look at an app's files return everything that is wrong with them, as a list of
//! [`Problem`](keyway_app::Problem)s. An operation that may fail for other reasons fails with a
//! [`HostError`], which has a code, and a status for the admin API.
//!
//! ```no_run
//! use keyway_host::{assemble, open};
//!
//! let app = open("examples/log-pipeline".as_ref());
//! match app.and_then(assemble) {
//!     Ok(assembly) => println!("{} units", assembly.units.len()),
//!     Err(problems) => problems.iter().for_each(|problem| eprintln!("{problem}")),
//! }
//! ```

pub mod admin;
mod ahead;
mod apps;
mod assembly;
mod backend;
mod build;
mod call;
mod check;
mod compose;
mod edit;
mod error;
mod host;
mod live;
pub mod log;
mod problem;
mod run;
mod serve;
mod write;

pub use ahead::{BuildObserver, BuiltAhead, CompiledAhead, build};
pub use assembly::{
    assemble::{AssembledUnit, Assembly, Composed, Loaded, assemble, read},
    open::{Granted, manifest_of_component, open},
};
pub use build::{jobs, problem_of, toolbox};
pub use call::{call, functions};
pub use check::{Checked, ComponentPurpose, check};
pub use compose::{compose, wit};
pub use edit::{Added, Linked, add, link, new_app};
pub use error::{
    AppsError, Busy, CallError, ChangeError, HostError, ProcessError, RequestError, StoreSwapError,
    TrialError,
};
pub use host::{KeepOptions, Narrator, ServeOptions, TlsFiles};
pub use live::{call::Functions, start::Start};
pub use problem::{PlaceReport, ProblemReport, in_words};
pub use run::{Outcome, RunOptions, Stdio, run};
pub use serve::{data_folder, host, serve};
