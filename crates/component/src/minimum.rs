//! What an instance of a component takes before any of its code runs, as far as its structure
//! shows: a module or component from elsewhere does not count.

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Parser, Payload,
};

use crate::ReadError;

/// What an instance takes at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Minimum {
    /// Bytes of all its memories together.
    pub memory_bytes: u64,
    /// Elements of all its tables together.
    pub table_elements: u64,
    /// Core instances, without those that an engine adds for calls between components.
    pub instances: u64,
}

impl Add for Minimum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            table_elements: self.table_elements.saturating_add(other.table_elements),
            instances: self.instances.saturating_add(other.instances),
        }
    }
}

impl AddAssign for Minimum {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Says what an instance of a component takes at least.
///
/// # Errors
///
/// Says why the bytes cannot be read.
pub fn minimum(bytes: &[u8]) -> Result<Minimum, ReadError> {
    let mut open: Vec<Definition> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => open.push(Definition::new(encoding)),
            Payload::End(_) => {
                let Some(done) = open.pop() else { break };
                match (open.last_mut(), done.is_module) {
                    (None, _) => return Ok(done.takes),
                    (Some(outer), true) => outer.modules.push(done.takes),
                    (Some(outer), false) => outer.components.push(done.takes),
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    add_alias(&mut open, alias?);
                }
            }
            payload => {
                if let Some(definition) = open.last_mut() {
                    definition.add(payload)?;
                }
            }
        }
    }
    Ok(Minimum::default())
}

/// A module or component that is being read.
struct Definition {
    is_module: bool,
    takes: Minimum,
    /// What an instance of each module and component in its index spaces takes.
    modules: Vec<Minimum>,
    components: Vec<Minimum>,
}

impl Definition {
    fn new(encoding: Encoding) -> Self {
        let is_module = encoding == Encoding::Module;
        let instances = u64::from(is_module);
        let takes = Minimum { instances, ..Minimum::default() };
        Self { is_module, takes, modules: Vec::new(), components: Vec::new() }
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<(), ReadError> {
        match payload {
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory?;
                    let page_bytes = 1_u64.checked_shl(memory.page_size_log2.unwrap_or(16));
                    let bytes = memory.initial.saturating_mul(page_bytes.unwrap_or(u64::MAX));
                    self.takes.memory_bytes = self.takes.memory_bytes.saturating_add(bytes);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let elements = table?.ty.initial;
                    self.takes.table_elements = self.takes.table_elements.saturating_add(elements);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        self.takes += at(&self.modules, module_index);
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        self.takes += at(&self.components, component_index);
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    match import?.ty {
                        ComponentTypeRef::Module(_) => self.modules.push(Minimum::default()),
                        ComponentTypeRef::Component(_) => self.components.push(Minimum::default()),
                        _ => {}
                    }
                }
            }
            // An exported item exists again, under its own index.
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.copy(export.kind, |index_space| at(index_space, export.index));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds an item to the index space of its kind, which is made of what is there.
    fn copy(&mut self, kind: ComponentExternalKind, item: impl FnOnce(&[Minimum]) -> Minimum) {
        let index_space = match kind {
            ComponentExternalKind::Module => &mut self.modules,
            ComponentExternalKind::Component => &mut self.components,
            _ => return,
        };
        let item = item(index_space);
        index_space.push(item);
    }
}

fn add_alias(open: &mut [Definition], alias: ComponentAlias<'_>) {
    let outer = |count: u32| open.len().checked_sub(count as usize + 1).map(|at| &open[at]);
    let (kind, item) = match alias {
        ComponentAlias::InstanceExport { kind, .. } => (kind, Minimum::default()),
        ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, count, index } => {
            let item = outer(count).map(|outer| at(&outer.modules, index));
            (ComponentExternalKind::Module, item.unwrap_or_default())
        }
        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
            let item = outer(count).map(|outer| at(&outer.components, index));
            (ComponentExternalKind::Component, item.unwrap_or_default())
        }
        ComponentAlias::Outer { .. } | ComponentAlias::CoreInstanceExport { .. } => return,
    };
    if let Some(definition) = open.last_mut() {
        definition.copy(kind, |_| item);
    }
}

fn at(index_space: &[Minimum], index: u32) -> Minimum {
    index_space.get(index as usize).copied().unwrap_or_default()
}
