//! Debian and its descendants: installs packages, or unpacks them outside the system.

use std::{fs, path::Path, process::Command};

use crate::{
    SetUpError,
    process::{ask, on_path, set_up_by},
};

/// Whether this system has Debian's package manager.
pub(crate) fn is_here() -> bool {
    on_path("apt-get").is_some() && on_path("dpkg-query").is_some()
}

/// Installs the packages that are missing. It asks for a password where one is needed.
///
/// # Errors
/// If the package manager fails.
pub fn install(packages: &[&str]) -> Result<(), SetUpError> {
    let missing: Vec<_> = packages.iter().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    set_up_by(apt(&["update", "-q"]))?;
    let mut command = apt(&["install", "-q", "-y", "--no-install-recommends"]);
    command.args(missing);
    set_up_by(command)
}

/// Whether packages can be installed without asking for a password.
pub fn is_root() -> bool {
    ask("id", &["-u"]).is_some_and(|id| id == "0")
}

pub(crate) fn is_installed(package: &str) -> bool {
    ask("dpkg-query", &["--show", "--showformat=${db:Status-Status}", package])
        .is_some_and(|status| status == "installed")
}

/// The command that installs these packages, as a user types it.
pub(crate) fn command(packages: &[&str]) -> String {
    let sudo = if is_root() { "" } else { "sudo " };
    format!("{sudo}apt-get install {}", packages.join(" "))
}

/// The packages whose names match `pattern`, from the lists on this machine.
pub(crate) fn known(pattern: &str) -> Vec<String> {
    let search = Command::new("apt-cache").args(["search", "--names-only", pattern]).output();
    let output = search.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Downloads packages and unpacks them into `folder`, without those that they depend on.
pub(crate) fn unpack(packages: &[String], folder: &Path) -> Result<(), SetUpError> {
    let downloads = folder.join("packages");
    fs::create_dir_all(&downloads).map_err(SetUpError::file(&downloads))?;
    let mut download = Command::new("apt-get");
    download.args(["-q", "download"]).args(packages).current_dir(&downloads);
    set_up_by(download)?;
    for package in fs::read_dir(&downloads).map_err(SetUpError::file(&downloads))? {
        let package = package.map_err(SetUpError::file(&downloads))?;
        let mut unpack = Command::new("dpkg");
        unpack.arg("-x").arg(package.path()).arg(folder);
        set_up_by(unpack)?;
    }
    fs::remove_dir_all(&downloads).map_err(SetUpError::file(&downloads))
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
