//! Takes the run-time package of Go's bindings from the crate that makes the bindings, where it
//! lies beside the code, so that both are of the same version.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    println!("cargo::rerun-if-changed=../../templates");
    println!("cargo::rerun-if-changed=../../wit/wasi-0.2");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("go");
    if out.exists() {
        fs::remove_dir_all(&out).expect("the output folder can be written");
    }
    let source = crate_folder("wit-bindgen-go").join("src/pkg");
    for file in ["go.mod", "LICENSE"] {
        copy(&source.join(file), &out.join(file));
    }
    for package in ["async", "runtime", "types"] {
        let folder = source.join("wit").join(package);
        for entry in fs::read_dir(folder).expect("the crate has the package") {
            let file = entry.expect("the folder can be read");
            copy(&file.path(), &out.join("wit").join(package).join(file.file_name()));
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("it is in a folder")).expect("it can be written");
    fs::copy(from, to).expect("it can be copied");
}

/// Where cargo has unpacked a dependency.
fn crate_folder(name: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo sets it");
    // Only what is built here is unpacked for certain.
    let host = env::var("HOST").expect("cargo sets it");
    let arguments = ["metadata", "--format-version=1", "--offline", "--filter-platform", &host];
    let output = Command::new(cargo).args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let package = packages.iter().find(|package| package["name"] == name);
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    Path::new(manifest.expect("it is a dependency")).parent().expect("it is a file").to_owned()
}
