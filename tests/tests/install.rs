//! What a user without Rust does: installs the Debian package, and serves an app.

use std::{fs, path::Path, process::Command};

use keyway_testing::{Keyway, debian_package, guest, is_root};

#[test]
fn the_debian_package_installs_on_a_bare_machine_and_serves_an_app() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = installed(folder.path());
    command.args(["up", "/hello.wasm", "--listen", "127.0.0.1:0"]);
    let keyway = Keyway::start_after(&mut command, "");
    assert_eq!(keyway.get("/").body, "Hello, world!\n");
    assert!(keyway.stop().success());
}

/// The program on a machine in `folder` that has nothing except the smallest Debian, the package,
/// and `/hello.wasm`.
fn installed(folder: &Path) -> Command {
    // What only root may do, others do as root of a namespace of their own.
    let own = |program: &str| {
        let mut command = Command::new(if is_root() { program } else { "unshare" });
        if !is_root() {
            command.args(["--map-auto", "--map-root-user", program]);
        }
        command
    };
    let root = folder.join("debian");
    run(own("debootstrap").args(["--variant=minbase", "bookworm"]).arg(&root));
    put(&debian_package(), &root.join("keyway.deb"));
    put(&guest("hello"), &root.join("hello.wasm"));
    run(own("chroot").arg(&root).args(["dpkg", "--install", "/keyway.deb"]));
    let mut command = own("chroot");
    command.arg(&root).arg("keyway").env("HOME", "/root");
    command
}

fn put(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// Runs a command to its end.
fn run(command: &mut Command) {
    let output = command.output().expect("a command can be started");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&said));
}
