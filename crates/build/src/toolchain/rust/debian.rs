//! Debian's compiler for WebAssembly, for machines whose rustup cannot reach its server: unpacked
//! into a separate folder, because an installed one would conflict with rustup. Its standard
//! library comes as source, and is built once.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    SetUpError,
    debian::{install, is_installed, known, unpack},
    process::{ask, set_up_by},
};

/// The packages that are unpacked. One more, with a version in its name, is looked up.
const UNPACKED: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "libstd-rust-web-dev", "rust-web-llvm"];

/// The packages that are installed.
const INSTALLED: &[&str] = &["libllvm22", "lld-22", "wasi-libc"];

/// The target of WASI preview 1: Debian's C library for WebAssembly knows no other.
const TARGET: &str = "wasm32-wasip1";

const HOST: &str = "x86_64-unknown-linux-gnu";

pub(super) fn folder(cache: &Path) -> PathBuf {
    cache.join("rust-web")
}

pub(super) fn rustc(folder: &Path) -> PathBuf {
    folder.join("usr/bin/rustc")
}

/// Where compilers look for standard libraries.
fn libraries(folder: &Path) -> PathBuf {
    folder.join("usr/lib/rustlib")
}

fn sources(folder: &Path) -> PathBuf {
    libraries(folder).join("src/rust")
}

fn standard_library(folder: &Path) -> PathBuf {
    libraries(folder).join(TARGET)
}

pub(super) fn version(folder: &Path) -> Option<String> {
    ask("env", &[&search_path(folder), &rustc(folder).to_string_lossy(), "--version"])
}

pub(super) fn is_ready(folder: &Path) -> bool {
    is_unpacked(folder) && standard_library(folder).is_dir()
}

fn is_unpacked(folder: &Path) -> bool {
    rustc(folder).is_file()
        && sources(folder).join("library").is_dir()
        && INSTALLED.iter().all(|package| is_installed(package))
}

/// Has cargo use it.
pub(super) fn configure(cargo: &mut Command, folder: &Path) {
    set_compiler(cargo, folder, "");
    cargo.args(["--target", TARGET]);
}

/// The linker writes a component at once, with an adapter for what is of preview 1.
fn set_compiler(cargo: &mut Command, folder: &Path, more_flags: &str) {
    let linker = libraries(folder).join(HOST).join("bin/wasm-component-ld");
    let flags = [
        "-Clink-self-contained=no",
        "-L/usr/lib/wasm32-wasi",
        &format!("-Clinker={}", linker.display()),
        "-Clink-arg=--wasm-ld-path=/usr/bin/wasm-ld-22",
        more_flags,
    ];
    cargo
        .env("RUSTC", rustc(folder))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", flags.join(" ").trim_end());
    let search_path = search_path(folder);
    let (name, value) = search_path.split_once('=').unwrap_or_default();
    cargo.env(name, value);
}

/// The variable by which the compiler finds its own libraries, as `NAME=VALUE`.
fn search_path(folder: &Path) -> String {
    let own = folder.join("usr/lib/x86_64-linux-gnu");
    let others = env::var("LD_LIBRARY_PATH").map(|others| format!(":{others}"));
    format!("LD_LIBRARY_PATH={}{}", own.display(), others.unwrap_or_default())
}

/// Unpacks and builds beside the final folders and renames, so that a set-up that was interrupted
/// is begun again and never half used.
pub(super) fn set_up(folder: &Path) -> Result<(), SetUpError> {
    install(INSTALLED)?;
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(SetUpError::file(parent))?;
    if !is_unpacked(folder) {
        let staging = staging(parent)?;
        unpack_compiler(staging.path())?;
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(SetUpError::file(folder))?;
        }
        fs::rename(staging.keep(), folder).map_err(SetUpError::file(folder))?;
    }
    build_standard_library(folder, staging(parent)?.path())?;
    if is_ready(folder) {
        return Ok(());
    }
    Err(SetUpError::Incomplete { what: "Debian's Rust", folder: folder.to_owned() })
}

fn staging(parent: &Path) -> Result<tempfile::TempDir, SetUpError> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let mut staging = tempfile::Builder::new();
    let staging = staging.prefix(".rust-web-").permissions(permissions).tempdir_in(parent);
    staging.map_err(SetUpError::file(parent))
}

fn unpack_compiler(staging: &Path) -> Result<(), SetUpError> {
    let mut names: Vec<String> = UNPACKED.iter().map(ToString::to_string).collect();
    names.extend(known("^libstd-rust-web-1[.]").into_iter().max());
    unpack(&names, staging)?;
    let source = staging.join("usr/src");
    let entries = fs::read_dir(&source).map_err(SetUpError::file(&source))?;
    let mut names = entries.flatten().map(|entry| entry.file_name());
    let name = names.find(|name| name.to_string_lossy().starts_with("rustc-"));
    let link = sources(staging);
    let above = link.parent().unwrap_or(staging);
    fs::create_dir_all(above).map_err(SetUpError::file(above))?;
    // Relative, so that it holds after the rename.
    let target = Path::new("../../../src").join(name.unwrap_or_default());
    std::os::unix::fs::symlink(target, &link).map_err(SetUpError::file(&link))
}

/// Builds the standard library by way of a package that uses nothing of it, and puts it where the
/// compiler looks, as rustup does.
fn build_standard_library(folder: &Path, staging: &Path) -> Result<(), SetUpError> {
    let write = |name: &str, text: &str| {
        let path = staging.join(name);
        fs::write(&path, text).map_err(SetUpError::file(path))
    };
    write("Cargo.toml", "[package]\nname = \"empty\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n")?;
    write("lib.rs", "")?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "-Zbuild-std=std,panic_abort"]);
    cargo.args(["--target", TARGET, "--target-dir"]).arg(staging.join("target"));
    // Packages that are optimised as a whole need it in this form.
    set_compiler(&mut cargo, folder, "-Cembed-bitcode=yes");
    set_up_by(cargo_in(cargo, staging))?;
    let built = staging.join("target").join(TARGET).join("release/deps");
    let library = staging.join("library");
    let into = library.join("lib");
    fs::create_dir_all(&into).map_err(SetUpError::file(&into))?;
    for entry in fs::read_dir(&built).map_err(SetUpError::file(&built))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty") {
            fs::rename(entry.path(), into.join(&name)).map_err(SetUpError::file(&into))?;
        }
    }
    let place = standard_library(folder);
    if place.exists() {
        fs::remove_dir_all(&place).map_err(SetUpError::file(&place))?;
    }
    fs::rename(&library, &place).map_err(SetUpError::file(&place))
}

fn cargo_in(mut cargo: Command, folder: &Path) -> Command {
    cargo.current_dir(folder).env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
    cargo
}
