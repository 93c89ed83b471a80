//! The engine: how components are compiled, and the pool from which instances take their memory.
//!
//! There are two kinds, with the same compile settings. The [`Compiler`] exists first and has no
//! pool: it makes or finds the compiled code, from which each unit's needs are read. The
//! [`Engine`] that runs units is made afterwards, with a pool that is as large as those needs.
//!
//! Of each kind there is one for units whose calls are all synchronous, and one for those of WASI
//! 0.3. Without support for concurrent calls an eighth more requests are answered.

use std::{
    fmt,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    WasmBacktraceDetails, component::Component,
};

use keyway_app::Limit;

use crate::{
    cache::{Cache, Key},
    limit::Ticker,
    memory,
    plan::Plan,
    state::State,
};

/// The grain of CPU time: how often running code is asked to give way.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What a slot of the pool keeps of its memory when an instance ends, if the host is large. Below
/// it, resetting by `memset` is cheaper than giving pages back: `madvise` interrupts every core.
const KEEP_RESIDENT_BYTES: usize = 4 << 20;

/// Address space that each memory slot takes where there is plenty: accesses need no bounds check.
const RESERVATION_BYTES: u64 = 4 << 30;

/// A page of linear memory, in which the engine counts what a memory begins with.
const PAGE_BYTES: u64 = 64 << 10;

/// Slots that fit into half of the address space of an x86-64 or aarch64 process.
const SLOTS_AT_MOST: u64 = (1 << 46) / (RESERVATION_BYTES + (64 << 20));

/// Whether the process may reserve address space freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AddressSpace {
    /// Terabytes: memories come from a pool of large reservations.
    Ample,
    /// Limited (`ulimit -v`): memories are allocated one by one, with explicit bounds checks.
    Scarce,
}

impl AddressSpace {
    fn detect() -> Self {
        match rustix::process::getrlimit(rustix::process::Resource::As).current {
            Some(_) => Self::Scarce,
            None => Self::Ample,
        }
    }
}

/// How the functions of a unit are called, on which its code and its instances depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    /// One at a time in an instance.
    Synchronous,
    /// Many at a time, as the component model's asynchronous part (WASI 0.3) has it.
    Concurrent,
}

impl Calls {
    fn of(component: &[u8]) -> Self {
        if keyway_component::is_synchronous(component) {
            Self::Synchronous
        } else {
            Self::Concurrent
        }
    }
}

/// What compiled code is for, on which its form depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Many short calls beside each other.
    Requests,
    /// One call, which has the process to itself.
    Command {
        /// Whether its time is limited, so that it has to be stopped at times to look at the clock.
        timed: bool,
        /// Whether what it computes is counted.
        fuel: bool,
    },
}

impl Purpose {
    fn gives_way(self) -> bool {
        matches!(self, Self::Requests | Self::Command { timed: true, .. })
    }
}

/// The settings that shape compiled code. Both kinds of engine must have the same.
fn compile_settings(space: AddressSpace, calls: Calls, purpose: Purpose) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(calls == Calls::Concurrent)
        .concurrency_support(calls == Calls::Concurrent)
        // Fused units import one interface several times, for several components.
        .wasm_component_model_implements(true)
        .wasm_exceptions(true)
        .epoch_interruption(purpose.gives_way())
        .memory_init_cow(true)
        .max_wasm_stack(1 << 20)
        .async_stack_size(2 << 20);
    match purpose {
        // Names in traps are enough; line tables would double the size of compiled code.
        Purpose::Requests => {
            config.wasm_backtrace_details(WasmBacktraceDetails::Disable).generate_address_map(false)
        }
        Purpose::Command { fuel, .. } => {
            config.wasm_backtrace_details(WasmBacktraceDetails::Enable).consume_fuel(fuel)
        }
    };
    if space == AddressSpace::Scarce {
        config.memory_reservation(0).memory_guard_size(0).memory_reservation_for_growth(1 << 20);
    }
    config
}

/// What one instance of a unit takes from the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Linear memories.
    pub memories: u32,
    /// Bytes of the largest memory at its start.
    pub memory_bytes: u64,
    /// Tables.
    pub tables: u32,
    /// Elements of the largest table at its start.
    pub table_elements: u64,
}

/// A unit's code, compiled, and what an instance of it needs.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub(crate) artifact: PathBuf,
    calls: Calls,
    purpose: Purpose,
    /// Under which name the cache has it; see [`Compiler::recall`].
    pub key: Key,
    /// What one instance takes.
    pub needs: Needs,
    /// Whether the cache had it.
    pub cached: bool,
}

/// Compiles components, through the cache.
pub struct Compiler {
    space: AddressSpace,
    purpose: Purpose,
    synchronous: Front,
    /// Made for the first unit that needs it.
    concurrent: OnceLock<Front>,
    cache: Cache,
}

/// An engine that compiles, and a hash of all that shapes its code.
struct Front {
    engine: wasmtime::Engine,
    settings: [u8; 32],
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler").field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// Why a component could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The component is not valid, or uses what the engine does not support.
    #[error("the component cannot be compiled: {0}")]
    Invalid(String),
    /// It imports core modules, so that its needs are not known.
    #[error("the component imports core modules, which no host can provide")]
    UnknownNeeds,
    /// The compiled code cannot be kept.
    #[error(transparent)]
    Cache(#[from] crate::cache::CacheError),
    /// There is no engine for it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Front {
    fn new(space: AddressSpace, calls: Calls, purpose: Purpose) -> Result<Self, EngineError> {
        let engine = wasmtime::Engine::new(&compile_settings(space, calls, purpose));
        let engine = engine.map_err(EngineError::new)?;
        let settings = settings_hash(&engine);
        Ok(Self { engine, settings })
    }
}

impl Compiler {
    /// A compiler that keeps what it makes in `cache`.
    ///
    /// # Errors
    /// If the processor is not supported.
    pub fn new(cache: Cache, purpose: Purpose) -> Result<Self, EngineError> {
        let space = AddressSpace::detect();
        let synchronous = Front::new(space, Calls::Synchronous, purpose)?;
        Ok(Self { space, purpose, synchronous, concurrent: OnceLock::new(), cache })
    }

    /// The cache that it uses.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Compiles `component`, or finds what an earlier run compiled from the same bytes with the
    /// same engine and settings. Takes seconds for large components: call it where that may block.
    ///
    /// # Errors
    /// If the bytes are no valid component, or the compiled code cannot be kept.
    pub fn compile(&self, component: &[u8]) -> Result<Compiled, CompileError> {
        let calls = Calls::of(component);
        let front = self.front(calls)?;
        let key = self.cache.key(&front.settings, component);
        if let Some(artifact) = self.cache.find(&key)
            // An artifact that does not load is as good as none: it is made again.
            && let Ok(needs) = front.needs(&artifact)
        {
            return Ok(Compiled {
                artifact,
                calls,
                purpose: self.purpose,
                key,
                needs,
                cached: true,
            });
        }
        let code = front
            .engine
            .precompile_component(component)
            .map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        let artifact = self.cache.store(&key, &code)?;
        let needs = front.needs(&artifact)?;
        Ok(Compiled { artifact, calls, purpose: self.purpose, key, needs, cached: false })
    }

    /// What was compiled under `key`, if the cache still has it and this engine can load it.
    /// Whoever kept the key knows from which bytes it came, and need not read them again.
    pub fn recall(&self, key: &Key) -> Option<Compiled> {
        let artifact = self.cache.find(key)?;
        [Calls::Synchronous, Calls::Concurrent].into_iter().find_map(|calls| {
            let needs = self.front(calls).ok()?.needs(&artifact).ok()?;
            Some(Compiled {
                artifact: artifact.clone(),
                calls,
                purpose: self.purpose,
                key: key.clone(),
                needs,
                cached: true,
            })
        })
    }

    fn front(&self, calls: Calls) -> Result<&Front, EngineError> {
        if calls == Calls::Synchronous {
            return Ok(&self.synchronous);
        }
        if let Some(front) = self.concurrent.get() {
            return Ok(front);
        }
        let front = Front::new(self.space, calls, self.purpose)?;
        Ok(self.concurrent.get_or_init(|| front))
    }
}

impl Front {
    fn needs(&self, artifact: &Path) -> Result<Needs, CompileError> {
        let component = load(&self.engine, artifact)
            .map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        let needs = component.resources_required().ok_or(CompileError::UnknownNeeds)?;
        Ok(Needs {
            memories: needs.num_memories,
            memory_bytes: needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES),
            tables: needs.num_tables,
            table_elements: needs.max_initial_table_size.unwrap_or(0),
        })
    }
}

fn settings_hash(engine: &wasmtime::Engine) -> [u8; 32] {
    struct Blake(blake3::Hasher);
    impl Hasher for Blake {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Blake(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    *hasher.0.finalize().as_bytes()
}

/// Maps an artifact of the cache into memory.
#[expect(unsafe_code, reason = "loading compiled code is trusting it; argued below")]
pub(crate) fn load(engine: &wasmtime::Engine, artifact: &Path) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize_file` runs what the file holds. The path comes from `Cache` alone,
    // whose folder belongs to this user with nobody else allowed to write, whose files are
    // written whole and renamed into place and never changed afterwards, and whose content was
    // compared with its checksum when it was found.
    unsafe { Component::deserialize_file(engine, artifact) }
}

/// What runs units: compiled code's settings, the pool, and the clock that makes code give way.
pub(crate) struct Engine {
    pub(crate) inner: wasmtime::Engine,
    pub(crate) ticker: Ticker,
    /// How many instances may run for each that was asked for, when the address space cannot
    /// hold them all: 1 and more divide.
    crowding: u64,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("crowding", &self.crowding).finish_non_exhaustive()
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
#[error("this host cannot run WebAssembly: {0}")]
pub struct EngineError(String);

impl EngineError {
    fn new(error: wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
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

/// The engines of an app: one for each kind of calls that its units make.
#[derive(Debug)]
pub struct Engines {
    synchronous: Option<Arc<Engine>>,
    concurrent: Option<Arc<Engine>>,
}

impl Engines {
    /// Engines whose pools hold, for each unit, as many instances as may run at the same time.
    ///
    /// # Errors
    /// If the processor is not supported or the address space cannot be had.
    pub fn new(rooms: &[Room<'_>]) -> Result<Self, EngineError> {
        let engine = |calls| -> Result<Option<Arc<Engine>>, EngineError> {
            let rooms = rooms.iter().filter(|room| room.compiled.calls == calls);
            let rooms: Vec<Room<'_>> = rooms.copied().collect();
            if rooms.is_empty() {
                return Ok(None);
            }
            Ok(Some(Arc::new(Engine::new(calls, &rooms)?)))
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
    fn new(calls: Calls, rooms: &[Room<'_>]) -> Result<Self, EngineError> {
        let space = AddressSpace::detect();
        // They were all compiled for the same.
        let purpose = rooms.first().map_or(Purpose::Requests, |room| room.compiled.purpose);
        let mut config = compile_settings(space, calls, purpose);
        let slots =
            Slots::of(rooms.iter().map(|room| (room.compiled.needs, room.limit.concurrency)));
        if space == AddressSpace::Ample {
            let memory_bytes = rooms
                .iter()
                .map(|room| room.compiled.needs.memory_bytes.max(room.limit.memory_bytes))
                .max()
                .unwrap_or(0);
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
        let inner = wasmtime::Engine::new(&config).map_err(EngineError::new)?;
        let ticker = Ticker::start(inner.weak()).map_err(|error| EngineError(error.to_string()))?;
        Ok(Self { inner, ticker, crowding: slots.crowding })
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

/// What a pool has to hold.
#[derive(Debug, PartialEq, Eq)]
struct Slots {
    memories: u64,
    tables: u64,
    instances: u64,
    /// See [`Engine::crowding`].
    crowding: u64,
}

impl Slots {
    /// The slots for units of which each has its needs and may run so many times at once.
    fn of(units: impl Iterator<Item = (Needs, usize)> + Clone) -> Self {
        let asked = units.clone().map(|(needs, count)| u64::from(needs.memories) * count as u64);
        let crowding = asked.sum::<u64>().div_ceil(SLOTS_AT_MOST).max(1);
        let mut slots = Self { memories: 0, tables: 0, instances: 0, crowding };
        for (needs, count) in units {
            // Summed after the division, whose rounding would otherwise starve somebody.
            let instances = share(count as u64, crowding);
            slots.memories += u64::from(needs.memories) * instances;
            slots.tables += u64::from(needs.tables) * instances;
            slots.instances += instances;
        }
        slots
    }
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
        let slots = |units: &[(Needs, usize)]| Slots::of(units.iter().copied());
        let one = slots(&[(needs(1), 256)]);
        assert_eq!(one, Slots { memories: 256, tables: 512, instances: 256, crowding: 1 });
        let crowded = slots(&[(needs(20), 1001), (needs(1), 1)]);
        let expected = Slots { memories: 501 * 20 + 1, tables: 1004, instances: 502, crowding: 2 };
        assert_eq!(crowded, expected);
        let none = slots(&[]);
        assert_eq!(none, Slots { memories: 0, tables: 0, instances: 0, crowding: 1 });
    }
}
