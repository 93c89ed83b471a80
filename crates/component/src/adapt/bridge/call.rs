//! The way of one call from the program to the adapter, and back.

use wasm_encoder::{BlockType, Function as Body, InstructionSink, ValType};

use super::{
    OURS, ROOM_BYTES, Writer,
    own::{Own, fail, word},
};
use crate::adapt::preview_1::{Argument, Function, STATUS};

/// Where a result of a fixed size goes: the first, and how far the next is from it.
const RESULTS: i32 = 1024;
const RESULT_STRIDE: i32 = 64;
/// Where the one piece is described that pieces of the program are put together to.
const PIECE: i32 = 1536;

/// Error codes of preview 1.
const FAULT: i32 = 21;
const NO_MEMORY: i32 = 48;

/// What an event that is waited for takes, and one that came to be.
const EVENT_IN: i32 = 48;
const EVENT_OUT: i32 = 32;

/// One call of a function of preview 1, on its way.
pub(super) struct Call<'w, 'p> {
    writer: &'w Writer<'p>,
    function: &'static Function,
    /// The arguments, with the numbers of their first parameters.
    arguments: Vec<(u32, Argument)>,
    /// Locals: the error code; where there is room, and where it goes on; how much pieces have, of which
    /// so much goes at once.
    code: u32,
    room: u32,
    rest: u32,
    total: u32,
    count: u32,
}

impl<'w, 'p> Call<'w, 'p> {
    pub(super) fn new(writer: &'w Writer<'p>, function: &'static Function) -> Self {
        let mut next = 0;
        let mut arguments = Vec::new();
        for argument in function.arguments {
            arguments.push((next, *argument));
            next += u32::try_from(argument.types().len()).unwrap_or_default();
        }
        Self {
            writer,
            function,
            arguments,
            code: next,
            room: next + 1,
            rest: next + 2,
            count: next + 3,
            total: next + 4,
        }
    }

    fn own(&self) -> Own {
        self.writer.own
    }

    fn theirs(&self) -> u32 {
        self.writer.plan.theirs()
    }

    pub(super) fn body(&self) -> Body {
        let mut body = Body::new([(4, ValType::I32), (1, ValType::I64)]);
        let sink = &mut body.instructions();
        if let [(_, Argument::Texts(sizes))] = self.arguments[..] {
            self.texts(sink, sizes);
            return body;
        }
        self.check(sink);
        self.copy_in(sink);
        self.call(sink);
        self.copy_out(sink);
        sink.i32_const(0).end();
        body
    }

    /// Checks all addresses, and makes room for what they point at.
    fn check(&self, sink: &mut InstructionSink<'_>) {
        for (at, argument) in &self.arguments {
            match argument {
                Argument::Number | Argument::Long | Argument::Texts(_) => {}
                Argument::Result(bytes) => {
                    sink.local_get(*at).i64_const(i64::from(*bytes));
                    self.within(sink);
                }
                Argument::Text | Argument::Buffer(_) => {
                    sink.local_get(*at).local_get(at + 1).i64_extend_i32_u();
                    self.within(sink);
                }
                Argument::Events => {
                    for (address, bytes) in [(*at, EVENT_IN), (at + 1, EVENT_OUT)] {
                        sink.local_get(address).local_get(at + 2).i64_extend_i32_u();
                        sink.i64_const(bytes.into()).i64_mul();
                        self.within(sink);
                    }
                }
                // After where its results go.
                Argument::Sources | Argument::Targets => {}
            }
        }
        for (at, argument) in &self.arguments {
            if let Argument::Sources | Argument::Targets = argument {
                self.check_pieces(sink, *at);
            }
        }
        sink.i64_const(0);
        for (at, argument) in &self.arguments {
            match argument {
                Argument::Text | Argument::Buffer(_) => {
                    sink.local_get(at + 1).i64_extend_i32_u().i64_add();
                }
                Argument::Events => {
                    sink.local_get(at + 2).i64_extend_i32_u();
                    sink.i64_const((EVENT_IN + EVENT_OUT).into()).i64_mul().i64_add();
                }
                // What goes at once fits at any time.
                _ => {}
            }
        }
        self.reserve(sink);
    }

    /// Ends with an error unless as many bytes as the stack says are there at the address below.
    fn within(&self, sink: &mut InstructionSink<'_>) {
        sink.call(self.own().within).i32_eqz();
        fail(sink, FAULT);
    }

    /// Makes room for as many bytes as the stack says.
    fn reserve(&self, sink: &mut InstructionSink<'_>) {
        sink.call(self.own().reserve).local_tee(self.room).i32_eqz();
        fail(sink, NO_MEMORY);
        sink.local_get(self.room).local_set(self.rest);
    }

    /// Finds how much the pieces at these parameters have, and does what is to be done for none.
    fn check_pieces(&self, sink: &mut InstructionSink<'_>, at: u32) {
        sink.local_get(at).local_get(at + 1).call(self.own().total).local_tee(self.total);
        sink.i64_const(0).i64_lt_s();
        fail(sink, FAULT);
        // Nothing is written or read of nothing, but the descriptor has to be one.
        sink.local_get(self.total).i64_eqz().if_(BlockType::Empty);
        sink.local_get(0).i32_const(RESULTS).call(self.writer.import_of(STATUS));
        sink.local_tee(self.code).if_(BlockType::Empty).local_get(self.code).return_().end();
        for (at, argument) in &self.arguments {
            if let Argument::Result(bytes) = argument {
                sink.local_get(*at).i32_const(0).i32_const(bytes.cast_signed());
                sink.memory_fill(self.theirs());
            }
        }
        sink.i32_const(0).return_().end();
        sink.local_get(self.total).i64_const(ROOM_BYTES).local_get(self.total);
        sink.i64_const(ROOM_BYTES).i64_lt_u().select().i32_wrap_i64().local_set(self.count);
    }

    fn copy_in(&self, sink: &mut InstructionSink<'_>) {
        for (at, argument) in &self.arguments {
            match argument {
                // What is left of a buffer stays as it is.
                Argument::Text | Argument::Buffer(_) => {
                    sink.local_get(self.rest).local_get(*at).local_get(at + 1);
                    sink.memory_copy(OURS, self.theirs());
                    self.go_on(sink, |sink| {
                        sink.local_get(at + 1);
                    });
                }
                Argument::Events => {
                    sink.local_get(self.rest).local_get(*at);
                    sink.local_get(at + 2).i32_const(EVENT_IN).i32_mul();
                    sink.memory_copy(OURS, self.theirs());
                }
                Argument::Sources => {
                    sink.local_get(*at).local_get(at + 1);
                    sink.local_get(self.room).local_get(self.count).call(self.own().gather);
                    self.piece(sink);
                }
                Argument::Targets => self.piece(sink),
                _ => {}
            }
        }
        sink.local_get(self.room).local_set(self.rest);
    }

    fn go_on(&self, sink: &mut InstructionSink<'_>, bytes: impl FnOnce(&mut InstructionSink<'_>)) {
        sink.local_get(self.rest);
        bytes(sink);
        sink.i32_add().local_set(self.rest);
    }

    /// Describes the one piece that there is instead of the program's.
    fn piece(&self, sink: &mut InstructionSink<'_>) {
        sink.i32_const(PIECE).local_get(self.room).i32_store(word(OURS, 0));
        sink.i32_const(PIECE).local_get(self.count).i32_store(word(OURS, 4));
    }

    fn call(&self, sink: &mut InstructionSink<'_>) {
        let mut result = RESULTS;
        for (at, argument) in &self.arguments {
            match argument {
                Argument::Number | Argument::Long => {
                    sink.local_get(*at);
                }
                Argument::Result(_) => {
                    sink.i32_const(result);
                    result += RESULT_STRIDE;
                }
                Argument::Text | Argument::Buffer(_) => {
                    sink.local_get(self.rest).local_get(at + 1);
                    self.go_on(sink, |sink| {
                        sink.local_get(at + 1);
                    });
                }
                Argument::Sources | Argument::Targets => {
                    sink.i32_const(PIECE).i32_const(1);
                }
                Argument::Events => {
                    sink.local_get(self.room).local_get(self.room);
                    sink.local_get(at + 2).i32_const(EVENT_IN).i32_mul().i32_add();
                    sink.local_get(at + 2);
                }
                Argument::Texts(_) => {}
            }
        }
        sink.call(self.writer.import_of(self.function.name)).local_tee(self.code);
        sink.if_(BlockType::Empty).local_get(self.code).return_().end();
        sink.local_get(self.room).local_set(self.rest);
    }

    fn copy_out(&self, sink: &mut InstructionSink<'_>) {
        let mut result = RESULTS;
        for (at, argument) in &self.arguments {
            match argument {
                Argument::Result(bytes) => {
                    sink.local_get(*at).i32_const(result).i32_const(bytes.cast_signed());
                    sink.memory_copy(self.theirs(), OURS);
                    result += RESULT_STRIDE;
                }
                Argument::Text => self.go_on(sink, |sink| {
                    sink.local_get(at + 1);
                }),
                Argument::Buffer(used) => {
                    sink.local_get(*at).local_get(self.rest);
                    match used {
                        Some(number) => self.used(sink, *number, at + 1),
                        None => {
                            sink.local_get(at + 1);
                        }
                    }
                    sink.memory_copy(self.theirs(), OURS);
                }
                Argument::Targets => {
                    sink.local_get(*at).local_get(at + 1).local_get(self.room);
                    self.used(sink, 0, self.count);
                    sink.call(self.own().scatter);
                }
                Argument::Events => {
                    sink.local_get(at + 1).local_get(self.room);
                    sink.local_get(at + 2).i32_const(EVENT_IN).i32_mul().i32_add();
                    sink.local_get(at + 2).i32_const(EVENT_OUT).i32_mul();
                    sink.memory_copy(self.theirs(), OURS);
                }
                _ => {}
            }
        }
    }

    /// What the result of this number says, but no more than a local does.
    fn used(&self, sink: &mut InstructionSink<'_>, number: u32, most: u32) {
        let at = RESULTS + RESULT_STRIDE * number.cast_signed();
        sink.i32_const(at).i32_load(word(OURS, 0)).local_get(most);
        sink.i32_const(at).i32_load(word(OURS, 0)).local_get(most).i32_lt_u().select();
    }

    /// Texts and their addresses, which the adapter writes as they lie in its memory.
    fn texts(&self, sink: &mut InstructionSink<'_>, sizes: &str) {
        let (addresses, texts, theirs) = (0, 1, self.theirs());
        let bytes = RESULTS + RESULT_STRIDE;
        sink.i32_const(RESULTS).i32_const(bytes).call(self.writer.import_of(sizes));
        sink.local_tee(self.code).if_(BlockType::Empty).local_get(self.code).return_().end();
        sink.i32_const(RESULTS).i32_load(word(OURS, 0)).local_set(self.count);
        sink.local_get(addresses).local_get(self.count).i64_extend_i32_u();
        sink.i64_const(2).i64_shl();
        self.within(sink);
        sink.local_get(texts).i32_const(bytes).i32_load(word(OURS, 0)).i64_extend_i32_u();
        sink.local_tee(self.total);
        self.within(sink);
        sink.local_get(self.count).i64_extend_i32_u().i64_const(2).i64_shl();
        sink.local_get(self.total).i64_add();
        self.reserve(sink);
        // The texts lie behind their addresses.
        self.go_on(sink, |sink| {
            sink.local_get(self.count).i32_const(2).i32_shl();
        });
        sink.local_get(self.room).local_get(self.rest);
        sink.call(self.writer.import_of(self.function.name)).local_tee(self.code);
        sink.if_(BlockType::Empty).local_get(self.code).return_().end();
        sink.local_get(texts).local_get(self.rest).local_get(self.total).i32_wrap_i64();
        sink.memory_copy(theirs, OURS);
        sink.block(BlockType::Empty).loop_(BlockType::Empty);
        sink.local_get(self.count).i32_eqz().br_if(1);
        sink.local_get(addresses);
        sink.local_get(self.room).i32_load(word(OURS, 0)).local_get(self.rest).i32_sub();
        sink.local_get(texts).i32_add().i32_store(word(theirs, 0));
        for (local, step) in [(addresses, 4), (self.room, 4), (self.count, -1)] {
            sink.local_get(local).i32_const(step).i32_add().local_set(local);
        }
        sink.br(0).end().end();
        sink.i32_const(0).end();
    }
}
