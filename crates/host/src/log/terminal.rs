//! The thread that writes a log to standard error.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

/// Events that wait before more are lost.
pub(super) const MAX_WAITING: usize = 1_000;

/// How long the end of the program waits for a terminal that takes nothing.
const FLUSH: Duration = Duration::from_secs(1);

enum Message {
    Event(Vec<u8>),
    Flush(mpsc::SyncSender<()>),
}

/// The thread that writes to standard error.
#[derive(Debug)]
pub(super) struct Terminal {
    sender: mpsc::SyncSender<Message>,
}

impl Terminal {
    /// Starts it. It tells how many events were `lost` before the one that it writes.
    pub(super) fn open(lost: Arc<AtomicU64>) -> Self {
        let (sender, receiver) = mpsc::sync_channel(MAX_WAITING);
        let write = move || {
            for message in receiver {
                match message {
                    Message::Event(bytes) => write_event(&bytes, lost.swap(0, Relaxed)),
                    // If the result is not taken, the waiter has gone.
                    Message::Flush(done) => drop(done.try_send(())),
                }
            }
        };
        // Without the thread the channel is closed, and the log is in `keyway logs` only.
        let _ = thread::Builder::new().name("keyway-log".to_owned()).spawn(write);
        Self { sender }
    }

    /// Returns whether there was room for the event.
    pub(super) fn write(&self, event: Vec<u8>) -> bool {
        self.sender.try_send(Message::Event(event)).is_ok()
    }

    /// Waits until everything so far is written, but not for long.
    pub(super) fn flush(&self) {
        let (done, flushed) = mpsc::sync_channel(1);
        if self.sender.try_send(Message::Flush(done)).is_ok() {
            // An error means that there is no receiver.
            let _ = flushed.recv_timeout(FLUSH);
        }
    }
}

fn write_event(bytes: &[u8], lost: u64) {
    let mut stderr = io::stderr().lock();
    // A log that cannot be written (a closed pipe) is not an error to handle.
    let _ = stderr.write_all(bytes);
    if lost > 0 {
        let _ = writeln!(
            stderr,
            "{lost} lines of the log are missing here: they came faster than they were read"
        );
    }
}
