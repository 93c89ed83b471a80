//! The account of an app: what its components use, what its instances have of the host at the moment,
//! and how many of its requests the host lets in.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use keyway_call::Failure;

use crate::usage::{Usage, Used};

/// Requests of an app that may run or wait at once on a host of many: as many as three units have by
/// default. Each takes a connection and some memory of the host, also while it waits.
const MAX_REQUESTS: usize = 4096;

/// What the instances of an app use together. Only its own requests write to it, so that apps do not
/// contend for it.
#[derive(Debug, Default)]
pub struct Account {
    /// By the names of components. It outlives their units, and their sleep.
    usage: Mutex<BTreeMap<String, Arc<Usage>>>,
    /// Whether its host has other apps.
    is_of_many: bool,
    requests: AtomicUsize,
    standing: Standing,
}

/// What the instances of an app have of their host at the moment.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Of its memory.
    pub(crate) memory_bytes: AtomicU64,
    /// Of the slots of its pools, packed into one number as those are.
    pub(crate) slots: AtomicU64,
}

/// A request that was let in, until it is dropped. Nothing is counted where an app has its host to itself.
#[derive(Debug)]
pub(crate) struct Entry(Option<Arc<Account>>);

impl Account {
    /// Of an app that shares its host with others. Without them there is nobody to be fair to.
    #[must_use]
    pub fn of_many() -> Self {
        Self { is_of_many: true, ..Self::default() }
    }

    /// What all its components have used.
    pub fn used(&self) -> Used {
        let mut all = Used::default();
        self.used_by_component().into_iter().for_each(|(_, used)| all += used);
        all
    }

    /// What each component has used that was there since the app began.
    pub fn used_by_component(&self) -> BTreeMap<String, Used> {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.iter().map(|(name, usage)| (name.clone(), usage.used())).collect()
    }

    /// Where what a component uses is added up.
    pub(crate) fn of_component(&self, name: &str) -> Arc<Usage> {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(usage.entry(name.to_owned()).or_default())
    }

    /// Whether its host has other apps.
    pub(crate) fn is_of_many(&self) -> bool {
        self.is_of_many
    }

    /// What its instances have of the host at the moment.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Lets a request in, which may run or wait then.
    ///
    /// # Errors
    /// If as many were let in already as may be.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Entry, Failure> {
        if !self.is_of_many {
            return Ok(Entry(None));
        }
        let entry = Entry(Some(Arc::clone(self)));
        if self.requests.fetch_add(1, Relaxed) >= MAX_REQUESTS {
            return Err(Failure::AppBusy(MAX_REQUESTS));
        }
        Ok(entry)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Self(Some(account)) = self {
            account.requests.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_has_so_many_requests_and_no_more() {
        let account = Arc::new(Account::of_many());
        let mut let_in: Vec<_> = std::iter::from_fn(|| account.enter().ok()).collect();
        assert_eq!(let_in.len(), MAX_REQUESTS);
        assert_eq!(account.enter().err(), Some(Failure::AppBusy(MAX_REQUESTS)));
        let_in.pop();
        assert!(account.enter().is_ok());
        let alone = Arc::new(Account::default());
        let all: Vec<_> = (0..2 * MAX_REQUESTS).map_while(|_| alone.enter().ok()).collect();
        assert_eq!(all.len(), 2 * MAX_REQUESTS);
    }
}
