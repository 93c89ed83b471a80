//! One running Keyway: the only place that wires the app, its components, the runtime and the
//! triggers together, and the only library that reads the environment.

mod assembly;
mod open;
mod prepare;
mod serve;
mod source;

pub use assembly::{AssembledUnit, Assembly, Loaded, assemble, read};
pub use open::open;
pub use serve::{Route, ServeOptions, TlsFiles, serve};

/// A problem without a place in a manifest.
fn problem(code: &'static str, message: String, help: Option<&str>) -> keyway_app::Problem {
    let help = help.map(str::to_owned);
    keyway_app::Problem { code, message, label: None, help, place: None }
}
