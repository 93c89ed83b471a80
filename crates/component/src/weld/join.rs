//! Writes the two modules that the core modules of a component become.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, Elements, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, Instruction, MemorySection, RefType, TableSection, TableType, TypeSection,
    reencode::{self, Reencode, RoundtripReencoder},
};
use wasmparser::{Data, DataKind, FuncType, MemoryType};

use super::{
    Fit, Unfit,
    graph::{Graph, Source},
    joint::{Joint, Renumber},
    module::{Kind, Module, constant, count},
    shims::Shims,
};

/// The names by which the base exports, and the joint imports.
pub(super) const MEMORY: &str = "memory";
pub(super) const STUBS: &str = "stubs";

/// The specification's limits for JavaScript embedders, which other embedders keep too.
const MANY: u32 = 1_000_000;
const SEGMENTS_AT_MOST: u32 = 100_000;
const TABLES_AT_MOST: u32 = 100;

/// How the core modules of a component become one.
pub(super) struct Join<'g, 'a> {
    pub(super) graph: &'g Graph<'a>,
    shims: Option<Shims>,
    /// The one memory, and the module that defines it.
    memory: (Source, MemoryType),
    /// What the joint imports: functions that the component model gives, by their index in the
    /// component, with their types.
    pub(super) imports: Vec<(u32, u32)>,
    /// Which import each of them is.
    numbers: HashMap<u32, u32>,
    /// Where in the joint what each module defines begins.
    pub(super) bases: Vec<Base>,
    /// Where it all ends.
    end: Base,
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

    /// The modules whose code is joined: all but the shims and what fills them.
    fn joined(&self) -> impl Iterator<Item = (usize, &'g Module<'a>)> + use<'g, 'a> {
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
            && elements < SEGMENTS_AT_MOST
            && data < SEGMENTS_AT_MOST as usize
            && tables < TABLES_AT_MOST;
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

    /// The index of a function in the joint.
    pub(super) fn index(&self, source: Source) -> Fit<u32> {
        match source {
            Source::Canonical(given) => {
                self.numbers.get(&given).copied().ok_or(Unfit("it has no such import"))
            }
            Source::Module(module, function) => {
                let own = function - self.graph.imported(module, Kind::Function);
                sum(&[count(&self.imports), self.bases[module].functions, own])
            }
        }
    }

    /// What a function of a module takes and returns.
    fn signature(&self, source: Source) -> Fit<&FuncType> {
        match source {
            Source::Canonical(_) => Err(Unfit("the host is to call itself")),
            Source::Module(module, function) => self.graph.modules[module].signature(function),
        }
    }

    /// The base: the memory with its data, and for each function of `stubs`, which the joint
    /// defines, one that calls it.
    pub(super) fn base(&self, stubs: &[Source]) -> Fit<Vec<u8>> {
        let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
        let (mut code, mut exports) = (CodeSection::new(), ExportSection::new());
        for (place, stub) in (0..).zip(stubs) {
            let ty = self.signature(*stub)?;
            types.ty().func_type(&RoundtripReencoder.func_type(ty.clone()).map_err(unwritable)?);
            functions.function(place);
            exports.export(&place.to_string(), ExportKind::Func, place);
            let mut body = Function::new([]);
            for param in 0..count(ty.params()) {
                body.instruction(&Instruction::LocalGet(param));
            }
            body.instruction(&Instruction::I32Const(place.cast_signed()));
            body.instruction(&Instruction::CallIndirect { type_index: place, table_index: 0 });
            body.instruction(&Instruction::End);
            code.function(&body);
        }
        let (mut tables, mut memories) = (TableSection::new(), MemorySection::new());
        if !stubs.is_empty() {
            tables.table(stub_table(count(stubs)));
            exports.export(STUBS, ExportKind::Table, 0);
        }
        memories.memory(RoundtripReencoder.memory_type(self.memory.1).map_err(unwritable)?);
        exports.export(MEMORY, ExportKind::Memory, 0);
        let mut data = DataSection::new();
        for piece in self.graph.modules.iter().flat_map(|module| &module.data) {
            data.active(0, &self.offset(piece)?, piece.data.iter().copied());
        }
        let mut module = wasm_encoder::Module::new();
        module.section(&types).section(&functions).section(&tables).section(&memories);
        module.section(&exports).section(&code).section(&data);
        Ok(module.finish())
    }

    /// Where a piece of data goes, if it has its place from the beginning.
    fn offset(&self, data: &Data<'_>) -> Fit<ConstExpr> {
        let DataKind::Active { offset_expr, .. } = &data.kind else {
            return Err(Unfit("it has data to be copied later"));
        };
        let offset = constant(offset_expr).ok_or(Unfit("it computes where data goes"))?;
        let end = u64::from(offset) + data.data.len() as u64;
        // Data beyond it makes an instance fail, which is not to come at another point.
        if end > self.memory.1.initial << 16 {
            return Err(Unfit("it has data beyond its memory"));
        }
        Ok(ConstExpr::i32_const(offset.cast_signed()))
    }

    /// The joint: the code of all modules. It fills in the `stubs` of the base, and exports `exports`
    /// by their numbers.
    pub(super) fn joint(&self, stubs: &[Source], exports: &[Source]) -> Fit<Vec<u8>> {
        let mut joint = Joint::default();
        for (number, (_, ty)) in self.imports.iter().enumerate() {
            joint.imports.import("", &number.to_string(), EntityType::Function(*ty));
        }
        let memory = RoundtripReencoder.memory_type(self.memory.1).map_err(unwritable)?;
        joint.imports.import("", MEMORY, memory);
        if !stubs.is_empty() {
            joint.imports.import("", STUBS, stub_table(count(stubs)));
        }
        let mut declared = BTreeSet::new();
        for (index, module) in self.joined() {
            let stub_tables = u32::from(!stubs.is_empty());
            let mut renumber = Renumber { join: self, index, stub_tables, declared: &mut declared };
            joint.add(&mut renumber, module)?;
            for &(function, name) in &module.function_names {
                let source = self.graph.source_in(index, Kind::Function, function);
                if let Ok(source @ Source::Module(by, _)) = source
                    && by == index
                {
                    joint.names.insert(self.index(source)?, name);
                }
            }
        }
        if !stubs.is_empty() {
            let stubs = stubs.iter().map(|stub| self.index(*stub)).collect::<Fit<Vec<_>>>()?;
            // Last of all: an engine cannot prepare segments that fill a table from another module,
            // nor any that follow.
            let (at, stubs) = (ConstExpr::i32_const(0), Elements::Functions(stubs.into()));
            joint.elements.active(Some(0), &at, stubs);
        }
        if !declared.is_empty() {
            let declared: Vec<_> = declared.into_iter().collect();
            joint.elements.declared(Elements::Functions(declared.into()));
        }
        for (number, export) in exports.iter().enumerate() {
            joint.exports.export(&number.to_string(), ExportKind::Func, self.index(*export)?);
        }
        let modules = self.graph.modules.iter().enumerate();
        let starts = modules.filter_map(|(index, module)| Some((index, module.start?)));
        let starts = starts.map(|(index, start)| self.index(self.function(index, start)?));
        let start = self.start(&mut joint, &starts.collect::<Fit<Vec<_>>>()?)?;
        let Source::Module(program, _) = self.memory.0 else {
            return Err(Unfit("it has no memory"));
        };
        Ok(joint.finish(start, self.graph.modules[program].name))
    }

    /// The function that calls all of these, if there are any.
    fn start(&self, joint: &mut Joint<'_>, starts: &[u32]) -> Fit<Option<u32>> {
        if starts.len() < 2 {
            return Ok(starts.first().copied());
        }
        joint.types.ty().function([], []);
        joint.functions.function(self.end.types);
        let mut body = Function::new([]);
        for start in starts {
            body.instruction(&Instruction::Call(*start));
        }
        body.instruction(&Instruction::End);
        joint.code.function(&body);
        sum(&[count(&self.imports), self.end.functions]).map(Some)
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

fn stub_table(stubs: u32) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: stubs.into(),
        maximum: Some(stubs.into()),
        shared: false,
    }
}

fn unwritable(_: reencode::Error) -> Unfit {
    Unfit("it has what cannot be written again")
}
