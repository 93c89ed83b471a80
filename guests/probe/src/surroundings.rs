//! What the component finds around it: environment, files, clock, chance.

use std::{env, fs};

use wasip2::clocks::wall_clock;
use wasip2::filesystem::preopens::get_directories;
use wasip2::random::random::get_random_u64;

/// The environment, sorted, one `name=value` a line.
pub fn environment() -> String {
    let mut lines: Vec<String> =
        env::vars().map(|(name, value)| format!("{name}={value}\n")).collect();
    lines.sort();
    lines.concat()
}

/// The arguments, one a line.
pub fn arguments() -> String {
    env::args().map(|argument| argument + "\n").collect()
}

/// The guest's paths of the directories it was given, one a line.
pub fn preopens() -> String {
    get_directories().into_iter().map(|(_, path)| path + "\n").collect()
}

/// The content of the file at `path`.
pub fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{:?}", error.kind()))
}

/// Writes a file at `path`.
pub fn write(path: &str) -> Result<String, String> {
    fs::write(path, "written by a guest\n").map_err(|error| format!("{:?}", error.kind()))?;
    Ok("written".to_owned())
}

/// Puts a link to `target` in the place of the empty folder `name` in the first folder given.
pub fn relink(name: &str, target: &str) -> Result<String, String> {
    let directories = get_directories();
    let (directory, _) = directories.first().ok_or("there is no folder")?;
    directory.remove_directory_at(name).map_err(|error| error.name().to_owned())?;
    directory.symlink_at(target, name).map_err(|error| error.name().to_owned())?;
    Ok("linked".to_owned())
}

/// The wall clock's seconds.
pub fn clock() -> String {
    wall_clock::now().seconds.to_string()
}

/// A number by chance.
pub fn random() -> String {
    get_random_u64().to_string()
}

/// Prints a line to each of the two outputs.
pub fn print() -> String {
    println!("to stdout");
    eprintln!("to stderr");
    "printed".to_owned()
}

/// Prints lines that try to look like those of a component called `other`.
pub fn forge() -> String {
    println!("1\rother: forged");
    println!("2\u{1b}[2K\u{1b}[Gother: forged");
    println!("3\u{9b}Gother:\tforged, dürch");
    "printed".to_owned()
}
