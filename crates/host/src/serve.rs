//! Serves an app, or many, until a signal says to stop.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use etcetera::BaseStrategy;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    assembly::{open::no_trigger, seen::Seen},
    error::{HostError, ProcessError},
    host::{Host, KeepOptions, Narrator, ServeOptions},
    live::app::Opening,
    log::Log,
};

/// Serves the app at `path` until SIGTERM, SIGINT or SIGHUP, then drains; a second signal ends that.
///
/// # Errors
/// If there is nothing to serve, everything that is wrong with the app, or the address cannot be had.
pub fn serve(
    path: &Path,
    options: &ServeOptions,
    log: &Log,
    narrator: Arc<dyn Narrator>,
) -> Result<(), HostError> {
    // What is served comes first, and scripts wait for it.
    let hold = log.hold();
    raise_descriptor_limit();
    let seen = Seen::manifest(path);
    let opening = Opening { path: path.to_owned(), granted: options.granted.clone(), data: None };
    let app = opening.open()?;
    let seen = seen.with_files_of(&app);
    if app.is_idle() {
        return Err(no_trigger(&app).into());
    }
    let seen = options.watch.then_some(seen);
    Host::start(app, opening, options, log)?.serve(seen, narrator, hold);
    Ok(())
}

/// Serves many apps until a signal says to stop: those that are deployed to it, and those in a folder.
///
/// # Errors
/// If a folder cannot be used, or the address cannot be had. What is wrong with an app is logged.
pub fn host(
    keep: &KeepOptions,
    options: &ServeOptions,
    log: &Log,
    narrator: Arc<dyn Narrator>,
) -> Result<(), HostError> {
    let hold = log.hold();
    raise_descriptor_limit();
    Host::start_many(keep, options, log)?.serve(None, narrator, hold);
    Ok(())
}

/// The folder of a host's data where nobody names another.
///
/// # Errors
/// If the user has no folder for data.
pub fn data_folder() -> Result<PathBuf, HostError> {
    let base = etcetera::choose_base_strategy();
    let base = base.map_err(|error| ProcessError::NoHome(error.to_string()))?;
    Ok(base.data_dir().join("keyway"))
}

/// Connections are file descriptors, of which many systems give a process 1,024 unless it asks for
/// more.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::info!("the limit of open files cannot be raised: {error}");
    }
}
