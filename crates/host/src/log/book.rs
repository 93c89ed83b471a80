//! The last lines of a log, and those that come.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError};

/// Lines that are kept of each app, and of the host.
const MAX_LINES: usize = 1_000;

/// Bytes of an app's lines that are kept, where a host may have many.
const MAX_BYTES: usize = 64 << 10;

/// Lines that a reader may be behind before it misses some.
const MAX_BEHIND: usize = 1_000;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Milliseconds since 1970, in UTC.
    pub time_ms: u64,
    /// The app that it is about, on a host of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The component whose output it is; the host's own, if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The line without its end.
    pub text: String,
}

/// The lines of a log: of each app for itself, so that none pushes out those of another.
#[derive(Debug)]
pub(super) struct Book {
    pages: Mutex<Pages>,
    coming: broadcast::Sender<LogLine>,
}

#[derive(Debug, Default)]
struct Pages {
    /// By the names of apps; what is of none is under none.
    of_app: BTreeMap<Option<String>, Page>,
    /// Lines that there ever were.
    count: u64,
}

/// The last lines of one app.
#[derive(Debug, Default)]
struct Page {
    /// Each with its number among all lines.
    last: VecDeque<(u64, LogLine)>,
    bytes: usize,
    /// There once somebody follows them.
    coming: Option<broadcast::Sender<LogLine>>,
}

impl Default for Book {
    fn default() -> Self {
        Self { pages: Mutex::default(), coming: broadcast::Sender::new(MAX_BEHIND) }
    }
}

impl Book {
    /// Keeps a line, and passes it to followers.
    pub(super) fn add(&self, app: Option<&str>, component: Option<&str>, text: &str) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = LogLine {
            time_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            app: app.map(str::to_owned),
            component: component.map(str::to_owned),
            text: text.to_owned(),
        };
        let mut pages = self.lock();
        pages.count += 1;
        let number = pages.count;
        let page = pages.of_app.entry(line.app.clone()).or_default();
        page.add(number, line.clone());
        // An error means that there is no reader.
        if let Some(coming) = &page.coming {
            let _ = coming.send(line.clone());
        }
        let _ = self.coming.send(line);
    }

    /// The lines that are kept, and those that come.
    pub(super) fn read(&self) -> (Vec<LogLine>, impl Stream<Item = LogLine> + Send + use<>) {
        let pages = self.lock();
        let mut last: Vec<_> = pages.of_app.values().flat_map(|page| &page.last).collect();
        last.sort_unstable_by_key(|(number, _)| *number);
        let last = last.into_iter().map(|(_, line)| line.clone()).collect();
        // With the lock held, so that no line is missed or comes twice.
        (last, stream_of(self.coming.subscribe()))
    }

    /// The same of one app.
    pub(super) fn read_of(
        &self,
        app: &str,
    ) -> (Vec<LogLine>, impl Stream<Item = LogLine> + Send + use<>) {
        let mut pages = self.lock();
        let page = pages.of_app.entry(Some(app.to_owned())).or_default();
        let coming = page.coming.get_or_insert_with(|| broadcast::Sender::new(MAX_BEHIND));
        let coming = coming.subscribe();
        (page.last.iter().map(|(_, line)| line.clone()).collect(), stream_of(coming))
    }

    /// Forgets the lines of an app that is gone. Another of its name begins anew.
    pub(super) fn forget(&self, app: &str) {
        self.lock().of_app.remove(&Some(app.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn add(&mut self, number: u64, line: LogLine) {
        self.bytes += line.text.len();
        let at_most_bytes = if line.app.is_some() { MAX_BYTES } else { usize::MAX };
        self.last.push_back((number, line));
        while (self.last.len() > MAX_LINES || self.bytes > at_most_bytes) && self.last.len() > 1 {
            let first = self.last.pop_front();
            self.bytes -= first.map_or(0, |(_, line)| line.text.len());
        }
    }
}

fn stream_of(coming: broadcast::Receiver<LogLine>) -> impl Stream<Item = LogLine> + Send + use<> {
    let coming = stream::unfold(coming, |mut coming| async move {
        loop {
            match coming.recv().await {
                Ok(line) => return Some((line, coming)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    coming.fuse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[tokio::test]
    async fn an_app_that_says_much_pushes_out_its_own_lines_alone() {
        let book = Book::default();
        book.add(Some("quiet"), Some("c"), "heard");
        book.add(None, None, "of the host");
        let (_, of_quiet) = book.read_of("quiet");
        for number in 0..2 * MAX_LINES {
            book.add(Some("noisy"), Some("c"), &number.to_string());
        }
        let (of_noisy, _) = book.read_of("noisy");
        assert_eq!((of_noisy.len(), of_noisy[0].text.as_str()), (MAX_LINES, "1000"));
        book.add(Some("quiet"), None, "again");
        assert_eq!(texts(&book.read_of("quiet").0), ["heard", "again"]);
        let followed: Vec<_> = of_quiet.take(1).collect().await;
        assert_eq!(texts(&followed), ["again"], "it is not behind for the lines of another");
        let (all, _) = book.read();
        assert_eq!(texts(&all[..2]), ["heard", "of the host"]);
        assert_eq!((all.len(), all[MAX_LINES + 2].text.as_str()), (MAX_LINES + 3, "again"));
        book.add(Some("noisy"), None, &"x".repeat(MAX_BYTES));
        assert_eq!(book.read_of("noisy").0.len(), 1);
        book.forget("noisy");
        assert!(book.read_of("noisy").0.is_empty());
    }
}
