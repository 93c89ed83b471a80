//! The workspace of a package, and where cargo builds it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::{Project, process::run};

/// What cargo says of a package's workspace; a package of its own is one too.
#[derive(Debug, Deserialize)]
pub(super) struct Workspace {
    #[serde(rename = "workspace_root")]
    root: PathBuf,
    #[serde(rename = "target_directory")]
    target: PathBuf,
    packages: Vec<Package>,
    #[serde(skip)]
    is_shared: bool,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

/// A library or program of a package.
#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

impl Workspace {
    /// None if cargo cannot read the package; it says why when it builds.
    pub(super) fn of(project: &Project) -> Option<Self> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
        let output = run(command.current_dir(&project.folder)).ok()?;
        let mut workspace: Self = serde_json::from_slice(&output.stdout).ok()?;
        if !workspace.target.starts_with(&workspace.root) {
            workspace.leave_shared_target();
        }
        Some(workspace)
    }

    /// A build folder that many packages share (`CARGO_TARGET_DIR`) holds one component of a name,
    /// which is another package's if two have the same. Each workspace gets a folder of its own in
    /// it.
    fn leave_shared_target(&mut self) {
        let hash = blake3::hash(self.root.as_os_str().as_encoded_bytes()).to_hex();
        let name = self.root.file_name().unwrap_or_default().to_string_lossy();
        self.target = self.target.join("keyway").join(format!("{name}-{}", &hash[..16]));
        self.is_shared = true;
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that it is built in.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// The same, if it is another than cargo would take.
    pub(super) fn own_target(&self) -> Option<&Path> {
        self.is_shared.then_some(&*self.target)
    }

    /// The files that say which dependencies it has.
    pub(super) fn files(&self) -> [PathBuf; 2] {
        ["Cargo.lock", "Cargo.toml"].map(|name| self.root.join(name))
    }

    /// What the files that are built of the project itself begin with: the package's name and those
    /// of its crates.
    pub(super) fn names_of(&self, project: &Project) -> Vec<String> {
        let manifest = project.folder.join("Cargo.toml");
        let own = self.packages.iter().filter(|package| package.manifest_path == manifest);
        let names = own.flat_map(|package| {
            let crates = package.targets.iter().map(|target| target.name.replace('-', "_"));
            crates.flat_map(|name| [format!("lib{name}"), name]).chain([package.name.clone()])
        });
        names.collect()
    }
}
