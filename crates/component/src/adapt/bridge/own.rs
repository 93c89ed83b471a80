//! The functions of a bridge that are its own.

use wasm_encoder::{BlockType, Function as Body, InstructionSink, MemArg, ValType};

use super::{OURS, ROOM_AT, ROOM_SIZE};

/// The bridge's own functions.
#[derive(Clone, Copy)]
pub(super) struct Own {
    pub(super) within: u32,
    pub(super) reserve: u32,
    pub(super) total: u32,
    pub(super) gather: u32,
    pub(super) scatter: u32,
}

/// Returns an error code if the stack says so.
pub(super) fn fail(sink: &mut InstructionSink<'_>, code: i32) {
    sink.if_(BlockType::Empty).i32_const(code).return_().end();
}

pub(super) fn word(memory_index: u32, offset: u64) -> MemArg {
    // Programs may keep them anywhere.
    MemArg { offset, align: 0, memory_index }
}

/// Whether so many bytes (1) are there at an address (0).
pub(super) fn within(theirs: u32) -> Body {
    let mut body = Body::new([]);
    let sink = &mut body.instructions();
    sink.local_get(0).i64_extend_i32_u().local_get(1).i64_add();
    sink.memory_size(theirs).i64_extend_i32_u().i64_const(16).i64_shl();
    sink.i64_le_u().end();
    body
}

/// Where there is room for so many bytes (0); null if there is none.
pub(super) fn reserve() -> Body {
    let mut body = Body::new([(1, ValType::I32)]);
    let sink = &mut body.instructions();
    let (bytes, page) = (0, 1);
    sink.local_get(bytes).global_get(ROOM_SIZE).i64_le_u().if_(BlockType::Empty);
    sink.global_get(ROOM_AT).return_().end();
    // Rounded up to whole pages.
    sink.local_get(bytes).i64_const(0xffff).i64_add().i64_const(16).i64_shr_u();
    sink.local_tee(bytes).i64_const(0xffff).i64_gt_u();
    fail(sink, 0);
    sink.local_get(bytes).i32_wrap_i64().memory_grow(OURS).local_tee(page);
    sink.i32_const(-1).i32_eq();
    fail(sink, 0);
    sink.local_get(page).i32_const(16).i32_shl().global_set(ROOM_AT);
    sink.local_get(bytes).i64_const(16).i64_shl().global_set(ROOM_SIZE);
    sink.global_get(ROOM_AT).end();
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
    for (local, step) in [(piece, 8), (left, -1)] {
        sink.local_get(local).i32_const(step).i32_add().local_set(local);
    }
    sink.br(0).end().end();
    sink.local_get(sum).end();
    body
}

/// Which way bytes are copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    FromProgram,
    ToProgram,
}

/// Copies between pieces (0), of which there are so many (1), and bytes (2), of which there are so
/// many (3).
pub(super) fn carry(theirs: u32, way: Way) -> Body {
    let mut body = Body::new([(1, ValType::I32)]);
    let sink = &mut body.instructions();
    let (piece, pieces, bytes, left, count) = (0, 1, 2, 3, 4);
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(left).i32_eqz().br_if(1).local_get(pieces).i32_eqz().br_if(1);
    sink.local_get(piece).i32_load(word(theirs, 4)).local_tee(count);
    sink.local_get(left).local_get(count).local_get(left).i32_lt_u().select().local_set(count);
    if way == Way::FromProgram {
        sink.local_get(bytes).local_get(piece).i32_load(word(theirs, 0));
        sink.local_get(count).memory_copy(OURS, theirs);
    } else {
        sink.local_get(piece).i32_load(word(theirs, 0)).local_get(bytes);
        sink.local_get(count).memory_copy(theirs, OURS);
    }
    sink.local_get(bytes).local_get(count).i32_add().local_set(bytes);
    sink.local_get(left).local_get(count).i32_sub().local_set(left);
    for (local, step) in [(piece, 8), (pieces, -1)] {
        sink.local_get(local).i32_const(step).i32_add().local_set(local);
    }
    sink.br(0).end().end().end();
    body
}
