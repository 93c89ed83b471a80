//! The link of an import of `wasi:config`.

use super::{Targets, backend, table::Value};
use crate::{ImportName, Placed, backend::BackendName};

/// Where such a link leads.
pub(super) enum Target {
    /// To a configuration.
    Config(Placed<BackendName>),
    /// To a component that exports the interface.
    Component,
    /// Nowhere; a problem was reported.
    Nowhere,
}

/// Whether `import` is a configuration's: `store` in the drafts, `runtime` in the first one.
pub(super) fn is_config(import: &ImportName) -> bool {
    let interface = import.as_str().split('@').next();
    matches!(interface, Some("wasi:config/store" | "wasi:config/runtime"))
}

pub(super) fn link(value: &Value<'_>, targets: &Targets) -> Target {
    if value.as_str().is_none_or(|to| is_component(to, targets)) {
        return Target::Component;
    }
    match backend::target(value, &targets.configs, "configuration", "config") {
        Some(to) => Target::Config(Placed { value: to, place: value.place() }),
        None => Target::Nowhere,
    }
}

fn is_component(to: &str, targets: &Targets) -> bool {
    targets.components.contains(to) && !targets.configs.contains(to)
}
