//! Greets whoever is named on the command line.

mod greeting;

fn main() {
    let name = std::env::args().nth(1);
    println!("{}", greeting::greeting(name.as_deref().unwrap_or("world")));
}
