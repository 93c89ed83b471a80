//! Redis.

use super::{PASSWORD, Server, greet};

/// A server of Redis. It keeps its data when it is killed, and tells of changes to keys.
#[derive(Debug)]
pub struct Redis(Server);

impl Redis {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub fn start() -> Self {
        let arguments = |folder: &std::path::Path, port: u16| {
            let arguments = format!(
                "--bind 127.0.0.1 --port {port} --dir {} --appendonly yes \
                 --requirepass {PASSWORD} --notify-keyspace-events KA",
                folder.display()
            );
            arguments.split(' ').map(str::to_owned).collect()
        };
        // It asks for the password, or is still reading its data.
        let is_ready = |port| greet(port, b"PING\r\n").is_ok_and(|a| a.starts_with(b"-NOAUTH"));
        Self(Server::start("redis-server", arguments, is_ready))
    }

    /// Its address, with the right password.
    pub fn url(&self) -> String {
        self.url_with(PASSWORD)
    }

    /// Its address, with another password.
    pub fn url_with(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}/0", self.0.port)
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
