//! How each import of a unit is bound, which follows from its owner's grants.
//!
//! What is bound depends on nothing else: whose call it is, and what that one may reach, is found in the
//! store when a function is called. So units that have the same code and the same shape share all that is
//! made of the two.

use keyway_component::{Authority, UnitImport, authority};

use super::{deny::Network, need, wasi};
use crate::{grant::plan::Plan, state::NOBODY};

/// How the imports of a unit are bound, in the order of its imports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shape(Box<[Binding]>);

/// How one import is bound.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Binding {
    /// What the unit calls it.
    name: String,
    /// The interface, with its version.
    pub(super) interface: String,
    /// The slot of the component whose import it is.
    pub(super) slot: usize,
    /// Whether the host's functions are laid over the denial.
    pub(super) is_granted: bool,
    /// Whether its owner has a folder to be given.
    pub(super) has_folders: bool,
    /// The uses of a network that its owner has no grant for.
    pub(super) refused: Vec<Network>,
}

impl Shape {
    /// What the grants in `plan` make of `imports`.
    pub(crate) fn of(imports: &[UnitImport], plan: &Plan) -> Self {
        let binding = |import: &UnitImport| {
            let slot = import.component.unwrap_or(NOBODY);
            let interface = import.interface.as_str();
            let member = plan.members.get(slot);
            let ways_out = wasi::ways_out(interface).iter().map(|(_, network)| *network);
            Binding {
                name: import.name.clone(),
                interface: interface.to_owned(),
                slot,
                is_granted: is_granted(plan, slot, interface),
                has_folders: member.is_some_and(|it| !it.principal.grant.files.is_empty()),
                refused: ways_out.filter(|network| !network.is_granted(plan, slot)).collect(),
            }
        };
        Self(imports.iter().map(binding).collect())
    }

    /// How the import of this name is bound.
    pub(super) fn binding(&self, name: &str) -> Option<&Binding> {
        self.0.iter().find(|binding| binding.name == name)
    }
}

/// Whether the host's functions may be laid over the denial. Most check each call against the
/// grants themselves.
fn is_granted(plan: &Plan, slot: usize, interface: &str) -> bool {
    match (authority(interface), plan.members.get(slot)) {
        (Authority::Unknown, _) => false,
        (Authority::Shared, _) => true,
        // An import of an interface with authority that has no owner is there only for its types.
        (_, None) => false,
        (_, Some(member)) => {
            need::of(interface).is_none_or(|need| (need.is_granted)(&member.principal.grant))
        }
    }
}
