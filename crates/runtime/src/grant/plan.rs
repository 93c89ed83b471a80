//! What all instances of a unit share: the owner of each slot, and what it may reach.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use keyway_app::{
    Limit,
    lack::{Lack, asked},
};
use keyway_word::{Access, Capability, Names, Row};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;

use super::{
    client::Clients,
    folder::{self, FolderError},
    principal::Principal,
    printer::Printer,
    server::Servers,
};
use crate::{account::Account, handle, usage::Usage};

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
    /// Where what the components print goes.
    pub(crate) printer: Printer,
    /// That of its app.
    pub(crate) account: Arc<Account>,
    /// What its instances use: that of its root.
    pub(crate) usage: Arc<Usage>,
}

impl Plan {
    pub(crate) fn new(
        root: &str,
        members: impl IntoIterator<Item = Member>,
        limit: Limit,
        printer: Printer,
        account: Arc<Account>,
    ) -> Self {
        let members: Box<[_]> = members.into_iter().map(Arc::new).collect();
        let takes_descriptors = members.iter().any(|member| {
            let granted = &member.principal.grant;
            !(granted.files.is_empty() && granted.tcp.is_empty() && granted.udp.is_empty())
        });
        let handles = handle::at_most(limit.memory_bytes, takes_descriptors);
        let usage = account.of_component(root);
        Self { members, limit, handles, printer, account, usage }
    }
}

/// One component of a unit with its rights.
pub(crate) struct Member {
    pub(crate) principal: Principal,
    /// The folders that it is granted, open.
    pub(crate) folders: WasiFilesystemCtx,
    pub(crate) http: Clients,
    pub(crate) servers: Servers,
    usage: Arc<Usage>,
    printer: Printer,
    reported: Mutex<HashSet<String>>,
}

impl Member {
    /// Of the app with this account, whose log `printer` knows.
    pub(crate) fn new(
        principal: Principal,
        account: &Account,
        printer: &Printer,
    ) -> Result<Self, FolderError> {
        let folders = folder::open(&principal.grant.files)?;
        let http = Clients::new(&principal.grant.http);
        let (servers, reported) = (Servers::default(), Mutex::default());
        let (usage, printer) = (account.of_component(&principal.name), printer.clone());
        Ok(Self { principal, folders, http, servers, usage, printer, reported })
    }

    /// Tells the log once that the component asked for its folders, of which it has none. This is
    /// not a warning: language libraries ask before they print a line, for programs that never open
    /// a file; and for those that do, they find out themselves that there is no folder to ask.
    pub(crate) fn report_folders(&self) {
        let Principal { name, remedy, .. } = &self.principal;
        let lack = Lack::Folder { guest: None, access: Access::Read };
        if self.is_news(&lack.line(name)) {
            tracing::info!(
                "{}: asked for folders, but none is granted; to grant one, {}",
                self.printer.full_name(name),
                remedy.grant(name, &lack)
            );
        }
    }

    /// Tells the log once that the component tried to change what is in a folder that it may only
    /// read.
    pub(crate) fn report_change(&self) {
        let mut fixed =
            self.principal.grant.files.iter().filter(|file| file.access == Access::Read);
        // A file does not know the folder by which it was found.
        let guest = match (fixed.next(), fixed.next()) {
            (Some(only), None) => Some(only.guest.as_str()),
            _ => None,
        };
        let lack = Lack::Folder { guest, access: Access::ReadWrite };
        self.report("changing a folder that it may only read", &lack);
    }

    /// Tells the log once that the component gave a path that leads out of its folders.
    pub(crate) fn report_way_out(&self) {
        let lack = Lack::Folder { guest: None, access: Access::Read };
        self.report("a path that leads out of its folders", &lack);
    }

    /// Whether this is reported for the first time, and there is room to remember it.
    fn is_news(&self, text: &str) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        reported.len() < MAX_REPORTS && !reported.contains(text) && reported.insert(text.into())
    }

    /// Tells the log once what went wrong for the component.
    pub(crate) fn warn(&self, text: &str) {
        if self.is_news(text) {
            self.printer.warn(&self.principal.name, text);
        }
    }

    /// Counts that the component tried `what`, and logs once what would grant it.
    pub(crate) fn report(&self, what: &str, lack: &Lack<'_>) {
        self.usage.add_denial();
        let Principal { name, remedy, .. } = &self.principal;
        if self.is_news(&lack.line(name)) {
            let remedy = remedy.grant(name, lack);
            self.printer.warn(name, &format!("{what} is not granted; to grant it, {remedy}"));
        }
    }

    /// Logs once that the component asked by `interface` for `name`, which no link gives it.
    pub(crate) fn report_link(&self, capability: Capability, interface: &str, name: &str) {
        let Row { opens, names, .. } = capability.row();
        let what = match names {
            Names::None => format!("its {opens}"),
            _ => format!("the {opens} {:?}", asked(name)),
        };
        self.report(&what, &Lack::Link { capability, interface, name });
    }

    /// Logs once that the component tried to change what its link by `interface` may only read.
    pub(crate) fn report_read_only(&self, capability: Capability, interface: &str) {
        let what = format!("changing the {}", capability.row().opens);
        self.report(&what, &Lack::Change { capability, interface });
    }
}
