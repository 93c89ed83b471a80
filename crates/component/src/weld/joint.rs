//! The module that receives the code of the rest.

use std::collections::{BTreeMap, BTreeSet};

use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, NameMap,
    NameSection, StartSection, TableSection, TypeSection, ValType,
    reencode::{self, Reencode, RoundtripReencoder},
};
use wasmparser::Operator;

use super::{
    Fit, Unfit,
    counting::counting,
    graph::{NO_ITEM, Source},
    join::{Base, Counters, Join, MEMORY, STUBS, stub_table, sum, unwritable},
    ledger::{self, Ledger},
    module::{Kind, Module, count},
};

/// Under which name the joint exports its count of handles, if it counts them.
pub(super) const COUNT: &str = "count";

/// Under which name it exports a mutable global then.
pub(super) fn global_name(number: u32) -> String {
    format!("global{number}")
}

/// The joint: the code of all modules. It fills in the `stubs` of the base, and exports `exports`
/// by their numbers. With it come the types of the mutable globals that it exports.
pub(super) fn joint(
    join: &Join<'_, '_>,
    stubs: &[Source],
    exports: &[Source],
) -> Fit<(Vec<u8>, Vec<ValType>)> {
    let mut joint = Joint::default();
    for (number, (_, ty)) in join.imports.iter().enumerate() {
        joint.imports.import("", &number.to_string(), EntityType::Function(*ty));
    }
    let memory = RoundtripReencoder.memory_type(join.memory.1).map_err(unwritable)?;
    joint.imports.import("", MEMORY, memory);
    if !stubs.is_empty() {
        joint.imports.import("", STUBS, stub_table(count(stubs)));
    }
    let mut declared = BTreeSet::new();
    for (index, module) in join.joined() {
        let stub_tables = u32::from(!stubs.is_empty());
        let mut renumber = Renumber { join, index, stub_tables, declared: &mut declared };
        joint.add(&mut renumber, module)?;
        for &(function, name) in &module.function_names {
            let source = join.graph.source_in(index, Kind::Function, function);
            if let Ok(source @ Source::Module(by, _)) = source
                && by == index
            {
                joint.names.insert(join.index(source)?, name);
            }
        }
    }
    if !stubs.is_empty() {
        let stubs = stubs.iter().map(|stub| join.export(*stub)).collect::<Fit<Vec<_>>>()?;
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
        joint.exports.export(&number.to_string(), ExportKind::Func, join.export(*export)?);
    }
    let globals = match &join.counters {
        None => Vec::new(),
        Some(counters) => {
            joint.count(join, counters)?;
            joint.export_globals(join)?
        }
    };
    let modules = join.graph.modules.iter().enumerate();
    let starts = modules.filter_map(|(index, module)| Some((index, module.start?)));
    let starts = starts.map(|(index, start)| join.index(join.function(index, start)?));
    let start = start(join, &mut joint, &starts.collect::<Fit<Vec<_>>>()?)?;
    let Source::Module(program, _) = join.memory.0 else {
        return Err(Unfit("it has no memory"));
    };
    Ok((joint.finish(start, join.graph.modules[program].name), globals))
}

/// The function that calls all of these, if there are any.
fn start(join: &Join<'_, '_>, joint: &mut Joint<'_>, starts: &[u32]) -> Fit<Option<u32>> {
    if starts.len() < 2 {
        return Ok(starts.first().copied());
    }
    let (ledger_types, ledger_functions) =
        if join.counters.is_some() { (ledger::TYPES, ledger::FUNCTIONS) } else { (0, 0) };
    joint.types.ty().function([], []);
    joint.functions.function(sum(&[join.end.types, ledger_types])?);
    let mut body = Function::new([]);
    for start in starts {
        body.instruction(&Instruction::Call(*start));
    }
    body.instruction(&Instruction::End);
    joint.code.function(&body);
    sum(&[join.after_counters()?, ledger_functions]).map(Some)
}

/// The joint, as it grows.
#[derive(Default)]
struct Joint<'a> {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    code: CodeSection,
    /// Of functions, in the order of their indices.
    names: BTreeMap<u32, &'a str>,
}

impl Joint<'_> {
    fn add(&mut self, renumber: &mut Renumber<'_, '_, '_>, module: &Module<'_>) -> Fit<()> {
        if let Some(types) = &module.types {
            renumber.parse_type_section(&mut self.types, types.clone())?;
        }
        for ty in &module.functions {
            self.functions.function(renumber.type_index(*ty)?);
        }
        if let Some(tables) = &module.tables {
            renumber.parse_table_section(&mut self.tables, tables.clone())?;
        }
        if let Some(globals) = &module.globals {
            renumber.parse_global_section(&mut self.globals, globals.clone())?;
        }
        if let Some(elements) = &module.elements {
            renumber.parse_element_section(&mut self.elements, elements.clone())?;
        }
        for body in &module.bodies {
            renumber.parse_function_body(&mut self.code, body.clone())?;
        }
        Ok(())
    }

    /// Adds the functions that count handles, and the ledger in which they note what kinds these are.
    fn count(&mut self, join: &Join<'_, '_>, counters: &Counters) -> Fit<()> {
        let global = join.end.globals;
        let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        self.globals.global(ty, &ConstExpr::i32_const(0));
        self.exports.export(COUNT, ExportKind::Global, global);
        let note = join.after_counters()?;
        for counter in &counters.list {
            self.functions.function(counter.ty);
            self.code.function(&counting(counter, global, note));
        }
        let ledger = Ledger { first_global: sum(&[global, 1])? };
        ledger.globals(&mut self.globals);
        ledger.types(&mut self.types);
        for (number, name) in (0..).zip([ledger::NOTE, ledger::NOTED]) {
            self.functions.function(sum(&[join.end.types, number])?);
            self.exports.export(name, ExportKind::Func, sum(&[note, number])?);
        }
        self.code.function(&ledger.note()).function(&ledger.noted());
        Ok(())
    }

    /// Exports all mutable globals of modules, and returns their types.
    fn export_globals(&mut self, join: &Join<'_, '_>) -> Fit<Vec<ValType>> {
        let mut types = Vec::new();
        let mut index = 0;
        for (_, module) in join.joined() {
            for global in module.globals.iter().flat_map(Clone::clone) {
                let ty = global?.ty;
                if ty.mutable {
                    let name = global_name(count(&types));
                    self.exports.export(&name, ExportKind::Global, index);
                    types.push(RoundtripReencoder.val_type(ty.content_type).map_err(unwritable)?);
                }
                index += 1;
            }
        }
        Ok(types)
    }

    fn finish(self, start: Option<u32>, name: Option<&str>) -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        module.section(&self.tables).section(&self.globals).section(&self.exports);
        if let Some(function_index) = start {
            module.section(&StartSection { function_index });
        }
        module.section(&self.elements).section(&self.code);
        let (mut names, mut functions) = (NameSection::new(), NameMap::new());
        if let Some(name) = name {
            names.module(name);
        }
        for (index, name) in self.names {
            functions.append(index, name);
        }
        names.functions(&functions);
        module.section(&names);
        module.finish()
    }
}

/// Gives what a module numbers its numbers in the joint.
struct Renumber<'j, 'g, 'a> {
    join: &'j Join<'g, 'a>,
    /// The module's.
    index: usize,
    /// How many tables come before those of modules: the base's, where there is one.
    stub_tables: u32,
    /// Functions that code takes references of, which a module must declare.
    declared: &'j mut BTreeSet<u32>,
}

impl Renumber<'_, '_, '_> {
    fn module(&self) -> &Module<'_> {
        &self.join.graph.modules[self.index]
    }

    fn base(&self) -> Base {
        self.join.bases[self.index]
    }

    /// The module that defines what this one has, and its number among those that it defines.
    fn defined(&self, kind: Kind, index: u32) -> Result<(usize, u32), reencode::Error<Unfit>> {
        let source = self.join.graph.source_in(self.index, kind, index);
        match source.map_err(reencode::Error::UserError)? {
            Source::Canonical(_) => Err(reencode::Error::UserError(Unfit("it is no function"))),
            Source::Module(module, index) => {
                Ok((module, index - self.join.graph.imported(module, kind)))
            }
        }
    }
}

impl Reencode for Renumber<'_, '_, '_> {
    type Error = Unfit;

    fn type_index(&mut self, ty: u32) -> Result<u32, reencode::Error<Unfit>> {
        let is_there = ty < self.module().type_count();
        let index = sum(&[self.base().types, ty]).ok().filter(|_| is_there);
        index.ok_or(reencode::Error::UserError(NO_ITEM))
    }

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Unfit>> {
        let source = self.join.function(self.index, function);
        let index = source.and_then(|source| self.join.index(source));
        index.map_err(reencode::Error::UserError)
    }

    fn table_index(&mut self, table: u32) -> Result<u32, reencode::Error<Unfit>> {
        let (module, index) = self.defined(Kind::Table, table)?;
        let tables = [self.stub_tables, self.join.bases[module].tables, index];
        sum(&tables).map_err(reencode::Error::UserError)
    }

    fn global_index(&mut self, global: u32) -> Result<u32, reencode::Error<Unfit>> {
        let (module, index) = self.defined(Kind::Global, global)?;
        let globals = [self.join.bases[module].globals, index];
        sum(&globals).map_err(reencode::Error::UserError)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32, reencode::Error<Unfit>> {
        // If it has one, that is the one.
        let source = self.join.graph.source_in(self.index, Kind::Memory, memory);
        source.map(|_| 0).map_err(reencode::Error::UserError)
    }

    fn element_index(&mut self, element: u32) -> Result<u32, reencode::Error<Unfit>> {
        let is_there = element < self.module().element_count();
        let index = sum(&[self.base().elements, element]).ok().filter(|_| is_there);
        index.ok_or(reencode::Error::UserError(NO_ITEM))
    }

    fn data_index(&mut self, _: u32) -> Result<u32, reencode::Error<Unfit>> {
        Err(reencode::Error::UserError(Unfit("it copies data later")))
    }

    fn tag_index(&mut self, _: u32) -> Result<u32, reencode::Error<Unfit>> {
        Err(reencode::Error::UserError(Unfit("it has tags")))
    }

    fn instruction<'a>(
        &mut self,
        operator: Operator<'a>,
    ) -> Result<Instruction<'a>, reencode::Error<Unfit>> {
        match operator {
            Operator::RefFunc { function_index } => {
                let function = self.function_index(function_index)?;
                self.declared.insert(function);
            }
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
                if self.join.counters.is_some() =>
            {
                return Err(reencode::Error::UserError(Unfit("it changes its tables")));
            }
            _ => {}
        }
        reencode::utils::instruction(self, operator)
    }
}
