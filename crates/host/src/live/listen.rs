//! The messages that an app receives, and the stores that it watches. A subscription, or a watch,
//! goes on while the unit that handles what comes is swapped: the next message goes to the next
//! unit, and none is lost between them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use futures::{FutureExt, future::BoxFuture};
use keyway_app::ComponentName;
use keyway_capability::{
    keyvalue::Store,
    messaging::{Broker, Subscription},
};
use keyway_trigger::{change::Watch, message::Listener};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::live::canary::UnitHandler;

/// A subscription that an app wants, and its handler.
pub(crate) struct Wanted {
    key: Key,
    begin: Begin,
    handler: UnitHandler,
}

/// Begins a subscription with the current handler: it cancels the first token when it has begun,
/// and ends by the second.
type Begin = Box<dyn FnOnce(Handled, CancellationToken, CancellationToken) -> Going + Send>;

type Handled = Arc<ArcSwap<UnitHandler>>;

type Going = BoxFuture<'static, ()>;

/// All that a subscription is made of. One that stays the same goes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Distinguishes its source from other open ones.
    source: usize,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Messages { subscription: Subscription, concurrency: usize },
    Changes { component: ComponentName, prefix: String },
}

impl Wanted {
    /// Messages of a broker, so many of which are handled at once.
    pub(super) fn messages(
        broker: Arc<dyn Broker>,
        subscription: Subscription,
        concurrency: usize,
        handler: UnitHandler,
    ) -> Self {
        let what = What::Messages { subscription: subscription.clone(), concurrency };
        let key = Key { source: address(&broker), what };
        let begin: Begin = Box::new(move |handler, subscribed, stop| {
            let listener = Listener { broker, subscription, concurrency, handler, subscribed };
            listener.listen(stop).boxed()
        });
        Self { key, begin, handler }
    }

    /// Changes of the keys with this prefix in a store, for a component.
    pub(super) fn changes(
        store: Arc<dyn Store>,
        prefix: String,
        component: ComponentName,
        handler: UnitHandler,
    ) -> Self {
        let what = What::Changes { component, prefix: prefix.clone() };
        let key = Key { source: address(&store), what };
        let begin: Begin = Box::new(move |handler, begun, stop| {
            Watch { store, prefix, handler, begun }.watch(stop).boxed()
        });
        Self { key, begin, handler }
    }
}

/// What distinguishes a source from other open ones.
fn address<T: ?Sized>(source: &Arc<T>) -> usize {
    Arc::as_ptr(source).cast::<()>() as usize
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
    handler: Handled,
    stop: CancellationToken,
    begun: CancellationToken,
    task: JoinHandle<()>,
}

/// How long an unwanted one continues if its replacement does not begin.
const OVERLAP: Duration = Duration::from_secs(10);

impl Listeners {
    /// Opens the wanted ones that are not open, gives open ones their next handler, and then ends
    /// the unwanted ones: a group always has a member.
    pub(crate) fn update(&self, wanted: Vec<Wanted>, runtime: &Handle) {
        let mut state = self.lock();
        if state.stopped.is_cancelled() {
            return;
        }
        let mut before = std::mem::take(&mut state.open);
        let mut begun = Vec::new();
        for Wanted { key, begin, handler } in wanted {
            let open = match before.remove(&key) {
                Some(open) => {
                    open.handler.store(Arc::new(handler));
                    open
                }
                None => {
                    let open = Open::new(begin, handler, runtime);
                    begun.push(open.begun.clone());
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
                // An error would be a panic, which was already reported.
                let _ = open.task.await;
            }));
        }
    }

    /// Waits until all that are open have begun.
    pub(crate) async fn begun(&self) {
        let begun: Vec<_> = self.lock().open.values().map(|open| open.begun.clone()).collect();
        futures::future::join_all(begun.iter().map(CancellationToken::cancelled)).await;
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
        // An error would be a panic, which was already reported.
        futures::future::join_all(ending).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn new(begin: Begin, handler: UnitHandler, runtime: &Handle) -> Self {
        let handler = Arc::new(ArcSwap::from_pointee(handler));
        let (stop, begun) = (CancellationToken::new(), CancellationToken::new());
        let task = runtime.spawn(begin(Arc::clone(&handler), begun.clone(), stop.clone()));
        Self { handler, stop, begun, task }
    }
}
