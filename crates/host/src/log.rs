//! The log of a process: what its components print, and what the host says. Its last lines are kept
//! for later readers, and each new line goes to its followers.
//!
//! A process makes one [`Log`] and hands it to whatever writes to it or reads it.

mod book;
mod terminal;

use std::{
    cell::Cell,
    env,
    io::{self, Write},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use futures::{Stream, StreamExt};
use keyway_runtime::Printer;
use keyway_word::hide;

use crate::problem::in_words;
use book::Book;
use terminal::{MAX_WAITING, Terminal};

pub use book::LogLine;

thread_local! {
    /// The app that this thread warns of.
    static ABOUT: Cell<Option<String>> = const { Cell::new(None) };
}

/// The log of a process. Clones are the same log.
///
/// It is a writer for `tracing`: each write is one event, whose lines are kept, and written to
/// standard error by a thread of its own, so that a blocked terminal or pipe holds up nothing else.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    book: Book,
    /// The events that wait for something else to be said first, while they do.
    held: Mutex<Option<Vec<Vec<u8>>>>,
    terminal: OnceLock<Terminal>,
    /// Events that did not fit since the last one that did.
    lost: Arc<AtomicU64>,
}

impl Log {
    /// A log without lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until what was logged so far is written, but not for long.
    pub fn flush(&self) {
        // Most programs say nothing, and need no thread to have said it.
        if let Some(terminal) = self.0.terminal.get() {
            terminal.flush();
        }
    }

    /// Where what components print goes, so that it is in this log too.
    pub(crate) fn printer(&self) -> Printer {
        let log = self.clone();
        Printer::default()
            .observed_by(move |component, line| log.0.book.add(None, Some(component), line))
    }

    /// The same, for the app of this name on a host of many.
    pub(crate) fn printer_of(&self, app: &str) -> Printer {
        let (log, app) = (self.clone(), app.to_owned());
        let printer = Printer::default().named(&app);
        let about = app.clone();
        let printer = printer.warned_by(move |line| warn_about(&about, line));
        printer.observed_by(move |component, line| {
            log.0.book.add(Some(&app), Some(component), line);
        })
    }

    /// The lines that are kept, and those that come; of one app, if it is named.
    pub(crate) fn read(
        &self,
        app: Option<&str>,
    ) -> (Vec<LogLine>, impl Stream<Item = LogLine> + Send + use<>) {
        match app {
            Some(app) => {
                let (last, coming) = self.0.book.read_of(app);
                (last, coming.left_stream())
            }
            None => {
                let (last, coming) = self.0.book.read();
                (last, coming.right_stream())
            }
        }
    }

    /// Forgets the lines of an app that is gone.
    pub(crate) fn forget(&self, app: &str) {
        self.0.book.forget(app);
    }

    /// Keeps events from standard error until the returned value is dropped. Whoever asks for a log of
    /// their own (`KEYWAY_LOG`) gets it as it comes: they may want to see where a start hangs.
    pub(crate) fn hold(&self) -> Hold {
        if env::var_os("KEYWAY_LOG").is_none() {
            self.0.held.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
        }
        Hold(self.clone())
    }

    fn write_or_hold(&self, event: Vec<u8>) {
        let Inner { held, terminal, lost, .. } = &*self.0;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_taken = match &mut *held {
            Some(held) if held.len() < MAX_WAITING => {
                held.push(event);
                true
            }
            Some(_) => false,
            None => terminal.get_or_init(|| Terminal::open(Arc::clone(lost))).write(event),
        };
        if !is_taken {
            lost.fetch_add(1, Relaxed);
        }
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever says something hides its secrets. Clients of servers log too, if they are asked to.
        let text = in_words(&String::from_utf8_lossy(bytes));
        let text = hide(&text).into_owned();
        let app = ABOUT.take();
        self.0.book.add(app.as_deref(), None, without_colours(&text).trim_end());
        ABOUT.set(app);
        self.write_or_hold(text.into_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Warns of something about an app of a host of many: it is in the log of that app, too.
pub(crate) fn warn_about(app: &str, text: &str) {
    // The log is written by the thread that warns, while it does.
    let before = ABOUT.replace(Some(app.to_owned()));
    tracing::warn!("{text}");
    ABOUT.set(before);
}

/// Keeps events from standard error until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold(Log);

impl Drop for Hold {
    fn drop(&mut self) {
        let Self(log) = self;
        let held = log.0.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.into_iter().flatten().for_each(|event| log.write_or_hold(event));
    }
}

/// Removes the escape sequences that colour a terminal (ECMA-48, 5.4: `ESC [` up to a letter).
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
    fn colours_are_not_kept() {
        assert_eq!(without_colours("\u{1b}[33m WARN\u{1b}[0m it burns"), " WARN it burns");
        assert_eq!(without_colours("plain [33m"), "plain [33m");
        assert_eq!(without_colours("cut \u{1b}[3"), "cut ");
    }

    #[test]
    fn each_log_has_its_own_lines() {
        let (mut one, other) = (Log::new(), Log::new());
        // Nothing of this test is for the terminal.
        let _hold = (one.hold(), other.hold());
        one.write_all(b"\x1b[33m WARN\x1b[0m it burns\n").expect("it is kept");
        let (lines, _) = one.read(None);
        let lines: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, [" WARN it burns"]);
        assert!(other.read(None).0.is_empty());
        one.0.held.lock().expect("nobody panics with it").take();
    }
}
