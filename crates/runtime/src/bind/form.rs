//! What only the type of an import shows: one name and version can stand for two forms of an
//! interface.

use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem, Type};

/// The form of an imported interface.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Form {
    /// Whether a function of it is asynchronous. An engine for components without such functions
    /// takes none from the host either.
    pub(super) is_asynchronous: bool,
    /// Whether `get-many` of `wasi:keyvalue/batch` answers with every key, as Spin has it, and not
    /// with those alone that have a value.
    pub(super) lists_every_key: bool,
}

impl Form {
    pub(super) fn of(engine: &wasmtime::Engine, import: &ComponentInstance) -> Self {
        let mut form = Self::default();
        for (name, export) in import.exports(engine) {
            if let ComponentItem::ComponentFunc(function) = &export.ty {
                form.is_asynchronous |= function.async_();
                form.lists_every_key |= name == "get-many" && lists_tuples(function);
            }
        }
        form
    }
}

fn lists_tuples(function: &ComponentFunc) -> bool {
    let Some(Type::Result(result)) = function.results().next() else { return false };
    matches!(result.ok(), Some(Type::List(list)) if matches!(list.ty(), Type::Tuple(_)))
}
