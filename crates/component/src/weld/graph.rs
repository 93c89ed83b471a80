//! The core modules of one component, and what each gets from the rest.

use std::collections::HashMap;

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentAliasSectionReader,
    ComponentCanonicalSectionReader, InstanceSectionReader,
};

use super::{
    Fit, Unfit,
    module::{Kind, Module, count, reader},
};
use crate::section::{Section, id};

pub(super) const NO_ITEM: Unfit = Unfit("it has no such item");

/// The core modules of one component, each of which it instantiates once, in this order.
pub(super) struct Graph<'a> {
    pub(super) modules: Vec<Module<'a>>,
    /// By module and kind: where its imports come from.
    imports: Vec<[Vec<Source>; 4]>,
    instances: Vec<Instance<'a>>,
    /// By kind: where the component's core items come from.
    items: [Vec<Source>; 4],
}

/// A core instance of a component.
enum Instance<'a> {
    /// Of a module.
    Of(usize),
    /// Assembled from what other instances have.
    OfItems(HashMap<&'a str, (Kind, Source)>),
}

/// Where a core item comes from in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    /// A function that the component model gives, by its index in the component.
    Canonical(u32),
    /// What a module defines, by its index in the module.
    Module(usize, u32),
}

impl<'a> Graph<'a> {
    pub(super) fn read(sections: &[Section<'a>]) -> Fit<Self> {
        let modules = sections.iter().filter(|(section, _)| *section == id::CORE_MODULE);
        let mut modules: Vec<_> = modules.map(|(_, bytes)| Some(*bytes)).collect();
        if modules.is_empty() {
            return Err(Unfit("it has no modules"));
        }
        let mut graph = Self {
            modules: Vec::new(),
            imports: Vec::new(),
            instances: Vec::new(),
            items: Default::default(),
        };
        for &(section, data) in sections {
            match section {
                id::CORE_INSTANCE => {
                    for instance in InstanceSectionReader::new(reader(data))? {
                        graph.instance(instance?, &mut modules)?;
                    }
                }
                id::ALIAS => {
                    for alias in ComponentAliasSectionReader::new(reader(data))? {
                        graph.alias(alias?)?;
                    }
                }
                id::CANONICAL => {
                    for function in ComponentCanonicalSectionReader::new(reader(data))? {
                        if !matches!(function?, CanonicalFunction::Lift { .. }) {
                            let functions = &mut graph.items[Kind::Function as usize];
                            functions.push(Source::Canonical(count(functions)));
                        }
                    }
                }
                _ => {}
            }
        }
        if modules.iter().any(Option::is_some) {
            return Err(Unfit("it does not instantiate each module"));
        }
        Ok(graph)
    }

    fn instance(
        &mut self,
        instance: wasmparser::Instance<'a>,
        modules: &mut [Option<&'a [u8]>],
    ) -> Fit<()> {
        let instance = match instance {
            wasmparser::Instance::Instantiate { module_index, args } => {
                let module = modules.get_mut(module_index as usize).and_then(Option::take);
                let module = Module::read(module.ok_or(Unfit("it instantiates a module twice"))?)?;
                let arguments: HashMap<_, _> =
                    args.iter().map(|arg| (arg.name, arg.index)).collect();
                let mut imports: [Vec<Source>; 4] = Default::default();
                for import in &module.imports {
                    let instance = *arguments.get(import.from).ok_or(NO_ITEM)?;
                    let source = self.export(instance, import.kind, import.name)?;
                    imports[import.kind as usize].push(source);
                }
                self.imports.push(imports);
                self.modules.push(module);
                Instance::Of(self.modules.len() - 1)
            }
            wasmparser::Instance::FromExports(exports) => {
                let items = exports.iter().map(|export| {
                    let kind = Kind::try_from(export.kind)?;
                    Ok((export.name, (kind, self.source(kind, export.index)?)))
                });
                Instance::OfItems(items.collect::<Fit<_>>()?)
            }
        };
        self.instances.push(instance);
        Ok(())
    }

    fn alias(&mut self, alias: ComponentAlias<'a>) -> Fit<()> {
        if let ComponentAlias::CoreInstanceExport { kind, instance_index, name } = alias {
            let kind = Kind::try_from(kind)?;
            let source = self.export(instance_index, kind, name)?;
            self.items[kind as usize].push(source);
        }
        Ok(())
    }

    /// Where an item of the component comes from.
    pub(super) fn source(&self, kind: Kind, index: u32) -> Fit<Source> {
        self.items[kind as usize].get(index as usize).copied().ok_or(NO_ITEM)
    }

    fn export(&self, instance: u32, kind: Kind, name: &str) -> Fit<Source> {
        let (found, source) = match self.instances.get(instance as usize).ok_or(NO_ITEM)? {
            Instance::Of(module) => {
                let (found, index) = *self.modules[*module].exports.get(name).ok_or(NO_ITEM)?;
                (found, self.source_in(*module, found, index)?)
            }
            Instance::OfItems(items) => *items.get(name).ok_or(NO_ITEM)?,
        };
        if found == kind { Ok(source) } else { Err(NO_ITEM) }
    }

    /// Where an item of a module comes from.
    pub(super) fn source_in(&self, module: usize, kind: Kind, index: u32) -> Fit<Source> {
        let imports = &self.imports[module][kind as usize];
        if let Some(source) = imports.get(index as usize) {
            return Ok(*source);
        }
        let is_there = index - count(imports) < self.modules[module].defined(kind);
        if is_there { Ok(Source::Module(module, index)) } else { Err(NO_ITEM) }
    }

    /// How many items of this kind a module imports.
    pub(super) fn imported(&self, module: usize, kind: Kind) -> u32 {
        count(&self.imports[module][kind as usize])
    }
}
