//! Says what the crate carries in it: cargo does not know of folders that are included.

fn main() {
    for folder in ["go", "../../templates", "../../wit/wasi-0.2"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
