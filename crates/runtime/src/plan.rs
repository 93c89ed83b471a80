//! What all instances of a unit share: whose each slot is, and what it may reach.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use keyway_app::{
    Limit,
    grant::{self, FileAccess},
};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;

use crate::{
    grant::{
        Principal,
        folder::{self, FolderError},
        server::Servers,
    },
    handle,
};

/// Reports of denied calls that are remembered per component, so as not to repeat them. A guest
/// can make up new names without end.
const MAX_REPORTS: usize = 64;

/// The part of a unit that its instances read.
pub(crate) struct Plan {
    /// The components of the unit, root first.
    pub(crate) members: Box<[Arc<Member>]>,
    /// The limits of the unit.
    pub(crate) limit: Limit,
    /// How many handles an instance may hold at once.
    pub(crate) handles: usize,
}

impl Plan {
    pub(crate) fn new(members: impl IntoIterator<Item = Member>, limit: Limit) -> Self {
        let members: Box<[_]> = members.into_iter().map(Arc::new).collect();
        let takes_descriptors = members.iter().any(|member| {
            let granted = &member.principal.grant;
            !(granted.files.is_empty() && granted.tcp.is_empty() && granted.udp.is_empty())
        });
        let handles = handle::at_most(limit.memory_bytes, takes_descriptors);
        Self { members, limit, handles }
    }
}

/// One component of a unit with its rights.
pub(crate) struct Member {
    pub(crate) principal: Principal,
    /// The folders that it is granted, open.
    pub(crate) folders: WasiFilesystemCtx,
    pub(crate) http: crate::grant::http::Clients,
    pub(crate) servers: Servers,
    reported: Mutex<HashSet<String>>,
}

impl Member {
    pub(crate) fn new(principal: Principal) -> Result<Self, FolderError> {
        let folders = folder::open(&principal.grant.files)?;
        let http = crate::grant::http::Clients::new(&principal.grant.http);
        let (servers, reported) = (Servers::default(), Mutex::default());
        Ok(Self { principal, folders, http, servers, reported })
    }

    /// Tells the log once that the component asked for its folders, of which it has none. This is
    /// no warning: language libraries ask before they print a line, for programs that never open
    /// a file; and for those that do, they find out themselves that there is no folder to ask.
    pub(crate) fn report_folders(&self) {
        let name = &self.principal.name;
        let line = grant::suggest_files(name);
        if self.is_news(&line) {
            tracing::info!(
                "{name}: asked for folders and is granted none; to grant one, {}",
                self.principal.remedy.grant(&line)
            );
        }
    }

    /// Tells the log once that the component tried to change what is in a folder that it may only
    /// read.
    pub(crate) fn report_change(&self) {
        let Principal { name, grant, .. } = &self.principal;
        let mut fixed = grant.files.iter().filter(|file| file.access == FileAccess::Read);
        // A file does not know the folder by which it was found.
        let guest = match (fixed.next(), fixed.next()) {
            (Some(only), None) => &only.guest,
            _ => "/FOLDER",
        };
        let line = format!(
            "component.{name}.grant.files = [{{ host = \"FOLDER\", guest = {guest:?}, \
             access = \"read-write\" }}]"
        );
        self.report("changing what it may only read", line);
    }

    /// Tells the log once that the component gave a path that leads out of its folders.
    pub(crate) fn report_way_out(&self) {
        let line = grant::suggest_files(&self.principal.name);
        self.report("a path that leads out of its folders", line);
    }

    /// Whether this is told for the first time, and there is room to remember it.
    fn is_news(&self, text: &str) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        reported.len() < MAX_REPORTS && !reported.contains(text) && reported.insert(text.into())
    }

    /// Tells the log once what went wrong for the component.
    pub(crate) fn warn(&self, text: &str) {
        if self.is_news(text) {
            tracing::warn!("{}: {text}", self.principal.name);
        }
    }

    /// Tells the log once that the component tried `what`, and what would grant it.
    pub(crate) fn report(&self, what: &str, line: String) {
        if self.is_news(&line) {
            tracing::warn!(
                "{}: {what} is not granted; to grant it, {}",
                self.principal.name,
                self.principal.remedy.grant(&line)
            );
        }
    }
}
