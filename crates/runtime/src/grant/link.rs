//! What the links of a component lead to, without a word on which capabilities there are.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

/// What a link can lead to. Each capability has one type for that.
pub trait Target: Any + Send + Sync {}

/// Where the links of a component lead, by the capability and the names that the component gives.
#[derive(Clone, Default)]
pub struct Links(HashMap<TypeId, BTreeMap<String, Arc<dyn Any + Send + Sync>>>);

impl Links {
    /// These and others of one capability.
    #[must_use]
    pub fn with<T: Target>(mut self, targets: impl IntoIterator<Item = (String, T)>) -> Self {
        let of_capability = self.0.entry(TypeId::of::<T>()).or_default();
        for (name, target) in targets {
            of_capability.insert(name, Arc::new(target));
        }
        self
    }

    /// Where the link of this name leads.
    pub(crate) fn get<T: Target>(&self, name: &str) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.get(name)?.downcast_ref()
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.values().map(BTreeMap::keys)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Lamp(u8);
    #[derive(Debug, PartialEq)]
    struct Door(u8);
    impl Target for Lamp {}
    impl Target for Door {}

    #[test]
    fn a_name_leads_to_another_thing_for_each_capability() {
        let links = Links::default()
            .with([("hall".to_owned(), Lamp(1))])
            .with([("hall".to_owned(), Door(2))])
            .with([("cellar".to_owned(), Lamp(3))]);
        assert_eq!(links.get::<Lamp>("hall"), Some(&Lamp(1)));
        assert_eq!(links.get::<Door>("hall"), Some(&Door(2)));
        assert_eq!(links.get::<Lamp>("cellar"), Some(&Lamp(3)));
        assert_eq!(links.get::<Door>("cellar"), None);
    }
}
