//! Giving a new generation some of the requests before all go to it.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{App, Serving};
use crate::{
    error::{ChangeError, HostError, TrialError},
    live::{
        generation::Generation,
        trial::{Trial, TrialOptions},
    },
};

impl App {
    /// Gives `next` some of the requests, and all once its time is over. The future tells how it
    /// ended; the trial goes on without it.
    pub(super) fn try_out(
        self: &Arc<Self>,
        next: Generation,
        options: TrialOptions,
    ) -> Result<impl Future<Output = Result<(), HostError>> + use<>, HostError> {
        let serving = self.serving();
        let trial = Arc::new(Trial::new(next, options));
        let canary = Some((&**trial.generation(), options.share));
        self.routes.replace(serving.current.routes(canary)?);
        self.listeners.update(serving.current.listeners(canary), &self.facilities.background);
        self.serving.store(Arc::new(Serving {
            current: Arc::clone(&serving.current),
            previous: serving.previous.clone(),
            trial: Some(Arc::clone(&trial)),
        }));
        let (decided, outcome) = oneshot::channel();
        let this = Arc::clone(self);
        self.facilities.background.spawn(async move {
            let verdict = trial.judge(&serving.current).await;
            let done = this.decide(&serving, &trial, verdict);
            trial.conclude();
            if let Err(error) = &done {
                tracing::warn!("{error}");
            }
            // The caller may no longer be waiting for it.
            let _ = decided.send(done);
        });
        Ok(async move { outcome.await.unwrap_or(Err(ChangeError::Stopping.into())) })
    }

    /// Ends a trial, for the new generation or against it.
    fn decide(
        &self,
        before: &Serving,
        trial: &Trial,
        verdict: Result<(), TrialError>,
    ) -> Result<(), HostError> {
        let Err(error) = verdict else { return self.install(Arc::clone(trial.generation())) };
        self.routes.replace(before.current.routes(None)?);
        self.listeners.update(before.current.listeners(None), &self.facilities.background);
        self.serving.store(Arc::new(Serving {
            current: Arc::clone(&before.current),
            previous: before.previous.clone(),
            trial: None,
        }));
        self.retire(trial.generation());
        Err(ChangeError::Trial(error).into())
    }
}
