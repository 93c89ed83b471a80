//! Grants, made good: how each component's rights become what its WASI context lets through.

pub(crate) mod http;
mod output;
mod socket;

pub(crate) use output::write_log;
pub use output::{flush_output, observe_output};

use std::{collections::BTreeMap, sync::Arc};

use keyway_app::grant::{FileAccess, Grant};
use keyway_capability::{config::Config, keyvalue::Store};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use crate::plan::Plan;

/// A component as the bearer of rights.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its name in the app.
    pub name: String,
    /// Its rights. The folders in it are absolute.
    pub grant: Grant,
    /// The stores that it may open, by the names that it opens, each with the rights of the link.
    pub stores: BTreeMap<String, Arc<dyn Store>>,
    /// The configuration that it reads.
    pub config: Option<Arc<dyn Config>>,
}

/// The WASI context of the member in `slot`.
pub(crate) fn context(plan: &Arc<Plan>, slot: usize) -> WasiCtx {
    let member = &plan.members[slot];
    let grant = &member.principal.grant;
    let mut builder = WasiCtxBuilder::new();
    for (name, value) in &grant.env {
        builder.env(name, value);
    }
    builder.args(&grant.args);
    for folder in &grant.files {
        let access = match folder.access {
            FileAccess::Read => FsPerms::ReadOnly,
            FileAccess::ReadWrite => FsPerms::ReadWrite,
        };
        if let Err(error) = builder.preopened_dir(&folder.host, &folder.guest, access) {
            // It was there when the app was checked; the component sees that it is gone.
            tracing::warn!(
                "{}: the folder {} cannot be opened: {error:#}",
                member.principal.name,
                folder.host.display()
            );
        }
    }
    builder.stdout(output::Output::new(plan, slot, output::Stream::Out));
    builder.stderr(output::Output::new(plan, slot, output::Stream::Error));
    socket::allow(&mut builder, plan, slot);
    builder.build()
}
