//! Turns a panic of a library into a value.
//!
//! The libraries that encode, compose and print components, and the generators of bindings, assert what
//! holds for most of what tools make of WIT. A user is to read what does not hold and what to do, and a
//! process that serves must go on.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

/// What a library said when it gave up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panic {
    /// Its first line.
    pub message: String,
    /// The file, line and column, by which two are distinguished.
    pub place: String,
}

thread_local! {
    /// How many guards this thread is in.
    static GUARDS: Cell<u32> = const { Cell::new(0) };
    /// The last panic that a guard is to catch.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Does `work`; if it panics, returns what it says, and prints nothing. Panics outside of guards, and of
/// other threads, are printed as ever.
///
/// # Errors
///
/// What the panic said.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    keep_silent();
    GUARDS.set(GUARDS.get() + 1);
    // What the work has left half done is dropped with it.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDS.set(GUARDS.get() - 1);
    done.map_err(|_| LAST.take().unwrap_or_default())
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
            let message = panic.payload_as_str().unwrap_or_default().lines().next();
            let message = message.unwrap_or_default().trim().to_owned();
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            LAST.set(Some(Panic { message, place }));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_why() {
        let said = |panic: Panic| panic.message;
        assert_eq!(caught(|| 1), Ok(1));
        let inner = || caught(|| -> u32 { panic!("over\nand out") }).map_err(said);
        assert_eq!(inner(), Err("over".to_owned()));
        assert_eq!(caught(inner), Ok(Err("over".to_owned())));
        let silent = caught::<()>(|| panic::resume_unwind(Box::new(1)));
        assert_eq!(silent.map_err(said), Err(String::new()));
    }
}
