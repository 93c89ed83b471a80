//! One running Keyway: the only place that wires the app, its components, the runtime and the
//! triggers together, and the only library that reads the environment.

mod assembly;
mod open;
mod serve;

pub use assembly::{AssembledUnit, Assembly, Loaded, assemble, read};
pub use open::open;
pub use serve::{Route, ServeOptions, TlsFiles, serve};
