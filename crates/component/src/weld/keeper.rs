//! The keeper: the core module that keeps the first state of a component, and puts it back.
//!
//! [`reset`](super::reset) says what it does, and gives it to the component.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction as I, MemArg,
    MemoryType, StartSection, TypeSection, ValType,
};

use super::{
    Fit, Unfit,
    handle::MAX_HANDLES,
    join::MEMORY,
    joint::{COUNT, global_name},
    ledger,
    module::count,
};

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
pub(super) fn keeper(memory: MemoryType, globals: &[ValType], kinds: u32) -> Fit<Vec<u8>> {
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
pub(super) fn drop_name(kind: u32) -> String {
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
        // The next handles are 1, 2, 3 …
        let next = [I::LocalGet(AT), I::I32Const(1), I::I32Add, I::LocalTee(AT)];
        code.extend([I::I32Const(0), I::LocalSet(AT)]);
        code.extend([I::Block(BlockType::Empty), I::Loop(BlockType::Empty)]);
        code.extend([I::LocalGet(AT), I::GlobalGet(self.slots()), I::I32Eq, I::BrIf(1)]);
        code.extend(next);
        code.extend([I::I32Const(0), I::Call(NEW), I::I32Ne]);
        code.extend(fail(Outcome::Handles));
        code.extend([I::Br(0), I::End, I::End]);
        code.extend(self.drop_own());
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

    /// Drops what is not the keeper's own, from the last to the first, and takes a handle of its own in its
    /// place; then it drops all of these.
    fn drop_handles(&self) -> Vec<I<'static>> {
        let mut code = vec![I::I32Const(0), I::GlobalSet(self.left())];
        let mut each = vec![I::LocalGet(AT), I::Call(NOTED), I::I32Const(OWN.cast_signed())];
        each.extend([I::I32Ne, I::If(BlockType::Empty)]);
        // One block for each kind, and one around them for what is of none.
        each.extend((0..=self.kinds).map(|_| I::Block(BlockType::Empty)));
        let labels: Vec<u32> = (0..self.kinds).collect();
        each.extend([I::LocalGet(AT), I::Call(NOTED), I::I32Const(1), I::I32Sub]);
        each.push(I::BrTable(labels.into(), self.kinds));
        for kind in 0..self.kinds {
            each.extend([I::End, I::LocalGet(AT), I::Call(FIRST_KIND + kind)]);
            // Its slot is the first that is free.
            each.extend([I::I32Const(0), I::Call(NEW), I::LocalGet(AT), I::I32Ne]);
            each.extend(fail(Outcome::Handles));
            each.extend([I::LocalGet(AT), I::I32Const(OWN.cast_signed()), I::Call(NOTE)]);
            each.extend([I::GlobalGet(self.left()), I::I32Const(1), I::I32Add]);
            // Out of this block and of those that are still open, of which the last is for what is of none.
            each.extend([I::GlobalSet(self.left()), I::Br(self.kinds - kind)]);
        }
        each.extend([I::End, I::I32Const(Outcome::Handles as i32), I::Return, I::End]);
        code.extend(self.down(each));
        code.extend(self.drop_own());
        code
    }

    /// Drops the keeper's own handles, which take all slots.
    fn drop_own(&self) -> Vec<I<'static>> {
        self.down(vec![I::LocalGet(AT), I::Call(DROP)])
    }

    /// Does this for each slot, from the last to the first.
    fn down(&self, each: Vec<I<'static>>) -> Vec<I<'static>> {
        let mut code = vec![I::GlobalGet(self.slots()), I::LocalSet(AT)];
        code.extend([I::Block(BlockType::Empty), I::Loop(BlockType::Empty)]);
        code.extend([I::LocalGet(AT), I::I32Eqz, I::BrIf(1)]);
        code.extend(each);
        code.extend([I::LocalGet(AT), I::I32Const(1), I::I32Sub, I::LocalSet(AT), I::Br(0)]);
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
