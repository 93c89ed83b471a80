//! Compiles components. Compiled code is kept in the cache, and shows what its instances need.

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use wasmtime::{Config, Inlining, WasmBacktraceDetails, WasmFeatures, component::Component};

use super::EngineError;
use crate::{
    cache::{Cache, Key},
    place::Slots,
};

/// A page of linear memory, in which the engine counts what a memory begins with.
const PAGE_BYTES: u64 = 64 << 10;

/// Whether the process may reserve address space freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressSpace {
    /// Terabytes: memories come from a pool of large reservations.
    Ample,
    /// Limited (`ulimit -v`): memories are allocated one by one, with explicit bounds checks.
    Scarce,
}

impl AddressSpace {
    pub(crate) fn detect() -> Self {
        match rustix::process::getrlimit(rustix::process::Resource::As).current {
            Some(_) => Self::Scarce,
            None => Self::Ample,
        }
    }
}

/// How the functions of a unit are called, on which its code and its instances depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Calls {
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
    pub(crate) fn gives_way(self) -> bool {
        matches!(self, Self::Requests | Self::Command { timed: true, .. })
    }
}

/// The settings that shape compiled code. Both kinds of engine must have the same.
pub(crate) fn compile_settings(space: AddressSpace, calls: Calls, purpose: Purpose) -> Config {
    let mut config = Config::new();
    // What components are checked for: neither less nor more.
    let features: Vec<_> = keyway_component::features(calls == Calls::Concurrent).collect();
    for (name, feature) in WasmFeatures::all().iter_names() {
        config.wasm_features(feature, features.contains(&name));
    }
    config
        .concurrency_support(calls == Calls::Concurrent)
        .epoch_interruption(purpose.gives_way())
        .memory_init_cow(true)
        .max_wasm_stack(1 << 20)
        .async_stack_size(2 << 20);
    match purpose {
        Purpose::Requests => config
            // What one fused component calls of another is inlined.
            .compiler_inlining(Inlining::InterModule)
            // Names in traps are enough; line tables would double the size of compiled code.
            .wasm_backtrace_details(WasmBacktraceDetails::Disable)
            .generate_address_map(false),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

/// Where compiled code is.
#[derive(Clone)]
pub(crate) enum Code {
    /// In this file of the cache, for an engine that is made when all needs are known.
    Artifact(PathBuf),
    /// Here, where the cache can keep nothing.
    Bytes(Arc<[u8]>),
    /// In the engine that has read its needs, in which it can run.
    Loaded(Component),
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Artifact(file) => f.debug_tuple("Artifact").field(file).finish(),
            Self::Bytes(_) => f.write_str("Bytes"),
            Self::Loaded(_) => f.write_str("Loaded"),
        }
    }
}

/// A unit's code, compiled, and what an instance of it needs.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub(crate) code: Code,
    pub(crate) calls: Calls,
    pub(crate) purpose: Purpose,
    /// Under which name the cache has it.
    pub key: Key,
    /// What one instance takes.
    pub needs: Needs,
    /// Whether the cache had it.
    pub cached: bool,
}

impl Compiled {
    /// What one instance takes of a pool.
    pub(crate) fn slots(&self) -> Slots {
        let Needs { memories, tables, .. } = self.needs;
        Slots { memories: memories.into(), tables: tables.into(), instances: 1 }
    }
}

/// What is noted of compiled code, to find it again without loading it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompiledNote {
    key: String,
    /// Of the engine that compiled it.
    settings: [u8; 32],
    calls: Calls,
    needs: Needs,
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
    /// If the bytes are not a valid component.
    pub fn compile(&self, component: &[u8]) -> Result<Compiled, CompileError> {
        let calls = Calls::of(component);
        let front = self.front(calls)?;
        let key = self.cache.key(&front.settings, component);
        if let Some(artifact) = self.cache.find(&key)
            // An artifact that does not load is as good as none: it is made again.
            && let Ok((code, needs)) = self.load(front, Code::Artifact(artifact))
        {
            return Ok(Compiled { code, calls, purpose: self.purpose, key, needs, cached: true });
        }
        let code = self
            .precompile(&front.engine, component, &key)
            .map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        let code = match self.cache.store(&key, &code) {
            Ok(Some(artifact)) => Code::Artifact(artifact),
            Ok(None) => Code::Bytes(code.into()),
            Err(error) => {
                // It is slower to start without, and that is all.
                tracing::warn!("{error}; compiled code is not cached");
                Code::Bytes(code.into())
            }
        };
        let (code, needs) = self.load(front, code)?;
        Ok(Compiled { code, calls, purpose: self.purpose, key, needs, cached: false })
    }

    fn precompile(
        &self,
        engine: &wasmtime::Engine,
        component: &[u8],
        key: &Key,
    ) -> wasmtime::Result<Vec<u8>> {
        // A command runs once, and is to tell the lines of its source.
        if self.purpose == Purpose::Requests
            && let Ok(welded) = keyway_component::weld_with_reset(component, key.as_str())
            && let Ok(code) = engine.precompile_component(&welded)
        {
            return Ok(code);
        }
        if self.purpose == Purpose::Requests
            && let Cow::Owned(welded) = keyway_component::weld(component)
            && let Ok(code) = engine.precompile_component(&welded)
        {
            return Ok(code);
        }
        // Errors in a component are reported for its own bytes. And what was welded may be beyond a
        // limit of the engine that the component keeps to.
        engine.precompile_component(component)
    }

    /// What to note of code that it compiled; see [`Self::recall`].
    ///
    /// # Errors
    /// If the processor is not supported.
    pub fn note(&self, compiled: &Compiled) -> Result<CompiledNote, EngineError> {
        let Compiled { key, calls, needs, .. } = compiled;
        let settings = self.front(*calls)?.settings;
        Ok(CompiledNote { key: key.as_str().to_owned(), settings, calls: *calls, needs: *needs })
    }

    /// What `note` is of, if the cache still has it, and it is code for this compiler's engines. Whoever has the note knows which bytes the code came
    /// from, and need not read them again.
    pub fn recall(&self, note: &CompiledNote) -> Option<Compiled> {
        let key = Key::parse(&note.key)?;
        let CompiledNote { calls, needs, settings, .. } = *note;
        let front = self.front(calls).ok().filter(|front| front.settings == settings)?;
        let code = Code::Artifact(self.cache.find(&key)?);
        let code = match self.purpose {
            // It is loaded when it is first called, for the engine that it then runs in.
            Purpose::Requests => code,
            Purpose::Command { .. } => self.load(front, code).ok()?.0,
        };
        Some(Compiled { code, calls, purpose: self.purpose, key, needs, cached: true })
    }

    fn load(&self, front: &Front, code: Code) -> Result<(Code, Needs), CompileError> {
        let component = code
            .component(&front.engine)
            .map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        let needs = Needs::of(&component).ok_or(CompileError::UnknownNeeds)?;
        let code = match self.purpose {
            Purpose::Requests => code,
            Purpose::Command { .. } => Code::Loaded(component),
        };
        Ok((code, needs))
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

impl Code {
    /// The component, in `engine`, which was made for it.
    #[expect(unsafe_code, reason = "loading compiled code is trusting it; argued below")]
    pub(crate) fn component(&self, engine: &wasmtime::Engine) -> wasmtime::Result<Component> {
        match self {
            // SAFETY: `deserialize_file` runs what the file holds. The path comes from `Cache`
            // alone, whose folder only this user may write to, whose files are written whole and
            // renamed into place and never changed afterwards, and whose content was compared with
            // its checksum when this process first found it.
            Self::Artifact(file) => unsafe { Component::deserialize_file(engine, file) },
            // SAFETY: `Compiler::compile` alone makes these, of what the engine has just compiled.
            Self::Bytes(code) => unsafe { Component::deserialize(engine, code) },
            Self::Loaded(component) => Ok(component.clone()),
        }
    }
}

impl Needs {
    fn of(component: &Component) -> Option<Self> {
        let needs = component.resources_required()?;
        Some(Self {
            memories: needs.num_memories,
            memory_bytes: needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES),
            tables: needs.num_tables,
            table_elements: needs.max_initial_table_size.unwrap_or(0),
        })
    }
}

/// To be increased when what is done to components before they are compiled changes.
const PREPARATION: u8 = 6;

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
    PREPARATION.hash(&mut hasher);
    *hasher.0.finalize().as_bytes()
}

#[cfg(test)]
mod tests;
