//! What links lead to: for each component a backend with the rights of its link.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use keyway_app::ComponentName;

/// A backend as the links of components see it. They outlive an exchange of the component, so that
/// what a quota has counted is not counted anew.
pub(crate) struct Links<R, T: ?Sized>(Mutex<Vec<Link<R, T>>>);

struct Link<R, T: ?Sized> {
    component: ComponentName,
    rights: R,
    restricted: Arc<T>,
}

impl<R: Clone + PartialEq, T: ?Sized> Links<R, T> {
    /// What `component` sees with `rights`, made by `restrict` unless it is there.
    pub(crate) fn get(
        &self,
        component: &ComponentName,
        rights: R,
        restrict: impl FnOnce(R) -> Arc<T>,
    ) -> Arc<T> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of those that no unit has any more, only the one that is asked for is of use.
        let is_meant = |known: &Link<R, T>| known.component == *component && known.rights == rights;
        links.retain(|known| is_meant(known) || Arc::strong_count(&known.restricted) > 1);
        if let Some(known) = links.iter().find(|known| is_meant(known)) {
            return Arc::clone(&known.restricted);
        }
        let restricted = restrict(rights.clone());
        let link =
            Link { component: component.clone(), rights, restricted: Arc::clone(&restricted) };
        links.push(link);
        restricted
    }
}

impl<R, T: ?Sized> Default for Links<R, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<R, T: ?Sized> fmt::Debug for Links<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_made_once_while_it_is_used() {
        let links = Links::<u8, str>::default();
        let (ann, ben) = (name("ann"), name("ben"));
        let first = links.get(&ann, 1, |_| Arc::from("first"));
        assert!(Arc::ptr_eq(&first, &links.get(&ann, 1, |_| Arc::from("again"))));
        assert_eq!(&*links.get(&ann, 2, |_| Arc::from("other rights")), "other rights");
        assert_eq!(&*links.get(&ben, 1, |_| Arc::from("other component")), "other component");
        assert!(Arc::ptr_eq(&first, &links.get(&ann, 1, |_| Arc::from("again"))));
        drop(first);
        // It is asked for by the next generation when the last one has let go of it.
        assert_eq!(&*links.get(&ann, 1, |_| Arc::from("again")), "first");
        links.get(&ben, 2, |_| Arc::from("another"));
        assert_eq!(&*links.get(&ann, 1, |_| Arc::from("again")), "again");
    }

    fn name(text: &str) -> ComponentName {
        ComponentName::new(text).expect("a name")
    }
}
