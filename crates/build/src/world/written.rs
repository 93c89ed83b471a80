//! A world, written down for tools that read WIT themselves.

use std::path::{Path, PathBuf};

use super::World;
use crate::BuildError;

impl World {
    /// Where tools that read WIT themselves are to read it: in `wit`, or in a file under `work` where
    /// features are on, which not all of them can switch on.
    pub(crate) fn for_tools(&self, wit: PathBuf, work: &Path) -> Result<PathBuf, BuildError> {
        if self.features_on().is_empty() {
            return Ok(wit);
        }
        let path = work.join("features.wit");
        let text = self.without_gates().map_err(std::io::Error::other);
        let written = text.and_then(|text| std::fs::write(&path, text));
        written.map_err(BuildError::written(&path))?;
        Ok(path)
    }
}
