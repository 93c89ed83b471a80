//! The file descriptors of this process. The system gives out the lowest free number, and guests
//! get none of the upper ones, which are reserved for the host's clients, files and database
//! connections.

pub(crate) mod spare;

use std::{
    os::fd::{AsFd, AsRawFd, RawFd},
    sync::{
        LazyLock, Once,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    process::{Resource, getrlimit},
};

/// Guests may have numbers below this: three quarters of those that the process may have.
static GUESTS_BELOW: LazyLock<RawFd> =
    LazyLock::new(|| match getrlimit(Resource::Nofile).current {
        Some(limit) => RawFd::try_from(limit / 4 * 3).unwrap_or(RawFd::MAX),
        None => RawFd::MAX,
    });

/// Whether the last number that was looked at is among the last sixteenth of those for guests.
static ARE_FEW_LEFT: AtomicBool = AtomicBool::new(false);

/// Guests have all descriptors that they may have.
#[derive(Debug, thiserror::Error)]
#[error("components have reached their shared limit of open files and connections")]
pub(crate) struct Exhausted;

/// Whether there is one that a guest may have.
pub(crate) fn check_left() -> Result<(), Exhausted> {
    let how = OFlags::PATH | OFlags::CLOEXEC;
    // It shows the lowest number that is free, if there is one.
    openat(CWD, "/", how, Mode::empty()).map_err(|_| exhausted()).and_then(|next| check(&next))
}

/// Whether a guest may have this one. An earlier look says nothing about how many were opened
/// since.
pub(crate) fn check(opened: impl AsFd) -> Result<(), Exhausted> {
    let number = opened.as_fd().as_raw_fd();
    let are_few_left = number >= *GUESTS_BELOW / 16 * 15;
    if ARE_FEW_LEFT.load(Relaxed) != are_few_left {
        ARE_FEW_LEFT.store(are_few_left, Relaxed);
    }
    if number < *GUESTS_BELOW { Ok(()) } else { Err(exhausted()) }
}

/// The same as [`check_left`], after closing unused connections if necessary.
pub(crate) async fn make_room() -> Result<(), Exhausted> {
    if check_left().is_ok() {
        return Ok(());
    }
    spare::give_up().await;
    check_left()
}

/// Closes unused connections if few descriptors are left. For a caller about to take one of those
/// connections: they are not closed under a request that may need one.
pub(crate) async fn make_room_early() {
    if ARE_FEW_LEFT.load(Relaxed) {
        spare::give_up().await;
        // Whether there are more is checked afresh; a caller that needs one asks again.
        let _ = check_left();
    }
}

fn exhausted() -> Exhausted {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            "{Exhausted}: {} of this process's file descriptors; `ulimit -n` raises that",
            *GUESTS_BELOW
        );
    });
    Exhausted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_have_the_lower_numbers() {
        let file = std::fs::File::open("/").expect("it is there");
        assert!(check(&file).is_ok());
        assert!(check_left().is_ok());
        let upper = rustix::io::fcntl_dupfd_cloexec(&file, *GUESTS_BELOW);
        assert!(check(upper.expect("the host has some")).is_err());
    }
}
