//! Runs units on wasmtime: the engine, the cache of compiled components, instances, grants and
//! limits. It does not know where requests come from, nor what a manifest looks like.

mod bind;
mod cache;
mod call;
mod command;
mod compiler;
mod descriptor;
mod engine;
mod exact;
mod failure;
mod grant;
mod handle;
mod instance;
mod limit;
mod memory;
mod pace;
mod plan;
mod state;
mod unit;

pub use cache::{Cache, CacheError, Key};
pub use call::{Call, CallError, CallTextError, Callable, Value};
pub use command::Command;
pub use compiler::{CompileError, Compiled, Compiler, Needs, Purpose};
pub use engine::{EngineError, Engines, Room};
pub use failure::{Body, BodyError, Failure};
pub use grant::{InputFile, OutputFile, Principal, Printer, Remedy, Stream, Streams, flush_output};
/// How many components one unit can hold.
pub const MEMBERS_AT_MOST: usize = state::MEMBERS_AT_MOST;
pub use unit::{Unit, UnitError, UnitSpec};
