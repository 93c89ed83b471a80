//! What a component has used and come to.

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What a component of an app has used and come to since the app was there first, in all its units and
/// their instances.
#[derive(Debug, Default)]
pub struct Usage {
    computed_nanoseconds: AtomicU64,
    instances: AtomicU64,
    requests: AtomicU64,
    errors: AtomicU64,
    denials: AtomicU64,
    in_bytes: AtomicU64,
    out_bytes: AtomicU64,
}

/// The same at one moment, of one component or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// How long instances have computed. The clock ticks every few milliseconds: this is right for many
    /// calls, and coarse for one.
    pub computed: Duration,
    /// Instances that were started.
    pub instances: u64,
    /// Requests, messages and changes that started a call.
    pub requests: u64,
    /// Those of them that failed by the component's fault, or were answered with a status of 500 and above.
    pub errors: u64,
    /// Calls that were denied.
    pub denials: u64,
    /// Bytes of the bodies of requests that were read.
    pub in_bytes: u64,
    /// Bytes of the bodies of responses that were sent.
    pub out_bytes: u64,
}

impl Usage {
    /// What it is at the moment.
    pub fn used(&self) -> Used {
        let Self { computed_nanoseconds, instances, requests, errors, denials, .. } = self;
        Used {
            computed: Duration::from_nanos(computed_nanoseconds.load(Relaxed)),
            instances: instances.load(Relaxed),
            requests: requests.load(Relaxed),
            errors: errors.load(Relaxed),
            denials: denials.load(Relaxed),
            in_bytes: self.in_bytes.load(Relaxed),
            out_bytes: self.out_bytes.load(Relaxed),
        }
    }

    /// Counts a request, a message or a change.
    pub fn add_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// Counts one that failed.
    pub fn add_error(&self) {
        self.errors.fetch_add(1, Relaxed);
    }

    /// Adds computing time.
    pub(crate) fn add_computed(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.computed_nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    /// Counts an instance that is started.
    pub(crate) fn add_instance(&self) {
        self.instances.fetch_add(1, Relaxed);
    }

    /// Counts a call that is denied.
    pub(crate) fn add_denial(&self) {
        self.denials.fetch_add(1, Relaxed);
    }

    /// Adds to what came in.
    pub(crate) fn add_in(&self, bytes: usize) {
        self.in_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Adds to what went out.
    pub(crate) fn add_out(&self, bytes: usize) {
        self.out_bytes.fetch_add(bytes as u64, Relaxed);
    }
}

impl AddAssign for Used {
    fn add_assign(&mut self, more: Self) {
        let Self { computed, instances, requests, errors, denials, in_bytes, out_bytes } = more;
        self.computed += computed;
        self.instances += instances;
        self.requests += requests;
        self.errors += errors;
        self.denials += denials;
        self.in_bytes += in_bytes;
        self.out_bytes += out_bytes;
    }
}
