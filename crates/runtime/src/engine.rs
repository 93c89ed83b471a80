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

use std::{fmt, sync::Arc};

use keyway_app::Limit;
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

pub(crate) use self::compiler::Code;
use self::compiler::{AddressSpace, Calls, compile_settings};
pub use self::{
    compiler::{CompileError, Compiled, Compiler, Needs, Purpose},
    error::EngineError,
};
use crate::{
    grant::plan::Plan,
    limit::{EpochGuard, Ticker},
    memory,
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
    /// How many instances may run for each that was asked for, when the address space cannot
    /// hold them all: 1 and more divide.
    crowding: u64,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("crowding", &self.crowding).finish_non_exhaustive()
    }
}

/// Room for the instances of one unit.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// The unit's code.
    pub compiled: &'a Compiled,
    /// Its limits.
    pub limit: &'a Limit,
}

impl Room<'_> {
    fn size(&self) -> (Needs, usize) {
        (self.compiled.needs, self.limit.concurrency)
    }
}

/// The engines of an app: one for each kind of calls that its units make.
#[derive(Debug)]
pub struct Engines {
    synchronous: Option<Arc<Engine>>,
    concurrent: Option<Arc<Engine>>,
}

impl Engines {
    /// Engines whose pools hold, for each unit, as many instances as may run at the same time. What
    /// was compiled for [`Purpose::Command`] has no pool.
    ///
    /// # Errors
    /// If the processor is not supported or the address space cannot be had.
    pub fn new(rooms: &[Room<'_>]) -> Result<Self, EngineError> {
        let crowding = crowding(rooms);
        let engine = |calls| -> Result<Option<Arc<Engine>>, EngineError> {
            let rooms = rooms.iter().filter(|room| room.compiled.calls == calls);
            let rooms: Vec<Room<'_>> = rooms.copied().collect();
            let Some(first) = rooms.first() else { return Ok(None) };
            // They were all compiled by one compiler, for the same purpose.
            let engine = match &first.compiled.code {
                Code::Loaded(component) => {
                    Engine::of_command(component.engine(), first.compiled.purpose)
                }
                Code::Artifact(_) | Code::Bytes(_) => Engine::new(calls, &rooms, crowding),
            };
            engine.map(Arc::new).map(Some)
        };
        Ok(Self {
            synchronous: engine(Calls::Synchronous)?,
            concurrent: engine(Calls::Concurrent)?,
        })
    }

    /// The engine that has room for `compiled`, which was among the units given to [`Self::new`].
    pub(crate) fn of(&self, compiled: &Compiled) -> Option<&Arc<Engine>> {
        match compiled.calls {
            Calls::Synchronous => self.synchronous.as_ref(),
            Calls::Concurrent => self.concurrent.as_ref(),
        }
    }
}

impl Engine {
    fn new(calls: Calls, rooms: &[Room<'_>], crowding: u64) -> Result<Self, EngineError> {
        let space = AddressSpace::detect();
        let mut config = compile_settings(space, calls, Purpose::Requests);
        let slots = Slots::of(rooms.iter().map(Room::size), crowding);
        if space == AddressSpace::Ample {
            let memory_bytes = rooms
                .iter()
                .map(|room| room.compiled.needs.memory_bytes.max(room.limit.memory_bytes))
                .max()
                .unwrap_or(0);
            let memories = rooms.iter().map(|room| room.compiled.needs.memories).max().unwrap_or(0);
            let table_elements = rooms
                .iter()
                .map(|room| {
                    (room.compiled.needs.table_elements as usize).max(room.limit.table_elements)
                })
                .max()
                .unwrap_or(0);
            let mut pool = PoolingAllocationConfig::new();
            let total = |slots: u64| u32::try_from(slots.max(1)).unwrap_or(u32::MAX);
            pool.total_memories(total(slots.memories))
                .total_tables(total(slots.tables))
                .total_stacks(total(slots.instances))
                .total_gc_heaps(total(slots.instances).min(4096))
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
                .table_elements(table_elements)
                .max_unused_warm_slots(256)
                .linear_memory_keep_resident(keep_resident_bytes(slots.memories))
                .table_keep_resident(64 << 10)
                .async_stack_keep_resident(64 << 10)
                .pagemap_scan(Enabled::Auto);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        let inner = wasmtime::Engine::new(&config).map_err(|error| EngineError::Pool {
            instances: slots.instances,
            error: format!("{error:#}"),
        })?;
        let ticker = Some(ticker(&inner)?);
        Ok(Self { inner, ticker, crowding })
    }

    /// The engine that has loaded a command.
    fn of_command(inner: &wasmtime::Engine, purpose: Purpose) -> Result<Self, EngineError> {
        let ticker = purpose.gives_way().then(|| ticker(inner)).transpose()?;
        Ok(Self { inner: inner.clone(), ticker, crowding: 1 })
    }

    /// While it lives, the epoch moves.
    pub(crate) fn epoch_guard(&self) -> Option<EpochGuard> {
        self.ticker.as_ref().map(Ticker::guard)
    }

    /// A store for one instance.
    pub(crate) fn store(&self, plan: &Arc<Plan>) -> Store<State> {
        let mut store = Store::new(&self.inner, State::new(plan));
        store.limiter(|state| &mut state.meter);
        store.set_max_component_handles(plan.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().meter.tick());
        store
    }

    /// How many instances of a unit may run at once, of those that its limit asks for.
    pub(crate) fn share(&self, concurrency: usize) -> usize {
        share(concurrency as u64, self.crowding) as usize
    }
}

fn ticker(engine: &wasmtime::Engine) -> Result<Ticker, EngineError> {
    Ticker::start(engine.weak()).map_err(|error| EngineError::Host(error.to_string()))
}

/// What a pool has to hold.
#[derive(Debug, PartialEq, Eq)]
struct Slots {
    memories: u64,
    tables: u64,
    instances: u64,
}

impl Slots {
    /// The slots for units, each with its own needs and number of instances at once, except for the
    /// [crowding](Engine::crowding).
    fn of(units: impl Iterator<Item = (Needs, usize)>, crowding: u64) -> Self {
        let mut slots = Self { memories: 0, tables: 0, instances: 0 };
        for (needs, count) in units {
            // Summed after the division, whose rounding would otherwise starve a unit.
            let instances = share(count as u64, crowding);
            slots.memories += u64::from(needs.memories) * instances;
            slots.tables += u64::from(needs.tables) * instances;
            slots.instances += instances;
        }
        slots
    }
}

/// See [`Engine::crowding`]. All engines of the process share one address space.
fn crowding(rooms: &[Room<'_>]) -> u64 {
    let asked = rooms.iter().map(|room| {
        let (needs, count) = room.size();
        u64::from(needs.memories) * count as u64
    });
    asked.sum::<u64>().div_ceil(MAX_SLOTS).max(1)
}

fn share(concurrency: u64, crowding: u64) -> u64 {
    concurrency.div_ceil(crowding).max(1)
}

/// Slots together may keep an eighth of the host's memory.
fn keep_resident_bytes(slots: u64) -> usize {
    let share = memory::total_bytes() / 8 / slots.clamp(1, 256);
    usize::try_from(share).unwrap_or(usize::MAX).min(KEEP_RESIDENT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instance_that_may_run_has_its_slots() {
        let needs = |memories| Needs { memories, tables: 2, ..Needs::default() };
        let slots = |units: &[(Needs, usize)], crowding| Slots::of(units.iter().copied(), crowding);
        let one = slots(&[(needs(1), 256)], 1);
        assert_eq!(one, Slots { memories: 256, tables: 512, instances: 256 });
        let crowded = slots(&[(needs(20), 1001), (needs(1), 1)], 2);
        assert_eq!(crowded, Slots { memories: 501 * 20 + 1, tables: 1004, instances: 502 });
        assert_eq!(slots(&[], 1), Slots { memories: 0, tables: 0, instances: 0 });
    }
}
