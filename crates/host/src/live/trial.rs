//! A trial: a generation that has some of the requests, and whether it does well.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use keyway_app::ComponentName;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    error::TrialError,
    live::{canary::Share, generation::Generation, unit::LiveUnit},
};

/// How often a trial is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// This many requests have to reach the canary before errors end its trial.
const MIN_REQUESTS: u64 = 20;

/// How to try a change out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrialOptions {
    /// The part of the requests that goes to the new component.
    pub(crate) share: Share,
    /// After this time all of them do.
    pub(crate) time: Duration,
    /// More errors than this part of its requests end the trial.
    pub(crate) errors: Share,
}

/// A generation that has some of the requests.
#[derive(Debug)]
pub(crate) struct Trial {
    generation: Arc<Generation>,
    pub(crate) options: TrialOptions,
    pub(crate) until: Instant,
    cancelled: CancellationToken,
    over: CancellationToken,
}

impl Trial {
    /// A trial of `generation` that begins now.
    pub(crate) fn new(generation: Generation, options: TrialOptions) -> Self {
        Self {
            generation: Arc::new(generation),
            options,
            until: Instant::now() + options.time,
            cancelled: CancellationToken::new(),
            over: CancellationToken::new(),
        }
    }

    /// What is tried out.
    pub(crate) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// Ends it, unless it has just been decided otherwise: all requests go where they went before.
    pub(crate) async fn end(&self) {
        self.cancelled.cancel();
        self.over.cancelled().await;
    }

    /// Says that it is decided, and that what was decided is done.
    pub(crate) fn conclude(&self) {
        self.over.cancel();
    }

    /// What the requests and messages of all units that are new came to.
    pub(crate) fn counted(&self, stable: &Generation) -> Counted {
        let mut counted = Counted::default();
        for live in self.new_units(stable) {
            counted.requests += live.count.requests.load(Relaxed);
            counted.finished += live.count.finished.load(Relaxed);
            counted.errors += live.count.errors.load(Relaxed);
        }
        counted
    }

    fn new_units<'a>(
        &'a self,
        stable: &'a Generation,
    ) -> impl Iterator<Item = &'a Arc<LiveUnit>> + 'a {
        let is_new = |root: &ComponentName, live: &Arc<LiveUnit>| {
            !stable.units().any(|(other, old)| other == root && Arc::ptr_eq(old, live))
        };
        self.generation.units().filter(move |(root, live)| is_new(root, live)).map(|(_, live)| live)
    }

    /// Waits for its end, or for what ends it earlier.
    ///
    /// # Errors
    /// If it was ended, did not go well, or nothing was tried in it.
    pub(crate) async fn judge(&self, stable: &Generation) -> Result<(), TrialError> {
        if self.new_units(stable).next().is_none() {
            // It does what the old one does, or nothing starts it: nothing can be tried out.
            return Ok(());
        }
        self.look_until(self.until, stable, |_| false).await?;
        // Those that began in time are waited for: what hangs is an error too.
        let begun = self.counted(stable).requests;
        let patience = self.new_units(stable).map(|live| live.time_limit()).max();
        let latest = self.until + patience.unwrap_or_default() + LOOK_EVERY;
        let all_done = |counted: Counted| counted.finished >= begun;
        self.look_until(latest, stable, all_done).await?;
        match self.counted(stable) {
            Counted { requests, finished: 0, .. } => Err(TrialError::Undecided { requests }),
            Counted { errors, finished, .. } if self.too_many(errors, finished) => {
                Err(TrialError::Failed { errors, requests: finished })
            }
            Counted { .. } => Ok(()),
        }
    }

    /// Looks until `end`, or until it is `done`; it fails before that if the trial goes wrong.
    async fn look_until(
        &self,
        end: Instant,
        stable: &Generation,
        done: impl Fn(Counted) -> bool,
    ) -> Result<(), TrialError> {
        loop {
            if self.cancelled.is_cancelled() {
                return Err(TrialError::Cancelled);
            }
            let counted = self.counted(stable);
            let Counted { errors, finished, .. } = counted;
            if self.too_many(errors, finished) && finished >= MIN_REQUESTS {
                return Err(TrialError::Failed { errors, requests: finished });
            }
            if Instant::now() >= end || done(counted) {
                return Ok(());
            }
            let next = (Instant::now() + LOOK_EVERY).min(end);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.cancelled.cancelled() => {}
            }
        }
    }

    fn too_many(&self, errors: u64, finished: u64) -> bool {
        errors * Share::WHOLE > finished * u64::from(self.options.errors.0)
    }
}

/// What requests and messages came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) finished: u64,
    pub(crate) errors: u64,
}
