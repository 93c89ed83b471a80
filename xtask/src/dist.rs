//! `cargo xtask dist`: what a user without Rust installs. A tarball and a Debian package for machines
//! like this one, with their checksums.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    command::{run, target},
    guest,
};

/// What is packed beside the program: the file in the repository and its name in the package.
const DOCUMENTS: &[(&str, &str)] =
    &[("README.md", "README.md"), ("CHANGELOG.md", "CHANGELOG.md"), ("LICENSE", "copyright")];

/// How a package is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Cargo profile of the packed program.
    #[arg(long, default_value = "release")]
    profile: String,
}

/// Builds the program and packs it, into `dist/` of the build folder.
pub(crate) fn run_all(root: &Path, arguments: &Arguments) -> Result<()> {
    let program = guest::build_program(root, &arguments.profile)?;
    let folder = pack(root, &program)?;
    for name in file_names(&folder)? {
        println!("{}", folder.join(name).display());
    }
    Ok(())
}

/// Packs a built program, and says in which folder the packages are.
pub(crate) fn pack(root: &Path, program: &Path) -> Result<PathBuf> {
    let folder = target(root).join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let staging = tempfile::tempdir_in(&folder)?;
    let stripped = staging.path().join("keyway");
    run(Command::new("strip").arg("-o").arg(&stripped).arg(program))?;
    let release = Release::of(root)?;
    release.tarball(root, &stripped, staging.path(), &folder)?;
    release.debian_package(root, &stripped, staging.path(), &folder)?;
    drop(staging);
    let names = file_names(&folder)?;
    let sums = fs::File::create(folder.join("SHA256SUMS"))?;
    run(Command::new("sha256sum").args(names).current_dir(&folder).stdout(sums))?;
    Ok(folder)
}

/// What is packed: the same bytes for the same commit.
struct Release {
    version: &'static str,
    /// Seconds since 1970 of the commit.
    time: String,
}

impl Release {
    fn of(root: &Path) -> Result<Self> {
        let log = ["log", "-1", "--format=%ct"];
        let time = said(Command::new("git").args(log).current_dir(root))?;
        Ok(Self { version: env!("CARGO_PKG_VERSION"), time })
    }

    fn tarball(&self, root: &Path, program: &Path, staging: &Path, to: &Path) -> Result<()> {
        let name = format!("keyway-{}-{}-linux", self.version, std::env::consts::ARCH);
        let folder = staging.join(&name);
        put(program, &folder.join("keyway"), 0o755)?;
        for (file, _) in DOCUMENTS {
            put(&root.join(file), &folder.join(file), 0o644)?;
        }
        run(Command::new("tar")
            .args(["--create", "--gzip", "--sort=name", "--owner=0", "--group=0"])
            .args(["--numeric-owner", "--mode=go-w", &format!("--mtime=@{}", self.time)])
            .arg("--file")
            .arg(to.join(format!("{name}.tar.gz")))
            .arg("--directory")
            .arg(staging)
            .arg(&name))
    }

    /// [`deb-control(5)`](https://manpages.debian.org/deb-control.5) has the fields.
    fn debian_package(&self, root: &Path, program: &Path, staging: &Path, to: &Path) -> Result<()> {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let tree = staging.join("deb");
        put(program, &tree.join("usr/bin/keyway"), 0o755)?;
        for (file, name) in DOCUMENTS {
            put(&root.join(file), &tree.join("usr/share/doc/keyway").join(name), 0o644)?;
        }
        let service = Path::new("keyway.service");
        let units = tree.join("usr/lib/systemd/system");
        put(&root.join("packaging").join(service), &units.join(service), 0o644)?;
        let control = format!(
            "Package: keyway\n\
             Version: {}\n\
             Architecture: {architecture}\n\
             Maintainer: The Keyway project\n\
             Homepage: {}\n\
             Section: net\n\
             Priority: optional\n\
             Depends: libc6 (>= {}), libgcc-s1\n\
             Recommends: ca-certificates\n\
             Description: platform for services made of WebAssembly components\n \
             Builds, links, serves and swaps components written in any language. A\n \
             component reaches only what the manifest of its app grants.\n",
            self.version,
            env!("CARGO_PKG_REPOSITORY"),
            glibc()?,
        );
        fs::create_dir_all(tree.join("DEBIAN"))?;
        fs::write(tree.join("DEBIAN/control"), control)?;
        run(Command::new("dpkg-deb")
            .args(["--build", "--root-owner-group", "-Zgzip"])
            .arg(&tree)
            .arg(to.join(format!("keyway_{}_{architecture}.deb", self.version)))
            .env("SOURCE_DATE_EPOCH", &self.time)
            .stdout(Stdio::null()))
    }
}

/// The version of this machine's C library, which the program was linked to.
fn glibc() -> Result<String> {
    let version = said(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    let version = version.strip_prefix("glibc ").context("packages are made for glibc only")?;
    Ok(version.to_owned())
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
    fs::copy(from, to).with_context(|| format!("{} cannot be copied", from.display()))?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}

fn file_names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// What a command writes to standard output.
fn said(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("`{program}` cannot be started"))?;
    ensure!(output.status.success(), "`{program}` failed: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
