//! Puts a program behind its bridge in the component that the encoder made of the bridge.
//!
//! The encoder takes the bridge for the program, and knows one memory, the adapter's. Functions of the
//! program's world have to use the program's memory instead: those that the bridge imports and passes on,
//! and those that it exports.

use std::collections::BTreeSet;

use wasm_encoder::{
    Alias, CanonicalFunctionSection, ComponentAliasSection, ComponentSection, ExportKind,
    InstanceSection, ModuleArg,
    reencode::{self, Reencode, ReencodeComponent},
};
use wasmparser::{
    BinaryReader, BinaryReaderError, CanonicalFunction, ComponentAlias,
    ComponentAliasSectionReader, ComponentCanonicalSectionReader, ExternalKind,
    InstanceSectionReader,
};

use super::{AdaptError, bridge::TABLE};
use crate::{
    read::ReadError,
    section::{Section, id, split, write},
};

/// The encoder's first module is the one that it was given.
const BRIDGE: u32 = 0;

/// The argument by which the encoder hands its fillers of shims what is behind each shim.
const BEHIND_SHIMS: &str = "actual";

/// What is put behind the bridge.
pub(super) struct Behind<'b> {
    /// The program.
    pub(super) module: &'b [u8],
    /// The instances that it takes from the bridge.
    pub(super) instances: (&'b str, &'b str),
    /// The instances that it takes as the bridge does.
    pub(super) imports: BTreeSet<&'b str>,
    /// The names by which it takes some of these once more, each with the name that the instance has.
    pub(super) again: Vec<(String, &'b str)>,
    /// The name by which the bridge exports the memory that functions of its world use.
    pub(super) memory: Option<String>,
    /// The module that fills the bridge's table.
    pub(super) starter: &'b [u8],
    /// The program's functions that the table has.
    pub(super) called: Vec<&'b str>,
    /// Its function that is called once, before any other.
    pub(super) initializer: Option<&'b str>,
}

/// A core instance of a component.
enum Instance<'a> {
    /// Of a module, with its arguments.
    Of(u32, Vec<(&'a str, u32)>),
    /// Assembled from functions and other items.
    OfItems(Vec<(&'a str, ExternalKind, u32)>),
}

/// Where a core function of a component comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The component model, by its number among what the component has of that.
    Canonical(usize),
    /// An instance, by its name there.
    Export(u32, &'a str),
}

/// A component of the encoder.
pub(super) struct Encoded<'a> {
    header: &'a [u8],
    sections: Vec<Section<'a>>,
    modules: u32,
    instances: Vec<Instance<'a>>,
    functions: Vec<Source<'a>>,
    /// Core functions that are exported to the component model, each with its number there.
    lifted: Vec<(usize, u32)>,
    canonicals: usize,
    tables: u32,
    memories: u32,
}

impl<'a> Encoded<'a> {
    pub(super) fn read(component: &'a [u8]) -> Result<Self, AdaptError> {
        let (header, sections) = split(component).map_err(ReadError::from)?;
        let mut encoded = Self {
            header,
            sections: Vec::new(),
            modules: 0,
            instances: Vec::new(),
            functions: Vec::new(),
            lifted: Vec::new(),
            canonicals: 0,
            tables: 0,
            memories: 0,
        };
        for section in &sections {
            encoded.section(*section).map_err(ReadError::from)?;
        }
        encoded.sections = sections;
        Ok(encoded)
    }

    fn section(&mut self, (section, data): Section<'a>) -> Result<(), BinaryReaderError> {
        let reader = BinaryReader::new(data, 0);
        match section {
            id::CORE_MODULE => self.modules += 1,
            id::CORE_INSTANCE => {
                for instance in InstanceSectionReader::new(reader)? {
                    self.instances.push(match instance? {
                        wasmparser::Instance::Instantiate { module_index, args } => {
                            let arguments = args.iter().map(|it| (it.name, it.index));
                            Instance::Of(module_index, arguments.collect())
                        }
                        wasmparser::Instance::FromExports(items) => {
                            let items = items.iter().map(|it| (it.name, it.kind, it.index));
                            Instance::OfItems(items.collect())
                        }
                    });
                }
            }
            id::ALIAS => {
                for alias in ComponentAliasSectionReader::new(reader)? {
                    self.alias(&alias?);
                }
            }
            id::CANONICAL => {
                for function in ComponentCanonicalSectionReader::new(reader)? {
                    match function? {
                        CanonicalFunction::Lift { core_func_index, .. } => {
                            self.lifted.push((self.canonicals, core_func_index));
                        }
                        _ => self.functions.push(Source::Canonical(self.canonicals)),
                    }
                    self.canonicals += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) {
        if let ComponentAlias::CoreInstanceExport { kind, instance_index, name } = *alias {
            match kind {
                ExternalKind::Func | ExternalKind::FuncExact => {
                    self.functions.push(Source::Export(instance_index, name));
                }
                ExternalKind::Table => self.tables += 1,
                ExternalKind::Memory => self.memories += 1,
                _ => {}
            }
        }
    }

    /// The component with the program in it.
    pub(super) fn with(&self, behind: &Behind<'_>) -> Result<Vec<u8>, AdaptError> {
        let bridge = self.instances.iter().position(|it| matches!(it, Instance::Of(BRIDGE, _)));
        let bridge = bridge.ok_or_else(unknown)?;
        let mut component = self.on_two_memories(bridge, behind.memory.as_deref())?;
        self.add(behind, bridge, &mut component)?;
        Ok(component)
    }

    /// The component, in which functions that the program uses have its memory.
    fn on_two_memories(&self, bridge: usize, memory: Option<&str>) -> Result<Vec<u8>, AdaptError> {
        let mut memories = Memories {
            of_program: self.of_program(bridge)?,
            of_others: self.of_others(bridge)?,
            number: 0,
            program: memory.map(|_| self.memories),
        };
        let mut out = self.header.to_vec();
        let mut is_added = false;
        for &(section, data) in &self.sections {
            let reader = BinaryReader::new(data, 0);
            if section == id::CANONICAL {
                let functions = ComponentCanonicalSectionReader::new(reader);
                let mut section = CanonicalFunctionSection::new();
                for function in functions.map_err(ReadError::from)? {
                    let function = function.map_err(ReadError::from)?;
                    memories.parse_component_canonical(&mut section, function).map_err(
                        |error| match error {
                            reencode::Error::UserError(error) => error,
                            _ => unknown(),
                        },
                    )?;
                    memories.number += 1;
                }
                section.append_to_component(&mut out);
                continue;
            }
            write(section, data, &mut out);
            // The program's memory comes where the adapter's does: what uses either comes later.
            if let Some(name) = memory.filter(|_| !is_added && section == id::ALIAS)
                && has_memory(reader).map_err(ReadError::from)?
            {
                let mut aliases = ComponentAliasSection::new();
                aliases.alias(Alias::CoreInstanceExport {
                    instance: index(bridge),
                    kind: ExportKind::Memory,
                    name,
                });
                aliases.append_to_component(&mut out);
                is_added = true;
            }
        }
        Ok(out)
    }

    /// What of the component model the program uses: by what the bridge imports and by what it exports.
    fn of_program(&self, bridge: usize) -> Result<BTreeSet<usize>, AdaptError> {
        let mut used = BTreeSet::new();
        self.used_by(bridge, &mut used)?;
        for (canonical, function) in &self.lifted {
            let source = self.functions.get(*function as usize);
            if matches!(source, Some(Source::Export(instance, _)) if *instance == index(bridge)) {
                used.insert(*canonical);
            }
        }
        Ok(used)
    }

    /// What all other modules use except those that only fill shims.
    fn of_others(&self, bridge: usize) -> Result<BTreeSet<usize>, AdaptError> {
        let mut used = BTreeSet::new();
        for (number, instance) in self.instances.iter().enumerate() {
            if let Instance::Of(_, arguments) = instance
                && number != bridge
                && !arguments.iter().any(|(name, _)| *name == BEHIND_SHIMS)
            {
                self.used_by(number, &mut used)?;
            }
        }
        Ok(used)
    }

    /// Adds what an instance of a module takes of the component model.
    fn used_by(&self, instance: usize, used: &mut BTreeSet<usize>) -> Result<(), AdaptError> {
        let Some(Instance::Of(_, arguments)) = self.instances.get(instance) else {
            return Err(unknown());
        };
        for (_, argument) in arguments {
            let Some(Instance::OfItems(items)) = self.instances.get(*argument as usize) else {
                continue;
            };
            for (_, kind, item) in items {
                if *kind == ExternalKind::Func
                    && let Some(canonical) = self.canonical(*item)?
                {
                    used.insert(canonical);
                }
            }
        }
        Ok(())
    }

    /// The canonical function that a function is, or that the shim has behind it that it is. None for a
    /// module's own.
    fn canonical(&self, function: u32) -> Result<Option<usize>, AdaptError> {
        match *self.functions.get(function as usize).ok_or_else(unknown)? {
            Source::Canonical(number) => Ok(Some(number)),
            Source::Export(instance, name) => {
                let Some(Instance::Of(_, arguments)) = self.instances.get(instance as usize) else {
                    return Err(unknown());
                };
                // Shims take nothing.
                if !arguments.is_empty() || instance_is_bridge(&self.instances, instance) {
                    return Ok(None);
                }
                let behind = self.behind_shims().ok_or_else(unknown)?;
                let behind = behind.iter().find(|(known, ..)| *known == name);
                match behind.and_then(|(_, _, item)| self.functions.get(*item as usize)) {
                    Some(Source::Canonical(number)) => Ok(Some(*number)),
                    Some(Source::Export(..)) => Ok(None),
                    None => Err(unknown()),
                }
            }
        }
    }

    /// What shims have behind them, by their names.
    fn behind_shims(&self) -> Option<&[(&'a str, ExternalKind, u32)]> {
        let mut arguments = self.instances.iter().filter_map(|instance| match instance {
            Instance::Of(_, arguments) => Some(arguments.iter()),
            Instance::OfItems(_) => None,
        });
        let behind = arguments.find_map(|mut it| it.find(|(name, _)| *name == BEHIND_SHIMS))?;
        match self.instances.get(behind.1 as usize)? {
            Instance::OfItems(items) => Some(items),
            Instance::Of(..) => None,
        }
    }

    /// Adds the program to a component that has the bridge.
    fn add(
        &self,
        behind: &Behind<'_>,
        bridge: usize,
        component: &mut Vec<u8>,
    ) -> Result<(), AdaptError> {
        let Instance::Of(_, of_bridge) = &self.instances[bridge] else { return Err(unknown()) };
        let mut arguments = vec![
            (behind.instances.0, ModuleArg::Instance(index(bridge))),
            (behind.instances.1, ModuleArg::Instance(index(bridge))),
        ];
        for name in &behind.imports {
            let argument = of_bridge.iter().find(|(known, _)| known == name);
            let (_, instance) = argument.ok_or_else(unknown)?;
            arguments.push((name, ModuleArg::Instance(*instance)));
        }
        for (name, from) in &behind.again {
            let known = arguments.iter().find(|(known, _)| known == from);
            let (_, ModuleArg::Instance(instance)) = *known.ok_or_else(unknown)?;
            arguments.push((name, ModuleArg::Instance(instance)));
        }
        write(id::CORE_MODULE, behind.module, component);
        let mut instances = InstanceSection::new();
        instances.instantiate(self.modules, arguments);
        instances.append_to_component(component);
        if behind.called.is_empty() && behind.initializer.is_none() {
            return Ok(());
        }
        self.add_starter(behind, bridge, component);
        Ok(())
    }

    /// Adds what fills the bridge's table with the functions of the program, which came last.
    fn add_starter(&self, behind: &Behind<'_>, bridge: usize, component: &mut Vec<u8>) {
        write(id::CORE_MODULE, behind.starter, component);
        let program = index(self.instances.len());
        let mut aliases = ComponentAliasSection::new();
        let mut items = Vec::new();
        let called = behind.called.iter().enumerate();
        let called = called.map(|(place, name)| (place.to_string(), *name));
        let initializer = behind.initializer.map(|name| ("initializer".to_owned(), name));
        let functions = index(self.functions.len())..;
        for (function, (item, name)) in functions.zip(called.chain(initializer)) {
            let kind = ExportKind::Func;
            aliases.alias(Alias::CoreInstanceExport { instance: program, kind, name });
            items.push((item, kind, function));
        }
        if !behind.called.is_empty() {
            let kind = ExportKind::Table;
            aliases.alias(Alias::CoreInstanceExport { instance: index(bridge), kind, name: TABLE });
            items.push(("table".to_owned(), kind, self.tables));
        }
        aliases.append_to_component(component);
        let mut instances = InstanceSection::new();
        instances.export_items(items.iter().map(|(name, kind, item)| (&**name, *kind, *item)));
        instances.instantiate(self.modules + 1, [("", ModuleArg::Instance(program + 1))]);
        instances.append_to_component(component);
    }
}

fn instance_is_bridge(instances: &[Instance<'_>], instance: u32) -> bool {
    matches!(instances.get(instance as usize), Some(Instance::Of(BRIDGE, _)))
}

/// Whether a section of aliases has a core memory.
fn has_memory(reader: BinaryReader<'_>) -> Result<bool, BinaryReaderError> {
    for alias in ComponentAliasSectionReader::new(reader)? {
        let kind = ExternalKind::Memory;
        if matches!(alias?, ComponentAlias::CoreInstanceExport { kind: it, .. } if it == kind) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives each canonical function the memory of who uses it.
struct Memories {
    of_program: BTreeSet<usize>,
    of_others: BTreeSet<usize>,
    /// Which one is being written.
    number: usize,
    /// The index of the program's memory, if it has one.
    program: Option<u32>,
}

impl Reencode for Memories {
    type Error = AdaptError;

    fn memory_index(&mut self, memory: u32) -> Result<u32, reencode::Error<AdaptError>> {
        let is_of = |used: &BTreeSet<usize>| used.contains(&self.number);
        match (is_of(&self.of_program), is_of(&self.of_others)) {
            (true, false) => self.program.ok_or_else(|| {
                let reason = "functions of its world need a memory, and it has none".to_owned();
                reencode::Error::UserError(AdaptError::Encode { reason })
            }),
            (false, true) => Ok(memory),
            _ => Err(reencode::Error::UserError(unknown())),
        }
    }
}

impl ReencodeComponent for Memories {}

/// The encoder is another one than this was written for.
fn unknown() -> AdaptError {
    let reason = "the encoder puts its modules together in a way that is not known".to_owned();
    AdaptError::Encode { reason }
}

/// No component has as many items as could not be numbered.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
