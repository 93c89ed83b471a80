//! The module that stands between a program of preview 1 and the adapter, so that neither meets the
//! other's memory.
//!
//! It defines both: the adapter's, and what the program has for its own. Each function of preview 1 is
//! called by the program with addresses in the one, and calls the adapter with addresses in the other:
//! what they point at is copied. In the adapter's memory lie, from the bottom up, nothing where a null
//! pointer leads; results of a fixed size; and room for all else, which moves to new pages when it is
//! too small. The adapter takes pages of its own.

mod call;
mod own;

use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function as Body,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module,
    NameMap, NameSection, RefType, TableSection, TableType, TypeSection, ValType,
};

use super::{
    PREVIEW_1,
    preview_1::{Function, described},
};
use call::Call;
use own::{Own, Way, carry, reserve, total, within};

/// The adapter's memory among the bridge's; those of the program follow.
const OURS: u32 = 0;

/// Where all else goes, and how much fits.
const ROOM: i32 = 2048;
const ROOM_BYTES: i64 = (64 << 10) - ROOM as i64;

/// The bridge's globals.
const ROOM_AT: u32 = 0;
const ROOM_SIZE: u32 = 1;

/// The name by which the table is exported whose one place has the program's start.
pub(super) const START: &str = "keyway:start";

/// The name by which a memory of the program is exported.
pub(super) fn memory_name(number: usize) -> String {
    format!("keyway:memory-{number}")
}

/// What a bridge is for.
pub(super) struct Plan<'a> {
    /// The functions that the program imports.
    pub(super) functions: Vec<&'static Function>,
    /// The memories that it defines.
    pub(super) memories: &'a [wasmparser::MemoryType],
    /// Which of them it shows to others.
    pub(super) shown: usize,
    /// Whether it is a command.
    pub(super) is_command: bool,
}

impl Plan<'_> {
    /// Writes the bridge.
    pub(super) fn bridge(&self) -> Vec<u8> {
        let mut imported: Vec<&'static Function> = Vec::new();
        let companions = self.functions.iter().flat_map(|function| function.companions());
        let companions = companions.filter_map(Function::find);
        for function in self.functions.iter().copied().chain(companions) {
            if !imported.iter().any(|known| known.name == function.name) {
                imported.push(function);
            }
        }
        let first = u32::try_from(imported.len()).unwrap_or(u32::MAX);
        let own = Own {
            within: first,
            reserve: first + 1,
            total: first + 2,
            gather: first + 3,
            scatter: first + 4,
        };
        let mut writer = Writer { plan: self, imported, own, ..Writer::default_with(self) };
        writer.imports();
        writer.own_functions();
        for function in &self.functions {
            writer.function(function);
        }
        if self.is_command {
            writer.start();
        }
        writer.finish()
    }

    /// The memory that the program shows, among the bridge's.
    fn theirs(&self) -> u32 {
        u32::try_from(self.shown).map_or(u32::MAX, |shown| shown.saturating_add(1))
    }
}

struct Writer<'p> {
    plan: &'p Plan<'p>,
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
    fn default_with(plan: &'p Plan<'p>) -> Self {
        Self {
            plan,
            imported: Vec::new(),
            own: Own { within: 0, reserve: 0, total: 0, gather: 0, scatter: 0 },
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
        for function in &self.imported {
            let ty = self.types.len();
            self.types.ty().function(function.params(), function.results().iter().copied());
            self.imports.import(PREVIEW_1, function.name, EntityType::Function(ty));
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

    fn own_functions(&mut self) {
        use ValType::{I32, I64};
        let theirs = self.plan.theirs();
        self.add("within", &[I32, I64], &[I32], &within(theirs));
        self.add("reserve", &[I64], &[I32], &reserve());
        let total = total(theirs, self.own);
        self.add("total", &[I32, I32], &[I64], &total);
        self.add("gather", &[I32; 4], &[], &carry(theirs, Way::FromProgram));
        self.add("scatter", &[I32; 4], &[], &carry(theirs, Way::ToProgram));
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
            let params = function.params();
            let call = Call::new(self, function);
            let body = call.body();
            self.add(&described(function.name), &params, function.results(), &body)
        };
        self.exports.export(function.name, ExportKind::Func, index);
    }

    /// Has the program started by whom starts the bridge.
    fn start(&mut self) {
        let ty = self.types.len();
        let mut body = Body::new([]);
        body.instructions().i32_const(0).call_indirect(0, ty).end();
        let start = self.add("start", &[], &[], &body);
        self.exports.export("_start", ExportKind::Func, start);
    }

    fn finish(mut self) -> Vec<u8> {
        let mut tables = TableSection::new();
        if self.plan.is_command {
            tables.table(TableType {
                element_type: RefType::FUNCREF,
                table64: false,
                minimum: 1,
                maximum: Some(1),
                shared: false,
            });
            self.exports.export(START, ExportKind::Table, 0);
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
        globals.global(global(ValType::I64), &ConstExpr::i64_const(ROOM_BYTES));
        let mut names = NameSection::new();
        names.module(PREVIEW_1);
        names.functions(&self.names);
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        module.section(&tables).section(&memories).section(&globals).section(&self.exports);
        module.section(&self.code).section(&names);
        module.finish()
    }
}

fn memory(minimum: u64, maximum: Option<u64>) -> MemoryType {
    MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None }
}
