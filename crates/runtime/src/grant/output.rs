//! Standard output and error of components: whole lines, each prefixed with the component's name,
//! written by a dedicated thread so that a blocked terminal or pipe holds up only the writers.

use std::{
    io::{self, Write},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    thread,
};

use keyway_app::lack::{FlagGrant, Lack};
use keyway_word::printable_bytes;
use tokio::{
    io::AsyncWrite,
    sync::{mpsc, oneshot},
};
use tokio_util::sync::PollSender;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use super::printer::Printer;
use crate::grant::plan::Plan;

/// Lines that wait for the terminal before the components that write them have to.
const LINES_WAITING: usize = 1024;

/// A line longer than this is cut in pieces.
const LINE_BYTES: usize = 16 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Error,
}

enum Message {
    Line(Line),
    Flush(oneshot::Sender<()>),
}

/// A line of a component, without its end, as the component wrote it.
struct Line {
    stream: Stream,
    plan: Arc<Plan>,
    slot: usize,
    text: Vec<u8>,
}

impl Line {
    /// Writes it with the component's name before it, which no text can cover up.
    fn write(&self) -> io::Result<()> {
        let name = &self.plan.members[self.slot].principal.name;
        let text = self.text.strip_suffix(b"\r").unwrap_or(&self.text);
        let text = printable_bytes(text);
        let Printer { observer, to_stderr, app, .. } = &self.plan.printer;
        if let Some(observer) = observer {
            observer(name, &text);
        }
        let line = match app {
            Some(app) => format!("{app}/{name}: {text}\n"),
            None => format!("{name}: {text}\n"),
        };
        match self.stream {
            Stream::Out if !to_stderr => io::stdout().lock().write_all(line.as_bytes()),
            Stream::Out | Stream::Error => io::stderr().lock().write_all(line.as_bytes()),
        }
    }
}

/// Waits until all that components have written so far is written out.
pub async fn flush_output() {
    let (done, flushed) = oneshot::channel();
    if let Some(writer) = WRITER.get()
        && writer.send(Message::Flush(done)).await.is_ok()
    {
        // An error means that the thread is gone, and with it what there was to wait for.
        let _ = flushed.await;
    }
}

/// The thread of this process that writes to its standard streams.
static WRITER: OnceLock<mpsc::Sender<Message>> = OnceLock::new();

fn writer() -> mpsc::Sender<Message> {
    let start = || {
        let (sender, mut receiver) = mpsc::channel(LINES_WAITING);
        let write = move || {
            while let Some(message) = receiver.blocking_recv() {
                // Output that cannot be written (a closed pipe) is not an error to handle.
                let _ = match message {
                    Message::Line(line) => line.write(),
                    Message::Flush(done) => {
                        let flushed = io::stdout().lock().flush();
                        let _ = done.send(());
                        flushed
                    }
                };
            }
        };
        if let Err(error) = thread::Builder::new().name("keyway-output".into()).spawn(write) {
            tracing::error!("the output of components is lost: no thread can be started: {error}");
        }
        sender
    };
    WRITER.get_or_init(start).clone()
}

/// Writes a message of the component in `slot` to standard error, each of its lines with its name.
pub(crate) async fn write_log(plan: &Arc<Plan>, slot: usize, message: &str) {
    let writer = writer();
    for text in message.lines() {
        let text = text.as_bytes().to_vec();
        let line = Line { stream: Stream::Error, plan: Arc::clone(plan), slot, text };
        // It fails if the writing thread is gone, which was logged.
        let _ = writer.send(Message::Line(line)).await;
    }
}

/// The standard output or error of one component in one instance.
pub(super) struct Output {
    plan: Arc<Plan>,
    slot: usize,
    stream: Stream,
}

impl Output {
    pub(super) fn new(plan: &Arc<Plan>, slot: usize, stream: Stream) -> Self {
        Self { plan: Arc::clone(plan), slot, stream }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        let grant = &self.plan.members[self.slot].principal.grant;
        let granted = match self.stream {
            Stream::Out => grant.stdout,
            Stream::Error => grant.stderr,
        };
        let plan = Arc::clone(&self.plan);
        if granted {
            let sender = PollSender::new(writer());
            let line = Vec::new();
            Box::new(Lines { plan, slot: self.slot, stream: self.stream, sender, line })
        } else {
            Box::new(Denied { plan, slot: self.slot, stream: self.stream })
        }
    }
}

/// Takes what is written and drops it: a program that prints should not fail for it.
struct Denied {
    plan: Arc<Plan>,
    slot: usize,
    stream: Stream,
}

impl AsyncWrite for Denied {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let member = &self.plan.members[self.slot];
        let (what, flag) = match self.stream {
            Stream::Out => ("writing to standard output", FlagGrant::Stdout),
            Stream::Error => ("writing to standard error", FlagGrant::Stderr),
        };
        member.report(what, &Lack::Flag(flag));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Gathers lines and hands them to the writing thread.
struct Lines {
    plan: Arc<Plan>,
    slot: usize,
    stream: Stream,
    sender: PollSender<Message>,
    line: Vec<u8>,
}

impl Lines {
    /// The line gathered so far.
    fn take(&mut self) -> Message {
        let text = std::mem::take(&mut self.line);
        let plan = Arc::clone(&self.plan);
        Message::Line(Line { stream: self.stream, plan, slot: self.slot, text })
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            let room = LINE_BYTES - self.line.len();
            let end = rest.iter().take(room).position(|byte| *byte == b'\n');
            let whole = end.is_some() || rest.len() >= room;
            if whole {
                match self.sender.poll_reserve(context) {
                    Poll::Pending if taken > 0 => return Poll::Ready(Ok(taken)),
                    other => ready!(other).map_err(|_| io::ErrorKind::BrokenPipe)?,
                }
            }
            let bytes_of_line = end.unwrap_or(rest.len().min(room));
            self.line.extend_from_slice(&rest[..bytes_of_line]);
            taken += bytes_of_line + usize::from(end.is_some());
            if whole {
                let message = self.take();
                self.sender.send_item(message).map_err(|_| io::ErrorKind::BrokenPipe)?;
            }
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            let message = self.take();
            if let Some(sender) = self.sender.get_ref() {
                // A full queue at the end of an instance costs it its unfinished last line.
                let _ = sender.try_send(message);
            }
        }
    }
}
