//! The engine that units run in, with the pool that provides the memory of their instances.
//!
//! A [`Compiler`](crate::Compiler) exists first and has no pool: it produces or finds the compiled
//! code, which shows each unit's needs. The [`Engine`] that runs units is made afterwards, with the
//! same compile settings and a pool that is as large as those needs. A command is one instance, for
//! which a pool would cost more than it saves: it runs in the engine that loaded it.
//!
//! There is one engine for units whose calls are all synchronous, and one for WASI 0.3. Without
//! support for concurrent calls, throughput is an eighth higher.

mod compiler;
mod error;
mod size;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use keyway_call::{Deadline, Failure};
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

pub(crate) use self::compiler::Code;
use self::{
    compiler::{AddressSpace, Calls, compile_settings},
    size::{Size, crowding},
};
pub use self::{
    compiler::{CompileError, Compiled, CompiledNote, Compiler, Needs, Purpose},
    error::EngineError,
    size::Room,
};
use crate::{
    grant::plan::Plan,
    limit::{EpochGuard, Ticker},
    memory::{self, Budget, Share},
    place::{Place, Places, Slots},
    reset::{Parking, Resetter},
    state::State,
};

/// What a slot of the pool keeps of its memory when an instance ends, if the host is large. Below
/// it, resetting by `memset` is cheaper than giving pages back: `madvise` interrupts every core.
const KEEP_RESIDENT_BYTES: usize = 4 << 20;

/// Address space that each memory slot takes where there is plenty: accesses need no bounds check.
const RESERVATION_BYTES: u64 = 4 << 30;

/// Slots that fit into three eighths of the address space of an x86-64 or aarch64 process: when an app
/// is swapped, the old one and the new one stand beside each other.
const MAX_SLOTS: u64 = (3 << 44) / (RESERVATION_BYTES + (64 << 20));

/// What runs units: compiled code's settings, the pool, and the clock that makes code give way.
pub(crate) struct Engine {
    pub(crate) inner: wasmtime::Engine,
    /// None where code does not give way.
    ticker: Option<Ticker>,
    /// What the memories of all instances come out of.
    memory: &'static Budget,
    pool: Option<Pool>,
    /// None where instances are not reset.
    resetter: Option<Resetter>,
}

/// The memory of instances, which has room for so many.
#[derive(Debug)]
struct Pool {
    size: Size,
    /// What is free in it, if it is for many apps, none of which may take all of it. Otherwise each unit
    /// has its part.
    places: Option<&'static Places>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// The engines of a host, in whose pools the instances of all its units are: one for each kind of calls
/// that units make.
#[derive(Debug)]
pub struct Engines {
    memory: &'static Budget,
    /// What each pool has at least that is for many apps. Without it, units that are made together have a
    /// pool of their own.
    floor: Option<Size>,
    /// Whether each instance that was reset is compared with a new one.
    checks_resets: bool,
    /// The last that were made for many apps.
    synchronous: Mutex<Option<Arc<Engine>>>,
    concurrent: Mutex<Option<Arc<Engine>>>,
}

impl Default for Engines {
    fn default() -> Self {
        Self {
            memory: Budget::of_this_host(),
            floor: None,
            checks_resets: false,
            synchronous: Mutex::default(),
            concurrent: Mutex::default(),
        }
    }
}

impl Engines {
    /// None yet: they are made when units need them, see [`Self::make_room`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, for a host of many apps: its pools are large from the beginning, and no unit can have
    /// more than half of one.
    pub fn for_many() -> Self {
        Self { floor: Some(Size::for_many()), ..Self::default() }
    }

    /// The same, in which each instance that was reset is compared with a new one if `checks` is true, which
    /// takes time. A difference is logged as an error, and the unit's instances are not reset any more.
    #[must_use]
    pub fn checking_resets(self, checks: bool) -> Self {
        Self { checks_resets: checks, ..self }
    }

    /// Has pools that hold, of each unit, as many instances as may run at the same time. Those of a host of
    /// many apps hold as many beside nothing else; one that is too small is replaced by a larger one for
    /// these and later units. What was compiled for [`Purpose::Command`] has no pool.
    ///
    /// # Errors
    /// If the processor is not supported or the address space cannot be had.
    pub fn make_room(&self, rooms: &[Room<'_>]) -> Result<Pools, EngineError> {
        let crowding = crowding(rooms);
        let mut pools = Pools::default();
        for calls in [Calls::Synchronous, Calls::Concurrent] {
            let rooms = rooms.iter().copied().filter(|room| room.compiled.calls == calls);
            let rooms: Vec<Room<'_>> = rooms.collect();
            let Some(first) = rooms.first() else { continue };
            let mut last = self.slot(calls);
            // They were all compiled by one compiler, for the same purpose.
            let made = match &first.compiled.code {
                Code::Loaded(component) => {
                    let purpose = first.compiled.purpose;
                    Engine::of_command(component.engine(), purpose, self.memory)?
                }
                Code::Artifact(_) | Code::Bytes(_) => {
                    let size = Size::of(rooms, crowding);
                    match (self.floor, last.as_ref()) {
                        (None, _) => self.engine(calls, size, false)?,
                        (Some(_), Some(engine)) if engine.has_room_for(size) => {
                            *pools.of_calls(calls) = Some(Arc::clone(engine));
                            continue;
                        }
                        (Some(floor), last) => {
                            let before = last.and_then(|engine| engine.pool.as_ref());
                            // Units that have no room in the old one do not get a smaller one.
                            let size = before.map_or(floor, |pool| pool.size).max(size);
                            self.engine(calls, size, true)?
                        }
                    }
                }
            };
            let made = Arc::new(made);
            if self.floor.is_some() {
                *last = Some(Arc::clone(&made));
            }
            *pools.of_calls(calls) = Some(made);
        }
        Ok(pools)
    }

    fn engine(&self, calls: Calls, size: Size, is_shared: bool) -> Result<Engine, EngineError> {
        Engine::new(calls, size, is_shared, self.memory, self.checks_resets)
    }

    fn slot(&self, calls: Calls) -> std::sync::MutexGuard<'_, Option<Arc<Engine>>> {
        let slot = match calls {
            Calls::Synchronous => &self.synchronous,
            Calls::Concurrent => &self.concurrent,
        };
        slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engines that have room for certain units.
#[derive(Debug, Default)]
pub struct Pools {
    synchronous: Option<Arc<Engine>>,
    concurrent: Option<Arc<Engine>>,
}

impl Pools {
    /// The engine that has room for `compiled`, which was among the units given to
    /// [`Engines::make_room`].
    pub(crate) fn of(&self, compiled: &Compiled) -> Option<&Arc<Engine>> {
        match compiled.calls {
            Calls::Synchronous => self.synchronous.as_ref(),
            Calls::Concurrent => self.concurrent.as_ref(),
        }
    }

    fn of_calls(&mut self, calls: Calls) -> &mut Option<Arc<Engine>> {
        match calls {
            Calls::Synchronous => &mut self.synchronous,
            Calls::Concurrent => &mut self.concurrent,
        }
    }
}

impl Engine {
    fn has_room_for(&self, size: Size) -> bool {
        self.pool.as_ref().is_some_and(|pool| pool.size.holds(size))
    }

    fn new(
        calls: Calls,
        size: Size,
        is_shared: bool,
        memory: &'static Budget,
        checks_resets: bool,
    ) -> Result<Self, EngineError> {
        let space = AddressSpace::detect();
        let mut config = compile_settings(space, calls, Purpose::Requests);
        let Size { slots, memory_bytes, table_elements, memories, largest } = size;
        if space == AddressSpace::Ample {
            let mut pool = PoolingAllocationConfig::new();
            // An instance that has ended gives its place back just before its slots, on any core.
            let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
            let all = slots.plus(largest.times(2 * cores));
            let total = |slots: u64| u32::try_from(slots.max(1)).unwrap_or(u32::MAX);
            pool.total_memories(total(all.memories))
                .total_tables(total(all.tables))
                .total_stacks(total(all.instances))
                .total_gc_heaps(total(all.instances).min(4096))
                .total_component_instances(u32::MAX)
                .total_core_instances(u32::MAX)
                .max_core_instances_per_component(u32::MAX)
                .max_memories_per_component(u32::MAX)
                .max_tables_per_component(u32::MAX)
                // The bridge to preview 1 has two. The pool looks through as many whenever a module
                // is dropped.
                .max_memories_per_module(memories.max(1))
                // Modules that are welded bring their tables along.
                .max_tables_per_module(u32::MAX)
                .max_component_instance_size(16 << 20)
                .max_core_instance_size(16 << 20)
                .max_memory_size(usize::try_from(memory_bytes).unwrap_or(usize::MAX))
                .table_elements(usize::try_from(table_elements).unwrap_or(usize::MAX))
                .max_unused_warm_slots(256)
                .linear_memory_keep_resident(keep_resident_bytes(slots.memories))
                .table_keep_resident(64 << 10)
                .async_stack_keep_resident(64 << 10)
                .pagemap_scan(pagemap_scan());
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        let inner = wasmtime::Engine::new(&config).map_err(|error| EngineError::Pool {
            instances: slots.instances,
            error: format!("{error:#}"),
        })?;
        let ticker = Some(ticker(&inner, is_shared)?);
        let places = is_shared.then(|| Places::of(slots));
        // Instances that wait to be called do not keep others from being made.
        let waiting = if is_shared { slots.memories / 4 } else { u64::MAX };
        let resets = calls == Calls::Synchronous && space == AddressSpace::Ample;
        let resetter =
            resets.then(|| Resetter::new(Parking::new(waiting), checks_resets)).flatten();
        let pool = Pool { size, places };
        Ok(Self { inner, ticker, memory, pool: Some(pool), resetter })
    }

    /// The engine that has loaded a command.
    fn of_command(
        inner: &wasmtime::Engine,
        purpose: Purpose,
        memory: &'static Budget,
    ) -> Result<Self, EngineError> {
        let ticker = purpose.gives_way().then(|| ticker(inner, false)).transpose()?;
        Ok(Self { inner: inner.clone(), ticker, memory, pool: None, resetter: None })
    }

    /// While it lives, the epoch moves.
    pub(crate) fn epoch_guard(&self) -> Option<EpochGuard> {
        self.ticker.as_ref().map(Ticker::guard)
    }

    /// A store for one instance, which takes `slots` of the pool. Waits while others have them.
    ///
    /// # Errors
    /// If there is no room in time.
    pub(crate) async fn store(
        &self,
        plan: &Arc<Plan>,
        slots: Slots,
        time: Deadline,
    ) -> Result<Store<State>, Failure> {
        let place = match self.places() {
            Some(places) => Some(places.take(slots, &plan.account, time).await?),
            None => None,
        };
        Ok(self.store_in(plan, place))
    }

    /// The same, if there is room.
    pub(crate) fn store_at_once(&self, plan: &Arc<Plan>, slots: Slots) -> Option<Store<State>> {
        let place = match self.places() {
            Some(places) => Some(places.take_at_once(slots, &plan.account)?),
            None => None,
        };
        Some(self.store_in(plan, place))
    }

    /// What resets instances, if they are.
    pub(crate) fn resetter(&self) -> Option<&Resetter> {
        self.resetter.as_ref()
    }

    fn places(&self) -> Option<&'static Places> {
        self.pool.as_ref().and_then(|pool| pool.places)
    }

    fn store_in(&self, plan: &Arc<Plan>, place: Option<Place>) -> Store<State> {
        let share = Share::of(self.memory, place);
        let mut store = Store::new(&self.inner, State::new(plan, share));
        store.limiter(|state| &mut state.meter);
        store.set_max_component_handles(plan.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick());
        store
    }

    /// How many instances of a unit may run at once that takes `slots` for each, of those that its
    /// limit asks for.
    pub(crate) fn share(&self, slots: Slots, concurrency: usize) -> usize {
        let held = self.pool.as_ref().map_or(u64::MAX, |pool| {
            pool.size.slots.hold(slots) / if pool.places.is_some() { 2 } else { 1 }
        });
        usize::try_from(held).unwrap_or(usize::MAX).min(concurrency).max(1)
    }
}

fn ticker(engine: &wasmtime::Engine, is_of_many: bool) -> Result<Ticker, EngineError> {
    Ticker::start(engine.weak(), is_of_many).map_err(|error| EngineError::Host(error.to_string()))
}

/// Whether the engine asks the kernel which pages to reset when an instance ends. It overlooks pages that
/// were swapped out (wasmtime's pull request 14357), which the next instance would find as they were.
fn pagemap_scan() -> Enabled {
    if memory::may_be_swapped_out() { Enabled::No } else { Enabled::Auto }
}

/// Slots together may keep an eighth of the host's memory.
fn keep_resident_bytes(slots: u64) -> usize {
    let share = memory::total_bytes() / 8 / slots.clamp(1, 256);
    usize::try_from(share).unwrap_or(usize::MAX).min(KEEP_RESIDENT_BYTES)
}
