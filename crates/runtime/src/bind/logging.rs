//! `wasi:logging`: lines on standard error, for components that may write there.

use keyway_app::lack::{FlagGrant, Lack};

use super::{
    import::{Import, Target},
    view::ViewOf,
};
use crate::{
    grant::write_log,
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

/// Lays the host's function over `target`, with the rights of the component whose import it is.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    logging::add_to_linker_instance::<State, HasLog>(target, view::of::<HasLog>(import.slot))
}

/// The capability: the log.
pub(crate) enum Log {}

type HasLog = ViewOf<Log>;
type View<'a> = super::view::View<'a, Log>;

impl logging::Host for View<'_> {
    async fn log(&mut self, level: Level, context: String, message: String) {
        let Some(member) = self.member else { return };
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
