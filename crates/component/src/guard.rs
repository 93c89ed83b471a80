//! Turns a panic of a library into an error.
//!
//! The libraries that encode, compose and print components assert what holds for all that tools make of
//! WIT. It need not hold for a component written by hand, and that must not end a process that serves.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    /// How many guards this thread is in.
    static GUARDS: Cell<u32> = const { Cell::new(0) };
    /// What the last panic said that a guard is to catch.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does `work`; if it panics, returns the first line of what it says, and prints nothing. Panics outside
/// of guards are printed as ever.
///
/// # Errors
///
/// What the panic said.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    keep_silent();
    GUARDS.set(GUARDS.get() + 1);
    // What the work has left half done is dropped with it.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDS.set(GUARDS.get() - 1);
    done.map_err(|_| SAID.take().unwrap_or_default())
}

/// Has the hook of panics leave out those that a guard catches.
fn keep_silent() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if GUARDS.get() == 0 {
                return before(panic);
            }
            let said = panic.payload_as_str().unwrap_or_default().lines().next();
            SAID.set(said.map(|said| said.trim().to_owned()));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_why() {
        assert_eq!(caught(|| 1), Ok(1));
        let inner = || caught(|| -> u32 { panic!("over\nand out") });
        assert_eq!(inner(), Err("over".to_owned()));
        assert_eq!(caught(inner), Ok(Err("over".to_owned())));
        assert_eq!(caught::<()>(|| panic::resume_unwind(Box::new(1))), Err(String::new()));
    }
}
