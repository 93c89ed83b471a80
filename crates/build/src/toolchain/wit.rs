//! The WIT that a tool reads, where it cannot read the project's own as that is.

use std::{fs, path::PathBuf};

use crate::{BuildError, World, task::Task};

/// The project's own WIT, unless a part of it is behind a feature that is on: tools know nothing of
/// these. `instead` is a world that is written out in any case.
pub(super) fn file(
    task: &Task<'_>,
    world: &World,
    instead: Option<&World>,
) -> Result<PathBuf, BuildError> {
    if instead.is_none() && world.features_on().is_empty() {
        return Ok(task.project.wit());
    }
    let text = instead.unwrap_or(world).without_gates();
    let text = text.map_err(|reason| BuildError::world(task.project, world, &reason))?;
    let file = task.work.join("world.wit");
    fs::write(&file, text).map_err(BuildError::written(&file))?;
    Ok(file)
}
