//! The components of an app as bearers of rights.

use std::collections::BTreeMap;

use keyway_app::{App, Component};
use keyway_runtime::{Principal, Remedy};

use crate::backend::Backends;

/// The components of an app as bearers of rights.
#[derive(Debug)]
pub(crate) struct Principals(BTreeMap<String, Principal>);

impl Principals {
    /// Each component is made once and not for each of its units, so that a quota counts once.
    pub(crate) fn new(app: &App, backends: &Backends) -> Self {
        let principal = |component: &Component| Principal {
            name: component.name.to_string(),
            grant: component.grant.clone(),
            links: backends.of(component),
            streams: None,
            // A component without a manifest was named by its file.
            remedy: match component.place {
                Some(_) => Remedy::Manifest,
                None => Remedy::Flags,
            },
        };
        let components = app.components.values();
        Self(
            components
                .map(|component| (component.name.to_string(), principal(component)))
                .collect(),
        )
    }

    /// Those of the components of a unit, in their order.
    pub(crate) fn of(&self, components: &[String]) -> Vec<Principal> {
        components.iter().filter_map(|name| self.0.get(name)).cloned().collect()
    }
}
