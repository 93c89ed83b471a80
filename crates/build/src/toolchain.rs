//! From a project's sources to a core module or a component, in a folder for each language: its
//! compilers, how they are found and called, and what its bindings lack.

mod alias;
pub(crate) mod c;
pub(crate) mod go;
pub(crate) mod javascript;
pub(crate) mod lack;
pub(crate) mod python;
pub(crate) mod rust;
mod wit;
