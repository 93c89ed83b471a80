//! Messages: receives them from a broker, passes each to a [`Handler`], and reports the outcome.
//!
//! A subscription continues while its handler is swapped, so that no message is lost. A broken one
//! is restarted, with growing pauses.

use std::sync::Arc;

use arc_swap::ArcSwap;
use keyway_capability::messaging::{
    Broker, Deliveries, Delivery, Error, Fate, Message, Subscription,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::pause::Pause;

/// Handles messages.
pub trait Handler: Send + Sync + 'static {
    /// Handles one.
    ///
    /// # Errors
    /// Why it was not handled, as a sentence for the log.
    fn handle(
        &self,
        message: Message,
        broker: Arc<dyn Broker>,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// What to take, and by whom it is handled.
pub struct Listener<H> {
    /// The broker that messages come by.
    pub broker: Arc<dyn Broker>,
    /// Which messages.
    pub subscription: Subscription,
    /// How many are handled at once.
    pub concurrency: usize,
    /// The handler of the next messages.
    pub handler: Arc<ArcSwap<H>>,
    /// Cancelled when messages first arrive, so that older members can leave the group.
    pub subscribed: CancellationToken,
}

impl<H> std::fmt::Debug for Listener<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// How a subscription has ended.
enum End {
    /// It was to.
    Stopped,
    /// It has broken.
    Broken(Error),
}

impl<H: Handler> Listener<H> {
    /// Takes messages until `stop`, and then waits for those that are being handled. Dropping the
    /// future cuts these off.
    pub async fn listen(self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let mut pause = Pause::default();
        loop {
            let subscribed = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                subscribed = self.broker.subscribe(&self.subscription) => subscribed,
            };
            let error = match subscribed {
                Ok(deliveries) => {
                    pause = Pause::default();
                    self.subscribed.cancel();
                    match self.take(deliveries, &mut running, &stop).await {
                        End::Stopped => break,
                        End::Broken(error) => error,
                    }
                }
                Err(error) => error,
            };
            let topics = &self.subscription.topics;
            tracing::warn!("no messages on `{topics}` for now: {error}");
            tokio::select! {
                () = stop.cancelled() => break,
                () = pause.wait() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn take(
        &self,
        mut deliveries: Box<dyn Deliveries>,
        running: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> End {
        let mut is_stopped = false;
        loop {
            // A panic has been reported, and the message is redelivered if possible.
            while running.try_join_next().is_some() {}
            if running.len() >= self.concurrency {
                running.join_next().await;
                continue;
            }
            let next = tokio::select! {
                biased;
                () = stop.cancelled(), if !is_stopped => {
                    is_stopped = true;
                    deliveries.stop().await;
                    continue;
                }
                next = deliveries.next() => next,
            };
            match next {
                Ok(Some(delivery)) => {
                    let (handler, broker) = (Arc::clone(&self.handler), Arc::clone(&self.broker));
                    running.spawn(handle(delivery, handler, broker));
                }
                Ok(None) => return End::Stopped,
                Err(_) if is_stopped => return End::Stopped,
                Err(error) => return End::Broken(error),
            }
        }
    }
}

/// Handles a message, again and again if it is to be tried here.
async fn handle<H: Handler>(
    mut delivery: Delivery,
    handler: Arc<ArcSwap<H>>,
    broker: Arc<dyn Broker>,
) {
    loop {
        let Delivery { message, attempt, receipt } = delivery;
        let topic = message.topic.clone();
        // The current one: it may have been swapped since the last attempt.
        let handler = handler.load_full();
        let said = match handler.handle(message, Arc::clone(&broker)).await {
            Ok(()) => receipt.done().await.map(|()| None),
            Err(reason) => {
                tracing::warn!(
                    "a message on `{topic}` was not handled at attempt {attempt}: {reason}"
                );
                receipt.failed().await.map(Some)
            }
        };
        match said {
            Ok(Some(Fate::Here(again))) => delivery = again,
            Ok(Some(Fate::Lost)) => {
                return tracing::warn!("a message on `{topic}` is dropped after attempt {attempt}");
            }
            Ok(Some(Fate::Again) | None) => return,
            Err(error) => {
                return tracing::warn!(
                    "the outcome of a message on `{topic}` could not be reported, so it may be \
                     redelivered: {error}"
                );
            }
        }
    }
}
