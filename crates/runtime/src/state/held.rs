//! What an instance keeps in the host: messages that it writes, and values that it compares.
//! Together they may take no more than its own memory. Objects that it writes to containers are
//! counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// What an instance may keep.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Arc<AtomicU64>,
    at_most_bytes: u64,
    /// As many are there as objects are being written by the instance, and one more.
    pub(crate) writes: Arc<()>,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    of: Arc<AtomicU64>,
    bytes: u64,
}

/// It was to keep more. This ends the instance: the interfaces have no words for it.
#[derive(Debug, thiserror::Error)]
#[error(
    "the messages and values that it holds take more than its memory of {0} bytes: raise \
     `limit.memory`, or drop those no longer needed"
)]
pub(crate) struct TooMuch(u64);

impl Held {
    pub(crate) fn new(at_most_bytes: u64) -> Self {
        Self { bytes: Arc::default(), at_most_bytes, writes: Arc::new(()) }
    }

    /// The most that may be kept, or handed over at once.
    pub(crate) fn at_most_bytes(&self) -> u64 {
        self.at_most_bytes
    }

    /// Takes a part.
    pub(crate) fn take(&self, bytes: usize) -> Result<Charge, TooMuch> {
        let bytes = bytes as u64;
        // One instance asks for one thing at a time.
        if self.bytes.load(Relaxed).saturating_add(bytes) > self.at_most_bytes {
            return Err(TooMuch(self.at_most_bytes));
        }
        self.bytes.fetch_add(bytes, Relaxed);
        Ok(Charge { of: Arc::clone(&self.bytes), bytes })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_can_be_taken_again() {
        let held = Held::new(100);
        let first = held.take(60).expect("there is room");
        assert!(held.take(41).is_err());
        let _second = held.take(40).expect("there is room");
        assert!(held.take(1).is_err());
        drop(first);
        assert!(held.take(60).is_ok());
        assert!(held.take(usize::MAX).is_err());
    }
}
