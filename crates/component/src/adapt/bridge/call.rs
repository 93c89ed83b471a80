//! The way of one call from the program to the adapter, and back.

use wasm_encoder::{BlockType, Function as Body, InstructionSink, ValType};

use super::{
    OURS, RESULTS, Writer,
    own::{Own, fail, step, word},
};
use crate::adapt::preview_1::{Argument, Function, Means, SEEK, STATUS, error};

/// How far a result is from the one before.
const RESULT_STRIDE: i32 = 64;

/// What an event that is waited for takes, and one that came to be.
const EVENT_IN: i32 = 48;
const EVENT_OUT: i32 = 32;

/// The adapter gets room for so many bytes of entries at least, and the program's buffer what fits. In a
/// smaller one the adapter repeats the first entry.
const ENTRIES_BYTES: i32 = 1024;

/// The number of `fd_seek` that means from where the descriptor is.
pub(super) const FROM_HERE: i32 = 1;

/// One call of a function of preview 1, on its way.
pub(super) struct Call<'w, 'p> {
    writer: &'w Writer<'p>,
    function: &'static Function,
    /// The arguments, with the numbers of their first parameters.
    arguments: Vec<(u32, Argument)>,
    /// Locals: the error code; where there is room, and where it goes on; how many there are of
    /// something, and how many bytes.
    code: u32,
    room: u32,
    rest: u32,
    count: u32,
    total: u32,
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
        if let Means::Refusal(code) = self.function.means {
            self.refuse(sink, code);
            return body;
        }
        if let [(_, Argument::Texts(sizes))] = self.arguments[..] {
            self.texts(sink, sizes);
            return body;
        }
        self.check(sink);
        self.copy_in(sink);
        self.call(sink);
        self.copy_out(sink);
        if self.function.means == Means::Reopening {
            sink.local_get(0).i64_const(0).i32_const(FROM_HERE).i32_const(RESULTS);
            sink.call(self.writer.import_of(SEEK)).drop();
        }
        sink.i32_const(0).end();
        body
    }

    /// Fails with this error, or with what is wrong with the descriptor, if it takes one.
    fn refuse(&self, sink: &mut InstructionSink<'_>, code: i32) {
        if self.function.companions.contains(&STATUS) {
            sink.local_get(0).i32_const(RESULTS);
            self.ask(sink, STATUS);
        }
        sink.i32_const(code).end();
    }

    /// Calls a function of the adapter with what the stack has, and ends if it fails.
    fn ask(&self, sink: &mut InstructionSink<'_>, name: &str) {
        sink.call(self.writer.import_of(name)).local_tee(self.code);
        sink.if_(BlockType::Empty).local_get(self.code).return_().end();
    }

    /// Checks all addresses and texts, and makes room for what they point at.
    fn check(&self, sink: &mut InstructionSink<'_>) {
        for (at, argument) in &self.arguments {
            match argument {
                Argument::Result(bytes) => {
                    sink.local_get(*at).i64_const(i64::from(*bytes));
                    self.within(sink);
                }
                Argument::Text | Argument::Buffer(_) | Argument::Entries => {
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
                _ => {}
            }
        }
        for (at, argument) in &self.arguments {
            if *argument == Argument::Text {
                sink.local_get(*at).local_get(at + 1).call(self.own().is_text).i32_eqz();
                fail(sink, error::NOT_TEXT);
            }
        }
        sink.i64_const(0);
        for (at, argument) in &self.arguments {
            match argument {
                Argument::Text | Argument::Buffer(_) | Argument::Entries => {
                    sink.local_get(at + 1).i64_extend_i32_u().i64_add();
                }
                Argument::Events => {
                    sink.local_get(at + 2).i64_extend_i32_u();
                    sink.i64_const((EVENT_IN + EVENT_OUT).into()).i64_mul().i64_add();
                }
                _ => {}
            }
        }
        self.reserve(sink);
    }

    /// Ends with an error unless as many bytes as the stack says are there at the address below.
    fn within(&self, sink: &mut InstructionSink<'_>) {
        sink.call(self.own().within).i32_eqz();
        fail(sink, error::FAULT);
    }

    /// Makes room for as many bytes as the stack says.
    fn reserve(&self, sink: &mut InstructionSink<'_>) {
        sink.call(self.own().reserve).local_tee(self.room).i32_eqz();
        fail(sink, error::NO_MEMORY);
        sink.local_get(self.room).local_set(self.rest);
    }

    fn copy_in(&self, sink: &mut InstructionSink<'_>) {
        for (at, argument) in &self.arguments {
            match argument {
                // What the adapter leaves of a buffer stays as it is.
                Argument::Text | Argument::Buffer(_) => {
                    sink.local_get(self.rest).local_get(*at).local_get(at + 1);
                    sink.call(self.own().take);
                    self.go_on(sink, at + 1);
                }
                Argument::Events => {
                    sink.local_get(self.rest).local_get(*at);
                    sink.local_get(at + 2).i32_const(EVENT_IN).i32_mul();
                    sink.call(self.own().take);
                    sink.local_get(self.rest).local_get(at + 2).call(self.own().set_deadlines);
                }
                _ => {}
            }
        }
        sink.local_get(self.room).local_set(self.rest);
    }

    /// Goes on behind as many bytes as this local says.
    fn go_on(&self, sink: &mut InstructionSink<'_>, bytes: u32) {
        sink.local_get(self.rest).local_get(bytes).i32_add().local_set(self.rest);
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
                    self.go_on(sink, at + 1);
                }
                Argument::Entries => {
                    sink.local_get(self.room);
                    sink.local_get(at + 1).i32_const(ENTRIES_BYTES);
                    sink.local_get(at + 1).i32_const(ENTRIES_BYTES).i32_gt_u().select();
                }
                Argument::Events => {
                    sink.local_get(self.room).local_get(self.room);
                    sink.local_get(at + 2).i32_const(EVENT_IN).i32_mul().i32_add();
                    sink.local_get(at + 2);
                }
                // Those have ways of their own.
                Argument::Texts(_) | Argument::Sources | Argument::Targets => {}
            }
        }
        self.ask(sink, self.function.name);
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
                Argument::Text => self.go_on(sink, at + 1),
                Argument::Buffer(used) => {
                    sink.local_get(*at).local_get(self.rest);
                    match used {
                        Some(number) => self.used(sink, *number, at + 1),
                        None => {
                            sink.local_get(at + 1);
                        }
                    }
                    sink.call(self.own().give);
                }
                Argument::Entries => {
                    sink.i32_const(RESULTS);
                    self.used(sink, 0, at + 1);
                    sink.local_tee(self.count).i32_store(word(OURS, 0));
                    sink.local_get(*at).local_get(self.rest).local_get(self.count);
                    sink.call(self.own().give);
                }
                Argument::Events => {
                    sink.local_get(at + 1).local_get(self.room);
                    sink.local_get(at + 2).i32_const(EVENT_IN).i32_mul().i32_add();
                    self.used(sink, 0, at + 2);
                    sink.i32_const(EVENT_OUT).i32_mul().call(self.own().give);
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
        sink.i32_const(RESULTS).i32_const(bytes);
        self.ask(sink, sizes);
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
        sink.local_get(self.room).local_get(self.count).i32_const(2).i32_shl().i32_add();
        sink.local_set(self.rest);
        sink.local_get(self.room).local_get(self.rest);
        self.ask(sink, self.function.name);
        sink.local_get(texts).local_get(self.rest).local_get(self.total).i32_wrap_i64();
        sink.call(self.own().give);
        sink.block(BlockType::Empty).loop_(BlockType::Empty);
        sink.local_get(self.count).i32_eqz().br_if(1);
        sink.local_get(addresses);
        sink.local_get(self.room).i32_load(word(OURS, 0)).local_get(self.rest).i32_sub();
        sink.local_get(texts).i32_add().i32_store(word(theirs, 0));
        step(sink, &[(addresses, 4), (self.room, 4), (self.count, -1)]);
        sink.br(0).end().end();
        sink.i32_const(0).end();
    }
}
