//! Threads beside those that serve: for signals, the admin API, what changes the app, and messages.

use std::{fs, future::Future, io, time::Duration};

use keyway_trigger::http::Ending;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    signal::unix::{SignalKind, signal},
};

/// Threads beside those that serve.
#[derive(Debug)]
pub(super) struct Background(Runtime);

impl Background {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
            .thread_name("keyway-background")
            .enable_all()
            .build();
        runtime.map(Self)
    }

    pub(super) fn handle(&self) -> Handle {
        self.0.handle().clone()
    }

    /// Runs what needs a runtime to be there.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.0.enter();
        work()
    }

    /// Waits for something, for no longer than that.
    pub(super) fn wait(&self, at_most: Duration, what: impl Future<Output = ()>) {
        // It continues without.
        let _ = self.0.block_on(async { tokio::time::timeout(at_most, what).await });
    }

    /// Begins the end at the first signal, and cuts it short at the second.
    pub(super) fn stop_at_signals(&self, ending: &Ending) -> io::Result<()> {
        let listen = |kind| self.within(|| signal(kind));
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut hangup = if ignores_hangups() { None } else { Some(listen(SignalKind::hangup())?) };
        let tokens = [ending.stop.clone(), ending.at_once.clone()];
        self.0.spawn(async move {
            for token in tokens {
                let hung_up = async {
                    match &mut hangup {
                        Some(hangup) => hangup.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hung_up => {}
                }
                token.cancel();
            }
        });
        Ok(())
    }

    /// Runs the last things that have to be waited for.
    pub(super) fn finish(self, last: impl Future<Output = ()>) {
        self.0.block_on(last);
        // A change that is being compiled is no longer wanted.
        self.0.shutdown_background();
    }
}

/// Whether whoever started the process has it go on when its terminal closes, as `nohup` does: taking
/// the signal would undo that.
fn ignores_hangups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_ignored(&status, SignalKind::hangup())
}

/// Whether a signal is among those that a process with this `status` ignores (proc(5), `SigIgn`).
fn is_ignored(status: &str, signal: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal.as_raw_value() - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_stays_ignored() {
        for (mask, expected) in [
            ("SigIgn:\t0000000000000001", true),
            ("SigIgn:\t0000000000001000", false),
            ("SigIgn:\t0000000000001001", true),
            ("SigCgt:\t0000000000000001", false),
            ("SigIgn: nonsense", false),
        ] {
            let status = format!("Name:\tkeyway\n{mask}\nSigCgt:\t0\n");
            assert_eq!(is_ignored(&status, SignalKind::hangup()), expected, "{mask}");
        }
    }
}
