//! Enforces grants: turns each component's rights into what its WASI context permits.

mod client;
pub(crate) mod folder;
pub(crate) mod http;
mod output;
pub(crate) mod plan;
mod principal;
mod printer;
mod remedy;
pub(crate) mod server;
pub(crate) mod socket;
mod stream;
pub(crate) mod tls;

pub use output::flush_output;
pub(crate) use output::write_log;
pub use principal::Principal;
pub use printer::Printer;
pub use remedy::Remedy;
pub use stream::{Stream, Streams};
pub use wasmtime_wasi::cli::{InputFile, OutputFile};

use std::sync::Arc;

use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use self::plan::Plan;

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
