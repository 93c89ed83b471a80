//! Limits while an instance runs: memory, tables and computing time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use keyway_app::Limit;
use keyway_call::Failure;
use wasmtime::{EngineWeak, ResourceLimiter, UpdateDeadline};

use crate::{
    account::Account,
    grant::plan::Plan,
    memory::{Exhausted, Share},
    pace::{self, Computed},
    turn,
};

/// The grain of CPU time: how often running code is asked to give way.
const TICK: Duration = Duration::from_millis(10);

/// The same on a host of many apps while an instance computes for long: how long the short request of
/// another app waits for it. Each turn costs a few microseconds.
const SHORT_TICK: Duration = Duration::from_millis(1);

/// Core instances that Keyway adds to a component, which are not the component's: a welded one has its code
/// in two, and one that resets it.
const ADDED_INSTANCES: usize = 2;

/// Counts what one instance uses.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_bytes: u64,
    memory_limit_bytes: u64,
    /// The same bytes, out of what all instances of the host may have, with the place of this one.
    pub(crate) share: Share,
    table_elements: usize,
    table_limit_elements: usize,
    instances: usize,
    /// Of one request.
    cpu_limit: Duration,
    /// Of all that it answers.
    cpu: Duration,
    /// What was granted last, to memory or a table, and is taken back if the engine cannot grow it.
    last: u64,
    /// The limit that was refused last. A guest may bear a refusal, so it is a failure only if
    /// the instance ends badly afterwards.
    pub(crate) refused: Option<Failure>,
}

impl Meter {
    /// Of an instance of a unit of so many components, within these limits.
    pub(crate) fn new(limit: &Limit, components: usize, share: Share) -> Self {
        Self {
            memory_bytes: 0,
            memory_limit_bytes: limit.memory_bytes,
            share,
            table_elements: 0,
            table_limit_elements: limit.table_elements,
            instances: limit.core_instances + ADDED_INSTANCES * components,
            cpu_limit: limit.cpu,
            cpu: limit.cpu,
            last: 0,
            refused: None,
        }
    }

    /// The bytes of memory and the elements of tables that it has.
    pub(crate) fn sizes(&self) -> (u64, usize) {
        (self.memory_bytes, self.table_elements)
    }

    /// For the same instance, which has its first size and has computed nothing.
    pub(crate) fn renewed(self) -> Self {
        Self { cpu: self.cpu_limit, refused: None, ..self }
    }

    /// Gives its memory back, while nothing runs in it.
    pub(crate) fn rest(&mut self) {
        self.share.give_back();
    }

    /// Takes its memory again.
    pub(crate) fn resume(&mut self) -> Result<(), Exhausted> {
        self.share.begin(self.memory_bytes)
    }

    /// Lets it compute as long as so many requests may.
    pub(crate) fn allow(&mut self, requests: u32) {
        self.cpu = self.cpu_limit.saturating_mul(requests);
    }

    /// Called when code runs and a tick has passed since it was last asked to give way.
    pub(crate) fn tick(&mut self, account: &Arc<Account>) -> wasmtime::Result<UpdateDeadline> {
        Ok(match pace::tick() {
            Some(computed) if computed.used > self.cpu => {
                self.refused = Some(Failure::CpuTime(self.cpu_limit));
                UpdateDeadline::Interrupt
            }
            // It was waiting when the tick began, and has just begun to compute.
            Some(Computed { at_once, ticks: 1, has_turn: false, .. }) if at_once < TICK / 2 => {
                UpdateDeadline::Continue(1)
            }
            _ => UpdateDeadline::YieldCustom(1, Box::pin(pace::turn(Arc::clone(account)))),
        })
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.last = 0;
        let more = desired.saturating_sub(current) as u64;
        let total = self.memory_bytes + more;
        if total > self.memory_limit_bytes {
            self.refused = Some(Failure::Memory(self.memory_limit_bytes));
            return Ok(false);
        }
        let taken = if current == 0 { self.share.begin(more) } else { self.share.grow(more) };
        if let Err(exhausted) = taken {
            self.refused = Some(match exhausted {
                Exhausted::All(bytes) => Failure::HostMemory(bytes),
                Exhausted::App(bytes) => Failure::AppMemory(bytes),
            });
            return Ok(false);
        }
        self.memory_bytes = total;
        self.last = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        let last = std::mem::take(&mut self.last);
        self.memory_bytes -= last;
        self.share.give_back_some(last);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.last = 0;
        let total = self.table_elements + desired.saturating_sub(current);
        if total > self.table_limit_elements {
            self.refused = Some(Failure::Resources {
                what: "table elements",
                key: "tables",
                limit: self.table_limit_elements,
            });
            return Ok(false);
        }
        self.table_elements = total;
        self.last = desired.saturating_sub(current) as u64;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements -= std::mem::take(&mut self.last) as usize;
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

/// The limit that `error`, a text of the engine, is about. These have no type of their own.
pub(crate) fn exceeded(error: &str, plan: &Plan) -> Option<Failure> {
    const HANDLES: [&str; 2] = ["store handle limit exceeded", "resource table has no free keys"];
    const COUNTS: [(&str, &str); 3] =
        [("instance", "core instances"), ("memory", "memories"), ("table", "tables")];
    if HANDLES.iter().any(|end| error.ends_with(end)) {
        return Some(Failure::Resources {
            what: "handles of streams, headers, files and the like",
            key: "memory",
            limit: plan.handles,
        });
    }
    let counted = error.strip_prefix("resource limit exceeded: ")?;
    let (_, what) = COUNTS.iter().find(|(count, _)| counted.starts_with(count))?;
    Some(Failure::Resources { what, key: "core-instances", limit: plan.limit.core_instances })
}

/// Moves the engine's epoch on, while anything runs.
#[derive(Debug)]
pub(crate) struct Ticker(Arc<Ticking>);

#[derive(Debug)]
struct Ticking {
    running: AtomicUsize,
    resting: AtomicBool,
    thread: std::sync::OnceLock<thread::Thread>,
}

/// While it lives, the epoch moves.
#[derive(Debug)]
pub(crate) struct EpochGuard(Arc<Ticking>);

impl Ticker {
    /// Starts the thread, which ends with the engine. With `is_of_many` it ticks faster while an instance
    /// computes for long.
    pub(crate) fn start(engine: EngineWeak, is_of_many: bool) -> std::io::Result<Self> {
        let ticking = Arc::new(Ticking {
            running: AtomicUsize::new(0),
            resting: AtomicBool::new(false),
            thread: std::sync::OnceLock::new(),
        });
        let weak = Arc::downgrade(&ticking);
        let handle = thread::Builder::new().name("keyway-ticker".into()).spawn(move || {
            while let Some(ticking) = weak.upgrade() {
                if ticking.running.load(SeqCst) == 0 {
                    ticking.resting.store(true, SeqCst);
                    // Looked at again after it was announced: a turn that began in between has
                    // not seen the announcement.
                    if ticking.running.load(SeqCst) == 0 {
                        drop(ticking);
                        thread::park_timeout(Duration::from_secs(10));
                        continue;
                    }
                    ticking.resting.store(false, SeqCst);
                }
                drop(ticking);
                thread::sleep(if is_of_many && turn::is_any_long() { SHORT_TICK } else { TICK });
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        // Set once, just here.
        let _ = ticking.thread.set(handle.thread().clone());
        Ok(Self(ticking))
    }

    /// Says that something runs.
    pub(crate) fn guard(&self) -> EpochGuard {
        self.0.running.fetch_add(1, SeqCst);
        if self.0.resting.load(SeqCst)
            && self.0.resting.swap(false, SeqCst)
            && let Some(thread) = self.0.thread.get()
        {
            thread.unpark();
        }
        EpochGuard(Arc::clone(&self.0))
    }
}

impl Drop for EpochGuard {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Some(thread) = self.0.thread.get() {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Budget;

    #[test]
    fn what_the_engine_cannot_grow_is_given_back() {
        let mut meter = Meter::new(&Limit::default(), 1, Share::of(Budget::of_this_host(), None));
        let grow = |meter: &mut Meter, pages: usize| {
            meter.memory_growing(1 << 16, pages << 16, None).expect("it is asked")
        };
        assert!(meter.memory_growing(0, 1 << 16, None).expect("it is asked"));
        let begun = meter.sizes();
        assert!(grow(&mut meter, 9));
        meter.memory_grow_failed(wasmtime::Error::msg("beyond its maximum")).expect("it is noted");
        assert_eq!(meter.sizes(), begun);
        // What was refused was never granted.
        assert!(!grow(&mut meter, 1 << 16));
        meter.memory_grow_failed(wasmtime::Error::msg("refused")).expect("it is noted");
        assert_eq!(meter.sizes(), begun);
        meter.table_growing(0, 5, None).expect("it is asked");
        meter.table_grow_failed(wasmtime::Error::msg("beyond its maximum")).expect("it is noted");
        assert_eq!(meter.sizes(), begun);
    }
}
