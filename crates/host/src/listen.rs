//! The messages that an app takes. A subscription goes on while the unit that handles its messages is
//! exchanged: the next message goes to the next unit, and none is lost between them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use arc_swap::ArcSwap;
use keyway_capability::messaging::{Broker, Message, Pattern, Subscription};
use keyway_trigger::message::{Handler, Listener};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::generation::{Generation, LiveUnit};

/// A subscription that an app wants, and the unit for its messages.
pub(crate) struct Wanted {
    key: Key,
    broker: Arc<dyn Broker>,
    target: Target,
}

/// All that a subscription is made of. One that stays the same goes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Tells the broker from others that are open.
    broker: usize,
    topics: Pattern,
    group: String,
    attempts: u64,
    patience: Duration,
    concurrency: usize,
}

/// Gives messages to a unit.
#[derive(Debug)]
pub(crate) struct Target(Arc<LiveUnit>);

impl Handler for Target {
    async fn handle(&self, message: Message, broker: Arc<dyn Broker>) -> Result<(), String> {
        let live = &self.0;
        live.count.requests.fetch_add(1, Relaxed);
        let handled = match live.unit.handle_message(message, broker).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Err(format!("`{}` answers: {error}", live.unit.name())),
            Err(failure) => Err(format!("`{}`: {failure}", live.unit.name())),
        };
        live.count.errors.fetch_add(1, Relaxed);
        handled
    }
}

impl Generation {
    /// The subscriptions that it wants.
    pub(crate) fn listeners(&self) -> Vec<Wanted> {
        let wanted = self.prepared.app.messages.iter().filter_map(|trigger| {
            let broker = Arc::clone(self.backends.brokers.get(&trigger.from)?);
            let unit = Arc::clone(self.unit(&trigger.component));
            let key = Key {
                broker: Arc::as_ptr(&broker).cast::<()>() as usize,
                topics: trigger.topic.parse().ok()?,
                group: trigger.group.clone(),
                attempts: trigger.attempts,
                // One that is being handled is not to be delivered again.
                patience: unit.time_limit() + trigger.grace,
                concurrency: trigger.concurrency,
            };
            Some(Wanted { key, broker, target: Target(unit) })
        });
        wanted.collect()
    }
}

/// Whether both are the same subscriptions.
pub(crate) fn is_same(one: &[Wanted], other: &[Wanted]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.key == other.key)
}

/// The subscriptions that are open.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<Key, Open>,
    /// Those that are not wanted any more, until their last messages are handled.
    ending: Vec<JoinHandle<()>>,
    /// Cancelled when no more messages are to be taken.
    stopped: CancellationToken,
}

#[derive(Debug)]
struct Open {
    handler: Arc<ArcSwap<Target>>,
    stop: CancellationToken,
    subscribed: CancellationToken,
    task: JoinHandle<()>,
}

/// How long one that is not wanted any more goes on if what takes its place does not begin.
const OVERLAP: Duration = Duration::from_secs(10);

impl Listeners {
    /// Opens those that are wanted and not open, gives the others their next unit, and then ends
    /// those that are not wanted: of a group there is always a member.
    pub(crate) fn update(&self, wanted: Vec<Wanted>, runtime: &Handle) {
        let mut state = self.lock();
        if state.stopped.is_cancelled() {
            return;
        }
        let mut before = std::mem::take(&mut state.open);
        let mut begun = Vec::new();
        for Wanted { key, broker, target } in wanted {
            let open = match before.remove(&key) {
                Some(open) => {
                    open.handler.store(Arc::new(target));
                    open
                }
                None => {
                    let open = Open::new(&key, broker, target, runtime);
                    begun.push(open.subscribed.clone());
                    open
                }
            };
            state.open.insert(key, open);
        }
        state.ending.retain(|task| !task.is_finished());
        for open in before.into_values() {
            let (begun, stopped) = (begun.clone(), state.stopped.clone());
            state.ending.push(runtime.spawn(async move {
                let all = begun.iter().map(CancellationToken::cancelled);
                tokio::select! {
                    () = stopped.cancelled() => {}
                    _ = timeout(OVERLAP, futures::future::join_all(all)) => {}
                }
                open.stop.cancel();
                // An error would be a panic, told already.
                let _ = open.task.await;
            }));
        }
    }

    /// Takes no more messages.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped.cancel();
        for open in std::mem::take(&mut state.open).into_values() {
            open.stop.cancel();
            state.ending.push(open.task);
        }
    }

    /// Waits until all messages are handled that were taken.
    pub(crate) async fn finish(&self) {
        self.stop();
        let ending = std::mem::take(&mut self.lock().ending);
        // An error would be a panic, told already.
        futures::future::join_all(ending).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn new(key: &Key, broker: Arc<dyn Broker>, target: Target, runtime: &Handle) -> Self {
        let handler = Arc::new(ArcSwap::from_pointee(target));
        let (stop, subscribed) = (CancellationToken::new(), CancellationToken::new());
        let listener = Listener {
            broker,
            subscription: Subscription {
                topics: key.topics.clone(),
                group: key.group.clone(),
                attempts: key.attempts,
                patience: key.patience,
            },
            concurrency: key.concurrency,
            handler: Arc::clone(&handler),
            subscribed: subscribed.clone(),
        };
        let task = runtime.spawn(listener.listen(stop.clone()));
        Self { handler, stop, subscribed, task }
    }
}
