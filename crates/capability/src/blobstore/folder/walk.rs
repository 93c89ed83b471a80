//! Lists the files of a container in the order of their paths, so that a page can begin anywhere.

use std::io;

use cap_std::fs::Dir;

use super::info;
use crate::blobstore::{
    ObjectInfo, Page,
    name::{read_container, read_object},
};

/// The longest path of an object: every byte of the longest name written as three.
const PATH_LIMIT_BYTES: usize = 3 * crate::blobstore::OBJECT_LIMIT_BYTES;

/// All containers in the root.
pub(super) fn containers(root: &Dir) -> io::Result<Vec<String>> {
    let mut containers = Vec::new();
    for entry in root.entries()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            containers.extend(entry.file_name().to_str().and_then(read_container));
        }
    }
    Ok(containers)
}

/// What a page is to hold.
pub(super) struct Wanted {
    pub(super) prefix: String,
    pub(super) path_prefix: String,
    /// The path after which the page begins.
    pub(super) after: String,
    pub(super) limit: usize,
}

impl Wanted {
    pub(super) fn page(&self, container: &Dir) -> io::Result<Page> {
        let mut found = Vec::new();
        self.walk(container, "", &mut found)?;
        let cursor = (found.len() > self.limit).then(|| {
            found.truncate(self.limit);
            found.last().map(|(path, _)| path.clone()).unwrap_or_default()
        });
        Ok(Page { objects: found.into_iter().map(|(_, object)| object).collect(), cursor })
    }

    /// Adds the objects under `path`, which is empty or ends in `/`, until there is one more than
    /// the page holds.
    fn walk(
        &self,
        container: &Dir,
        path: &str,
        found: &mut Vec<(String, ObjectInfo)>,
    ) -> io::Result<()> {
        let folder = if path.is_empty() { "." } else { path };
        let mut entries = Vec::new();
        for entry in container.read_dir(folder)? {
            let entry = entry?;
            // A name that is not text does not belong to an object.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                entries.push(format!("{path}{name}/"));
            } else if kind.is_file() {
                entries.push(format!("{path}{name}"));
            }
        }
        // With the `/` after a folder, its files come where their paths belong.
        entries.sort_unstable();
        for entry in entries {
            if found.len() > self.limit {
                break;
            }
            if entry.ends_with('/') {
                if self.may_hold(&entry) {
                    self.walk(container, &entry, found)?;
                }
            } else if entry > self.after
                && let Some(name) = read_object(&entry)
                && name.starts_with(&self.prefix)
                // What is gone meanwhile is not there.
                && let Ok(metadata) = container.metadata(&entry)
            {
                found.push((entry, info(name, &metadata)));
            }
        }
        Ok(())
    }

    /// Whether a folder may have objects for the page.
    fn may_hold(&self, folder: &str) -> bool {
        let prefix = &self.path_prefix;
        let is_wanted = folder.starts_with(prefix) || prefix.starts_with(folder);
        let is_before = folder < self.after.as_str() && !self.after.starts_with(folder);
        is_wanted && !is_before && folder.len() <= PATH_LIMIT_BYTES
    }
}
