//! Says everything that is wrong with an app, or with a component alone.

use std::path::Path;

use keyway_app::{App, ComponentName, Problem};
use keyway_component::is_provided;

use crate::assembly::{
    assemble::{self, Assembly, assemble},
    handler,
    open::open,
};

/// What is in order.
#[derive(Debug)]
pub enum Checked {
    /// An app, or a component that answers HTTP and can be served by itself.
    App(Box<Assembly>),
    /// A component with something else to offer.
    Component {
        /// Its name.
        name: String,
        /// What it is for.
        purpose: ComponentPurpose,
        /// Its imports that only a link to another component satisfies.
        unlinked: Vec<String>,
    },
}

/// What a component that does not answer HTTP is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentPurpose {
    /// To be run to its end.
    Command,
    /// To handle messages.
    Messages,
    /// To be told of changes in a store.
    Changes,
    /// To be called by other components, or by hand.
    Library,
}

/// Checks the app at `path`: a folder, a manifest or a component file. A component alone is in order
/// also if it does not answer HTTP.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(path: &Path) -> Result<Checked, Vec<Problem>> {
    let app = open(path)?;
    match alone(&app)? {
        Some(checked) => Ok(checked),
        None => assemble(app).map(|assembly| Checked::App(Box::new(assembly))),
    }
}

/// A component that came as a file and is not meant to answer HTTP.
fn alone(app: &App) -> Result<Option<Checked>, Vec<Problem>> {
    let Some(component) = app.components.values().find(|component| component.place.is_none())
    else {
        return Ok(None);
    };
    let Outside { purpose, unlinked } = Outside::of(app, &component.name)?;
    let Some(purpose) = purpose else { return Ok(None) };
    // A command is run alone, and needs all that it imports.
    if unlinked.is_empty() || purpose == ComponentPurpose::Command {
        // It is to be put together all the same: its imports may be of versions that nobody has.
        let app = App { routes: Vec::new(), ..app.clone() };
        assemble(app)?;
    }
    Ok(Some(Checked::Component { name: component.name.to_string(), purpose, unlinked }))
}

/// What a component shows to those around it.
pub(crate) struct Outside {
    /// None if it is to answer HTTP, or for nothing.
    pub(crate) purpose: Option<ComponentPurpose>,
    /// Its imports that only a link to another component satisfies.
    pub(crate) unlinked: Vec<String>,
}

impl Outside {
    /// Reads the component `name` of `app`.
    ///
    /// # Errors
    /// All components of `app` that cannot be read.
    pub(crate) fn of(app: &App, name: &ComponentName) -> Result<Self, Vec<Problem>> {
        let loaded = assemble::load_all(app)?;
        let description = &loaded[name].description;
        let exports: Vec<_> = description.exports.iter().map(|e| e.name.clone()).collect();
        let needs_link = |name: &str, is_only_types: bool| !is_only_types && !is_provided(name);
        let imports = description.imports.iter();
        let unlinked = imports
            .filter(|import| needs_link(&import.name, import.is_only_types))
            .map(|import| import.name.clone())
            .collect();
        Ok(Self { purpose: purpose(&exports), unlinked })
    }
}

/// What a component is for by its exports; none if it is to answer HTTP, or for nothing.
fn purpose(exports: &[String]) -> Option<ComponentPurpose> {
    if exports.is_empty() || handler::is_for_http(exports) {
        return None;
    }
    let has = |name: &str| exports.iter().any(|export| export.starts_with(name));
    Some(match () {
        () if has("wasi:cli/run@") => ComponentPurpose::Command,
        () if has("wasi:messaging/incoming-handler@") => ComponentPurpose::Messages,
        () if has("wasi:keyvalue/watcher@") => ComponentPurpose::Changes,
        () => ComponentPurpose::Library,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_say_what_a_component_is_for() {
        let of = |exports: &[&str]| {
            purpose(&exports.iter().map(|export| (*export).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["wasi:cli/run@0.2.6"]), Some(ComponentPurpose::Command));
        assert_eq!(of(&["a:b/c"]), Some(ComponentPurpose::Library));
        assert_eq!(of(&[]), None);
        // Also in a version that is not served: it is refused for that, and not taken for a library.
        for http in [
            "wasi:http/incoming-handler@0.2.3",
            "wasi:http/handler@0.3.0-rc-2026-03-15",
            "fermyon:spin/inbound-http",
        ] {
            assert_eq!(of(&["a:b/c", http]), None);
        }
    }
}
