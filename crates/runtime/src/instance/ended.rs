//! Why an instance ended.

use keyway_call::Failure;
use wasmtime::Store;

use super::trace;
use crate::{bind::Denied, state::State};

/// Says why an instance ended.
pub(crate) fn failure(store: &mut Store<State>, error: &wasmtime::Error) -> Failure {
    if let Some(denied) = error.downcast_ref::<Denied>() {
        return Failure::Denied(denied.to_string());
    }
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Failure::NoRoom(error.to_string());
    }
    let trap = error.root_cause().to_string();
    if let Some(exceeded) = store.data_mut().exceeded(&trap) {
        return exceeded;
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Failure::Trap(format!("it exited with status {}", exit.0));
    }
    match error.downcast_ref::<wasmtime::WasmBacktrace>() {
        None => Failure::Trap(trap),
        Some(backtrace) => Failure::Trap(format!("{trap}{}", trace::frames(backtrace))),
    }
}
