//! Where links lead: for each component a backend with the rights of its link.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use keyway_app::{ComponentName, Rights};
use keyway_capability::Linked;

/// A backend as the links of components see it. They outlive a swap of the component, so that what a
/// quota has counted is not counted anew.
#[derive(Default)]
pub(crate) struct Links(Mutex<Vec<Link>>);

struct Link {
    component: ComponentName,
    rights: Rights,
    linked: Linked,
}

impl Links {
    /// What `component` sees with `rights`, made by `link` unless it is there.
    pub(crate) fn get(
        &self,
        component: &ComponentName,
        rights: &Rights,
        link: impl FnOnce() -> Linked,
    ) -> Linked {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of those that no unit has any more, only the one that is asked for is of use.
        let is_meant = |known: &Link| known.component == *component && known.rights == *rights;
        links.retain(|known| is_meant(known) || known.linked.is_shared());
        if let Some(known) = links.iter().find(|known| is_meant(known)) {
            return known.linked.clone();
        }
        let (component, rights, linked) = (component.clone(), rights.clone(), link());
        links.push(Link { component, rights, linked: linked.clone() });
        linked
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_made_once_while_it_is_used() {
        let links = Links::default();
        let (ann, ben) = (name("ann"), name("ben"));
        let (all, few) = (rights(None), rights(Some(1)));
        let get = |name, rights: &Rights, text: &'static str| {
            links.get(name, rights, || Linked::new(text))
        };
        let text = |linked: &Linked| *linked.get::<&str>().expect("a text");
        let first = get(&ann, &all, "first");
        assert_eq!(text(&get(&ann, &all, "again")), "first");
        assert_eq!(text(&get(&ann, &few, "other rights")), "other rights");
        assert_eq!(text(&get(&ben, &all, "other component")), "other component");
        assert_eq!(text(&get(&ann, &all, "again")), "first");
        drop(first);
        // The next generation asks for it when the last one has released it.
        assert_eq!(text(&get(&ann, &all, "again")), "first");
        get(&ben, &few, "another");
        assert_eq!(text(&get(&ann, &all, "again")), "again");
    }

    fn rights(quota_bytes: Option<u64>) -> Rights {
        Rights { quota_bytes, ..Rights::default() }
    }

    fn name(text: &str) -> ComponentName {
        ComponentName::new(text).expect("a name")
    }
}
