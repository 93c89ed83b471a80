//! The features that a project names itself.

use super::{Features, SETTINGS};
use crate::{BuildError, Project};

impl Features {
    /// Those that `project` names in its settings, and these.
    ///
    /// # Errors
    /// If the settings cannot be read.
    pub(crate) fn and_those_of(&self, project: &Project) -> Result<Self, BuildError> {
        let path = project.folder.join(SETTINGS);
        let Some(own) = Self::read(&path).map_err(|reason| BuildError::Project {
            language: project.language,
            folder: project.folder.clone(),
            reason: format!("has a {SETTINGS} that cannot be read: {reason}"),
        })?
        else {
            return Ok(self.clone());
        };
        let names = self.names.union(&own.names).cloned().collect();
        Ok(Self { all: self.all || own.all, names })
    }
}
