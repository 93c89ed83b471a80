//! NATS.

use super::{PASSWORD, Server, greet};

/// A server of NATS with JetStream. It keeps its data when it is killed.
#[derive(Debug)]
pub struct Nats(Server);

impl Nats {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub fn start() -> Self {
        let arguments = |folder: &std::path::Path, port: u16| {
            let arguments = format!(
                "-a 127.0.0.1 -p {port} -js -sd {} --user keyway --pass {PASSWORD}",
                folder.display()
            );
            arguments.split(' ').map(str::to_owned).collect()
        };
        let is_ready = |port| greet(port, b"").is_ok_and(|answer| answer.starts_with(b"INFO"));
        Self(Server::start("nats-server", arguments, is_ready))
    }

    /// Its address, with the right password.
    pub fn url(&self) -> String {
        self.url_with(PASSWORD)
    }

    /// Its address, with another password.
    pub fn url_with(&self, password: &str) -> String {
        format!("nats://keyway:{password}@127.0.0.1:{}", self.0.port)
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
