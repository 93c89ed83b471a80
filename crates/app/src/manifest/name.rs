//! Names that a manifest's values hold.

use crate::{
    Code,
    manifest::table::Value,
    name::{ComponentName, ComponentNameError, NAME_HELP},
};

/// The name of a component that is led to.
pub(super) fn component_name(value: &Value<'_>) -> Option<ComponentName> {
    let checked = ComponentName::new(value.string()?);
    let report = |error: &ComponentNameError| {
        value.wrong(Code::ComponentName, error.to_string(), Some(NAME_HELP.to_owned()));
    };
    checked.inspect_err(report).ok()
}
