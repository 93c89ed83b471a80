//! Tries to tell the next request something, and looks for what an earlier one has told.
//!
//! `/look` answers with all that an instance can see of itself: the size and the bytes of its memory, and
//! the numbers of its next handles. `/hide/…` leaves traces, one for each letter of the path. `/leave` does not
//! finish its answer.

use std::{
    cell::Cell,
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use wasip2::http::types::{Fields, IncomingRequest, ResponseOutparam};

/// What is looked at: zeros, in pages of their own, and data.
static HOLLOW: [AtomicU64; 40_000] = [const { AtomicU64::new(0) }; 40_000];
static FULL: [AtomicU64; 4_000] = [const { AtomicU64::new(0x5555) }; 4_000];

thread_local! {
    static LOCAL: Cell<u64> = const { Cell::new(7) };
}

struct Smuggle;

wasip2::http::proxy::export!(Smuggle);

impl wasip2::exports::http::incoming_handler::Guest for Smuggle {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        // Before anything else is done: a new instance has done as little.
        let seen = look();
        let path = reply::path(&request);
        match path.strip_prefix("/hide/") {
            None if path == "/leave" => {
                let (stream, body) = reply::open(out, Fields::new());
                reply::write(&stream, b"left");
                std::mem::forget((stream, body));
            }
            None => reply::text(out, &seen),
            Some(steps) => {
                for (number, step) in steps.bytes().enumerate() {
                    hide(step, number);
                }
                reply::text(out, "ok");
            }
        }
    }
}

/// The instance, as it sees itself.
fn look() -> String {
    let pages = core::arch::wasm32::memory_size(0);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    // Address 0 is a null pointer to the compiler, and no memory to hide things in.
    for address in (8..pages << 16).step_by(8) {
        let word = unsafe { (address as *const u64).read_volatile() };
        hash = (hash ^ word).wrapping_mul(0x0100_0000_01b3);
    }
    let handles: Vec<_> = (0..40).map(|_| Fields::new()).collect();
    let numbers: Vec<_> = handles.iter().map(Fields::handle).collect();
    let local = LOCAL.get();
    format!("{pages} pages with {hash:x}, {local}, handles {numbers:?}")
}

/// Leaves a trace.
fn hide(step: u8, number: usize) {
    let value = number as u64 + 1;
    match step {
        // In pages that were zero, and in data.
        b'h' => HOLLOW[number * 997 % HOLLOW.len()].store(value, Relaxed),
        b'f' => FULL[number * 513 % FULL.len()].store(value, Relaxed),
        b'l' => LOCAL.set(value),
        // On the heap, in what is freed and in what is not.
        b'a' => drop(black_box(vec![step; 1 << (number % 17)])),
        b'k' => std::mem::forget(black_box(vec![step; 1 << (number % 17)])),
        // Deep down on the stack.
        b's' => {
            black_box(deep(100 + number as u64 % 100));
        }
        // By the order in which handles are dropped.
        b'd' => {
            let mut handles: Vec<_> = (0..=number % 30).map(|_| Fields::new()).collect();
            while !handles.is_empty() {
                handles.swap_remove(number * 31 % handles.len());
            }
        }
        // By handles that stay.
        b'q' => std::mem::forget(Fields::new()),
        // By a growth that is refused.
        b'r' => {
            core::arch::wasm32::memory_grow(0, 60_000);
        }
        // By the size of memory.
        b'g' => {
            core::arch::wasm32::memory_grow(0, 1);
        }
        _ => panic!("asked to trap"),
    }
}

fn deep(left: u64) -> u64 {
    let frame = black_box([left; 64]);
    if left == 0 { frame[0] } else { deep(left - 1) + frame[63] }
}
