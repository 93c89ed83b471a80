//! Makes a component of a program of preview 1 whose memory is its own.
//!
//! The adapter keeps what it has in the program's memory, in pages that it takes by `memory.grow` or in
//! what the program's `cabi_realloc` returns. Programs count on what natively holds, that nobody else
//! grows their memory: many take all that is there when they begin to allocate, or take what they grow to
//! follow what they have. And what `cabi_realloc` returns need not last longer than a call: it may be
//! collected, or be part of an arena that every call begins anew. The two would write over each other. So
//! the adapter is put on a [bridge](super::bridge), and the program behind it: it takes its memory and the
//! functions of preview 1 from there, and otherwise stays as it is, to the byte, so that what says which
//! lines its code came from stays right.

use std::collections::BTreeMap;

use wasm_encoder::{
    ConstExpr, ElementSection, Elements, EntityType, ImportSection, Module as NewModule, Section,
    StartSection, TypeSection, ValType,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{
    BinaryReader, CompositeInnerType, ExternalKind, FuncType, ImportSectionReader, Parser, Payload,
    TypeRef,
};

use super::{
    AdaptError, PREVIEW_1,
    bridge::{Plan, Signature, memory_name, table},
    encoded::{Behind, Encoded},
    preview_1::{Function, described},
};
use crate::{
    exit_code,
    read::{Depth, ReadError, validate},
    section::{id, split, write},
};

/// The name by which the program takes its memory.
const MEMORY: &str = "keyway";

/// What a custom section's name begins with that says what world a module is for.
pub(super) const WORLD: &str = "component-type";

/// A program of preview 1.
#[derive(Default)]
pub(super) struct Program<'a> {
    bytes: &'a [u8],
    types: Vec<Option<FuncType>>,
    /// The types of all its functions, those that it imports first.
    function_types: Vec<u32>,
    functions: Vec<&'static Function>,
    imports: Vec<(&'a str, Signature<'a>)>,
    /// How often it imports each function, by the names of its module and its own.
    counts: BTreeMap<(&'a str, &'a str), usize>,
    memories: Vec<wasmparser::MemoryType>,
    shown: usize,
    exports: Vec<(&'a str, u32)>,
    world: Vec<(&'a str, &'a [u8])>,
    is_command: bool,
    initializer: Option<&'a str>,
}

impl<'a> Program<'a> {
    /// Reads a valid module, which imports from preview 1, and what its world has if it has one.
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
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        program.function_types.push(ty.map_err(ReadError::from)?);
                    }
                }
                Payload::MemorySection(memories) => {
                    for memory in memories {
                        program.memory(memory.map_err(ReadError::from)?)?;
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        program.export(&export.map_err(ReadError::from)?);
                    }
                }
                Payload::CustomSection(section) if section.name().starts_with(WORLD) => {
                    program.world.push((section.name(), section.data()));
                }
                _ => {}
            }
        }
        Ok(program)
    }

    fn import(&mut self, import: &wasmparser::Import<'a>) -> Result<(), AdaptError> {
        let (from, name) = (import.module, import.name);
        let unfit = |what: &str| {
            let name = if from == PREVIEW_1 { described(name) } else { format!("{from}.{name}") };
            Err(AdaptError::Encode { reason: format!("it imports `{name}`, {what}") })
        };
        let (TypeRef::Func(ty) | TypeRef::FuncExact(ty)) = import.ty else {
            return unfit(if matches!(import.ty, TypeRef::Memory(_)) {
                "but a module for preview 1 has to define its own memory: build it without \
                 `--import-memory`"
            } else {
                "which is not a function there"
            });
        };
        self.function_types.push(ty);
        *self.counts.entry((from, name)).or_default() += 1;
        let signature = self.signature(name, ty);
        if from != PREVIEW_1 {
            let Some(signature) = signature else {
                return unfit("which takes or returns something other than numbers");
            };
            if !self.imports.iter().any(|(known, it)| *known == from && it.name == name) {
                self.imports.push((from, signature));
            }
            return Ok(());
        }
        let Some(function) = Function::find(name) else {
            return unfit("which preview 1 does not have");
        };
        let is_same = signature.is_some_and(|signature| {
            signature.params == function.params() && signature.results == function.results()
        });
        if !is_same {
            return unfit("which takes or returns something else");
        }
        if !self.functions.iter().any(|known| known.name == name) {
            self.functions.push(function);
        }
        Ok(())
    }

    /// What a function of this type takes and returns, if that is numbers.
    fn signature(&self, name: &'a str, ty: u32) -> Option<Signature<'a>> {
        let ty = self.types.get(ty as usize)?.as_ref()?;
        let numbers = |types: &[wasmparser::ValType]| {
            types.iter().map(|ty| number(*ty)).collect::<Option<Vec<_>>>()
        };
        Some(Signature { name, params: numbers(ty.params())?, results: numbers(ty.results())? })
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

    fn export(&mut self, export: &wasmparser::Export<'a>) {
        // Some names are different in the scheme of names that may become the standard.
        match (export.name, export.kind) {
            ("memory" | "cm32p2_memory", ExternalKind::Memory) => {
                self.shown = export.index as usize;
            }
            ("_start", ExternalKind::Func) => self.is_command = true,
            ("_initialize" | "cm32p2_initialize", ExternalKind::Func) => {
                self.initializer = Some(export.name);
            }
            (_, ExternalKind::Func) => self.exports.push((export.name, export.index)),
            _ => {}
        }
    }

    /// The functions that are called from outside, in the order in which they lie in the bridge's table.
    fn called(&self) -> Vec<Signature<'a>> {
        let start = Signature { name: "_start", params: Vec::new(), results: Vec::new() };
        let start = self.is_command.then_some(start);
        let of_world = self.exports.iter().filter(|_| !self.world.is_empty());
        let of_world = of_world.filter_map(|&(name, function)| {
            // The bridge has those names for functions of its own.
            let is_free = Function::find(name).is_none();
            let ty = *self.function_types.get(function as usize).filter(|_| is_free)?;
            self.signature(name, ty)
        });
        start.into_iter().chain(of_world).collect()
    }

    /// Makes the component, in which `encode` puts a module together with the adapter.
    pub(super) fn component(
        &self,
        encode: impl Fn(&[u8]) -> Result<Vec<u8>, AdaptError>,
    ) -> Result<Vec<u8>, AdaptError> {
        let called = self.called();
        let bridge = Plan {
            functions: &self.functions,
            imports: &self.imports,
            exports: &called,
            memories: &self.memories,
            shown: self.shown,
            world: &self.world,
        };
        let bridge = bridge.bridge();
        let encoded = match encode(&exit_code::keep(&bridge)?) {
            // The world may come with another version of what exits with a code.
            Err(_) if !self.world.is_empty() => encode(&bridge)?,
            encoded => encoded?,
        };
        let module = self.behind_bridge()?;
        let is_initialized = !self.is_command || !self.world.is_empty();
        let initializer = self.initializer.filter(|_| is_initialized);
        let starter = starter(&called, initializer.is_some());
        let behind = Behind {
            module: &module,
            instances: (PREVIEW_1, MEMORY),
            imports: self.imports.iter().map(|(from, _)| *from).collect(),
            again: self.again(),
            memory: (self.shown < self.memories.len()).then(|| memory_name(self.shown)),
            starter: &starter,
            called: called.iter().map(|function| function.name).collect(),
            initializer,
        };
        let component = Encoded::read(&encoded)?.with(&behind)?;
        let valid = validate(&component, Depth::Structure);
        valid.map_err(|error| AdaptError::Encode { reason: error.to_string() })?;
        Ok(component)
    }

    /// The names by which it takes instances once more, each with the name that the instance has.
    fn again(&self) -> Vec<(String, &'a str)> {
        let mut most = BTreeMap::new();
        for (&(from, _), &count) in &self.counts {
            let known = most.entry(from).or_insert(count);
            *known = count.max(*known);
        }
        let names = |(from, count)| (1..count).map(move |number| (again(from, number), from));
        most.into_iter().flat_map(names).collect()
    }

    /// The program, with other imports.
    fn behind_bridge(&self) -> Result<Vec<u8>, AdaptError> {
        let (header, sections) = split(self.bytes).map_err(ReadError::from)?;
        let mut out = header.to_vec();
        let mut is_written = false;
        for (section, data) in sections {
            // What comes before imports are types.
            if !is_written && section >= id::IMPORTS {
                let before = (section == id::IMPORTS).then_some(data);
                self.imports_behind(before)?.append_to(&mut out);
                is_written = true;
            }
            match section {
                id::IMPORTS | id::MEMORIES => {}
                id::CUSTOM if is_world(data)? => {}
                _ => write(section, data, &mut out),
            }
        }
        Ok(out)
    }

    /// What it imports, and its memories after that. Imports of other kinds have numbers of their own, so
    /// that nothing else changes. A module may import a function twice, but not within a component: there
    /// it takes the function from the same instance by another name.
    fn imports_behind(&self, before: Option<&[u8]>) -> Result<ImportSection, AdaptError> {
        let mut imports = ImportSection::new();
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        if let Some(before) = before {
            let reader = ImportSectionReader::new(BinaryReader::new(before, 0));
            for import in reader.map_err(ReadError::from)?.into_imports() {
                let import = import.map_err(ReadError::from)?;
                let (from, name) = (import.module, import.name);
                let ty = RoundtripReencoder.entity_type(import.ty);
                let ty = ty.map_err(|error| AdaptError::Encode { reason: error.to_string() })?;
                let count = counts.entry((from, name)).or_default();
                match *count {
                    0 => imports.import(from, name, ty),
                    number => imports.import(&again(from, number), name, ty),
                };
                *count += 1;
            }
        }
        for (number, memory) in self.memories.iter().enumerate() {
            let memory = wasm_encoder::MemoryType::from(*memory);
            imports.import(MEMORY, &memory_name(number), EntityType::Memory(memory));
        }
        Ok(imports)
    }
}

/// The name by which the program takes an instance for the functions that it imports from there for the
/// `number`th time, after the first.
fn again(from: &str, number: usize) -> String {
    format!("keyway:{number}:{from}")
}

/// Whether a custom section says what world a module is for.
fn is_world(section: &[u8]) -> Result<bool, ReadError> {
    let name = BinaryReader::new(section, 0).read_string()?;
    Ok(name.starts_with(WORLD))
}

fn number(ty: wasmparser::ValType) -> Option<ValType> {
    match ty {
        wasmparser::ValType::I32 => Some(ValType::I32),
        wasmparser::ValType::I64 => Some(ValType::I64),
        wasmparser::ValType::F32 => Some(ValType::F32),
        wasmparser::ValType::F64 => Some(ValType::F64),
        _ => None,
    }
}

/// A module that puts the functions of the program where the bridge calls them, and has it initialized.
fn starter(called: &[Signature<'_>], initializes: bool) -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    for (place, function) in (0..).zip(called) {
        types.ty().function(function.params.iter().copied(), function.results.iter().copied());
        imports.import("", &place.to_string(), EntityType::Function(place));
    }
    let mut elements = ElementSection::new();
    if !called.is_empty() {
        imports.import("", "table", table(called.len()));
        let functions: Vec<_> = (0..).zip(called).map(|(place, _)| place).collect();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(functions.into()));
    }
    let initializer = types.len();
    if initializes {
        types.ty().function([], []);
        imports.import("", "initializer", EntityType::Function(initializer));
    }
    let mut module = NewModule::new();
    module.section(&types).section(&imports);
    if initializes {
        module.section(&StartSection { function_index: initializer });
    }
    module.section(&elements);
    module.finish()
}
