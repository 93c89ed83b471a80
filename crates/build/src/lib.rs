//! From a component's project folder to a component file: in seven languages, with the compilers on
//! this machine.
//!
//! It knows languages, toolchains and templates. It knows nothing of manifests and runs no
//! component: the result is checked against the project's WIT by types alone.
//!
//! - [`Project`] is a folder with the sources of one component.
//! - [`Toolbox`] finds the compilers, says what is missing, and installs what Keyway keeps itself.
//! - [`build`] builds the component if anything has changed since the last build; [`build_all`]
//!   builds many in parallel.
//! - [`new_project`] creates a project to start from.

mod build;
mod check;
mod debian;
mod error;
mod feature;
mod files;
mod guard;
mod language;
mod note;
mod process;
mod project;
mod skeleton;
mod source;
mod task;
mod template;
mod tool;
mod toolbox;
mod toolchain;
mod word;
mod workplace;
mod world;

pub use build::{Built, Job, Observer, build, build_all};
pub use check::Mismatch;
pub use debian::{install, is_root};
pub use error::BuildError;
pub use feature::Features;
pub use files::write_whole;
pub use language::Language;
pub use project::{Project, ProjectError, component_file};
pub use task::{Options, Profile};
pub use template::{Kind, NewError, Start, new_project};
pub use tool::{Found, Missing, SetUpError};
pub use toolbox::Toolbox;
pub use toolchain::rust::Rust;
pub use world::{WitError, World};
