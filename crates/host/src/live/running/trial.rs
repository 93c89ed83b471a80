//! Trying a change out on some of the requests before all go to it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use keyway_app::{ComponentName, Problem};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Done, Generation, Running, Serving};
use crate::{
    live::{canary::Share, generation::LiveUnit},
    problem::problem,
};

/// How often it is looked at how a trial goes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// So many requests have to have gone to the canary before some errors end its trial.
const REQUESTS_AT_LEAST: u64 = 20;

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

enum Verdict {
    Good,
    Cancelled,
    /// Nothing came to its end of so many requests.
    Untried(u64),
    /// Errors, of requests.
    Bad(u64, u64),
}

impl Trial {
    /// What is tried out.
    pub(crate) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// Ends it, unless it has just been decided otherwise: all requests go where they went before.
    pub(crate) async fn end(&self) {
        self.cancelled.cancel();
        self.over.cancelled().await;
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
    async fn judge(&self, stable: &Generation) -> Verdict {
        if self.new_units(stable).next().is_none() {
            // It does what the old one does, or nothing starts it: nothing can be tried out.
            return Verdict::Good;
        }
        if let Some(verdict) = self.look_until(self.until, stable, |_| false).await {
            return verdict;
        }
        // Those that began in time are waited for: what hangs is an error too.
        let begun = self.counted(stable).requests;
        let patience = self.new_units(stable).map(|live| live.time_limit()).max();
        let latest = self.until + patience.unwrap_or_default() + LOOK_EVERY;
        let all_done = |counted: Counted| counted.finished >= begun;
        if let Some(verdict) = self.look_until(latest, stable, all_done).await {
            return verdict;
        }
        match self.counted(stable) {
            Counted { requests, finished: 0, .. } => Verdict::Untried(requests),
            Counted { errors, finished, .. } if self.too_many(errors, finished) => {
                Verdict::Bad(errors, finished)
            }
            Counted { .. } => Verdict::Good,
        }
    }

    /// Looks until `end`, or until it is `done`; there is a verdict before only if it goes wrong.
    async fn look_until(
        &self,
        end: Instant,
        stable: &Generation,
        done: impl Fn(Counted) -> bool,
    ) -> Option<Verdict> {
        loop {
            if self.cancelled.is_cancelled() {
                return Some(Verdict::Cancelled);
            }
            let counted = self.counted(stable);
            let Counted { errors, finished, .. } = counted;
            if self.too_many(errors, finished) && finished >= REQUESTS_AT_LEAST {
                return Some(Verdict::Bad(errors, finished));
            }
            if Instant::now() >= end || done(counted) {
                return None;
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

impl Running {
    /// Gives `next` some of the requests, and all once its time is over. The future tells how it
    /// ended; the trial goes on without it.
    pub(super) fn try_out(
        self: &Arc<Self>,
        next: Generation,
        options: TrialOptions,
    ) -> Done<impl Future<Output = Done<()>> + use<>> {
        let serving = self.serving();
        let trial = Arc::new(Trial {
            generation: Arc::new(next),
            options,
            until: Instant::now() + options.time,
            cancelled: CancellationToken::new(),
            over: CancellationToken::new(),
        });
        let canary = Some((&*trial.generation, options.share));
        self.routes.replace(serving.current.routes(canary)?);
        self.listeners.update(serving.current.listeners(canary), &self.background);
        self.serving.store(Arc::new(Serving {
            current: Arc::clone(&serving.current),
            previous: serving.previous.clone(),
            trial: Some(Arc::clone(&trial)),
        }));
        let (decided, outcome) = oneshot::channel();
        let this = Arc::clone(self);
        self.background.spawn(async move {
            let verdict = trial.judge(&serving.current).await;
            let done = this.decide(&serving, &trial, &verdict);
            trial.over.cancel();
            if let Err(problems) = &done {
                problems.iter().for_each(|problem| tracing::warn!("{problem}"));
            }
            // Who asked for it may not wait for it any more.
            let _ = decided.send(done);
        });
        Ok(async move {
            outcome.await.unwrap_or_else(|_| {
                let message = "the host ended before the trial did".to_owned();
                Err(vec![problem("stopping", message, None)])
            })
        })
    }

    /// Ends a trial, for the new generation or against it. One that nothing was tried in is ended
    /// against it.
    fn decide(&self, before: &Serving, trial: &Trial, verdict: &Verdict) -> Done<()> {
        let problem = match *verdict {
            Verdict::Good => return self.install(Arc::clone(&trial.generation)),
            Verdict::Cancelled => problem(
                "trial-cancelled",
                "the trial was ended, and the old component serves again".to_owned(),
                None,
            ),
            Verdict::Untried(requests) => untried(requests),
            Verdict::Bad(errors, requests) => problem(
                "trial-failed",
                format!(
                    "{errors} of the {requests} requests that the new component had were errors, and the old one serves again"
                ),
                Some("the log has the errors: `keyway logs`"),
            ),
        };
        self.routes.replace(before.current.routes(None)?);
        self.listeners.update(before.current.listeners(None), &self.background);
        self.serving.store(Arc::new(Serving {
            current: Arc::clone(&before.current),
            previous: before.previous.clone(),
            trial: None,
        }));
        self.retire(&trial.generation);
        Err(vec![problem])
    }
}

/// A trial that says nothing of the new component.
fn untried(requests: u64) -> Problem {
    let what = match requests {
        0 => "got no requests".to_owned(),
        requests => format!("got {requests} requests, none of which came to its end"),
    };
    let message = format!(
        "the new component {what}, so that the trial is undecided, and the old one serves again"
    );
    let help = "try it for longer with `--for`, with a larger part of the requests, or exchange it \
                without `--canary`";
    problem("trial-undecided", message, Some(help))
}
