//! How often a file is opened.

use std::{mem::MaybeUninit, os::fd::OwnedFd, path::Path};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init},
};

use crate::wait::PATIENCE;

/// Sees a file being opened, by any process (`inotify(7)`).
#[derive(Debug)]
pub struct Opened(OwnedFd);

impl Opened {
    /// Sees it from here on.
    ///
    /// # Panics
    /// If it is not there.
    pub fn watch(file: &Path) -> Self {
        let inotify = init(CreateFlags::CLOEXEC).expect("Linux watches files");
        add_watch(&inotify, file, WatchFlags::OPEN).expect("the file is there");
        Self(inotify)
    }

    /// Waits until it has been opened `count` times more, or more often: what comes quickly may
    /// count once.
    ///
    /// # Panics
    /// If it is not opened for a long time.
    pub fn wait_for(&self, count: usize) {
        let patience = Timespec::try_from(PATIENCE).expect("a time that fits");
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut events = Reader::new(&self.0, &mut buffer);
        for _ in 0..count {
            if events.is_buffer_empty() {
                let ready = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&patience));
                assert_ne!(ready, Ok(0), "nobody opens the file");
            }
            events.next().expect("an event");
        }
    }
}
