//! Reading and writing, from and to pieces of the program's memory.
//!
//! Everything goes through a room of fixed size, as often as it takes: natively, a program's buffer is
//! written whole and filled from a file whole, however large it is, and many programs count on that.
//! Pieces are put together, so that a call does not end where the first one does.

use wasm_encoder::{BlockType, Function as Body, InstructionSink, ValType};

use super::{
    OURS, RESULTS, ROOM_AT, ROOM_BYTES, Writer,
    call::FROM_HERE,
    own::{Own, Way, fail, word},
};
use crate::adapt::preview_1::{Argument, Function, READ_AT, SEEK, STATUS, TELL, error};

/// Where the one piece is described that pieces of the program are put together to.
const PIECE: i32 = 1536;

/// How much the adapter can append at once where it is given a place in a file.
const APPENDED_BYTES: i32 = 4096;

/// Where the rights of a descriptor lie in its status, and the two that matter.
const RIGHTS: u64 = 8;
const MAY_READ: i64 = 1 << 1;
const MAY_WRITE: i64 = 1 << 6;

/// The parameters that all have in common.
const DESCRIPTOR: u32 = 0;
const PIECES: u32 = 1;
const NUMBER: u32 = 2;

/// One call that reads or writes.
pub(super) struct Transfer<'w, 'p> {
    writer: &'w Writer<'p>,
    function: &'static Function,
    way: Way,
    /// Whether it says where in a file.
    is_placed: bool,
    /// The parameter that says where the number of bytes goes.
    result: u32,
    /// Locals: how many bytes there are, were done, and are done at once; the error code; the place
    /// in the file, and the sum of the pieces.
    total: u32,
    done: u32,
    count: u32,
    code: u32,
    place: u32,
    sum: u32,
}

impl<'w, 'p> Transfer<'w, 'p> {
    /// The call, if the function is one that reads or writes.
    pub(super) fn new(writer: &'w Writer<'p>, function: &'static Function) -> Option<Self> {
        let (way, is_placed) = match function.arguments {
            [Argument::Number, Argument::Sources, Argument::Result(_)] => (Way::FromProgram, false),
            [Argument::Number, Argument::Sources, Argument::Long, Argument::Result(_)] => {
                (Way::FromProgram, true)
            }
            [Argument::Number, Argument::Targets, Argument::Result(_)] => (Way::ToProgram, false),
            [Argument::Number, Argument::Targets, Argument::Long, Argument::Result(_)] => {
                (Way::ToProgram, true)
            }
            _ => return None,
        };
        let result = NUMBER + 1 + u32::from(is_placed);
        Some(Self {
            writer,
            function,
            way,
            is_placed,
            result,
            total: result + 1,
            done: result + 2,
            count: result + 3,
            code: result + 4,
            place: result + 5,
            sum: result + 6,
        })
    }

    fn own(&self) -> Own {
        self.writer.own
    }

    pub(super) fn body(&self) -> Body {
        let mut body = Body::new([(4, ValType::I32), (2, ValType::I64)]);
        let sink = &mut body.instructions();
        self.check(sink);
        match (self.way, self.is_placed) {
            (Way::FromProgram, false) => self.each(sink, self.function.name, false),
            (_, true) => {
                sink.local_get(NUMBER + 1).local_set(self.place);
                self.each(sink, self.function.name, true);
            }
            (Way::ToProgram, false) => self.read(sink),
        }
        sink.local_get(self.result).local_get(self.done);
        sink.i32_store(word(self.writer.plan.theirs(), 0));
        sink.i32_const(0).end();
        body
    }

    /// Checks all addresses and the descriptor, finds how much there is, and ends if that is nothing.
    fn check(&self, sink: &mut InstructionSink<'_>) {
        sink.local_get(self.result).i64_const(4).call(self.own().within).i32_eqz();
        fail(sink, error::FAULT);
        sink.local_get(PIECES).local_get(NUMBER).call(self.own().total).local_tee(self.sum);
        sink.i64_const(0).i64_lt_s();
        fail(sink, error::FAULT);
        // No more than can be returned.
        sink.local_get(self.sum).i64_const(u32::MAX.into()).local_get(self.sum);
        sink.i64_const(u32::MAX.into()).i64_lt_u().select().i32_wrap_i64().local_set(self.total);
        if self.is_placed {
            self.ask(sink, TELL);
            self.end_if_failed(sink);
        }
        // The adapter does not look at a descriptor if there is nothing to do.
        sink.local_get(self.total).i32_eqz().if_(BlockType::Empty);
        self.ask(sink, STATUS);
        self.end_if_failed(sink);
        let right = if self.way == Way::FromProgram { MAY_WRITE } else { MAY_READ };
        sink.i32_const(RESULTS).i64_load(word(OURS, RIGHTS)).i64_const(right).i64_and().i64_eqz();
        fail(sink, error::BAD_DESCRIPTOR);
        sink.local_get(self.result).i32_const(0);
        sink.i32_store(word(self.writer.plan.theirs(), 0)).i32_const(0).return_().end();
    }

    /// Asks the adapter about the descriptor.
    fn ask(&self, sink: &mut InstructionSink<'_>, name: &str) {
        sink.local_get(DESCRIPTOR).i32_const(RESULTS).call(self.writer.import_of(name));
        sink.local_set(self.code);
    }

    fn end_if_failed(&self, sink: &mut InstructionSink<'_>) {
        sink.local_get(self.code).if_(BlockType::Empty).local_get(self.code).return_().end();
    }

    /// Reads what is next. The adapter keeps a stream for that, which after the end of a file stays at
    /// its end, and does not notice that the file was written to. So files are read at a place.
    fn read(&self, sink: &mut InstructionSink<'_>) {
        self.ask(sink, TELL);
        sink.local_get(self.code).i32_eqz().if_(BlockType::Empty);
        sink.i32_const(RESULTS).i64_load(word(OURS, 0)).local_set(self.place);
        self.each(sink, READ_AT, true);
        sink.local_get(DESCRIPTOR).local_get(self.done).i64_extend_i32_u();
        sink.i32_const(FROM_HERE).i32_const(RESULTS).call(self.writer.import_of(SEEK)).drop();
        sink.else_();
        sink.local_get(self.code).i32_const(error::NOT_SEEKABLE).i32_ne().if_(BlockType::Empty);
        sink.local_get(self.code).return_().end();
        // More may come later, but what is there has to be returned.
        self.limit(sink, ROOM_BYTES);
        self.once(sink, self.function.name, false);
        self.end_if_failed(sink);
        self.take_result(sink);
        sink.end();
    }

    /// Does all of it, part by part. An error ends it, and is returned if nothing was done.
    fn each(&self, sink: &mut InstructionSink<'_>, name: &str, is_placed: bool) {
        let most = match (self.way, is_placed) {
            (Way::FromProgram, true) => APPENDED_BYTES,
            _ => ROOM_BYTES,
        };
        sink.block(BlockType::Empty).loop_(BlockType::Empty);
        self.limit(sink, most);
        self.once(sink, name, is_placed);
        sink.local_get(self.code).if_(BlockType::Empty);
        sink.local_get(self.done).br_if(2).local_get(self.code).return_().end();
        self.take_result(sink);
        // A part that was not done whole is the last one.
        sink.i32_const(RESULTS).i32_load(word(OURS, 0)).local_get(self.count).i32_ne().br_if(1);
        sink.local_get(self.done).local_get(self.total).i32_ne().br_if(0).end().end();
    }

    /// Does at once what is left, but no more than so many bytes.
    fn limit(&self, sink: &mut InstructionSink<'_>, bytes: i32) {
        sink.local_get(self.total).local_get(self.done).i32_sub().local_tee(self.count);
        sink.i32_const(bytes).local_get(self.count).i32_const(bytes).i32_lt_u().select();
        sink.local_set(self.count);
    }

    /// Calls the adapter for the part that is next.
    fn once(&self, sink: &mut InstructionSink<'_>, name: &str, is_placed: bool) {
        if self.way == Way::FromProgram {
            self.carry(sink, self.count, self.own().gather);
        }
        sink.i32_const(PIECE).global_get(ROOM_AT).i32_store(word(OURS, 0));
        sink.i32_const(PIECE).local_get(self.count).i32_store(word(OURS, 4));
        sink.local_get(DESCRIPTOR).i32_const(PIECE).i32_const(1);
        if is_placed {
            sink.local_get(self.place).local_get(self.done).i64_extend_i32_u().i64_add();
        }
        sink.i32_const(RESULTS).call(self.writer.import_of(name)).local_set(self.code);
    }

    /// Hands on what was read, and counts what was done.
    fn take_result(&self, sink: &mut InstructionSink<'_>) {
        sink.i32_const(RESULTS).i32_load(word(OURS, 0)).local_set(self.code);
        if self.way == Way::ToProgram {
            self.carry(sink, self.code, self.own().scatter);
        }
        sink.local_get(self.done).local_get(self.code).i32_add().local_set(self.done);
    }

    /// Copies as many bytes as a local says between the room and the pieces.
    fn carry(&self, sink: &mut InstructionSink<'_>, bytes: u32, how: u32) {
        sink.local_get(PIECES).local_get(NUMBER).global_get(ROOM_AT);
        sink.local_get(bytes).local_get(self.done).call(how);
    }
}
