//! A command that computes: `sha256 MEBIBYTES`, or `sort NUMBERS`; or that greets so often: `hello
//! TIMES`.

use std::env;

use sha2::{Digest, Sha256};

struct Compute;

wasip2::cli::command::export!(Compute);

impl wasip2::exports::cli::run::Guest for Compute {
    fn run() -> Result<(), ()> {
        let arguments: Vec<String> = env::args().collect();
        let [_, what, count] = arguments.as_slice() else { return Err(()) };
        let count: usize = count.parse().map_err(drop)?;
        match what.as_str() {
            "sha256" => println!("{}", sha256(count)),
            "hello" => print!("{}", "Hello, world!\n".repeat(count)),
            "sort" => println!("{}", sort(count)),
            _ => return Err(()),
        }
        Ok(())
    }
}

/// The hash of so many mebibytes, of which each byte is the count of those before it.
fn sha256(mebibytes: usize) -> String {
    let block: Vec<u8> = (0..1 << 20).map(|index| index as u8).collect();
    let mut hasher = Sha256::new();
    for _ in 0..mebibytes {
        hasher.update(&block);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The middle one of so many numbers that follow no order.
fn sort(count: usize) -> u64 {
    let mut state = 1_u64;
    let mut numbers: Vec<u64> = (0..count)
        .map(|_| {
            // Marsaglia's xorshift, https://doi.org/10.18637/jss.v008.i14.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        })
        .collect();
    numbers.sort_unstable();
    numbers.get(count / 2).copied().unwrap_or_default()
}
