//! Runs units on wasmtime: the engine, the cache of compiled components, instances, grants and
//! limits. It does not know where requests come from, nor what a manifest looks like.
//!
//! From bytes to an answer:
//! 1. [`Compiler`] compiles a unit, or finds it in the [`Cache`], and says what an instance needs.
//! 2. [`Engines`] have the memory of all instances of a host, and make room for a unit's.
//! 3. A [`UnitSpec`] says whose each import is: a [`Principal`] for each component, with its rights.
//! 4. [`Unit::new`] binds the imports, and [`Unit::handle`] answers requests. A [`Command`] runs once, and
//!    the functions of a [`Callable`] are called by hand.
//!
//! | room | purpose |
//! | --- | --- |
//! | `cache` | compiled code, which is kept |
//! | `engine` | from a component's bytes to code, and what that runs in: the pool of memory, and the clock that makes it give way |
//! | `unit`, `command`, `call` | what is made of code and rights, to be called |
//! | `shelf`, `export` | code that is loaded, for all units that are the same; and what it can be called for |
//! | `admission` | which calls of a unit run, which wait, and which are refused |
//! | `instance` | a request in an instance, or in one that answers several |
//! | `reset` | instances that have answered, put back into the state of new ones |
//! | `bind` | what meets an import: first denial, then the host's functions; a file for each capability |
//! | `exact` | host functions in place of those of wasmtime that do something else than WIT says |
//! | `state` | what an instance has at the host, and what its functions see of that |
//! | `grant` | rights as they are enforced: HTTP, sockets, folders, streams; its `plan` says what all instances of a unit share: whose each slot is, and what it may reach |
//! | `limit`, `memory`, `place`, `pace`, `turn`, `handle`, `descriptor` | what may be used: by an instance, by an app, and by all together |
//! | `account`, `usage` | what was used, by an app |
//!
//! All of it, with a component and no app around it, is in `benches/unit.rs`.
//!
//! A new capability is a file in `bind`, with a row in `bind::CAPABILITIES`, and what its links lead
//! to in [`Principal`].

mod account;
mod admission;
mod bind;
mod cache;
mod call;
mod command;
mod descriptor;
mod engine;
mod exact;
mod export;
mod grant;
mod handle;
mod instance;
mod limit;
mod memory;
mod pace;
mod place;
mod reset;
mod shelf;
mod state;
mod turn;
mod unit;
mod usage;

pub use account::Account;
pub use cache::{Cache, CacheError, Key};
pub use call::{Call, CallError, CallTextError, Callable, Value};
pub use command::Command;
pub use engine::{
    CompileError, Compiled, CompiledNote, Compiler, EngineError, Engines, Needs, Pools, Purpose,
    Room,
};
pub use grant::{InputFile, OutputFile, Principal, Printer, Remedy, Stream, Streams, flush_output};
pub use memory::total_bytes as memory_bytes;
/// How many components one unit can hold.
pub const MAX_MEMBERS: usize = state::MAX_MEMBERS;
pub use shelf::Shelf;
pub use unit::{Unit, UnitError, UnitSpec};
pub use usage::{Usage, Used};
