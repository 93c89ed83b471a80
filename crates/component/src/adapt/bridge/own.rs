//! The functions of a bridge that are its own.

use wasm_encoder::{BlockType, Function as Body, InstructionSink, MemArg, ValType};

use super::{OURS, RESULTS, ROOM_AT, ROOM_SIZE};

/// The bridge's own functions.
#[derive(Clone, Copy)]
pub(super) struct Own {
    pub(super) within: u32,
    pub(super) reserve: u32,
    pub(super) take: u32,
    pub(super) give: u32,
    pub(super) total: u32,
    pub(super) gather: u32,
    pub(super) scatter: u32,
    pub(super) is_text: u32,
    /// Only there if a program waits for events.
    pub(super) set_deadlines: u32,
}

impl Own {
    /// Those that are numbered from here on.
    pub(super) fn from(first: u32) -> Self {
        Self {
            within: first,
            reserve: first + 1,
            take: first + 2,
            give: first + 3,
            total: first + 4,
            gather: first + 5,
            scatter: first + 6,
            is_text: first + 7,
            set_deadlines: first + 8,
        }
    }
}

/// Returns an error code if the stack says so.
pub(super) fn fail(sink: &mut InstructionSink<'_>, code: i32) {
    sink.if_(BlockType::Empty).i32_const(code).return_().end();
}

pub(super) fn word(memory_index: u32, offset: u64) -> MemArg {
    // Programs may keep them anywhere.
    MemArg { offset, align: 0, memory_index }
}

/// Adds to locals.
pub(super) fn step(sink: &mut InstructionSink<'_>, steps: &[(u32, i32)]) {
    for &(local, by) in steps {
        sink.local_get(local).i32_const(by).i32_add().local_set(local);
    }
}

/// Whether so many bytes (1) are there at an address (0). None are there at any address: for an empty
/// buffer some languages have an address that means nothing.
pub(super) fn within(theirs: u32) -> Body {
    let mut body = Body::new([]);
    let sink = &mut body.instructions();
    sink.local_get(1).i64_eqz();
    sink.local_get(0).i64_extend_i32_u().local_get(1).i64_add();
    sink.memory_size(theirs).i64_extend_i32_u().i64_const(16).i64_shl();
    sink.i64_le_u().i32_or().end();
    body
}

/// Where there is room for so many bytes (0); null if there is none.
///
/// The room at least doubles when it grows, so that all rooms that were left take no more than the
/// last one; it stays where it is if it ends where the memory does.
pub(super) fn reserve() -> Body {
    let mut body = Body::new([(4, ValType::I32)]);
    let sink = &mut body.instructions();
    let (bytes, needed, wanted, have, page) = (0, 1, 2, 3, 4);
    sink.local_get(bytes).global_get(ROOM_SIZE).i64_le_u().if_(BlockType::Empty);
    sink.global_get(ROOM_AT).return_().end();
    // Rounded up to whole pages.
    sink.local_get(bytes).i64_const(0xffff).i64_add().i64_const(16).i64_shr_u();
    sink.local_tee(bytes).i64_const(0xffff).i64_gt_u();
    fail(sink, 0);
    sink.local_get(bytes).i32_wrap_i64().local_tee(needed);
    sink.global_get(ROOM_SIZE).i64_const(15).i64_shr_u().i32_wrap_i64().local_tee(wanted);
    sink.local_get(needed).local_get(wanted).i32_gt_u().select().local_set(wanted);
    // The first room is no whole page, and cannot be continued.
    sink.global_get(ROOM_SIZE).i64_const(16).i64_shr_u().i32_wrap_i64().i32_const(0);
    sink.global_get(ROOM_AT).i64_extend_i32_u().global_get(ROOM_SIZE).i64_add();
    sink.memory_size(OURS).i64_extend_i32_u().i64_const(16).i64_shl().i64_eq();
    sink.select().local_set(have);
    sink.local_get(wanted).local_get(have).i32_sub().memory_grow(OURS).local_tee(page);
    sink.i32_const(-1).i32_eq().if_(BlockType::Empty);
    sink.local_get(needed).local_tee(wanted);
    sink.local_get(have).i32_sub().memory_grow(OURS).local_tee(page);
    sink.i32_const(-1).i32_eq();
    fail(sink, 0);
    sink.end();
    sink.local_get(have).i32_eqz().if_(BlockType::Empty);
    sink.local_get(page).i32_const(16).i32_shl().global_set(ROOM_AT).end();
    sink.local_get(wanted).i64_extend_i32_u().i64_const(16).i64_shl().global_set(ROOM_SIZE);
    sink.global_get(ROOM_AT).end();
    body
}

/// Which way bytes are copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    FromProgram,
    ToProgram,
}

/// Copies to an address (0) from another (1) so many bytes (2). None are copied from anywhere.
pub(super) fn copy(theirs: u32, way: Way) -> Body {
    let mut body = Body::new([]);
    let sink = &mut body.instructions();
    sink.local_get(2).if_(BlockType::Empty).local_get(0).local_get(1).local_get(2);
    match way {
        Way::FromProgram => sink.memory_copy(OURS, theirs),
        Way::ToProgram => sink.memory_copy(theirs, OURS),
    };
    sink.end().end();
    body
}

/// How much pieces (0) have together, of which there are so many (1); less than nothing if one is not
/// there.
pub(super) fn total(theirs: u32, own: Own) -> Body {
    let mut body = Body::new([(1, ValType::I64)]);
    let sink = &mut body.instructions();
    let (piece, left, sum) = (0, 1, 2);
    let fail = |sink: &mut InstructionSink<'_>| {
        sink.call(own.within).i32_eqz().if_(BlockType::Empty);
        sink.i64_const(-1).return_().end();
    };
    sink.local_get(piece).local_get(left).i64_extend_i32_u().i64_const(3).i64_shl();
    fail(sink);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(left).i32_eqz().br_if(1);
    sink.local_get(piece).i32_load(word(theirs, 0));
    sink.local_get(piece).i32_load(word(theirs, 4)).i64_extend_i32_u();
    fail(sink);
    sink.local_get(piece).i32_load(word(theirs, 4)).i64_extend_i32_u();
    sink.local_get(sum).i64_add().local_set(sum);
    step(sink, &[(piece, 8), (left, -1)]);
    sink.br(0).end().end();
    sink.local_get(sum).end();
    body
}

/// Copies between pieces (0), of which there are so many (1), and bytes (2), of which there are so
/// many (3). The first bytes of the pieces are left out, so many (4).
pub(super) fn carry(theirs: u32, way: Way, own: Own) -> Body {
    let mut body = Body::new([(2, ValType::I32)]);
    let sink = &mut body.instructions();
    let (piece, pieces, bytes, left, skipped, count, at) = (0, 1, 2, 3, 4, 5, 6);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(left).i32_eqz().br_if(1).local_get(pieces).i32_eqz().br_if(1);
    sink.local_get(skipped).local_get(piece).i32_load(word(theirs, 4)).local_tee(count);
    sink.i32_ge_u().if_(BlockType::Empty);
    sink.local_get(skipped).local_get(count).i32_sub().local_set(skipped);
    sink.else_();
    sink.local_get(piece).i32_load(word(theirs, 0)).local_get(skipped).i32_add().local_set(at);
    sink.local_get(count).local_get(skipped).i32_sub().local_tee(count);
    sink.local_get(left).local_get(count).local_get(left).i32_lt_u().select().local_set(count);
    sink.i32_const(0).local_set(skipped);
    match way {
        Way::FromProgram => {
            sink.local_get(bytes).local_get(at).local_get(count).call(own.take);
        }
        Way::ToProgram => {
            sink.local_get(at).local_get(bytes).local_get(count).call(own.give);
        }
    }
    sink.local_get(bytes).local_get(count).i32_add().local_set(bytes);
    sink.local_get(left).local_get(count).i32_sub().local_set(left);
    sink.end();
    step(sink, &[(piece, 8), (pieces, -1)]);
    sink.br(0).end().end().end();
    body
}

/// Whether so many bytes (1) at an address (0) are UTF-8. The adapter passes them on as text, and would
/// trap.
pub(super) fn is_text(theirs: u32) -> Body {
    let mut body = Body::new([(4, ValType::I32)]);
    let sink = &mut body.instructions();
    let (at, left, byte, more, low, high) = (0, 1, 2, 3, 4, 5);
    let no = |sink: &mut InstructionSink<'_>| fail(sink, 0);
    // One number if a byte is this one, another if not.
    let by_byte = |sink: &mut InstructionSink<'_>, is: &[(i32, i32)], other: i32| {
        for (_, then) in is {
            sink.i32_const(*then);
        }
        sink.i32_const(other);
        for (this, _) in is.iter().rev() {
            sink.local_get(byte).i32_const(*this).i32_eq().select();
        }
    };
    sink.loop_(BlockType::Empty).local_get(left).i32_eqz().if_(BlockType::Empty);
    sink.i32_const(1).return_().end();
    sink.local_get(at).i32_load8_u(word(theirs, 0)).local_set(byte);
    step(sink, &[(at, 1), (left, -1)]);
    sink.local_get(byte).i32_const(0x80).i32_lt_u().br_if(0);
    sink.local_get(byte).i32_const(0xc2).i32_lt_u();
    sink.local_get(byte).i32_const(0xf4).i32_gt_u().i32_or();
    no(sink);
    sink.i32_const(1).local_get(byte).i32_const(0xe0).i32_ge_u().i32_add();
    sink.local_get(byte).i32_const(0xf0).i32_ge_u().i32_add().local_tee(more);
    sink.local_get(left).i32_gt_u();
    no(sink);
    sink.local_get(left).local_get(more).i32_sub().local_set(left);
    // Neither longer than needed, nor half of a pair, nor beyond what there is.
    by_byte(sink, &[(0xe0, 0xa0), (0xf0, 0x90)], 0x80);
    sink.local_set(low);
    by_byte(sink, &[(0xed, 0x9f), (0xf4, 0x8f)], 0xbf);
    sink.local_set(high);
    sink.loop_(BlockType::Empty);
    sink.local_get(at).i32_load8_u(word(theirs, 0)).local_tee(byte).local_get(low).i32_lt_u();
    sink.local_get(byte).local_get(high).i32_gt_u().i32_or();
    no(sink);
    sink.i32_const(0x80).local_set(low).i32_const(0xbf).local_set(high);
    step(sink, &[(at, 1), (more, -1)]);
    sink.local_get(more).br_if(0).end();
    sink.br(0).end().unreachable().end();
    body
}

/// What an event that is waited for has where.
mod event {
    pub(super) const TAG: u64 = 8;
    pub(super) const CLOCK: u64 = 16;
    pub(super) const TIMEOUT: u64 = 24;
    pub(super) const FLAGS: u64 = 40;
    pub(super) const BYTES: i32 = 48;
    /// The flag for a timeout that is a time.
    pub(super) const IS_TIME: i32 = 1;
}

/// Turns times that are waited for into how long that is, for events (0) of which there are so many
/// (1): the adapter fails for a time that has passed. `time` says what time it is.
pub(super) fn set_deadlines(time: u32) -> Body {
    let mut body = Body::new([(2, ValType::I64)]);
    let sink = &mut body.instructions();
    let (at, left, until, now) = (0, 1, 2, 3);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(left).i32_eqz().br_if(1);
    // The kind of a clock, and the number of the one that says the time, are null.
    sink.local_get(at).i32_load8_u(word(OURS, event::TAG));
    sink.local_get(at).i32_load(word(OURS, event::CLOCK)).i32_or().i32_eqz();
    sink.local_get(at).i32_load16_u(word(OURS, event::FLAGS)).i32_const(event::IS_TIME);
    sink.i32_and().i32_and().if_(BlockType::Empty);
    sink.i32_const(0).i64_const(0).i32_const(RESULTS).call(time).i32_eqz().if_(BlockType::Empty);
    sink.i32_const(RESULTS).i64_load(word(OURS, 0)).local_set(now);
    sink.local_get(at).i64_load(word(OURS, event::TIMEOUT)).local_set(until);
    sink.local_get(at);
    sink.local_get(until).local_get(now).i64_sub().i64_const(0);
    sink.local_get(until).local_get(now).i64_gt_u().select();
    sink.i64_store(word(OURS, event::TIMEOUT));
    sink.local_get(at).local_get(at).i32_load16_u(word(OURS, event::FLAGS));
    sink.i32_const(!event::IS_TIME).i32_and().i32_store16(word(OURS, event::FLAGS));
    sink.end().end();
    step(sink, &[(at, event::BYTES), (left, -1)]);
    sink.br(0).end().end().end();
    body
}
