//! Enforces grants: turns each component's rights into what its WASI context permits.

pub(crate) mod folder;
pub(crate) mod http;
mod output;
mod remedy;
pub(crate) mod server;
pub(crate) mod socket;
mod stream;
pub(crate) mod tls;

pub(crate) use output::write_log;
pub use output::{Printer, flush_output};
pub use remedy::Remedy;
pub use stream::{Stream, Streams};
pub use wasmtime_wasi::cli::{InputFile, OutputFile};

use std::{any::Any, collections::BTreeMap, sync::Arc};

use keyway_app::Grant;
use keyway_capability::Linked;
use keyway_word::Capability;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use crate::plan::Plan;

/// A component as the bearer of rights.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its name in the app.
    pub name: String,
    /// Its rights. The folders in it are absolute, by paths without links.
    pub grant: Grant,
    /// What its links to backends lead to, by what it opens.
    pub links: BTreeMap<(Capability, String), Linked>,
    /// Its standard streams, where it has the process to itself. All other components write lines
    /// that begin with their name, and read nothing.
    pub streams: Option<Streams>,
    /// How its user grants it more.
    pub remedy: Remedy,
}

impl Principal {
    /// What a component opens by `name`, as the type of its capability.
    pub(crate) fn linked<T: Any>(&self, capability: Capability, name: &str) -> Option<&T> {
        self.links.get(&(capability, name.to_owned()))?.get()
    }
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
    match &member.principal.streams {
        Some(streams) => streams.give(&mut builder),
        None => {
            builder.stdout(output::Output::new(plan, slot, output::Stream::Out));
            builder.stderr(output::Output::new(plan, slot, output::Stream::Error));
        }
    }
    socket::allow(&mut builder, plan, slot);
    let mut context = builder.build();
    context.filesystem().clone_from(&member.folders);
    context
}
