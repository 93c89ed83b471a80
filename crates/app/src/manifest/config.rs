//! The link of an import that reads a configuration.

use super::{Targets, backend, table::Value};
use crate::{Placed, backend::BackendName};

/// Where such a link leads.
pub(super) enum Target {
    /// To a configuration.
    Config(Placed<BackendName>),
    /// To a component that exports the interface.
    Component,
    /// Nowhere; a problem was reported.
    Nowhere,
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
