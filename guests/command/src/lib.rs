//! A command, which does what its first argument says.

use std::{
    env, fs,
    io::{Read, Write},
    process,
};

use wasip2::cli::exit;

struct Command;

wasip2::cli::command::export!(Command);

impl wasip2::exports::cli::run::Guest for Command {
    fn run() -> Result<(), ()> {
        if env::args().nth(1).as_deref() == Some("fail") {
            return Err(());
        }
        act();
        // The standard library does so at the end of `main`, which is not there.
        std::io::stdout().flush().map_err(drop)
    }
}

fn act() {
    let arguments: Vec<String> = env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        [] => println!("Hello, world!"),
        ["arguments", ..] => println!("{}", arguments.join("|")),
        ["environment"] => {
            let mut variables: Vec<_> = env::vars().map(|(k, v)| format!("{k}={v}")).collect();
            variables.sort();
            println!("{}", variables.join("|"));
        }
        ["copy"] => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).expect("input is text");
            print!("{text}");
            eprintln!("{} bytes", text.len());
        }
        ["read", path] => match fs::read_to_string(path) {
            Ok(text) => print!("{text}"),
            Err(error) => println!("error: {error}"),
        },
        ["write", path, text] => match fs::write(path, text) {
            Ok(()) => println!("written"),
            Err(error) => println!("error: {error}"),
        },
        ["connect", address] => println!("{}", probe::probe(&format!("/tcp?addr={address}"))),
        ["exit", code] => process::exit(code.parse().expect("a number")),
        ["exit-with-code", code] => exit::exit_with_code(code.parse().expect("a number")),
        ["exit-well"] => exit::exit(Ok(())),
        ["exit-badly"] => exit::exit(Err(())),
        ["panic"] => inner(),
        ["loop"] => {
            println!("looping");
            let mut number = 1_u64;
            loop {
                number = std::hint::black_box(number.wrapping_mul(3));
            }
        }
        ["memory", mebibytes] => {
            let bytes = mebibytes.parse::<usize>().expect("a number") << 20;
            println!("{}", std::hint::black_box(vec![1_u8; bytes]).len());
        }
        other => println!("what is {other:?}?"),
    }
}

#[inline(never)]
fn inner() {
    panic!("asked to panic");
}
