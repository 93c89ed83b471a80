//! What takes all of the processor, the memory or the stack.

use std::hint::black_box;

use wasip2::http::types::Fields;

/// How much memory one step asks for.
const STEP_BYTES: usize = 1024 * 1024;

/// Never returns, and calls nothing that could notice.
pub fn spin() -> ! {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Asks for memory until it is refused, then panics.
pub fn exhaust_memory() -> ! {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut step = Vec::new();
        if step.try_reserve_exact(STEP_BYTES).is_err() {
            panic!("memory was refused after {} MiB", held.len());
        }
        step.resize(STEP_BYTES, 1);
        held.push(black_box(step));
    }
}

/// Makes `count` headers of 50 KB each and keeps them until it has the last; how many there were.
pub fn hoard_fields(count: u64) -> String {
    let value = vec![b'x'; 50_000];
    let make = |_| {
        let fields = Fields::new();
        fields.set("a", std::slice::from_ref(&value)).map(|()| fields).ok()
    };
    let held: Vec<Fields> = (0..count).map_while(make).collect();
    black_box(&held).len().to_string()
}

/// Calls itself without end.
pub fn exhaust_stack() -> String {
    descend(black_box(0)).to_string()
}

/// Keeps nothing in linear memory, so that what runs out is the call stack;
/// and uses its own result, so that the call cannot become a jump.
#[expect(unconditional_recursion, reason = "running out of stack is its purpose")]
#[inline(never)]
fn descend(depth: u64) -> u64 {
    descend(depth.wrapping_add(1)).rotate_left(1) ^ depth
}
