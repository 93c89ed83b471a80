//! A unit whose functions are called one by one, with values written as text (WAVE).

mod value;

use std::{ops::Range, sync::Arc};

use keyway_call::{Deadline, Failure};
use wasmtime::{
    Store,
    component::{ComponentExportIndex, InstancePre, Type, Val, types::ComponentFunc},
};

use crate::{
    engine::{Compiled, Engine, Pools},
    grant::plan::Plan,
    instance::failure,
    place::Slots,
    state::State,
    unit::{Bound, UnitError, UnitSpec},
};
use value::{Parsed, is_writable};

pub use value::Value;

/// The text of a call, such as `parse("a b c")`. Its values are not compared with any type yet.
pub struct Call(Parsed);

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Call").field(&self.0.source()).finish()
    }
}

/// Why a text is not a call, or not one of this function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallTextError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes of the text.
    pub span: Range<usize>,
}

impl Call {
    /// Reads the text of a call.
    ///
    /// # Errors
    /// If it is not a function's name with values in parentheses.
    pub fn parse(text: &str) -> Result<Self, CallTextError> {
        value::parse(text).map(Self)
    }

    /// The function's name as it is written: alone, or behind its interface's and a dot, such as
    /// `cyber:systems/parser.parse`.
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The unit does not export the function.
    #[error("it exports no function `{0}`")]
    NoFunction(String),
    /// Some value that the function takes or returns cannot be written.
    #[error("`{0}` cannot be called by hand: it takes or returns values that text cannot express")]
    Unwritable(String),
    /// The values are not those that the function takes.
    #[error(transparent)]
    Values(#[from] CallTextError),
    /// It did not come to its end.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A unit, ready to be called.
pub struct Callable {
    engine: Arc<Engine>,
    plan: Arc<Plan>,
    pre: InstancePre<State>,
    slots: Slots,
}

impl std::fmt::Debug for Callable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callable").finish_non_exhaustive()
    }
}

impl Callable {
    /// Loads `compiled` and binds its imports.
    ///
    /// # Errors
    /// If it imports what the host cannot meet.
    pub fn new(pools: &Pools, compiled: &Compiled, spec: UnitSpec) -> Result<Self, UnitError> {
        let Bound { engine, plan, pre, slots } = Bound::new(pools, compiled, spec)?;
        Ok(Self { engine, plan, pre, slots })
    }

    /// Calls the function `name` of `interface`, or of the world itself, in a fresh instance, and
    /// returns what it returns.
    ///
    /// # Errors
    /// If there is no such function, the values do not fit it, or it does not come to its end.
    pub async fn call(
        &self,
        interface: Option<&str>,
        name: &str,
        call: &Call,
    ) -> Result<Option<Value>, CallError> {
        let (export, function) = self.function(interface, name)?;
        let types: Vec<Type> = function.params().map(|(_, ty)| ty).collect();
        if !types.iter().chain(&function.results().collect::<Vec<_>>()).all(is_writable) {
            return Err(CallError::Unwritable(name.to_owned()));
        }
        let values = call.0.values(&types)?;
        let mut results = vec![Val::Bool(false); function.results().len()];
        let deadline = Deadline::after(self.plan.limit.time);
        let mut store = self.engine.store(&self.plan, self.slots, deadline).await?;
        let _epoch = self.engine.epoch_guard();
        let call = self.run(&mut store, &export, &values, &mut results);
        let done = deadline.limit(call).await?;
        done.map_err(|error| failure(&mut store, &error))?;
        Ok(results.pop().map(Value))
    }

    fn function(
        &self,
        interface: Option<&str>,
        name: &str,
    ) -> Result<(ComponentExportIndex, ComponentFunc), CallError> {
        use wasmtime::component::types::ComponentItem;
        let unknown = || CallError::NoFunction(name.to_owned());
        let component = self.pre.component();
        let instance = interface
            .map(|interface| component.get_export_index(None, interface).ok_or_else(unknown))
            .transpose()?;
        match component.get_export(instance.as_ref(), name) {
            Some((ComponentItem::ComponentFunc(function), index)) => Ok((index, function)),
            _ => Err(unknown()),
        }
    }

    async fn run(
        &self,
        store: &mut Store<State>,
        export: &ComponentExportIndex,
        values: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let function = instance.get_func(&mut *store, export);
        // It was found in the component that this is an instance of.
        let function = function.ok_or_else(|| wasmtime::Error::msg("the function is gone"))?;
        function.call_async(store, values, results).await
    }
}
