//! The loaded code of a host's units. Units that are the same share it, and what was not used for long
//! is dropped when there is too much of it: the next call loads it again, from the file that it was
//! compiled into.
//!
//! Code that is loaded takes some 100 KiB of memory, three mappings and a file descriptor, of all of
//! which a process has only so many.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use arc_swap::{ArcSwapOption, Guard};
use keyway_call::Failure;
use tokio::task::spawn_blocking;
use wasmtime::component::InstancePre;

use crate::{
    bind::{self, Shape},
    cache::Key,
    engine::{Compiled, Engine},
    export::Exports,
    memory,
    state::State,
};

/// About what code takes that is loaded, beside the file that it is mapped from.
const LOADED_BYTES: u64 = 128 << 10;

/// So much of it stays loaded at most, whatever memory there is: for the sake of mappings and
/// descriptors.
const MAX_LOADED: u64 = 2048;

/// The code of all units of a host that are the same.
pub(crate) struct Shelved {
    engine: Arc<Engine>,
    compiled: Compiled,
    shape: Shape,
    shelf: Arc<Shelf>,
    loaded: ArcSwapOption<Exports>,
    /// Whether it was called since the shelf was last looked through.
    is_used: AtomicBool,
    /// Held by whoever loads it.
    loading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Shelved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelved").field("key", &self.compiled.key).finish_non_exhaustive()
    }
}

impl Shelved {
    /// The code, which is loaded if it is not.
    ///
    /// # Errors
    /// If the file is gone that it was compiled into.
    pub(crate) async fn get(self: &Arc<Self>) -> Result<Held, Failure> {
        let loaded = self.loaded.load();
        if loaded.is_some() {
            if !self.is_used.load(Relaxed) {
                self.is_used.store(true, Relaxed);
            }
            return Ok(Held(loaded));
        }
        drop(loaded);
        self.get_loaded().await.map(|loaded| Held(Guard::from_inner(Some(loaded))))
    }

    async fn get_loaded(self: &Arc<Self>) -> Result<Arc<Exports>, Failure> {
        // Loaded once, however many ask for it.
        let _turn = self.loading.lock().await;
        if let Some(loaded) = self.loaded.load_full() {
            return Ok(loaded);
        }
        let this = Arc::clone(self);
        let loaded = spawn_blocking(move || this.load()).await;
        let no_room = |error: &dyn fmt::Display| Failure::NoRoom(error.to_string());
        // What a panic of the loader says is in the log already.
        loaded.map_err(|error| no_room(&error))?.map_err(|error| no_room(&format!("{error:#}")))
    }

    fn identity(&self) -> Identity {
        Identity {
            code: self.compiled.key.clone(),
            shape: self.shape.clone(),
            engine: Arc::as_ptr(&self.engine).addr(),
        }
    }

    /// Loads it and puts it on the shelf. Blocks for as long as that takes.
    fn load(self: &Arc<Self>) -> wasmtime::Result<Arc<Exports>> {
        let pre = load(&self.engine, &self.compiled, &self.shape)?;
        let loaded = Arc::new(Exports::of(pre, &self.compiled.key));
        self.loaded.store(Some(Arc::clone(&loaded)));
        self.is_used.store(true, Relaxed);
        self.shelf.put(self);
        Ok(loaded)
    }
}

/// Loaded code in use. Its users are not counted: that would be a write to memory that all cores write to.
pub(crate) struct Held(Guard<Option<Arc<Exports>>>);

impl Held {
    /// What it can be called for. Nothing is missing here, since it is loaded.
    pub(crate) fn exports(&self) -> Option<&Exports> {
        self.0.as_deref()
    }
}

/// Loads `compiled` and binds its imports.
pub(crate) fn load(
    engine: &Engine,
    compiled: &Compiled,
    shape: &Shape,
) -> wasmtime::Result<InstancePre<State>> {
    let component = compiled.code.component(&engine.inner)?;
    bind::bind(&engine.inner, &component, shape)?.instantiate_pre(&component)
}

/// What tells code from other code.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    code: Key,
    shape: Shape,
    /// The address of its engine, of which there is no other while it lives.
    engine: usize,
}

/// The loaded code of a host's units.
#[derive(Debug)]
pub struct Shelf {
    at_most: usize,
    known: Mutex<HashMap<Identity, Weak<Shelved>>>,
    ring: Mutex<Ring>,
}

/// What is loaded. A hand goes round and drops what was not used since it last came by (the clock
/// algorithm of page replacement: F. J. Corbató, "A Paging Experiment with the Multics System", 1968).
#[derive(Debug, Default)]
struct Ring {
    loaded: Vec<Weak<Shelved>>,
    hand: usize,
}

impl Default for Shelf {
    fn default() -> Self {
        let by_memory = memory::total_bytes() / 8 / LOADED_BYTES;
        Self::new(by_memory.clamp(16, MAX_LOADED) as usize)
    }
}

impl Shelf {
    fn new(at_most: usize) -> Self {
        Self { at_most, known: Mutex::default(), ring: Mutex::default() }
    }

    /// The code of a unit that was compiled to `compiled` and has imports of this `shape`, loaded. Blocks
    /// for as long as that takes, and is not for asynchronous tasks.
    ///
    /// # Errors
    /// If the code cannot be loaded, or it imports what the host cannot meet.
    pub(crate) fn find(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        compiled: &Compiled,
        shape: Shape,
    ) -> wasmtime::Result<(Arc<Shelved>, Arc<Exports>)> {
        let code = compiled.key.clone();
        let identity = Identity { code, shape, engine: Arc::as_ptr(engine).addr() };
        let shelved = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            match known.get(&identity).and_then(Weak::upgrade) {
                Some(shelved) => shelved,
                None => {
                    let shelved = Arc::new(Shelved {
                        engine: Arc::clone(engine),
                        compiled: compiled.clone(),
                        shape: identity.shape.clone(),
                        shelf: Arc::clone(self),
                        loaded: ArcSwapOption::empty(),
                        is_used: AtomicBool::new(false),
                        loading: tokio::sync::Mutex::default(),
                    });
                    known.insert(identity, Arc::downgrade(&shelved));
                    shelved
                }
            }
        };
        let loaded = {
            let _turn = shelved.loading.blocking_lock();
            match shelved.loaded.load_full() {
                Some(loaded) => loaded,
                None => shelved.load()?,
            }
        };
        Ok((shelved, loaded))
    }

    /// Takes note of what was just loaded, and drops what is too much.
    fn put(&self, shelved: &Arc<Shelved>) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.loaded.push(Arc::downgrade(shelved));
        if ring.loaded.len() > self.at_most {
            // What no unit has any more is not in the way of what one has.
            ring.loaded.retain(|loaded| loaded.strong_count() > 0);
        }
        // At most once round to take the marks away, and once more to drop.
        let mut steps = 2 * ring.loaded.len();
        while ring.loaded.len() > self.at_most && steps > 0 {
            steps -= 1;
            ring.step(shelved);
        }
    }

    /// Forgets the code that no unit has any more.
    fn forget(&self, shelved: &Shelved) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = shelved.identity();
        // The same may be there again already.
        if known.get(&identity).is_some_and(|known| known.strong_count() == 0) {
            known.remove(&identity);
        }
    }
}

impl Ring {
    /// Looks at one, and drops it if it was not used since the last look. Not `newest`, for which room is
    /// made.
    fn step(&mut self, newest: &Arc<Shelved>) {
        self.hand %= self.loaded.len();
        let is_dropped = match self.loaded[self.hand].upgrade() {
            None => true,
            Some(shelved) if Arc::ptr_eq(&shelved, newest) => false,
            Some(shelved) if shelved.is_used.swap(false, Relaxed) => false,
            Some(shelved) => {
                // Instances that run keep it until they end.
                shelved.loaded.store(None);
                true
            }
        };
        if is_dropped {
            self.loaded.swap_remove(self.hand);
        } else {
            self.hand += 1;
        }
    }
}

impl Drop for Shelved {
    fn drop(&mut self) {
        self.shelf.forget(self);
    }
}
