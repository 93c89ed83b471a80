//! Answers with the name that is in its code: a benchmark writes another into each copy, so that no two
//! copies have the same bytes. `/compute?rounds=N` computes first, and `/hoard` takes all the memory that
//! it gets and keeps it for `ms` milliseconds.

use std::{hint::black_box, thread, time::Duration};

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

/// The name, and spaces up to its end. The benchmark finds it by these words.
static NAME: [u8; 64] = *b"the name of this copy of the component                          ";

/// How much more memory is asked for at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Memory that is not written to takes nothing.
const PAGE_BYTES: usize = 4096;

struct Named;

wasip2::http::proxy::export!(Named);

impl wasip2::exports::http::incoming_handler::Guest for Named {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match reply::path(&request).as_str() {
            "/compute" => {
                black_box(compute(reply::number(&request, "rounds")));
            }
            "/hoard" => {
                let hoard = black_box(hoard());
                thread::sleep(Duration::from_millis(reply::number(&request, "ms")));
                drop(hoard);
            }
            _ => {}
        }
        // What the compiler knows of it is not what the copy has.
        let name = black_box(&NAME);
        reply::text(out, String::from_utf8_lossy(name).trim_end());
    }
}

/// So many rounds of Marsaglia's xorshift, https://doi.org/10.18637/jss.v008.i14.
fn compute(rounds: u64) -> u64 {
    let mut state = 1_u64;
    for _ in 0..rounds {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    state
}

/// All the memory that can be had.
fn hoard() -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    loop {
        let mut piece: Vec<u8> = Vec::new();
        if pieces.try_reserve(1).is_err() || piece.try_reserve_exact(PIECE_BYTES).is_err() {
            return pieces;
        }
        piece.resize(PIECE_BYTES, 0);
        for page in piece.chunks_mut(PAGE_BYTES) {
            page[0] = 1;
        }
        pieces.push(piece);
    }
}
