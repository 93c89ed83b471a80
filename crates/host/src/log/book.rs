//! The last lines of a log, and those that come.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError};

/// Lines that are kept.
const MAX_LINES: usize = 1_000;

/// Lines that a reader may be behind before it misses some.
const MAX_BEHIND: usize = 1_000;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Milliseconds since 1970, in UTC.
    pub time_ms: u64,
    /// The app whose component it is, on a host of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The component whose output it is; the host's own, if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The line without its end.
    pub text: String,
}

#[derive(Debug)]
pub(super) struct Book {
    last: Mutex<VecDeque<LogLine>>,
    coming: broadcast::Sender<LogLine>,
}

impl Default for Book {
    fn default() -> Self {
        Self { last: Mutex::default(), coming: broadcast::Sender::new(MAX_BEHIND) }
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
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == MAX_LINES {
            last.pop_front();
        }
        last.push_back(line.clone());
        // An error means that there is no reader.
        let _ = self.coming.send(line);
    }

    /// The lines that are kept, and those that come.
    pub(super) fn read(&self) -> (Vec<LogLine>, impl Stream<Item = LogLine> + Send + use<>) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // With the lock held, so that no line is missed or comes twice.
        let coming = self.coming.subscribe();
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
}
