//! PostgreSQL.

use std::{fs, path::Path, process::Stdio};

use super::{PASSWORD, Server, command, folder};

/// A server of PostgreSQL, with a user `keyway`. It keeps its data when it is
/// killed.
#[derive(Debug)]
pub struct Postgres(Server);

impl Postgres {
    /// Makes a cluster, starts a server and waits until it answers.
    ///
    /// # Panics
    /// If one of them does not work.
    pub fn start() -> Self {
        let folder = folder();
        initialize(folder.path());
        let arguments = |folder: &Path, port: u16| {
            // The machine does not fail in a test, so the disk need not be waited for.
            let arguments = format!(
                "-D {0}/data -p {port} -k {0} -c listen_addresses=127.0.0.1 -c fsync=off \
                 -c max_connections=200",
                folder.display()
            );
            arguments.split(' ').map(str::to_owned).collect()
        };
        Self(Server::start_in(folder, "postgres", arguments, is_ready))
    }

    /// Its address, with the right password.
    pub fn url(&self) -> String {
        self.url_with(PASSWORD)
    }

    /// Its address, with another password.
    pub fn url_with(&self, password: &str) -> String {
        format!("postgres://keyway:{password}@127.0.0.1:{}/postgres", self.0.port)
    }

    /// Kills it (-9).
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it again after it was killed.
    pub fn restart(&mut self) {
        self.0.restart();
    }
}

fn initialize(folder: &Path) {
    let password = folder.join("password");
    fs::write(&password, PASSWORD).expect("the password can be written");
    let made = command("initdb")
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-U", "keyway", "-A", "scram-sha-256", "--locale=C", "-E", "UTF8", "--no-sync"])
        .arg(format!("--pwfile={}", password.display()))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("initdb can be started");
    assert!(made.status.success(), "initdb fails:\n{}", String::from_utf8_lossy(&made.stderr));
}

fn is_ready(port: u16) -> bool {
    let asked = command("pg_isready")
        .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
        .status()
        .expect("pg_isready can be started");
    asked.success()
}
