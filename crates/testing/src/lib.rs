//! Fixtures for tests of the whole program: the built `keyway`, built components, apps in temporary
//! folders, HTTP by hand, and real servers. It does not know Keyway's internals.

mod client;
mod http;
mod load;
mod opened;
mod program;
mod running;
pub mod server;
mod wait;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

pub use http::{Answer, HTTP2_GET, Sent, get, read_until, request, send};
pub use load::{Answers, Load};
pub use opened::Opened;
pub use program::{Finished, Keyway, command, finish, finish_in, terminate};
pub use running::RunningApp;
pub use wait::eventually;

/// The folder that cargo builds into: the one that this test was built into.
fn build_folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    // <build folder>/debug/deps/<test>
    let folder = test.ancestors().nth(3).expect("a test lies in a build folder");
    folder.to_owned()
}

/// The file of a component under `guests/`.
///
/// # Panics
/// If it is not built.
pub fn guest(name: &str) -> PathBuf {
    let path = build_folder().join("guest/component").join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is not there: run `cargo xtask guests`", path.display());
    path
}

/// The Debian package of the built program.
///
/// # Panics
/// If it is not made.
pub fn debian_package() -> PathBuf {
    let folder = build_folder().join("dist");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut packages = files.filter(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = packages.next();
    package.unwrap_or_else(|| panic!("{} has no package: run `cargo xtask test`", folder.display()))
}

/// Whether this is root, which needs no namespace to create a machine.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The folder of an example.
///
/// # Panics
/// If the test was not started by cargo.
pub fn example(name: &str) -> PathBuf {
    // Asked at run time: what was compiled may come from another checkout that shares the build
    // folder.
    let here = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let mut folders = Path::new(&here).ancestors();
    let workspace = folders.find(|folder| folder.join("examples/log-pipeline").is_dir());
    workspace.expect("the tests lie in the workspace").join("examples").join(name)
}

/// An app in a temporary folder: `manifest`, in which `{guest:NAME}` stands for the path of a
/// component under `guests/`.
///
/// # Panics
/// If a component is not built or the folder cannot be written.
pub fn app(manifest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut text = String::new();
    let mut rest = manifest;
    while let Some((before, after)) = rest.split_once("{guest:") {
        let (name, after) = after.split_once('}').expect("`{guest:` is closed");
        text.push_str(before);
        text.push_str(&guest(name).display().to_string());
        rest = after;
    }
    text.push_str(rest);
    fs::write(folder.path().join("keyway.toml"), text).expect("the manifest is written");
    folder
}
