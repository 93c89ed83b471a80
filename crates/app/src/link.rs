//! A link: what satisfies one import of one component, or one name that it opens.

use std::{collections::BTreeMap, str::FromStr};

use keyway_word::{Capability, Rights};

use crate::{
    name::{BackendName, ComponentName, ImportName},
    place::{Place, Placed},
};

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Another component, which exports the interface.
    Component {
        /// The component.
        to: ComponentName,
        /// How it is called.
        mode: Mode,
    },
    /// A backend of a capability.
    Capability {
        /// The backend.
        to: BackendName,
        /// What may be done with it.
        rights: Rights,
    },
}

/// How a component calls the one that it is linked to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Both are one unit, and a call is a call.
    #[default]
    Fused,
    /// Through the host, which sees the call. No checked app has such a link.
    Bridged,
    /// On another host. No checked app has such a link.
    Remote,
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "fused" => Ok(Self::Fused),
            "bridged" => Ok(Self::Bridged),
            "remote" => Ok(Self::Remote),
            _ => Err(()),
        }
    }
}

/// What a link satisfies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// An import.
    Import(ImportName),
    /// A name that is opened by the interfaces of a capability.
    Name(Capability, String),
}

/// The links of one component. An import leads to a component, and a name to a backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(BTreeMap<Need, Placed<Link>>);

/// A link to a component.
#[derive(Debug, Clone, Copy)]
pub struct ComponentLink<'a> {
    /// The import that it satisfies.
    pub import: &'a ImportName,
    /// The component.
    pub to: &'a ComponentName,
    /// How it is called.
    pub mode: Mode,
    /// Where the manifest has the import.
    pub place: &'a Option<Place>,
}

/// A link to a backend.
#[derive(Debug, Clone, Copy)]
pub struct BackendLink<'a> {
    /// The capability.
    pub capability: Capability,
    /// The name that the component opens; [`DEFAULT`](keyway_word::DEFAULT) for none in particular.
    pub name: &'a str,
    /// The backend.
    pub to: &'a BackendName,
    /// What may be done with it.
    pub rights: &'a Rights,
    /// Where the manifest has the backend's name; none for a link that nobody wrote.
    pub place: &'a Option<Place>,
}

impl Links {
    /// Links an import to a component, in place of what it was linked to.
    pub fn to_component(
        &mut self,
        import: ImportName,
        to: ComponentName,
        mode: Mode,
        place: Option<Place>,
    ) {
        let value = Link::Component { to, mode };
        self.0.insert(Need::Import(import), Placed { value, place });
    }

    /// Links a name that the component opens to a backend, in place of what it was linked to.
    pub fn to_backend(
        &mut self,
        capability: Capability,
        name: &str,
        to: BackendName,
        rights: Rights,
        place: Option<Place>,
    ) {
        let value = Link::Capability { to, rights };
        self.0.insert(Need::Name(capability, name.to_owned()), Placed { value, place });
    }

    /// The links to components, in the order of the imports.
    pub fn components(&self) -> impl Iterator<Item = ComponentLink<'_>> {
        self.0.iter().filter_map(|(need, Placed { value, place })| match (need, value) {
            (Need::Import(import), Link::Component { to, mode }) => {
                Some(ComponentLink { import, to, mode: *mode, place })
            }
            _ => None,
        })
    }

    /// The link of an import to a component, which the manifest may name without its version.
    pub fn of_import(&self, import: &str) -> Option<ComponentLink<'_>> {
        let named = |name: &str| self.components().find(|link| link.import.as_str() == name);
        // One that names the version goes before one that does not.
        named(import).or_else(|| named(import.split('@').next()?))
    }

    /// The links to backends, by capability and name.
    pub fn backends(&self) -> impl Iterator<Item = BackendLink<'_>> {
        self.0.iter().filter_map(|(need, Placed { value, place })| match (need, value) {
            (Need::Name(capability, name), Link::Capability { to, rights }) => {
                Some(BackendLink { capability: *capability, name, to, rights, place })
            }
            _ => None,
        })
    }

    /// The links to backends of one capability, by name.
    pub fn of(&self, capability: Capability) -> impl Iterator<Item = BackendLink<'_>> {
        self.backends().filter(move |link| link.capability == capability)
    }

    /// The link to a backend by the name that is opened.
    pub fn to_open(&self, capability: Capability, name: &str) -> Option<BackendLink<'_>> {
        self.of(capability).find(|link| link.name == name)
    }
}
