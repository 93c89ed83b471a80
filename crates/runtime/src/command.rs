//! A command: a component that is called once, and ends with a code.

use std::sync::Arc;

use keyway_call::{Deadline, Failure};
use wasmtime::Store;
use wasmtime_wasi::{I32Exit, p2, p3};

use crate::{
    engine::{Compiled, Engine, Pools},
    grant::plan::Plan,
    instance::failure,
    place::Slots,
    state::State,
    unit::{Bound, UnitError, UnitSpec},
};

/// A command, ready to run.
pub struct Command {
    engine: Arc<Engine>,
    plan: Arc<Plan>,
    slots: Slots,
    entry: Entry,
    fuel: Option<u64>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("fuel", &self.fuel).finish_non_exhaustive()
    }
}

/// What is called, by the version of WASI.
enum Entry {
    /// `wasi:cli/run@0.2`
    Wasi0_2(p2::bindings::CommandPre<State>),
    /// `wasi:cli/run@0.3`
    Wasi0_3(p3::bindings::CommandPre<State>),
}

impl Command {
    /// Loads `compiled`, which was compiled for this purpose, and binds its imports. It ends when
    /// it has computed more than `fuel`.
    ///
    /// # Errors
    /// If it is not a command, or imports what the host cannot satisfy.
    pub fn new(
        pools: &Pools,
        compiled: &Compiled,
        spec: UnitSpec,
        fuel: Option<u64>,
    ) -> Result<Self, UnitError> {
        let name = spec.name.clone();
        let Bound { engine, plan, pre, slots } = Bound::new(pools, compiled, spec)?;
        let entry = match p3::bindings::CommandPre::new(pre.clone()) {
            Ok(pre) => Entry::Wasi0_3(pre),
            Err(_) => Entry::Wasi0_2(
                p2::bindings::CommandPre::new(pre).map_err(|_| UnitError::NoCommand(name))?,
            ),
        };
        Ok(Self { engine, plan, slots, entry, fuel })
    }

    /// Runs it to its end, and returns the code that it ends with.
    ///
    /// # Errors
    /// If it does not come to its own end.
    pub async fn run(&self) -> Result<i32, Failure> {
        let deadline = Deadline::after(self.plan.limit.time);
        let mut store = self.engine.store(&self.plan, self.slots, deadline).await?;
        if let Some(fuel) = self.fuel {
            store.set_fuel(fuel).map_err(|error| Failure::NoRoom(error.to_string()))?;
        }
        let _epoch = self.engine.epoch_guard();
        match deadline.limit(self.call(&mut store)).await? {
            Ok(Ok(())) => Ok(0),
            Ok(Err(())) => Ok(1),
            Err(error) => match error.downcast_ref::<I32Exit>() {
                Some(I32Exit(code)) => Ok(*code),
                None => Err(failure(&mut store, &error)),
            },
        }
    }

    async fn call(&self, store: &mut Store<State>) -> wasmtime::Result<Result<(), ()>> {
        match &self.entry {
            Entry::Wasi0_2(pre) => {
                let command = pre.instantiate_async(&mut *store).await?;
                command.wasi_cli_run().call_run(store).await
            }
            Entry::Wasi0_3(pre) => {
                let command = pre.instantiate_async(&mut *store).await?;
                let call = store.run_concurrent(async |accessor| {
                    command.wasi_cli_run().call_run(accessor).await
                });
                call.await?
            }
        }
    }
}
