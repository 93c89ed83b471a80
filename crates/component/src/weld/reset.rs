//! What resets a component, so that an instance of it which has answered becomes as it was when it was new.
//!
//! A third core module, the keeper, is instantiated last. It keeps what the globals of the joint are at that
//! moment, and gives the component two functions more:
//!
//! - `keyway-view` lends the memory to the host, as a list of bytes that is as long as the memory. The host
//!   compares and copies bytes; it does so while nothing runs in the instance.
//! - `keyway-reset` does the rest, see [`Act`]: globals, and the table of handles.
//!
//! **The table of handles.** A component numbers its handles from 1 and uses the numbers of dropped ones
//! again, the last one first. So an instance would notice by the numbers of its handles that it is not new,
//! and could even tell the next request something by the order in which it drops them. The joint counts how
//! many handles it was given since the last reset: no more slots can be in the table than that, or than were
//! there before. The keeper takes as many handles of a resource of its own. It then has all slots, except
//! those of handles that the component has not dropped; these it drops, by the kinds that the joint's
//! [`ledger`](super::ledger) has noted, and takes their slots too. It gives its handles back from the last
//! to the first, so that the next handles get 1, 2, 3 …, as in a new table.
//!
//! To take as many handles as there were slots, while some slots are not free, makes the table longer. So
//! the keeper takes fewer if the last request left some, which most often is what the next one does. If it
//! took too few, it takes a free slot for a handle that was left, and the instance traps and ends.
//!
//! **What cannot be reset** is left as it is: components that change their tables, or run several calls at a
//! time. An instance whose memory has grown is not reset either, since no memory shrinks, nor is one that has
//! handles left which cannot be dropped.

use wasm_encoder::{
    Alias, BlockType, CanonicalFunctionSection, CanonicalOption, CodeSection,
    ComponentAliasSection, ComponentExportKind, ComponentExportSection, ComponentSection,
    ComponentTypeSection, ComponentValType, ConstExpr, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, GlobalSection, GlobalType, ImportSection, InstanceSection,
    Instruction as I, MemArg, MemoryType, ModuleArg, PrimitiveValType, StartSection, TypeSection,
    ValType,
};
use wasmparser::types::Types;

use super::{
    Fit, Unfit,
    handle::MAX_HANDLES,
    join::{JOINT, MEMORY},
    joint::{COUNT, global_name},
    ledger,
    module::count,
};
use crate::section::{id, write};

/// What `keyway-reset` of the instance `number` within a component is called, and `keyway-view`. The `tag`
/// tells both from what the component exports itself.
pub fn reset_names(number: u32, tag: &str) -> [String; 2] {
    [format!("{RESET}{number}-k{tag}"), format!("{VIEW}{number}-k{tag}")]
}

/// The name, before a number, of a function `(act: u32) -> u32` that resets everything except memory.
const RESET: &str = "keyway-reset";
/// The name, before the same number, of a function `() -> list<u8>` that lends the memory.
const VIEW: &str = "keyway-view";

/// Globals of one component that are kept. Tools that link libraries at build time make a few hundred.
const MAX_GLOBALS: usize = 10_000;

/// What `keyway-reset` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Puts everything except memory into its first state.
    Reset = 0,
    /// Only compares, and fails if the instance is not in its first state.
    Compare = 1,
}

/// What `keyway-reset` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Done = 0,
    /// The memory has grown.
    Grown = 1,
    /// Handles are left that cannot be dropped.
    Handles = 2,
    /// A global has another value than in a new instance.
    Globals = 3,
    /// More handles were given than are put in order.
    Many = 4,
    /// It succeeded, and dropped handles that were left, which may have called other components.
    Dropped = 5,
}

impl From<u32> for Outcome {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::Done,
            1 => Self::Grown,
            2 => Self::Handles,
            3 => Self::Globals,
            5 => Self::Dropped,
            _ => Self::Many,
        }
    }
}

/// Where the keeper is among the core modules of the component, and its instance among theirs.
const KEEPER_MODULE: u32 = 2;
const KEEPER: u32 = JOINT + 2;

/// Functions that the keeper imports, by index: those of its own resource, of the joint's ledger, and what
/// drops handles of each kind.
const NEW: u32 = 0;
const DROP: u32 = 1;
const NOTE: u32 = 2;
const NOTED: u32 = 3;
const FIRST_KIND: u32 = 4;

/// The kind of the keeper's own handles in the ledger.
const OWN: u32 = 255;

/// The keeper of a component whose joint has these mutable globals, and which has so many kinds of handles.
fn keeper(memory: MemoryType, globals: &[ValType], kinds: u32) -> Fit<Vec<u8>> {
    if globals.len() > MAX_GLOBALS {
        return Err(Unfit("it has too many globals"));
    }
    let mut types = TypeSection::new();
    let [get, put, act, number, note] = [0, 1, 2, 3, 4];
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([ValType::I32], []);
    types.ty().function([], []);
    types.ty().function([], [ValType::I32]);
    types.ty().function([ValType::I32, ValType::I32], []);
    let mut imports = ImportSection::new();
    imports.import("", "new", EntityType::Function(get));
    imports.import("", "drop", EntityType::Function(put));
    imports.import("", ledger::NOTE, EntityType::Function(note));
    imports.import("", ledger::NOTED, EntityType::Function(get));
    for kind in 0..kinds {
        imports.import("", &drop_name(kind), EntityType::Function(put));
    }
    imports.import("", MEMORY, memory);
    let mutable = |val_type| GlobalType { val_type, mutable: true, shared: false };
    imports.import("", COUNT, mutable(ValType::I32));
    for (number, ty) in (0..).zip(globals) {
        imports.import("", &global_name(number), mutable(*ty));
    }
    let kept = Kept { globals: count(globals), kinds };
    let mut own = GlobalSection::new();
    for ty in [ValType::I32, ValType::I32, ValType::I32, ValType::I64].iter().chain(globals) {
        own.global(mutable(*ty), &zero(*ty)?);
    }
    let mut functions = FunctionSection::new();
    functions.function(act).function(get).function(number).function(put);
    let keep = FIRST_KIND + kinds;
    let mut exports = ExportSection::new();
    for (name, function) in ["reset", "view", "viewed"].into_iter().zip(keep + 1..) {
        exports.export(name, ExportKind::Func, function);
    }
    let mut code = CodeSection::new();
    code.function(&kept.keep()).function(&kept.reset(globals)?);
    code.function(&kept.view()).function(&kept.viewed());
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&imports).section(&functions).section(&own).section(&exports);
    module.section(&StartSection { function_index: keep }).section(&code);
    Ok(module.finish())
}

/// Under which name the keeper imports what drops handles of a kind.
fn drop_name(kind: u32) -> String {
    format!("drop{kind}")
}

/// The globals of the keeper: first the joint's count of handles, its globals, and then its own.
struct Kept {
    globals: u32,
    kinds: u32,
}

/// The parameter and the locals of what resets.
const ACT: u32 = 0;
/// A number of a handle.
const AT: u32 = 1;
/// Handles to be taken.
const LEFT: u32 = 2;
/// The highest number of all handles.
const TOP: u32 = 3;

impl Kept {
    /// Handles that the component was given since it was last reset.
    const GIVEN: u32 = 0;

    /// A global of the joint.
    fn global(number: u32) -> u32 {
        1 + number
    }

    /// The pages that the memory begins with.
    fn pages(&self) -> u32 {
        1 + self.globals
    }

    /// The slots that the table of handles has at least.
    fn slots(&self) -> u32 {
        2 + self.globals
    }

    /// The handles that were left when it was last reset.
    fn left(&self) -> u32 {
        3 + self.globals
    }

    /// What is in memory where a view of it puts its address and length.
    fn aside(&self) -> u32 {
        4 + self.globals
    }

    /// The first value of a global of the joint.
    fn first(&self, number: u32) -> u32 {
        5 + self.globals + number
    }

    fn keep(&self) -> Function {
        let mut body = Function::new([]);
        body.instruction(&I::MemorySize(0)).instruction(&I::GlobalSet(self.pages()));
        for number in 0..self.globals {
            body.instruction(&I::GlobalGet(Self::global(number)));
            body.instruction(&I::GlobalSet(self.first(number)));
        }
        body.instruction(&I::End);
        body
    }

    fn reset(&self, globals: &[ValType]) -> Fit<Function> {
        let mut body = Function::new([(3, ValType::I32)]);
        let mut add = |instructions: &[I<'_>]| {
            for instruction in instructions {
                body.instruction(instruction);
            }
        };
        add(&[I::MemorySize(0), I::GlobalGet(self.pages()), I::I32Ne]);
        add(&fail(Outcome::Grown));
        add(&[I::LocalGet(ACT), I::I32Const(Act::Compare as i32), I::I32Eq]);
        add(&[I::If(BlockType::Empty)]);
        add(&self.compare(globals)?);
        add(&[I::I32Const(Outcome::Done as i32), I::Return, I::End]);
        add(&self.take_handles());
        add(&[I::GlobalGet(Self::GIVEN), I::LocalSet(LEFT)]);
        add(&self.drop_handles());
        // What drops a handle may be the component's own code, which must not have taken others.
        add(&[I::GlobalGet(Self::GIVEN), I::LocalGet(LEFT), I::I32Ne]);
        add(&fail(Outcome::Handles));
        add(&[I::MemorySize(0), I::GlobalGet(self.pages()), I::I32Ne]);
        add(&fail(Outcome::Grown));
        for number in 0..self.globals {
            add(&[I::GlobalGet(self.first(number)), I::GlobalSet(Self::global(number))]);
        }
        add(&[I::I32Const(0), I::GlobalSet(Self::GIVEN)]);
        add(&[I::GlobalGet(self.left())]);
        add(&fail(Outcome::Dropped));
        add(&[I::I32Const(Outcome::Done as i32), I::End]);
        Ok(body)
    }

    fn compare(&self, globals: &[ValType]) -> Fit<Vec<I<'static>>> {
        let mut code = vec![I::GlobalGet(Self::GIVEN)];
        code.extend(fail(Outcome::Handles));
        for (number, ty) in (0..).zip(globals) {
            // By their bits: a number that is none is not equal to itself.
            let (bits, differ) = comparison(*ty)?;
            for global in [Self::global(number), self.first(number)] {
                code.push(I::GlobalGet(global));
                code.extend_from_slice(bits);
            }
            code.extend_from_slice(differ);
            code.extend(fail(Outcome::Globals));
        }
        Ok(code)
    }

    /// Takes all slots that are free.
    fn take_handles(&self) -> Vec<I<'static>> {
        let mut code = vec![
            // As many slots were there before as now, or as many handles were given since.
            I::GlobalGet(Self::GIVEN),
            I::GlobalGet(self.slots()),
            I::GlobalGet(Self::GIVEN),
            I::GlobalGet(self.slots()),
            I::I32GtU,
            I::Select,
            I::LocalTee(TOP),
            I::I32Const(MAX_HANDLES.cast_signed()),
            I::I32GtU,
        ];
        code.extend(fail(Outcome::Many));
        code.extend([
            // Fewer are free if as many are left as the last time.
            I::LocalGet(TOP),
            I::GlobalGet(self.left()),
            I::I32LtU,
        ]);
        code.extend(fail(Outcome::Handles));
        code.extend([
            I::LocalGet(TOP),
            I::GlobalGet(self.left()),
            I::I32Sub,
            I::LocalSet(LEFT),
            I::Block(BlockType::Empty),
            I::Loop(BlockType::Empty),
            I::LocalGet(LEFT),
            I::I32Eqz,
            I::BrIf(1),
            I::I32Const(0),
            I::Call(NEW),
            I::LocalTee(AT),
            I::I32Const(OWN.cast_signed()),
            I::Call(NOTE),
            // More are left than the last time if one has a higher number.
            I::LocalGet(AT),
            I::LocalGet(TOP),
            I::I32GtU,
            I::If(BlockType::Empty),
            I::LocalGet(AT),
            I::LocalSet(TOP),
            I::End,
            I::LocalGet(LEFT),
            I::I32Const(1),
            I::I32Sub,
            I::LocalSet(LEFT),
            I::Br(0),
            I::End,
            I::End,
            I::LocalGet(TOP),
            I::I32Const(MAX_HANDLES.cast_signed()),
            I::I32GtU,
        ]);
        code.extend(fail(Outcome::Many));
        code.extend([I::LocalGet(TOP), I::GlobalSet(self.slots())]);
        code
    }

    /// Drops all handles, from the last to the first: the keeper's own, and before these the others, in
    /// whose place it takes one of its own.
    fn drop_handles(&self) -> Vec<I<'static>> {
        let next = [I::LocalGet(AT), I::I32Const(1), I::I32Sub, I::LocalSet(AT), I::Br(0)];
        let down = [I::GlobalGet(self.slots()), I::LocalSet(AT)];
        let while_any = [
            I::Block(BlockType::Empty),
            I::Loop(BlockType::Empty),
            I::LocalGet(AT),
            I::I32Eqz,
            I::BrIf(1),
        ];
        let mut code = vec![I::I32Const(0), I::GlobalSet(self.left())];
        code.extend(down.clone());
        code.extend(while_any.clone());
        code.extend([I::LocalGet(AT), I::Call(NOTED), I::I32Const(OWN.cast_signed()), I::I32Ne]);
        code.push(I::If(BlockType::Empty));
        // One block for each kind, and one around them for what is of none.
        code.extend((0..=self.kinds).map(|_| I::Block(BlockType::Empty)));
        let labels: Vec<u32> = (0..self.kinds).collect();
        code.extend([I::LocalGet(AT), I::Call(NOTED), I::I32Const(1), I::I32Sub]);
        code.push(I::BrTable(labels.into(), self.kinds));
        for kind in 0..self.kinds {
            code.extend([I::End, I::LocalGet(AT), I::Call(FIRST_KIND + kind)]);
            // Its slot is the first that is free.
            code.extend([I::I32Const(0), I::Call(NEW), I::LocalGet(AT), I::I32Ne]);
            code.extend(fail(Outcome::Handles));
            code.extend([I::LocalGet(AT), I::I32Const(OWN.cast_signed()), I::Call(NOTE)]);
            code.extend([I::GlobalGet(self.left()), I::I32Const(1), I::I32Add]);
            // Out of this block and of those that are still open, of which the last is for what is of none.
            code.extend([I::GlobalSet(self.left()), I::Br(self.kinds - kind)]);
        }
        code.extend([I::End, I::I32Const(Outcome::Handles as i32), I::Return, I::End]);
        code.extend(next.clone());
        code.extend([I::End, I::End]);
        code.extend(down);
        code.extend(while_any);
        code.extend([I::LocalGet(AT), I::Call(DROP)]);
        code.extend(next);
        code.extend([I::End, I::End]);
        code
    }

    /// The list has to be described in memory. What is there is put back as soon as the host has read it.
    fn view(&self) -> Function {
        let mut body = Function::new([]);
        for instruction in [
            I::I32Const(0),
            I::I64Load(FIRST_BYTES),
            I::GlobalSet(self.aside()),
            I::I32Const(0),
            I::MemorySize(0),
            I::I64ExtendI32U,
            // The length is the upper half, the address, 0, the lower one.
            I::I64Const(16 + 32),
            I::I64Shl,
            I::I64Store(FIRST_BYTES),
            I::I32Const(0),
            I::End,
        ] {
            body.instruction(&instruction);
        }
        body
    }

    fn viewed(&self) -> Function {
        let mut body = Function::new([]);
        for instruction in
            [I::I32Const(0), I::GlobalGet(self.aside()), I::I64Store(FIRST_BYTES), I::End]
        {
            body.instruction(&instruction);
        }
        body
    }
}

/// Returns this if the number on the stack is not 0.
fn fail(outcome: Outcome) -> [I<'static>; 4] {
    [I::If(BlockType::Empty), I::I32Const(outcome as i32), I::Return, I::End]
}

const FIRST_BYTES: MemArg = MemArg { offset: 0, align: 3, memory_index: 0 };

/// What turns a value of this type into one that is compared by its bits, and what tells whether two of
/// these differ.
fn comparison(ty: ValType) -> Fit<(&'static [I<'static>], &'static [I<'static>])> {
    Ok(match ty {
        ValType::I32 => (&[], &[I::I32Ne]),
        ValType::I64 => (&[], &[I::I64Ne]),
        ValType::F32 => (&[I::I32ReinterpretF32], &[I::I32Ne]),
        ValType::F64 => (&[I::I64ReinterpretF64], &[I::I64Ne]),
        ValType::V128 => (&[], &[I::V128Xor, I::V128AnyTrue]),
        ValType::Ref(_) => return Err(REFERENCES),
    })
}

fn zero(ty: ValType) -> Fit<ConstExpr> {
    Ok(match ty {
        ValType::I32 => ConstExpr::i32_const(0),
        ValType::I64 => ConstExpr::i64_const(0),
        ValType::F32 => ConstExpr::f32_const(0.0.into()),
        ValType::F64 => ConstExpr::f64_const(0.0.into()),
        ValType::V128 => ConstExpr::v128_const(0),
        ValType::Ref(_) => return Err(REFERENCES),
    })
}

/// They cannot be compared.
const REFERENCES: Unfit = Unfit("it changes references in globals");

/// What there is before the keeper comes: how the component numbers what it has, and its memory.
pub(super) struct Before<'t> {
    pub(super) types: &'t Types,
    pub(super) core_functions: u32,
    pub(super) memory: MemoryType,
    /// The mutable globals of the joint.
    pub(super) globals: &'t [ValType],
    /// The types by which handles of each kind are dropped.
    pub(super) kinds: &'t [u32],
    /// Of the names of what is exported.
    pub(super) tag: &'t str,
}

/// Functions of the component that [`append`] adds: two, and both once more as exports.
pub(super) const FUNCTIONS: u32 = 4;

/// Adds the keeper to a welded component, as the last of its sections, and the two functions.
pub(super) fn append(before: &Before<'_>, out: &mut Vec<u8>) -> Fit<()> {
    let Before { types, core_functions, memory, globals, kinds, tag } = *before;
    write(id::CORE_MODULE, &keeper(memory, globals, count(kinds))?, out);
    let mut add = |section: &dyn ComponentSection| section.append_to_component(out);

    let resource = types.as_ref().component_type_count();
    let [reset_type, bytes_type, view_type] = [resource + 1, resource + 2, resource + 3];
    let mut section = ComponentTypeSection::new();
    section.resource(ValType::I32, None);
    let number = ComponentValType::Primitive(PrimitiveValType::U32);
    section.function().params([("act", number)]).result(Some(number));
    section.defined_type().list(PrimitiveValType::U8);
    let no_params: [(&str, ComponentValType); 0] = [];
    section.function().params(no_params).result(Some(ComponentValType::Type(bytes_type)));
    add(&section);

    let mut section = CanonicalFunctionSection::new();
    section.resource_new(resource).resource_drop(resource);
    for kind in kinds {
        section.resource_drop(*kind);
    }
    add(&section);
    let [new, drop, first_kind] = std::array::from_fn(|n| core_functions + n as u32);
    let [note, noted, reset, view, viewed] =
        std::array::from_fn(|n| first_kind + count(kinds) + n as u32);

    let names: Vec<_> = (0..count(globals)).map(global_name).collect();
    let names = || std::iter::once(COUNT).chain(names.iter().map(String::as_str));
    let mut section = ComponentAliasSection::new();
    for name in names() {
        let kind = ExportKind::Global;
        section.alias(Alias::CoreInstanceExport { instance: JOINT, kind, name });
    }
    for name in [ledger::NOTE, ledger::NOTED] {
        let kind = ExportKind::Func;
        section.alias(Alias::CoreInstanceExport { instance: JOINT, kind, name });
    }
    add(&section);

    let mut section = InstanceSection::new();
    let drops: Vec<_> = (0..count(kinds)).map(drop_name).collect();
    let functions = [("new", new), ("drop", drop), (ledger::NOTE, note), (ledger::NOTED, noted)];
    let functions = functions.into_iter().chain(drops.iter().map(String::as_str).zip(first_kind..));
    let functions = functions.map(|(name, index)| (name, ExportKind::Func, index));
    let of_joint = (0..).zip(names()).map(|(number, name)| (name, ExportKind::Global, number));
    let given = functions.chain([(MEMORY, ExportKind::Memory, 0)]).chain(of_joint);
    section.export_items(given.collect::<Vec<_>>());
    section.instantiate(KEEPER_MODULE, [("", ModuleArg::Instance(KEEPER - 1))]);
    add(&section);

    let mut section = ComponentAliasSection::new();
    for name in ["reset", "view", "viewed"] {
        let kind = ExportKind::Func;
        section.alias(Alias::CoreInstanceExport { instance: KEEPER, kind, name });
    }
    add(&section);

    let mut section = CanonicalFunctionSection::new();
    section.lift(reset, reset_type, []);
    section.lift(
        view,
        view_type,
        [CanonicalOption::Memory(0), CanonicalOption::PostReturn(viewed)],
    );
    add(&section);

    let mut section = ComponentExportSection::new();
    let first = types.component_function_count();
    for (name, function) in reset_names(0, tag).iter().zip(first..) {
        section.export(name, ComponentExportKind::Func, function, None);
    }
    add(&section);
    Ok(())
}
