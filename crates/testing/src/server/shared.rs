//! A server shared by the tests of one program.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Holds a server while any test uses it. The last one to finish ends it: a test program ends
/// without dropping what is static.
#[derive(Debug)]
pub struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    /// Nothing is started.
    #[expect(clippy::new_without_default, reason = "it stands in a static, which needs `const`")]
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The server, started by `start` if no test uses it.
    pub fn get(&self, start: impl FnOnce() -> T) -> Arc<T> {
        // A server that could not be started has left nothing behind.
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(start());
            *shared = Arc::downgrade(&server);
            server
        })
    }
}
