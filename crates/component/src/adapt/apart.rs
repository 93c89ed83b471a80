//! Makes a component of a program of preview 1 whose memory is its own.
//!
//! The adapter keeps what it has in the program's memory, in pages that it takes by `memory.grow`.
//! Programs count on what natively holds, that nobody else grows their memory: many take all that is
//! there when they begin to allocate, or take what they grow to follow what they have. The two would
//! write over each other. So the adapter is put on a [bridge](super::bridge), and the program behind it:
//! it takes its memory and the functions of preview 1 from there, and otherwise stays as it is, to the
//! byte, so that what says which lines its code came from stays right.

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentSection, ConstExpr, ElementSection, Elements, Encode,
    EntityType, ExportKind, ImportSection, InstanceSection, Module as NewModule, ModuleArg,
    RefType, StartSection, TableType, TypeSection,
};
use wasmparser::{CompositeInnerType, ExternalKind, FuncType, Instance, Parser, Payload, TypeRef};

use super::{
    AdaptError, PREVIEW_1,
    bridge::{Plan, START, memory_name},
    preview_1::{Function, described},
};
use crate::{
    exit_code,
    read::{Depth, ReadError, validate},
    section::{id, split, write},
};

/// The name by which the program takes its memory.
const MEMORY: &str = "keyway";

/// A program of preview 1 without a world of its own.
#[derive(Default)]
pub(super) struct Program<'a> {
    bytes: &'a [u8],
    types: Vec<Option<FuncType>>,
    functions: Vec<&'static Function>,
    memories: Vec<wasmparser::MemoryType>,
    shown: usize,
    is_command: bool,
    initializes: bool,
}

impl<'a> Program<'a> {
    /// Reads a valid module, which imports nothing but what preview 1 has.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, AdaptError> {
        let mut program = Self { bytes, ..Self::default() };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(ReadError::from)? {
                Payload::TypeSection(types) => {
                    for group in types {
                        let group = group.map_err(ReadError::from)?;
                        let types = group.types().map(|ty| match &ty.composite_type.inner {
                            CompositeInnerType::Func(function) => Some(function.clone()),
                            _ => None,
                        });
                        program.types.extend(types);
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        program.import(&import.map_err(ReadError::from)?)?;
                    }
                }
                Payload::MemorySection(memories) => {
                    for memory in memories {
                        program.memory(memory.map_err(ReadError::from)?)?;
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export.map_err(ReadError::from)?;
                        match (export.name, export.kind) {
                            ("memory", ExternalKind::Memory) => {
                                program.shown = export.index as usize;
                            }
                            ("_start", ExternalKind::Func) => program.is_command = true,
                            ("_initialize", ExternalKind::Func) => program.initializes = true,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(program)
    }

    fn import(&mut self, import: &wasmparser::Import<'_>) -> Result<(), AdaptError> {
        let name = import.name;
        let unfit = |what: &str| {
            let reason = format!("it imports `{}`, {what}", described(name));
            Err(AdaptError::Encode { reason })
        };
        let (TypeRef::Func(ty) | TypeRef::FuncExact(ty)) = import.ty else {
            return unfit("which is not a function there");
        };
        let Some(function) = Function::find(name) else {
            return unfit("which preview 1 does not have");
        };
        let ty = self.types.get(ty as usize).and_then(Option::as_ref);
        let is_same = ty.is_some_and(|ty| {
            let val = |ty: &wasmparser::ValType| wasm_encoder::ValType::try_from(*ty).ok();
            ty.params().iter().map(val).eq(function.params().into_iter().map(Some))
                && ty.results().iter().map(val).eq(function.results().iter().copied().map(Some))
        });
        if !is_same {
            return unfit("which takes or returns something else");
        }
        if !self.functions.iter().any(|known| known.name == name) {
            self.functions.push(function);
        }
        Ok(())
    }

    fn memory(&mut self, memory: wasmparser::MemoryType) -> Result<(), AdaptError> {
        if memory.memory64 {
            let reason =
                "its memory has 64-bit addresses, but preview 1 has 32-bit ones".to_owned();
            return Err(AdaptError::Encode { reason });
        }
        self.memories.push(memory);
        Ok(())
    }

    /// Makes the component, in which `encode` puts a module together with the adapter.
    pub(super) fn component(
        &self,
        encode: impl FnOnce(&[u8]) -> Result<Vec<u8>, AdaptError>,
    ) -> Result<Vec<u8>, AdaptError> {
        let bridge = Plan {
            functions: self.functions.clone(),
            memories: &self.memories,
            shown: self.shown,
            is_command: self.is_command,
        };
        let bridge = bridge.bridge();
        let mut component = encode(&exit_code::keep(&bridge)?)?;
        let found = Found::read(&component)?;
        self.add_to(&mut component, &found)?;
        let valid = validate(&component, Depth::Structure);
        valid.map_err(|error| AdaptError::Encode { reason: error.to_string() })?;
        Ok(component)
    }

    /// Adds the program to a component that has the bridge.
    fn add_to(&self, component: &mut Vec<u8>, found: &Found) -> Result<(), AdaptError> {
        let (mut module, mut instance) = (found.modules, found.instances);
        write(id::CORE_MODULE, &self.without_memories()?, component);
        let mut instances = InstanceSection::new();
        let of_bridge = ModuleArg::Instance(found.bridge);
        instances.instantiate(module, [(PREVIEW_1, of_bridge), (MEMORY, of_bridge)]);
        instances.append_to_component(component);
        let program = instance;
        (module, instance) = (module + 1, instance + 1);
        let entry = match (self.is_command, self.initializes) {
            (true, _) => "_start",
            (false, true) => "_initialize",
            (false, false) => return Ok(()),
        };
        write(id::CORE_MODULE, &starter(self.is_command), component);
        let mut aliases = ComponentAliasSection::new();
        let kind = ExportKind::Func;
        aliases.alias(Alias::CoreInstanceExport { instance: program, kind, name: entry });
        if self.is_command {
            let kind = ExportKind::Table;
            aliases.alias(Alias::CoreInstanceExport { instance: found.bridge, kind, name: START });
        }
        aliases.append_to_component(component);
        let mut items = vec![("start", ExportKind::Func, found.functions)];
        if self.is_command {
            items.push(("table", ExportKind::Table, found.tables));
        }
        let mut instances = InstanceSection::new();
        instances.export_items(items);
        instances.instantiate(module, [("", ModuleArg::Instance(instance))]);
        instances.append_to_component(component);
        Ok(())
    }

    /// The program, with its memories imported. Imports of other kinds have numbers of their own, so that
    /// nothing else changes.
    fn without_memories(&self) -> Result<Vec<u8>, AdaptError> {
        let (header, sections) = split(self.bytes).map_err(ReadError::from)?;
        let mut imports = Vec::new();
        for (number, memory) in self.memories.iter().enumerate() {
            MEMORY.encode(&mut imports);
            memory_name(number).encode(&mut imports);
            let memory = wasm_encoder::MemoryType::from(*memory);
            EntityType::Memory(memory).encode(&mut imports);
        }
        let added = u32::try_from(self.memories.len()).unwrap_or(u32::MAX);
        let mut out = header.to_vec();
        let mut is_added = self.memories.is_empty();
        for (section, data) in sections {
            // What comes before imports are types.
            if !is_added && section > id::IMPORTS {
                let mut data = Vec::new();
                added.encode(&mut data);
                data.extend_from_slice(&imports);
                write(id::IMPORTS, &data, &mut out);
                is_added = true;
            }
            match section {
                id::MEMORIES => {}
                id::IMPORTS => {
                    let mut reader = wasmparser::BinaryReader::new(data, 0);
                    let count = reader.read_var_u32().map_err(ReadError::from)?;
                    let rest = &data[data.len() - reader.bytes_remaining()..];
                    let mut data = Vec::new();
                    count.saturating_add(added).encode(&mut data);
                    data.extend_from_slice(rest);
                    data.extend_from_slice(&imports);
                    write(id::IMPORTS, &data, &mut out);
                    is_added = true;
                }
                _ => write(section, data, &mut out),
            }
        }
        Ok(out)
    }
}

/// A module that puts the program's start where the bridge calls it, or calls it.
fn starter(is_command: bool) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    imports.import("", "start", EntityType::Function(0));
    let mut elements = ElementSection::new();
    let mut module = NewModule::new();
    module.section(&types);
    if is_command {
        imports.import(
            "",
            "table",
            TableType {
                element_type: RefType::FUNCREF,
                table64: false,
                minimum: 1,
                maximum: Some(1),
                shared: false,
            },
        );
        let functions = Elements::Functions(vec![0].into());
        elements.active(None, &ConstExpr::i32_const(0), functions);
        module.section(&imports).section(&elements);
    } else {
        module.section(&imports).section(&StartSection { function_index: 0 });
    }
    module.finish()
}

/// What a component has that the bridge was put into.
#[derive(Default)]
struct Found {
    /// How many core modules, instances, functions and tables there are.
    modules: u32,
    instances: u32,
    functions: u32,
    tables: u32,
    /// The bridge's instance.
    bridge: u32,
}

impl Found {
    fn read(component: &[u8]) -> Result<Self, AdaptError> {
        let mut found = Self::default();
        let mut depth = 0_usize;
        // The encoder puts the main module first.
        let main = 0;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.map_err(ReadError::from)?;
            match &payload {
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth != 1 {
                continue;
            }
            match payload {
                Payload::ModuleSection { .. } => found.modules += 1,
                Payload::InstanceSection(instances) => {
                    for instance in instances {
                        if let Instance::Instantiate { module_index, .. } =
                            instance.map_err(ReadError::from)?
                            && module_index == main
                        {
                            found.bridge = found.instances;
                        }
                        found.instances += 1;
                    }
                }
                Payload::ComponentAliasSection(aliases) => {
                    for alias in aliases {
                        found.alias(&alias.map_err(ReadError::from)?);
                    }
                }
                Payload::ComponentCanonicalSection(functions) => {
                    for function in functions {
                        let function = function.map_err(ReadError::from)?;
                        let is_lift =
                            matches!(function, wasmparser::CanonicalFunction::Lift { .. });
                        found.functions += u32::from(!is_lift);
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn alias(&mut self, alias: &wasmparser::ComponentAlias<'_>) {
        if let wasmparser::ComponentAlias::CoreInstanceExport { kind, .. } = alias {
            match kind {
                ExternalKind::Func | ExternalKind::FuncExact => self.functions += 1,
                ExternalKind::Table => self.tables += 1,
                _ => {}
            }
        }
    }
}
