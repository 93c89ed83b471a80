//! How the core modules of a component become two: what is where in them.

use std::collections::{HashMap, hash_map::Entry};

use wasm_encoder::{RefType, TableType, reencode};
use wasmparser::MemoryType;

use super::{
    Fit, Unfit,
    graph::{Graph, NO_ITEM, Source},
    handle::{Giving, Handles},
    module::{Kind, Module, count},
    shims::Shims,
};

/// The names by which the base exports, and the joint imports.
pub(super) const MEMORY: &str = "memory";
pub(super) const STUBS: &str = "stubs";

/// The indices of the core instances that are written, before which there are none.
pub(super) const BASE: u32 = 0;
pub(super) const ARGUMENTS: u32 = 1;
pub(super) const JOINT: u32 = 2;

/// The specification's limits for JavaScript embedders, which other embedders keep too.
const MANY: u32 = 1_000_000;
const MAX_SEGMENTS: u32 = 100_000;
const MAX_TABLES: u32 = 100;

/// The numbers that the items of all modules get.
pub(super) struct Join<'g, 'a> {
    pub(super) graph: &'g Graph<'a>,
    shims: Option<Shims>,
    /// The one memory, and the module that defines it.
    pub(super) memory: (Source, MemoryType),
    /// What the joint imports: functions that the component model gives, by their index in the
    /// component, with their types.
    pub(super) imports: Vec<(u32, u32)>,
    /// Which import each of them is.
    numbers: HashMap<u32, u32>,
    /// Where handles are counted, if they are.
    pub(super) counters: Option<Counters>,
    /// Where in the joint what each module defines begins.
    pub(super) bases: Vec<Base>,
    /// Where it all ends.
    pub(super) end: Base,
}

/// The functions of the joint that count the handles which a call gives the component, and then do what
/// the function does that they stand for. They come after all that modules define.
#[derive(Default)]
pub(super) struct Counters {
    /// In the order of their indices.
    pub(super) list: Vec<Counter>,
    of_imports: HashMap<u32, u32>,
    of_exports: HashMap<Source, u32>,
}

/// One of them.
pub(super) struct Counter {
    /// The index of the function that it stands for, and its type.
    pub(super) function: u32,
    pub(super) ty: u32,
    pub(super) params: u32,
    /// What a call gives.
    pub(super) giving: Giving,
}

/// A place in the joint's numberings.
#[derive(Clone, Copy, Default)]
pub(super) struct Base {
    pub(super) types: u32,
    pub(super) functions: u32,
    pub(super) tables: u32,
    pub(super) globals: u32,
    pub(super) elements: u32,
}

impl<'g, 'a> Join<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>) -> Fit<Self> {
        let shims = Shims::find(graph)?;
        let memory = memory(graph)?;
        let mut join = Self {
            graph,
            shims,
            memory,
            imports: Vec::new(),
            numbers: HashMap::new(),
            counters: None,
            bases: Vec::new(),
            end: Base::default(),
        };
        (join.bases, join.end) = join.bases()?;
        join.check_starts()?;
        for (index, module) in join.joined() {
            for (function, ty) in (0..).zip(&module.imported_functions) {
                let ty = sum(&[join.bases[index].types, *ty])?;
                if let Source::Canonical(given) = join.function(index, function)?
                    && let Entry::Vacant(number) = join.numbers.entry(given)
                {
                    number.insert(count(&join.imports));
                    join.imports.push((given, ty));
                }
            }
        }
        join.check_size()?;
        Ok(join)
    }

    /// Has the joint count the handles that it is given.
    pub(super) fn count_handles(&mut self, handles: &Handles) -> Fit<()> {
        // What such a reference leads to can be changed, though the reference cannot.
        if self.joined().any(|(_, module)| module.has_objects) {
            return Err(Unfit("it has objects that are not in its memory"));
        }
        let mut counters = Counters::default();
        let gives = |giving: &&Giving| giving.handles > 0 || !giving.places.is_empty();
        for (function, (given, ty)) in (0..).zip(&self.imports) {
            let Some(giving) = handles.of_imports.get(given).filter(gives).cloned() else {
                continue;
            };
            let params = self.params_of_import(*given)?;
            counters.of_imports.insert(*given, count(&counters.list));
            counters.list.push(Counter { function, ty: *ty, params, giving });
        }
        for (function, giving) in handles.of_exports.iter().filter(|(_, giving)| gives(giving)) {
            let source = self.function_of_component(*function)?;
            let Source::Module(module, index) = source else {
                return Err(Unfit("the component model calls itself"));
            };
            let defining = &self.graph.modules[module];
            let own = index - self.graph.imported(module, Kind::Function);
            let ty = *defining.functions.get(own as usize).ok_or(NO_ITEM)?;
            let ty = sum(&[self.bases[module].types, ty])?;
            let params = count(defining.signature(index)?.params());
            counters.of_exports.insert(source, count(&counters.list));
            let function = self.index(source)?;
            let giving = giving.clone();
            counters.list.push(Counter { function, ty, params, giving });
        }
        self.counters = Some(counters);
        Ok(())
    }

    /// How many numbers a function takes that the component model gives.
    fn params_of_import(&self, given: u32) -> Fit<u32> {
        for (index, module) in self.joined() {
            for function in 0..count(&module.imported_functions) {
                if self.function(index, function)? == Source::Canonical(given) {
                    return Ok(count(module.signature(function)?.params()));
                }
            }
        }
        Err(NO_ITEM)
    }

    /// The modules whose code is joined: all but the shims and what fills them.
    pub(super) fn joined(&self) -> impl Iterator<Item = (usize, &'g Module<'a>)> + use<'g, 'a> {
        let aside = self.shims.as_ref().map(|shims| [shims.module, shims.filler]);
        let modules = self.graph.modules.iter().enumerate();
        modules.filter(move |(index, _)| !aside.is_some_and(|aside| aside.contains(index)))
    }

    /// Engines take only so much in one module.
    fn check_size(&self) -> Fit<()> {
        let Base { types, functions, tables, globals, elements } = self.end;
        let functions = functions.saturating_add(count(&self.imports));
        let data = self.graph.modules.iter().map(|module| module.data.len()).sum::<usize>();
        let fits = [types, functions, globals].iter().all(|count| *count < MANY)
            && elements < MAX_SEGMENTS
            && data < MAX_SEGMENTS as usize
            && tables < MAX_TABLES;
        if fits { Ok(()) } else { Err(Unfit("it has too much for one module")) }
    }

    /// All modules are filled in before any of them starts. So code that starts early must not be
    /// able to notice, except that a call through shims no longer fails, which no program relies
    /// on.
    fn check_starts(&self) -> Fit<()> {
        let first = self.graph.modules.iter().position(|module| module.start.is_some());
        let later = self.joined().filter(|(index, _)| first.is_some_and(|at| *index > at));
        for (_, module) in later {
            if !module.data.is_empty() || module.fills_tables()? {
                return Err(Unfit("a module starts before another is filled in"));
            }
        }
        Ok(())
    }

    fn bases(&self) -> Fit<(Vec<Base>, Base)> {
        let mut bases = vec![Base::default(); self.graph.modules.len()];
        let mut next = Base::default();
        for (index, module) in self.joined() {
            bases[index] = next;
            next = Base {
                types: sum(&[next.types, module.type_count()])?,
                functions: sum(&[next.functions, module.defined(Kind::Function)])?,
                tables: sum(&[next.tables, module.defined(Kind::Table)])?,
                globals: sum(&[next.globals, module.defined(Kind::Global)])?,
                elements: sum(&[next.elements, module.element_count()])?,
            };
        }
        Ok((bases, next))
    }

    /// Where a function of a module comes from, with the shims left out.
    pub(super) fn function(&self, module: usize, function: u32) -> Fit<Source> {
        self.behind(self.graph.source_in(module, Kind::Function, function)?)
    }

    /// The function behind a shim, if it is one.
    fn behind(&self, source: Source) -> Fit<Source> {
        match (source, &self.shims) {
            (Source::Module(module, index), Some(shims)) if module == shims.module => {
                let place = shims.places.get(index as usize);
                let filled = place.and_then(|place| shims.filled.get(place));
                let filled = *filled.ok_or(Unfit("a shim has nothing behind it"))?;
                match self.graph.source_in(shims.filler, Kind::Function, filled)? {
                    Source::Module(module, _) if module == shims.module => {
                        Err(Unfit("a shim is behind a shim"))
                    }
                    source => Ok(source),
                }
            }
            _ => Ok(source),
        }
    }

    /// Where a function of the component comes from, with the shims left out.
    pub(super) fn function_of_component(&self, function: u32) -> Fit<Source> {
        self.behind(self.graph.source(Kind::Function, function)?)
    }

    /// Whether a memory of the component is the one.
    pub(super) fn is_memory(&self, memory: u32) -> bool {
        self.graph.source(Kind::Memory, memory) == Ok(self.memory.0)
    }

    /// The index of the function by which the component model calls one.
    pub(super) fn export(&self, source: Source) -> Fit<u32> {
        match self.counters.as_ref().and_then(|counters| counters.of_exports.get(&source)) {
            Some(counter) => self.counter(*counter),
            None => self.index(source),
        }
    }

    fn counter(&self, number: u32) -> Fit<u32> {
        sum(&[count(&self.imports), self.end.functions, number])
    }

    /// The index of the first of a few functions in the joint that come after the counters.
    pub(super) fn after_counters(&self) -> Fit<u32> {
        self.counter(self.counters.as_ref().map_or(0, |counters| count(&counters.list)))
    }

    /// The index of a function in the joint.
    pub(super) fn index(&self, source: Source) -> Fit<u32> {
        match source {
            Source::Canonical(given) => {
                let counter = self.counters.as_ref().and_then(|it| it.of_imports.get(&given));
                if let Some(counter) = counter {
                    return self.counter(*counter);
                }
                self.numbers.get(&given).copied().ok_or(Unfit("it has no such import"))
            }
            Source::Module(module, function) => {
                let own = function - self.graph.imported(module, Kind::Function);
                sum(&[count(&self.imports), self.bases[module].functions, own])
            }
        }
    }
}

/// The one memory of all modules.
fn memory(graph: &Graph<'_>) -> Fit<(Source, MemoryType)> {
    let mut found = None;
    for (index, module) in graph.modules.iter().enumerate() {
        let memories = sum(&[graph.imported(index, Kind::Memory), module.defined(Kind::Memory)])?;
        if memories > 1 {
            return Err(Unfit("a module has several memories"));
        }
        if let Some(memory) = module.memories.first() {
            if found.is_some() {
                return Err(Unfit("it has several memories"));
            }
            if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
                return Err(Unfit("its memory is of another kind"));
            }
            found = Some((Source::Module(index, 0), *memory));
        }
    }
    found.ok_or(Unfit("it has no memory"))
}

/// What is numbered so high cannot be valid.
pub(super) fn sum(numbers: &[u32]) -> Fit<u32> {
    let sum = numbers.iter().try_fold(0u32, |sum, number| sum.checked_add(*number));
    sum.ok_or(Unfit("it has too much of something"))
}

/// The table of the base by which its stubs call into the joint.
pub(super) fn stub_table(stubs: u32) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: stubs.into(),
        maximum: Some(stubs.into()),
        shared: false,
    }
}

pub(super) fn unwritable(_: reencode::Error) -> Unfit {
    Unfit("it has what cannot be written again")
}
