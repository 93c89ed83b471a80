//! Serves an app until a signal says to stop.

use std::{path::Path, sync::Arc};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    assembly::open::no_trigger,
    error::HostError,
    host::{Host, Narrator, Seen, ServeOptions},
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
    let opening = Opening { path: path.to_owned(), granted: options.granted.clone() };
    let app = opening.open()?;
    let seen = seen.with_files_of(&app);
    if app.is_idle() {
        return Err(no_trigger(&app).into());
    }
    Host::start(app, opening, options, log)?.serve(seen, narrator, hold);
    Ok(())
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
