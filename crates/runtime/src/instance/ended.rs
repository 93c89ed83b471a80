//! Why an instance ended.

use keyway_call::Failure;
use keyway_word::printable;
use wasmtime::Store;

use crate::{bind::Denied, state::State};

/// Says why an instance ended.
pub(crate) fn failure(store: &mut Store<State>, error: &wasmtime::Error) -> Failure {
    if let Some(denied) = error.downcast_ref::<Denied>() {
        return Failure::Denied(denied.to_string());
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
        Some(backtrace) => Failure::Trap(format!("{trap}{}", frames(backtrace))),
    }
}

/// The innermost functions of a backtrace, by name, with their lines where these are known.
fn frames(backtrace: &wasmtime::WasmBacktrace) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for frame_of in backtrace.frames().iter().take(8) {
        let module = frame_of.module().name().unwrap_or("wasm");
        let function = frame_of.func_name().unwrap_or("a function without a name");
        // Writing to a string does not fail.
        let frame = format!("in {module}: {}", rustc_demangle::demangle(function));
        let _ = write!(text, "\n    {}", printable(&frame));
        // Only where the component has them, and code was compiled to look them up.
        if let Some(symbol) = frame_of.symbols().first()
            && let (Some(file), Some(line)) = (symbol.file(), symbol.line())
        {
            let _ = write!(text, " at {}:{line}", printable(file));
        }
    }
    text
}
