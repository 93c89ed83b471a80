//! The last lines of the log, and those that come: what components write, and what the host says.

use std::{
    collections::VecDeque,
    env,
    io::{self, Write},
    sync::{
        LazyLock, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::{Stream, StreamExt, stream};
use keyway_word::hide;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{admin::api::LogLine, problem::in_words};

/// Lines that are remembered.
const LINES: usize = 1_000;

/// Lines that a reader may be behind before it misses some.
const BEHIND_AT_MOST: usize = 1_000;

struct Book {
    last: Mutex<VecDeque<LogLine>>,
    coming: broadcast::Sender<LogLine>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| Book {
    last: Mutex::new(VecDeque::new()),
    coming: broadcast::Sender::new(BEHIND_AT_MOST),
});

/// Remembers from here on what components write.
pub(crate) fn start() {
    keyway_runtime::observe_output(|component, line| {
        append(Some(component), line);
    });
}

/// The lines that are remembered, and those that come.
pub(crate) fn read() -> (Vec<LogLine>, impl Stream<Item = LogLine> + Send + 'static) {
    let last = BOOK.last.lock().unwrap_or_else(PoisonError::into_inner);
    // With the lock held, so that no line is missed or comes twice.
    let coming = BOOK.coming.subscribe();
    let coming = stream::unfold(coming, |mut coming| async move {
        loop {
            match coming.recv().await {
                Ok(line) => return Some((line, coming)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    (last.iter().cloned().collect(), coming.fuse())
}

fn append(component: Option<&str>, text: &str) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let line = LogLine {
        time_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        component: component.map(str::to_owned),
        text: text.to_owned(),
    };
    let mut last = BOOK.last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.len() == LINES {
        last.pop_front();
    }
    last.push_back(line.clone());
    // An error means that nobody reads along.
    let _ = BOOK.coming.send(line);
}

/// Standard error for the log: its lines are remembered, and written by a thread of their own, so
/// that a terminal or a pipe that takes nothing holds up nobody. Each write is one event.
#[derive(Debug)]
pub struct Remembered;

impl Write for Remembered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever says something hides its secrets. Clients of servers log too, if they are asked to.
        let text = in_words(&String::from_utf8_lossy(bytes));
        let text = hide(&text).into_owned();
        append(None, without_colours(&text).trim_end());
        write_or_hold(text.into_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_or_hold(event: Vec<u8>) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let is_taken = match &mut *held {
        Some(held) if held.len() < EVENTS_WAITING => {
            held.push(event);
            true
        }
        Some(_) => false,
        None => {
            let terminal = TERMINAL.get_or_init(Terminal::open);
            terminal.sender.try_send(Message::Event(event)).is_ok()
        }
    };
    if !is_taken {
        LOST.fetch_add(1, Relaxed);
    }
}

/// The events that wait for something else to be said first, while they do.
static HELD: Mutex<Option<Vec<Vec<u8>>>> = Mutex::new(None);

/// Keeps events from standard error until it is dropped. Who asks for a log of their own
/// (`KEYWAY_LOG`) gets it as it comes: they may want to see where a start hangs.
#[derive(Debug)]
pub(crate) struct Hold;

impl Hold {
    pub(crate) fn new() -> Self {
        if env::var_os("KEYWAY_LOG").is_some() {
            return Self;
        }
        HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
        Self
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.into_iter().flatten().for_each(write_or_hold);
    }
}

/// Waits until what was logged so far is written, but not for long.
pub fn flush() {
    // Most programs say nothing, and need no thread to have said it.
    let Some(terminal) = TERMINAL.get() else { return };
    let (done, flushed) = mpsc::sync_channel(1);
    if terminal.sender.try_send(Message::Flush(done)).is_ok() {
        // An error means that nobody takes it.
        let _ = flushed.recv_timeout(FLUSH);
    }
}

/// Events that wait for the terminal before more are lost.
const EVENTS_WAITING: usize = 1_000;

/// How long the end of the program waits for a terminal that takes nothing.
const FLUSH: Duration = Duration::from_secs(1);

enum Message {
    Event(Vec<u8>),
    Flush(mpsc::SyncSender<()>),
}

/// The thread that writes to standard error.
struct Terminal {
    sender: mpsc::SyncSender<Message>,
}

static TERMINAL: OnceLock<Terminal> = OnceLock::new();

/// Events that did not fit since the last one that did.
static LOST: AtomicU64 = AtomicU64::new(0);

impl Terminal {
    fn open() -> Self {
        let (sender, receiver) = mpsc::sync_channel(EVENTS_WAITING);
        let write = move || {
            for message in receiver {
                match message {
                    Message::Event(bytes) => write_event(&bytes),
                    // Who waited has gone, if it takes no answer.
                    Message::Flush(done) => drop(done.try_send(())),
                }
            }
        };
        // Without the thread the channel is closed, and the log is in `keyway logs` only.
        let _ = thread::Builder::new().name("keyway-log".to_owned()).spawn(write);
        Self { sender }
    }
}

fn write_event(bytes: &[u8]) {
    let lost = LOST.swap(0, Relaxed);
    let mut stderr = io::stderr().lock();
    // A log that cannot be written (a closed pipe) is nobody's error to handle.
    let _ = stderr.write_all(bytes);
    if lost > 0 {
        let _ = writeln!(
            stderr,
            "{lost} lines of the log are not shown: they came faster than they were taken"
        );
    }
}

/// Takes away the escape sequences that colour a terminal (ECMA-48, 5.4: `ESC [` up to a letter).
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split("\u{1b}[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_not_remembered() {
        assert_eq!(without_colours("\u{1b}[33m WARN\u{1b}[0m it burns"), " WARN it burns");
        assert_eq!(without_colours("plain [33m"), "plain [33m");
        assert_eq!(without_colours("cut \u{1b}[3"), "cut ");
    }
}
