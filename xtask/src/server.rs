//! The servers that tests run against: Debian's packages of Redis, PostgreSQL and NATS, installed
//! if that is allowed, otherwise unpacked into a folder of the user's own; and `moto`, which speaks
//! S3, from PyPI in a virtual environment.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{command::run, setup};

/// The program of each server, and the package that has it; last, what makes a bare Debian.
const SERVERS: &[(&str, &str)] = &[
    ("redis-server", "redis-server"),
    ("postgres", "postgresql"),
    ("nats-server", "nats-server"),
    ("debootstrap", "debootstrap"),
];

/// The one version of `moto` that tests are written for.
const MOTO: &str = "moto[s3,iam,server]==5.2.5";

/// Installs the servers that are missing.
pub(crate) fn install() -> Result<()> {
    install_moto()?;
    let unpacked = setup::cache()?.join("server");
    let missing: Vec<_> =
        SERVERS.iter().filter(|(program, _)| !is_there(program, Path::new("/"))).collect();
    if missing.iter().all(|(program, _)| is_there(program, &unpacked)) {
        return Ok(());
    }
    let missing: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    println!("Installing {} for the tests, once.", missing.join(", "));
    if keyway_build::is_root() {
        return install_idle(&missing);
    }
    unpack(&missing, &unpacked)
}

/// Makes the virtual environment, from the beginning if an earlier set-up was interrupted.
fn install_moto() -> Result<()> {
    let folder = setup::cache()?.join("server/python");
    if folder.join("bin/moto_server").is_file() {
        return Ok(());
    }
    println!("Installing moto for the tests, once.");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let made =
        Command::new("python3").args(["-m", "venv"]).arg(&folder).stdout(Stdio::null()).status();
    if !made.is_ok_and(|status| status.success()) {
        // Debian keeps what makes environments in a package of its own.
        keyway_build::install(&["python3-venv"])?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let installed = run(Command::new(folder.join("bin/pip")).args(["install", "-q", MOTO]));
    if installed.is_err() {
        fs::remove_dir_all(&folder)?;
    }
    installed
}

/// Whether a server's program is under `root`, where its package puts it.
fn is_there(program: &str, root: &Path) -> bool {
    let folders = ["usr/bin", "usr/sbin"].map(|folder| root.join(folder));
    folders.into_iter().chain(postgres_folders(root)).any(|folder| folder.join(program).is_file())
}

fn postgres_folders(root: &Path) -> Vec<PathBuf> {
    let versions = fs::read_dir(root.join("usr/lib/postgresql"));
    versions.into_iter().flatten().flatten().map(|version| version.path().join("bin")).collect()
}

/// Installs without starting anything: tests start servers of their own.
fn install_idle(packages: &[&str]) -> Result<()> {
    let policy = Path::new("/usr/sbin/policy-rc.d");
    let is_ours = !policy.exists();
    if is_ours {
        fs::write(policy, "#!/bin/sh\nexit 101\n")?;
        run(Command::new("chmod").arg("755").arg(policy))?;
    }
    let installed = keyway_build::install(packages);
    if is_ours {
        fs::remove_file(policy)?;
    }
    Ok(installed?)
}

/// Unpacks packages and what they need that is not installed. Beside the final folder first, so
/// that a set-up that was interrupted is begun again.
fn unpack(packages: &[&str], folder: &Path) -> Result<()> {
    let plan = Command::new("apt-get")
        .args(["install", "--simulate", "-q", "--no-install-recommends"])
        .args(packages)
        .output()
        .context("`apt-get` cannot be started")?;
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    let names: Vec<_> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next())
        .collect();
    if names.is_empty() {
        bail!(
            "Debian's package lists lack {}; `apt-get update` renews them",
            packages.join(" or ")
        );
    }
    let staging = folder.with_extension(std::process::id().to_string());
    let downloads = staging.join("packages");
    fs::create_dir_all(&downloads)?;
    run(Command::new("apt-get")
        .args(["-q", "download"])
        .args(&names)
        .current_dir(&downloads)
        .stdout(Stdio::null()))?;
    for package in fs::read_dir(&downloads)? {
        run(Command::new("dpkg").arg("-x").arg(package?.path()).arg(&staging))?;
    }
    fs::remove_dir_all(&downloads)?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(&staging, folder)?;
    for (program, package) in SERVERS.iter().filter(|(_, package)| packages.contains(package)) {
        if !is_there(program, folder) {
            bail!("the package {package} was unpacked to {}, without {program}", folder.display());
        }
    }
    Ok(())
}
