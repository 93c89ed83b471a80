//! `wasi:logging`: lines on standard error, for components that may write there.

use std::sync::Arc;

use keyway_app::lack::{FlagGrant, Lack};
use wasmtime::component::{HasData, LinkerInstance};

use crate::{
    grant::write_log,
    plan::Plan,
    state::{State, view},
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-logging-0.1.0-draft",
        world: "wasi:logging/imports",
        imports: { default: async },
    });
}

use bindings::wasi::logging::logging::{self, Level};

/// Lays the host's function over `target`, with the rights of the component in slot `N`.
pub(super) fn bind<const N: usize>(target: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    logging::add_to_linker_instance::<State, HasLog>(target, view::logging::<N>)
}

struct HasLog;

impl HasData for HasLog {
    type Data<'a> = View<'a>;
}

/// What the function sees: whose call it is.
pub(crate) struct View<'a> {
    pub(crate) plan: &'a Arc<Plan>,
    /// The component's, or none's for an import without an owner.
    pub(crate) slot: usize,
}

impl logging::Host for View<'_> {
    async fn log(&mut self, level: Level, context: String, message: String) {
        let Some(member) = self.plan.members.get(self.slot) else { return };
        if !member.principal.grant.stderr {
            return member.report("writing to the log", &Lack::Flag(FlagGrant::Stderr));
        }
        let level = match level {
            Level::Trace => "TRACE",
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
            Level::Critical => "CRITICAL",
        };
        let colon = if context.is_empty() { "" } else { ": " };
        write_log(self.plan, self.slot, &format!("{level} {context}{colon}{message}")).await;
    }
}
