//! Waiting for what nobody announces, by asking again and again.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Nothing that a test waits for takes longer, even where large units have to be compiled first. It
/// is over before `cargo xtask test` gives up tests that hang, so that a failed one says why.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Long enough to leave a processor to those that are waited for.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// Whether `is_so` is true in the end: asks until it is, for minutes.
#[must_use]
pub fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(BETWEEN_ATTEMPTS);
    }
    true
}
