//! The functions of the joint by which it counts the handles that a call gives the component, and notes
//! their kinds in the [`ledger`](super::ledger).

use wasm_encoder::{BlockType, Function, Instruction as I, MemArg, ValType};

use super::{
    handle::{MAX_HANDLES, Noted, Place},
    join::Counter,
    layout::Case,
};

/// Calls a function, counts what that gives in the global `count`, and has `note` note it.
pub(super) fn counting(counter: &Counter, count: u32, note: u32) -> Function {
    let Counter { function, params, giving, .. } = counter;
    let locals = Locals::after(*params);
    let mut code = Code { body: Function::new([(4, ValType::I32)]), count, note, locals };
    code.count(&I::I32Const(giving.handles.cast_signed()));
    for place in &giving.places {
        if let Place::Param(param, kind) = place {
            code.add(&[I::LocalGet(*param)]);
            code.note(*kind);
        }
    }
    for param in 0..*params {
        code.add(&[I::LocalGet(param)]);
    }
    code.add(&[I::Call(*function)]);
    // The address of a result in memory is the last parameter.
    let address = params.saturating_sub(1);
    for place in &giving.places {
        match place {
            Place::Param(..) => {}
            Place::Result(kind) => {
                code.add(&[I::LocalTee(code.locals.result), I::LocalGet(code.locals.result)]);
                code.note(*kind);
            }
            Place::Memory(noted) => code.handle(address, noted),
            Place::List { .. } => code.list(address, place),
        }
    }
    code.add(&[I::End]);
    code.body
}

/// The function's own locals.
#[derive(Clone, Copy)]
struct Locals {
    result: u32,
    /// Of an element of a list.
    address: u32,
    left: u32,
    handles: u32,
}

impl Locals {
    fn after(params: u32) -> Self {
        Self { result: params, address: params + 1, left: params + 2, handles: params + 3 }
    }
}

struct Code {
    body: Function,
    count: u32,
    note: u32,
    locals: Locals,
}

impl Code {
    fn add(&mut self, instructions: &[I<'_>]) {
        for instruction in instructions {
            self.body.instruction(instruction);
        }
    }

    /// Counts as many handles, unless there are too many already: the count must not overflow.
    fn count(&mut self, handles: &I<'_>) {
        let count = self.count;
        self.add(&[I::GlobalGet(count), I::I32Const(MAX_HANDLES.cast_signed()), I::I32LeU]);
        self.add(&[I::If(BlockType::Empty), I::GlobalGet(count), handles.clone()]);
        self.add(&[I::I32Add, I::GlobalSet(count), I::End]);
    }

    /// Notes the handle on the stack.
    fn note(&mut self, kind: u32) {
        self.add(&[I::I32Const(kind.cast_signed()), I::Call(self.note)]);
    }

    /// Leaves the block around it if the value at `address` does not have these cases.
    fn check(&mut self, address: u32, cases: &[Case]) {
        for Case { offset, bytes, number } in cases {
            let load = match bytes {
                1 => I::I32Load8U(at(*offset, 0)),
                2 => I::I32Load16U(at(*offset, 1)),
                _ => I::I32Load(at(*offset, 2)),
            };
            let number = I::I32Const(number.cast_signed());
            self.add(&[I::LocalGet(address), load, number, I::I32Ne, I::BrIf(0)]);
        }
    }

    /// Notes a handle in the value at `address`, if it is there.
    fn handle(&mut self, address: u32, Noted { spot, kind }: &Noted) {
        self.add(&[I::Block(BlockType::Empty)]);
        self.check(address, &spot.cases);
        self.add(&[I::LocalGet(address), I::I32Load(at(spot.offset, 2))]);
        self.note(*kind);
        self.add(&[I::End]);
    }

    /// Counts the handles in the list at `address`, and notes them.
    fn list(&mut self, address: u32, list: &Place) {
        let Place::List { bytes, handles, noted } = list else { return };
        let Locals { address: element, left, handles: all, .. } = self.locals;
        self.add(&[I::Block(BlockType::Empty)]);
        self.add(&[I::LocalGet(address), I::I32Load(at(0, 2)), I::LocalSet(element)]);
        self.add(&[I::LocalGet(address), I::I32Load(at(4, 2))]);
        self.add(&[I::LocalTee(left), I::I32Const(handles.cast_signed()), I::I32Mul]);
        // More than that makes no difference, and does not fit into the count.
        let many = I::I32Const(MAX_HANDLES.cast_signed() + 1);
        self.add(&[I::LocalSet(all), I::LocalGet(all), many.clone()]);
        self.add(&[I::LocalGet(left), I::I32Const(MAX_HANDLES.cast_signed()), I::I32LeU]);
        self.add(&[I::Select, I::LocalSet(all)]);
        self.count(&I::LocalGet(all));
        self.add(&[I::LocalGet(left), I::I32Const(MAX_HANDLES.cast_signed()), I::I32GtU]);
        self.add(&[I::BrIf(0), I::Loop(BlockType::Empty)]);
        self.add(&[I::LocalGet(left), I::I32Eqz, I::BrIf(1)]);
        for noted in noted {
            self.handle(element, noted);
        }
        self.add(&[I::LocalGet(element), I::I32Const(bytes.cast_signed()), I::I32Add]);
        self.add(&[I::LocalSet(element), I::LocalGet(left), I::I32Const(1), I::I32Sub]);
        self.add(&[I::LocalSet(left), I::Br(0), I::End, I::End]);
    }
}

fn at(offset: u32, align: u32) -> MemArg {
    MemArg { offset: offset.into(), align, memory_index: 0 }
}
