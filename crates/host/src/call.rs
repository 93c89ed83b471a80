//! Calls functions of components by hand.

use std::{path::Path, sync::Arc};

use keyway_app::Code;
use keyway_runtime::{Engines, Printer, Purpose};
use tokio::runtime::Builder;

use crate::{
    assembly::{
        open::{Granted, open_unfinished},
        prepare::Workshop,
    },
    backend::Backends,
    build::built,
    error::{HostError, ProcessError},
    live::call::{Asked, Chosen, Functions, Returned},
    problem::problem,
};

/// What the components of the app at `path` export that can be called; `path` may be a project's folder.
///
/// # Errors
/// If the app cannot be read.
pub fn functions(path: &Path, granted: Option<&Granted>) -> Result<Functions, HostError> {
    if !path.exists()
        && let Some(name) = path.to_str().filter(|name| is_like_a_function(name))
    {
        let message = format!("there is no file or folder {name}");
        let help = format!("call a function with its values: `keyway call '{name}()'`");
        return Err(problem(Code::NotFound, message, Some(&help)).into());
    }
    Ok(Functions::of(&open_unfinished(&built(path)?, granted)?))
}

/// Whether a word that names no file may be one of the [spellings](Function::spellings) of a function.
fn is_like_a_function(word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-.:/@".contains(c);
    let is_of_file = [".wasm", ".toml"].iter().any(|ending| word.ends_with(ending))
        || (word.contains('/') && !word.contains(':'));
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.chars().all(is_part)
        && !is_of_file
}

/// Calls a function of the app at `path`, in a fresh instance of its component and all that this is
/// linked to, with their grants and stores. What they print goes to standard error.
///
/// # Errors
/// Everything that is wrong with the app and the call, or that the function did not come to its end.
pub fn call(path: &Path, granted: Option<&Granted>, asked: &Asked) -> Result<Returned, HostError> {
    let mut app = open_unfinished(&built(path)?, granted)?;
    // A component without a manifest may print: only its caller sees that.
    for component in app.components.values_mut().filter(|component| component.place.is_none()) {
        component.grant.stdout = true;
        component.grant.stderr = true;
    }
    let chosen = Chosen::find(&Functions::of(&app), asked)?;
    let workshop = Workshop::open(Purpose::Command { timed: true, fuel: false })?;
    let prepared = workshop.prepare(chosen.app(&app))?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ProcessError::Runtime)?;
    runtime.block_on(async {
        let backends = Backends::open(&prepared.app, &Backends::default())?;
        // Standard output is for the result.
        let printer = Printer::default().to_stderr();
        let returned =
            chosen.bind(&prepared, &backends, &Engines::new(), &printer, &Arc::default());
        let returned = returned?.run().await;
        // What the component has printed goes out before the result.
        keyway_runtime::flush_output().await;
        Ok(returned?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_be_a_function_or_a_file() {
        for word in ["greet", "log-parser.parse", "a:b/c.run", "a:b/c.run@1.0.0"] {
            assert!(is_like_a_function(word), "{word}");
        }
        for word in ["greet.wasm", "keyway.toml", "apps/shop", "..", "/tmp", "", "a b"] {
            assert!(!is_like_a_function(word), "{word}");
        }
    }
}
