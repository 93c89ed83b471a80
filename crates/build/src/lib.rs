//! From a component's project folder to a component file: in six languages, with the compilers
//! that are on this machine.
//!
//! It knows languages, toolchains and templates. It knows no manifest and runs no component: what
//! comes out is checked against the project's WIT by types alone.
//!
//! - [`Project`] is a folder with the sources of one component.
//! - [`Toolbox`] finds the compilers, says what is missing, and sets up what Keyway keeps itself.
//! - [`build`] makes the component, if anything has changed since it was made last;
//!   [`build_all`] makes many at the same time.
//! - [`new_project`] writes what a user begins with.

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
mod template;
mod toolbox;
mod word;
mod workplace;
mod world;

pub use build::{Built, Job, Observer, Options, Profile, build, build_all};
pub use check::Mismatch;
pub use debian::{install, is_root};
pub use error::BuildError;
pub use feature::Features;
pub use files::write_whole;
pub use language::Language;
pub use language::rust::Rust;
pub use project::{Project, ProjectError, component_file};
pub use template::{Kind, NewError, Start, new_project};
pub use toolbox::{Found, Missing, SetUpError, Toolbox};
pub use world::{WitError, World};
