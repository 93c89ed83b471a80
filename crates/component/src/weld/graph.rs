//! The core modules of one component, and what each gets of the others.

use std::collections::HashMap;

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentAliasSectionReader,
    ComponentCanonicalSectionReader, InstanceSectionReader,
};

use super::{
    Fit, Unfit, id,
    module::{Kind, Module, reader},
};

/// Core instances of one component. Tools that link many make some dozens; following what one gets
/// of another is not to take more of the stack than there is.
const INSTANCES_AT_MOST: usize = 200;

const NO_ITEM: Unfit = Unfit("it has no such item");

/// The core modules of one component, each of which it instantiates once, in this order.
pub(super) struct Graph<'a> {
    pub(super) modules: Vec<Module<'a>>,
    /// By module: the instances that it gets its imports of.
    arguments: Vec<HashMap<&'a str, u32>>,
    instances: Vec<Instance<'a>>,
    /// By kind.
    items: [Vec<Item<'a>>; 4],
}

/// A core instance of a component.
enum Instance<'a> {
    /// Of a module.
    Of(usize),
    /// Put together of what others have.
    OfItems(HashMap<&'a str, (Kind, u32)>),
}

/// A core item of a component.
#[derive(Clone, Copy)]
enum Item<'a> {
    /// What the component model gives: a function.
    Canonical,
    /// An instance's export.
    Export { instance: u32, name: &'a str },
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
    pub(super) fn read(sections: &[(u8, &'a [u8])]) -> Fit<Self> {
        let modules = sections.iter().filter(|(section, _)| *section == id::CORE_MODULE);
        let mut modules: Vec<_> = modules.map(|(_, bytes)| Some(*bytes)).collect();
        if modules.is_empty() {
            return Err(Unfit("it has no modules"));
        }
        let mut graph = Self {
            modules: Vec::new(),
            arguments: Vec::new(),
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
                            graph.items[Kind::Function as usize].push(Item::Canonical);
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
        if self.instances.len() == INSTANCES_AT_MOST {
            return Err(Unfit("it has too many instances"));
        }
        let instance = match instance {
            wasmparser::Instance::Instantiate { module_index, args } => {
                let module = modules.get_mut(module_index as usize).and_then(Option::take);
                let module = module.ok_or(Unfit("it instantiates a module twice"))?;
                self.modules.push(Module::read(module)?);
                let arguments = args.iter().map(|arg| Ok((arg.name, self.made(arg.index)?)));
                let arguments = arguments.collect::<Fit<_>>()?;
                self.arguments.push(arguments);
                Instance::Of(self.modules.len() - 1)
            }
            wasmparser::Instance::FromExports(exports) => {
                let items = exports.iter().map(|export| {
                    let kind = Kind::try_from(export.kind)?;
                    // It is there already, so that following it comes to an end.
                    self.items[kind as usize].get(export.index as usize).ok_or(NO_ITEM)?;
                    Ok((export.name, (kind, export.index)))
                });
                Instance::OfItems(items.collect::<Fit<_>>()?)
            }
        };
        self.instances.push(instance);
        Ok(())
    }

    fn alias(&mut self, alias: ComponentAlias<'a>) -> Fit<()> {
        if let ComponentAlias::CoreInstanceExport { kind, instance_index: instance, name } = alias {
            let kind = Kind::try_from(kind)?;
            let instance = self.made(instance)?;
            self.items[kind as usize].push(Item::Export { instance, name });
        }
        Ok(())
    }

    /// The instance, which has been made already, so that following what it exports comes to an end.
    fn made(&self, instance: u32) -> Fit<u32> {
        let is_made = (instance as usize) < self.instances.len();
        is_made.then_some(instance).ok_or(Unfit("it has no such instance"))
    }

    /// Where an item of the component comes from.
    pub(super) fn source(&self, kind: Kind, index: u32) -> Fit<Source> {
        match self.items[kind as usize].get(index as usize) {
            Some(Item::Canonical) => Ok(Source::Canonical(index)),
            Some(&Item::Export { instance, name }) => self.export(instance, kind, name),
            None => Err(NO_ITEM),
        }
    }

    fn export(&self, instance: u32, kind: Kind, name: &str) -> Fit<Source> {
        let unknown = Unfit("an instance has no such export");
        let (is_of, &(found, index)) = match self.instances.get(instance as usize) {
            Some(Instance::Of(module)) => {
                (Some(*module), self.modules[*module].exports.get(name).ok_or(unknown)?)
            }
            Some(Instance::OfItems(items)) => (None, items.get(name).ok_or(unknown)?),
            None => return Err(Unfit("it has no such instance")),
        };
        match is_of {
            _ if found != kind => Err(unknown),
            Some(module) => self.source_in(module, kind, index),
            None => self.source(kind, index),
        }
    }

    /// Where an item of a module comes from.
    pub(super) fn source_in(&self, module: usize, kind: Kind, index: u32) -> Fit<Source> {
        let Some(import) = self.modules[module].imported(kind).get(index as usize) else {
            return Ok(Source::Module(module, index));
        };
        let instance = self.arguments[module].get(import.from);
        let instance = instance.ok_or(Unfit("an import is not met"))?;
        self.export(*instance, kind, import.name)
    }
}
