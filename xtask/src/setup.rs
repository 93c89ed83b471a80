//! The toolchain for guests. `rustup target add wasm32-wasip2` where its server is reached; else
//! Debian's newer compiler, unpacked beside rustup's, whose standard library is built from source.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::run;

/// The packages that are unpacked into a folder of our own: installed, they would conflict with
/// rustup. One more, with a version in its name, is looked up.
const UNPACKED: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "libstd-rust-web-dev", "rust-web-llvm"];

/// The packages that are installed.
const INSTALLED: &[&str] = &["libllvm22", "lld-22", "wasi-libc"];

/// What guests are built with.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// rustup's compiler, with the target `wasm32-wasip2`.
    Rustup,
    /// Debian's compiler, in this folder, with the target `wasm32-wasip1` and its component linker.
    Debian(PathBuf),
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rustup => f.write_str("rustup's compiler for wasm32-wasip2"),
            Self::Debian(folder) => write!(f, "Debian's compiler in {}", folder.display()),
        }
    }
}

/// Keyway's folder in the user's cache.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => {
            PathBuf::from(env::var_os("HOME").context("set HOME or XDG_CACHE_HOME")?).join(".cache")
        }
    };
    Ok(base.join("keyway"))
}

/// Finds the toolchain, or sets it up.
pub(crate) fn toolchain() -> Result<Toolchain> {
    if has_target()? {
        return Ok(Toolchain::Rustup);
    }
    let folder = cache()?.join("rust-web");
    if is_ready(&folder) {
        return Ok(Toolchain::Debian(folder));
    }
    println!("Setting up the toolchain for guests, once.");
    let added = Command::new("timeout")
        .args(["60", "rustup", "target", "add", "wasm32-wasip2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if added.is_ok_and(|status| status.success()) && has_target()? {
        return Ok(Toolchain::Rustup);
    }
    set_up_debian(&folder)
        .context("no toolchain for guests: rustup reaches no server for `wasm32-wasip2`, and Debian's packages could not be set up")?;
    Ok(Toolchain::Debian(folder))
}

/// Installs Debian packages that are missing.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let missing: Vec<_> = packages.iter().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    run(apt(&["update", "-q"]).stdout(Stdio::null()))?;
    run(apt(&["install", "-q", "-y", "--no-install-recommends"])
        .args(missing)
        .stdout(Stdio::null()))
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output();
    query.is_ok_and(|output| output.stdout == b"installed")
}

/// Whether packages can be installed without asking for a password.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn has_target() -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-wasip2"])
        .output()
        .context("`rustc` cannot be started")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(output.status.success() && folder.is_dir())
}

fn sources(folder: &Path) -> PathBuf {
    folder.join("usr/lib/rustlib/src/rust")
}

fn is_ready(folder: &Path) -> bool {
    folder.join("usr/bin/rustc").is_file()
        && sources(folder).join("library").is_dir()
        && INSTALLED.iter().all(|package| is_installed(package))
}

/// Unpacks beside the final folder and renames, so that a set-up that was interrupted is begun
/// again and never half used.
fn set_up_debian(folder: &Path) -> Result<()> {
    install(INSTALLED)?;
    let parent = folder.parent().context("the cache folder has no parent")?;
    fs::create_dir_all(parent)?;
    let staging = parent.join(format!(".rust-web-{}", std::process::id()));
    let packages = staging.join("packages");
    fs::create_dir_all(&packages)?;
    let mut names: Vec<String> = UNPACKED.iter().map(ToString::to_string).collect();
    names.push(versioned_library()?);
    run(Command::new("apt-get").arg("-q").arg("download").args(&names).current_dir(&packages))?;
    for package in fs::read_dir(&packages)? {
        run(Command::new("dpkg").arg("-x").arg(package?.path()).arg(&staging))?;
    }
    fs::remove_dir_all(&packages)?;
    let source = fs::read_dir(staging.join("usr/src"))?
        .flatten()
        .map(|entry| entry.file_name())
        .find(|name| name.to_string_lossy().starts_with("rustc-"))
        .context("the package rust-web-src has no sources")?;
    let link = sources(&staging);
    fs::create_dir_all(link.parent().context("the sources' folder has no parent")?)?;
    // Relative, so that it holds after the rename.
    std::os::unix::fs::symlink(Path::new("../../../src").join(source), &link)?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(&staging, folder)?;
    if !is_ready(folder) {
        bail!("Debian's packages were unpacked to {}, but they are not complete", folder.display());
    }
    Ok(())
}

/// The standard library's package has the compiler's version in its name.
fn versioned_library() -> Result<String> {
    let output = Command::new("apt-cache")
        .args(["depends", "libstd-rust-web-dev"])
        .output()
        .context("`apt-cache` cannot be started")?;
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .find(|word| word.starts_with("libstd-rust-web-1."))
        .map(str::to_owned)
        .context("Debian's package lists have no libstd-rust-web")
}
