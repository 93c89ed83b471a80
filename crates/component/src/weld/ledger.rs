//! A ledger in the joint: of which kind each handle is that the component was given.
//!
//! A handle that a component does not drop stays in its table. To drop it, one has to know its kind.

use wasm_encoder::{
    BlockType, ConstExpr, Function, GlobalSection, GlobalType, Instruction as I, TypeSection,
    ValType,
};

use super::handle::MAX_HANDLES;

/// The names by which the joint exports what notes a kind, and what says which was noted.
pub(super) const NOTE: &str = "note";
pub(super) const NOTED: &str = "noted";

/// The types that it adds, and the functions.
pub(super) const TYPES: u32 = 2;
pub(super) const FUNCTIONS: u32 = 2;

/// A global has the kinds of so many handles, a byte for each.
const IN_GLOBAL: u32 = 8;
const GLOBALS: u32 = MAX_HANDLES / IN_GLOBAL + 1;

/// The ledger, by the first of its globals.
pub(super) struct Ledger {
    pub(super) first_global: u32,
}

impl Ledger {
    pub(super) fn globals(&self, globals: &mut GlobalSection) {
        for _ in 0..GLOBALS {
            let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
            globals.global(ty, &ConstExpr::i64_const(0));
        }
    }

    pub(super) fn types(&self, types: &mut TypeSection) {
        types.ty().function([ValType::I32, ValType::I32], []);
        types.ty().function([ValType::I32], [ValType::I32]);
    }

    /// `(handle, kind)`: notes the kind, unless the handle's number is too high.
    pub(super) fn note(&self) -> Function {
        let (handle, kind, shift) = (0, 1, 2);
        let mut body = Function::new([(1, ValType::I64)]);
        for instruction in Self::shift(handle, shift) {
            body.instruction(&instruction);
        }
        self.each(&mut body, handle, |global| {
            vec![
                I::GlobalGet(global),
                I::I64Const(0xff),
                I::LocalGet(shift),
                I::I64Shl,
                I::I64Const(-1),
                I::I64Xor,
                I::I64And,
                I::LocalGet(kind),
                I::I64ExtendI32U,
                I::LocalGet(shift),
                I::I64Shl,
                I::I64Or,
                I::GlobalSet(global),
                I::Return,
            ]
        });
        body.instruction(&I::End);
        body
    }

    /// `(handle)`: the kind that was noted last, or 0.
    pub(super) fn noted(&self) -> Function {
        let (handle, shift) = (0, 1);
        let mut body = Function::new([(1, ValType::I64)]);
        for instruction in Self::shift(handle, shift) {
            body.instruction(&instruction);
        }
        self.each(&mut body, handle, |global| {
            vec![
                I::GlobalGet(global),
                I::LocalGet(shift),
                I::I64ShrU,
                I::I64Const(0xff),
                I::I64And,
                I::I32WrapI64,
                I::Return,
            ]
        });
        body.instruction(&I::I32Const(0)).instruction(&I::End);
        body
    }

    /// Where the byte of a handle is in its global.
    fn shift(handle: u32, shift: u32) -> [I<'static>; 7] {
        [
            I::LocalGet(handle),
            I::I32Const(IN_GLOBAL.cast_signed() - 1),
            I::I32And,
            I::I32Const(3),
            I::I32Shl,
            I::I64ExtendI32U,
            I::LocalSet(shift),
        ]
    }

    /// Does something with the global that a handle is in, if there is one.
    fn each(&self, body: &mut Function, handle: u32, act: impl Fn(u32) -> Vec<I<'static>>) {
        // One block for each global, and one around them for handles that are in none.
        for _ in 0..=GLOBALS {
            body.instruction(&I::Block(BlockType::Empty));
        }
        let labels: Vec<u32> = (0..GLOBALS).collect();
        body.instruction(&I::LocalGet(handle));
        body.instruction(&I::I32Const(IN_GLOBAL.trailing_zeros().cast_signed()));
        body.instruction(&I::I32ShrU);
        body.instruction(&I::BrTable(labels.into(), GLOBALS));
        for global in 0..GLOBALS {
            body.instruction(&I::End);
            for instruction in act(self.first_global + global) {
                body.instruction(&instruction);
            }
        }
        body.instruction(&I::End);
    }
}
