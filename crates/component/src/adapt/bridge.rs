//! The module that stands between a program of preview 1 and the adapter, so that neither meets the
//! other's memory.
//!
//! It defines both: the adapter's, and what the program has for its own. Each function of preview 1 is
//! called by the program with addresses in the one, and calls the adapter with addresses in the other:
//! what they point at is copied. In the adapter's memory lie, from the bottom up, nothing where a null
//! pointer leads; results of a fixed size; and room for all else, which moves to new pages when it is
//! too small. The adapter takes pages of its own.
//!
//! To the encoder the bridge is the program: it imports what the program's world has, and exports what the
//! program exports, which it calls through a table. So it has neither code nor data of the program.

mod call;
mod own;
mod transfer;

use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, EntityType, ExportKind, ExportSection, Function as Body,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module,
    NameMap, NameSection, RefType, TableSection, TableType, TypeSection, ValType,
};

use super::{
    PREVIEW_1,
    preview_1::{Function, TIME, described},
};
use call::Call;
use own::{Own, Way, carry, copy, is_text, reserve, set_deadlines, total, within};
use transfer::Transfer;

/// The adapter's memory among the bridge's; those of the program follow.
const OURS: u32 = 0;

/// Where results of a fixed size go.
const RESULTS: i32 = 1024;

/// Where all else goes, and how much fits.
const ROOM: i32 = 2048;
const ROOM_BYTES: i32 = (64 << 10) - ROOM;

/// The bridge's globals.
const ROOM_AT: u32 = 0;
const ROOM_SIZE: u32 = 1;

/// The name by which the table is exported that has the program's functions.
pub(super) const TABLE: &str = "keyway:functions";

/// The name by which a memory of the program is exported.
pub(super) fn memory_name(number: usize) -> String {
    format!("keyway:memory-{number}")
}

/// The type of the table that has so many functions.
pub(super) fn table(functions: usize) -> TableType {
    let functions = u64::try_from(functions).unwrap_or(u64::MAX);
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: functions,
        maximum: Some(functions),
        shared: false,
    }
}

/// A function's name, and what it takes and returns.
#[derive(Debug, Clone)]
pub(super) struct Signature<'a> {
    pub(super) name: &'a str,
    pub(super) params: Vec<ValType>,
    pub(super) results: Vec<ValType>,
}

/// What a bridge is for.
pub(super) struct Plan<'p, 'a> {
    /// The functions of preview 1 that the program imports.
    pub(super) functions: &'p [&'static Function],
    /// The other functions that it imports, with the names of the instances that have them.
    pub(super) imports: &'p [(&'a str, Signature<'a>)],
    /// Its functions that the bridge exports, in the order of the table.
    pub(super) exports: &'p [Signature<'a>],
    /// The memories that it defines.
    pub(super) memories: &'p [wasmparser::MemoryType],
    /// Which of them it shows to others.
    pub(super) shown: usize,
    /// The custom sections that say what world it is for.
    pub(super) world: &'p [(&'a str, &'a [u8])],
}

impl Plan<'_, '_> {
    /// Writes the bridge.
    pub(super) fn bridge(&self) -> Vec<u8> {
        let mut imported: Vec<&'static Function> = Vec::new();
        let companions = self.functions.iter().flat_map(|function| function.companions);
        let companions = companions.filter_map(|name| Function::find(name));
        for function in self.functions.iter().copied().chain(companions) {
            if !imported.iter().any(|known| known.name == function.name) {
                imported.push(function);
            }
        }
        let first = u32::try_from(imported.len() + self.imports.len()).unwrap_or(u32::MAX);
        let own = Own::from(first);
        let mut writer = Writer { plan: self, imported, own, ..Writer::default_with(self) };
        writer.imports();
        writer.own_functions();
        for function in self.functions {
            writer.function(function);
        }
        for (place, export) in self.exports.iter().enumerate() {
            writer.export(place, export);
        }
        writer.finish()
    }

    /// The memory that the program shows, among the bridge's.
    fn theirs(&self) -> u32 {
        u32::try_from(self.shown).map_or(u32::MAX, |shown| shown.saturating_add(1))
    }
}

struct Writer<'p> {
    plan: &'p Plan<'p, 'p>,
    imported: Vec<&'static Function>,
    own: Own,
    next: u32,
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    exports: ExportSection,
    code: CodeSection,
    names: NameMap,
}

impl<'p> Writer<'p> {
    fn default_with(plan: &'p Plan<'p, 'p>) -> Self {
        Self {
            plan,
            imported: Vec::new(),
            own: Own::from(0),
            next: 0,
            types: TypeSection::new(),
            imports: ImportSection::new(),
            functions: FunctionSection::new(),
            exports: ExportSection::new(),
            code: CodeSection::new(),
            names: NameMap::new(),
        }
    }

    fn imports(&mut self) {
        let of_preview_1 = self.imported.iter().map(|function| {
            (PREVIEW_1, function.name, function.params(), function.results().to_vec())
        });
        let others = self.plan.imports.iter().map(|(from, function)| {
            (*from, function.name, function.params.clone(), function.results.clone())
        });
        for (from, name, params, results) in of_preview_1.chain(others) {
            let ty = self.types.len();
            self.types.ty().function(params, results);
            self.imports.import(from, name, EntityType::Function(ty));
            self.next += 1;
        }
    }

    /// Adds a function and says which it is.
    fn add(&mut self, name: &str, params: &[ValType], results: &[ValType], body: &Body) -> u32 {
        let ty = self.types.len();
        self.types.ty().function(params.iter().copied(), results.iter().copied());
        self.functions.function(ty);
        self.code.function(body);
        self.names.append(self.next, name);
        self.next += 1;
        self.next - 1
    }

    /// Adds the bridge's own functions, in the order in which they are numbered.
    fn own_functions(&mut self) {
        use ValType::{I32, I64};
        let (theirs, own) = (self.plan.theirs(), self.own);
        self.add("within", &[I32, I64], &[I32], &within(theirs));
        self.add("reserve", &[I64], &[I32], &reserve());
        self.add("take", &[I32; 3], &[], &copy(theirs, Way::FromProgram));
        self.add("give", &[I32; 3], &[], &copy(theirs, Way::ToProgram));
        self.add("total", &[I32, I32], &[I64], &total(theirs, own));
        self.add("gather", &[I32; 5], &[], &carry(theirs, Way::FromProgram, own));
        self.add("scatter", &[I32; 5], &[], &carry(theirs, Way::ToProgram, own));
        self.add("is-text", &[I32, I32], &[I32], &is_text(theirs));
        if self.imported.iter().any(|function| function.name == TIME) {
            let deadlines = set_deadlines(self.import_of(TIME));
            self.add("set-deadlines", &[I32, I32], &[], &deadlines);
        }
    }

    fn import_of(&self, name: &str) -> u32 {
        let place = self.imported.iter().position(|function| function.name == name);
        place.and_then(|place| u32::try_from(place).ok()).expect("companions are imported, too")
    }

    fn function(&mut self, function: &'static Function) {
        let import = self.import_of(function.name);
        let index = if function.is_plain() {
            import
        } else {
            let body = Transfer::new(self, function)
                .map_or_else(|| Call::new(self, function).body(), |transfer| transfer.body());
            self.add(&described(function.name), &function.params(), function.results(), &body)
        };
        self.exports.export(function.name, ExportKind::Func, index);
    }

    /// Exports a function of the program, which is called at its place in the table.
    fn export(&mut self, place: usize, export: &Signature<'_>) {
        let ty = self.types.len();
        let mut body = Body::new([]);
        let sink = &mut body.instructions();
        for (param, _) in (0..).zip(&export.params) {
            sink.local_get(param);
        }
        sink.i32_const(i32::try_from(place).unwrap_or(i32::MAX)).call_indirect(0, ty).end();
        let index = self.add(export.name, &export.params, &export.results, &body);
        self.exports.export(export.name, ExportKind::Func, index);
    }

    fn finish(mut self) -> Vec<u8> {
        let mut tables = TableSection::new();
        if !self.plan.exports.is_empty() {
            tables.table(table(self.plan.exports.len()));
            self.exports.export(TABLE, ExportKind::Table, 0);
        }
        let mut memories = MemorySection::new();
        memories.memory(memory(1, None));
        self.exports.export("memory", ExportKind::Memory, OURS);
        for (number, theirs) in (0_usize..).zip(self.plan.memories) {
            let index = memories.len();
            memories.memory(MemoryType {
                shared: theirs.shared,
                ..memory(theirs.initial, theirs.maximum)
            });
            self.exports.export(&memory_name(number), ExportKind::Memory, index);
        }
        if self.plan.memories.is_empty() {
            // Where every address is wrong.
            memories.memory(memory(0, Some(0)));
        }
        let mut globals = GlobalSection::new();
        let global = |val_type| GlobalType { val_type, mutable: true, shared: false };
        globals.global(global(ValType::I32), &ConstExpr::i32_const(ROOM));
        globals.global(global(ValType::I64), &ConstExpr::i64_const(ROOM_BYTES.into()));
        let mut names = NameSection::new();
        names.module(PREVIEW_1);
        names.functions(&self.names);
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        module.section(&tables).section(&memories).section(&globals).section(&self.exports);
        module.section(&self.code).section(&names);
        for &(name, data) in self.plan.world {
            module.section(&CustomSection { name: name.into(), data: data.into() });
        }
        module.finish()
    }
}

fn memory(minimum: u64, maximum: Option<u64>) -> MemoryType {
    MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None }
}
