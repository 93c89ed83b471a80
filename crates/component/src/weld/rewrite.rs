//! Writes the component around the two modules. Everything except core modules stays unchanged and
//! in place.

use std::collections::{HashMap, HashSet};

use wasm_encoder::{
    Alias, CanonicalFunctionSection, ComponentAliasSection, ComponentSection, ComponentTypeSection,
    ExportKind, InstanceSection, ModuleArg, ValType,
    reencode::{self, Reencode, ReencodeComponent, RoundtripReencoder},
};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentAliasSectionReader,
    ComponentCanonicalSectionReader, ComponentType, ComponentTypeSectionReader, Instance,
    InstanceSectionReader, types::Types,
};

use super::{
    Fit, Unfit,
    base::base,
    graph::{Graph, Source},
    handle::Handles,
    join::{ARGUMENTS, BASE, JOINT, Join, MEMORY, STUBS, unwritable},
    joint::joint,
    module::{Kind, reader},
    reset::{self, Before},
};
use crate::section::{Section, id, write};

/// Modules that a component must have before it is worth the while: there are two afterwards.
const MIN_MODULES: usize = 3;

/// The sections of a component, welded.
pub(super) fn rewrite(sections: &[Section<'_>]) -> Fit<Vec<u8>> {
    let modules = sections.iter().filter(|(section, _)| *section == id::CORE_MODULE).count();
    if modules < MIN_MODULES {
        return Err(Unfit("it has few modules"));
    }
    let graph = Graph::read(sections)?;
    Ok(write_all(sections, &Join::new(&graph)?)?.out)
}

/// The same, with what resets it, whose names have this `tag`. The component has these `types`.
pub(super) fn rewrite_with_reset(
    sections: &[Section<'_>],
    types: &Types,
    tag: &str,
) -> Fit<Vec<u8>> {
    let graph = Graph::read(sections)?;
    let mut join = Join::new(&graph)?;
    let handles = Handles::read(sections, types)?;
    join.count_handles(&handles)?;
    let Writer { functions, globals, mut out, .. } = write_all(sections, &join)?;
    let memory = RoundtripReencoder.memory_type(join.memory.1).map_err(unwritable)?;
    let (globals, kinds) = (&globals, &handles.kinds);
    let before = Before { types, core_functions: functions.now, memory, globals, kinds, tag };
    reset::append(&before, &mut out)?;
    Ok(out)
}

fn write_all<'j, 'g, 'a>(
    sections: &[Section<'_>],
    join: &'j Join<'g, 'a>,
) -> Fit<Writer<'j, 'g, 'a>> {
    let (first, last) = instantiations(sections)?;
    // What these do would come before all that modules do.
    let acts = |(section, _): &Section<'_>| matches!(*section, id::INSTANCE | id::START);
    if sections[first..last].iter().any(acts) {
        return Err(Unfit("it instantiates components between its modules"));
    }
    let stubs = used(join, &sections[..last])?;
    let exports = used(join, &sections[last..])?;
    let mut writer =
        Writer { join, functions: Functions::default(), globals: Vec::new(), out: Vec::new() };
    for (index, &(section, data)) in sections.iter().enumerate() {
        if index == first {
            writer.base(&stubs)?;
        }
        if index == last {
            writer.joint(&stubs, &exports)?;
        }
        match section {
            id::CORE_MODULE | id::CORE_INSTANCE => {}
            // Names are by number, and only for human readers.
            id::CUSTOM if reader(data).read_string()? == "component-name" => {}
            id::ALIAS => writer.aliases(data)?,
            id::CANONICAL => writer.canonical(data)?,
            id::TYPE if has_destructor(data)? => writer.types(data)?,
            _ => write(section, data, &mut writer.out),
        }
    }
    Ok(writer)
}

/// The first and the last section by which modules are instantiated.
fn instantiations(sections: &[Section<'_>]) -> Fit<(usize, usize)> {
    let mut found = None;
    for (index, &(section, data)) in sections.iter().enumerate() {
        if section != id::CORE_INSTANCE {
            continue;
        }
        for instance in InstanceSectionReader::new(reader(data))? {
            if matches!(instance?, Instance::Instantiate { .. }) {
                found = Some((found.map_or(index, |(first, _)| first), index));
            }
        }
    }
    found.ok_or(Unfit("it has no instances"))
}

fn has_destructor(types: &[u8]) -> Fit<bool> {
    for ty in ComponentTypeSectionReader::new(reader(types))? {
        if matches!(ty?, ComponentType::Resource { dtor: Some(_), .. }) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The functions of modules that the component model is given in these sections.
fn used(join: &Join<'_, '_>, sections: &[Section<'_>]) -> Fit<Vec<Source>> {
    let mut uses = Uses { join, found: Vec::new(), known: HashSet::new() };
    for &(section, data) in sections {
        if section == id::CANONICAL {
            let canonical = ComponentCanonicalSectionReader::new(reader(data))?;
            let mut waste = CanonicalFunctionSection::new();
            uses.parse_component_canonical_section(&mut waste, canonical)?;
        } else if section == id::TYPE && has_destructor(data)? {
            let types = ComponentTypeSectionReader::new(reader(data))?;
            uses.parse_component_type_section(&mut ComponentTypeSection::new(), types)?;
        }
    }
    Ok(uses.found)
}

struct Uses<'j, 'g, 'a> {
    join: &'j Join<'g, 'a>,
    found: Vec<Source>,
    /// The same.
    known: HashSet<Source>,
}

impl Reencode for Uses<'_, '_, '_> {
    type Error = Unfit;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Unfit>> {
        let source = self.join.function_of_component(function);
        let source = source.map_err(reencode::Error::UserError)?;
        if matches!(source, Source::Module(..)) && self.known.insert(source) {
            self.found.push(source);
        }
        Ok(0)
    }
}

impl ReencodeComponent for Uses<'_, '_, '_> {}

/// The component's core functions, as they are numbered now.
#[derive(Default)]
struct Functions {
    /// How many there were.
    before: u32,
    now: u32,
    /// Those that the component model gives, by what they were.
    canonical: HashMap<u32, u32>,
    /// Those of the base and, once it is there, of the joint.
    of_modules: HashMap<Source, u32>,
}

struct Writer<'j, 'g, 'a> {
    join: &'j Join<'g, 'a>,
    functions: Functions,
    /// The mutable ones of the joint, once it is there.
    globals: Vec<ValType>,
    out: Vec<u8>,
}

impl Writer<'_, '_, '_> {
    fn module(&mut self, bytes: &[u8]) {
        write(id::CORE_MODULE, bytes, &mut self.out);
    }

    fn section(&mut self, section: &impl ComponentSection) {
        section.append_to_component(&mut self.out);
    }

    fn base(&mut self, stubs: &[Source]) -> Fit<()> {
        let base = base(self.join, stubs)?;
        self.module(&base);
        let mut instances = InstanceSection::new();
        instances.instantiate(0, None::<(&str, ModuleArg)>);
        self.section(&instances);
        let mut aliases = ComponentAliasSection::new();
        let mut alias = |kind, name| {
            aliases.alias(Alias::CoreInstanceExport { instance: BASE, kind, name });
        };
        alias(ExportKind::Memory, MEMORY);
        if !stubs.is_empty() {
            alias(ExportKind::Table, STUBS);
        }
        self.section(&aliases);
        self.functions_of(BASE, stubs);
        Ok(())
    }

    fn joint(&mut self, stubs: &[Source], exports: &[Source]) -> Fit<()> {
        let (joint, globals) = joint(self.join, stubs, exports)?;
        self.globals = globals;
        self.module(&joint);
        let mut arguments = Vec::new();
        for (number, (given, _)) in self.join.imports.iter().enumerate() {
            let function = self.functions.canonical.get(given);
            let function = *function.ok_or(Unfit("a function comes after its use"))?;
            arguments.push((number.to_string(), ExportKind::Func, function));
        }
        arguments.push((MEMORY.to_owned(), ExportKind::Memory, 0));
        if !stubs.is_empty() {
            arguments.push((STUBS.to_owned(), ExportKind::Table, 0));
        }
        let mut instances = InstanceSection::new();
        instances
            .export_items(arguments.iter().map(|(name, kind, index)| (&**name, *kind, *index)));
        instances.instantiate(1, [("", ModuleArg::Instance(ARGUMENTS))]);
        self.section(&instances);
        self.functions_of(JOINT, exports);
        Ok(())
    }

    /// Has the component take these from an instance, where they go by their numbers.
    fn functions_of(&mut self, instance: u32, sources: &[Source]) {
        let mut aliases = ComponentAliasSection::new();
        self.functions.of_modules.clear();
        for (number, source) in sources.iter().enumerate() {
            let name = number.to_string();
            let kind = ExportKind::Func;
            aliases.alias(Alias::CoreInstanceExport { instance, kind, name: &name });
            self.functions.of_modules.insert(*source, self.functions.now);
            self.functions.now += 1;
        }
        if !sources.is_empty() {
            self.section(&aliases);
        }
    }

    fn aliases(&mut self, data: &[u8]) -> Fit<()> {
        let mut aliases = ComponentAliasSection::new();
        for alias in ComponentAliasSectionReader::new(reader(data))? {
            let alias = alias?;
            if let ComponentAlias::CoreInstanceExport { kind, .. } = alias {
                self.functions.before += u32::from(Kind::try_from(kind)? == Kind::Function);
            } else {
                aliases.alias(self.component_alias(alias)?);
            }
        }
        if !aliases.is_empty() {
            self.section(&aliases);
        }
        Ok(())
    }

    fn canonical(&mut self, data: &[u8]) -> Fit<()> {
        let mut canonical = CanonicalFunctionSection::new();
        for function in ComponentCanonicalSectionReader::new(reader(data))? {
            let function = function?;
            let is_core = !matches!(function, CanonicalFunction::Lift { .. });
            self.parse_component_canonical(&mut canonical, function)?;
            if is_core {
                let Functions { before, now, canonical, .. } = &mut self.functions;
                canonical.insert(*before, *now);
                *before += 1;
                *now += 1;
            }
        }
        self.section(&canonical);
        Ok(())
    }

    fn types(&mut self, data: &[u8]) -> Fit<()> {
        let mut types = ComponentTypeSection::new();
        let reader = ComponentTypeSectionReader::new(reader(data))?;
        self.parse_component_type_section(&mut types, reader)?;
        self.section(&types);
        Ok(())
    }
}

impl Reencode for Writer<'_, '_, '_> {
    type Error = Unfit;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Unfit>> {
        let source = self.join.function_of_component(function);
        let known = match source.map_err(reencode::Error::UserError)? {
            Source::Canonical(given) => self.functions.canonical.get(&given),
            source => self.functions.of_modules.get(&source),
        };
        let unfit = reencode::Error::UserError(Unfit("a function comes after its use"));
        known.copied().ok_or(unfit)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, reencode::Error<Unfit>> {
        let unfit = reencode::Error::UserError(Unfit("it has several memories"));
        self.join.is_memory(memory).then_some(0).ok_or(unfit)
    }

    fn table_index(&mut self, _: u32) -> Result<u32, reencode::Error<Unfit>> {
        Err(reencode::Error::UserError(Unfit("the component model is given a table")))
    }
}

impl ReencodeComponent for Writer<'_, '_, '_> {}
